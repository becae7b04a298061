import type { DamagedLog, GroupId } from '../log-store.ts'
import type { SuspectedLog } from './replay.ts'

/**
 * The logs that cannot be trusted, until somebody destroys them, and what must stay on disk for their sake. It touches no file; the segment log asks it.
 *
 * Nobody knows what a damaged log still needs, so it pins no segment by live bytes. But the segments that tell of the damage, and all that hold records of such a
 * log, must stay: without its older records the next recovery could find what is left of it whole, with entries gone from its end that were acknowledged, and
 * with votes forgotten. Segments leave in order of age only, so those before the first such segment may go, and no other.
 */
export class DamagedLogs {
  readonly #logs = new Map<GroupId, SuspectedLog>()

  constructor(found: readonly SuspectedLog[]) {
    for (const log of found) this.#logs.set(log.group, log)
  }

  list(): readonly DamagedLog[] {
    return [...this.#logs.values()].map(({ group, file, offset, reason }) => ({ group, file, offset, reason }))
  }

  has(group: GroupId): boolean {
    return this.#logs.has(group)
  }

  /**
   * A log in use turned out to be damaged. `oldest`, the oldest segment, and all behind it stay: whatever broke off at the damage may have let go in memory of
   * what the disk still needs.
   */
  add(log: DamagedLog, oldest: number): void {
    if (!this.#logs.has(log.group)) this.#logs.set(log.group, { ...log, evidenceFrom: oldest })
  }

  remove(group: GroupId): void {
    this.#logs.delete(group)
  }

  /** The first segment that must stay; infinite where there is no damage. */
  get evidenceFrom(): number {
    let from = Number.POSITIVE_INFINITY
    for (const { evidenceFrom } of this.#logs.values()) from = Math.min(from, evidenceFrom)
    return from
  }
}
