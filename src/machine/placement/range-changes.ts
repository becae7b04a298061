import { isStoreOperator, type ShardId } from '../../../shard-map/index.ts'
import type { OperatorRecord, RangeChange } from './operator-types.ts'

/**
 * When each shard was last split or merged, so that what was cut a short while ago is not joined again, whoever leads group 1 by then: the history of
 * operators is far too short for that in a large cluster. A part of the operator book, which says what has ended; it has no clock, times come in the
 * commands. Kept in the order in which they were noted.
 */

/** No setting lets a shard rest for longer. */
const REMEMBERED_MS = 30 * 24 * 3_600_000
/** As many as a map of the largest size has shards, about; the oldest are forgotten first. */
const SHARDS_MAX = 250_000

export class RangeChanges {
  readonly #changes = new Map<ShardId, RangeChange>()

  /** `ended` stands for what a state of before there were notes knew: the last operators. */
  restore(saved: readonly RangeChange[] | undefined, ended: Iterable<OperatorRecord>): void {
    for (const change of saved ?? []) this.#changes.set(change.shard, change)
    if (saved === undefined) for (const operator of ended) this.note(operator)
  }

  get all(): ReadonlyMap<ShardId, RangeChange> {
    return this.#changes
  }

  /** An operator has ended. */
  note(operator: OperatorRecord): void {
    const { plan, state, endedMs } = operator
    if (isStoreOperator(plan) || state !== 'finished' || endedMs === undefined) return
    const { kind, other } = plan
    if (kind !== 'split' && kind !== 'merge') return
    if (other !== undefined) this.#changes.delete(other.shard)
    for (const shard of rangesMadeBy(operator)) {
      this.#changes.delete(shard)
      this.#changes.set(shard, { shard, kind, atMs: endedMs })
    }
    this.#forgetOld(endedMs)
  }

  #forgetOld(nowMs: number): void {
    for (const [shard, { atMs }] of this.#changes) {
      if (this.#changes.size <= SHARDS_MAX && nowMs - atMs <= REMEMBERED_MS) return
      this.#changes.delete(shard)
    }
  }
}

/** The shards to which a split or merge gives another range; none for other operators. */
export function rangesMadeBy({ plan, freshIds }: OperatorRecord): readonly ShardId[] {
  if (isStoreOperator(plan)) return []
  const [step] = plan.steps
  if (plan.kind === 'merge') return [plan.shard]
  if (plan.kind !== 'split' || step?.what !== 'split') return []
  // Of the numbers that a split was given, the first of each cut is the new shard's.
  const width = freshIds.length / ('keys' in step.at ? step.at.keys.length : 1)
  return [plan.shard, ...freshIds.filter((_, place) => place % width === 0)]
}
