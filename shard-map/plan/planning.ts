/**
 * One round of planning as it goes: what has been planned so far, with its influence already in the index, and every decision with its reason.
 * At the end the index is given back as it was found; who carries operators out begins them there. So a dry run and the real one are the same.
 */
import type { ShardId, StoreId } from '../types.ts'
import { replicaIdeals, replicaShares } from './ideals.ts'
import {
  type Decision,
  type Numbers,
  type Plan,
  type PlannedOperator,
  type PlanRefusalCode,
  type SchedulerName,
  stepToText,
} from './operator.ts'
import type { PlacementIndex } from './placement-index.ts'
import type { PlanSettings } from './statistics.ts'
import { type IndexedStore, isAccepting } from './store-load.ts'
import { StoreOrder } from './store-order.ts'

/** Shards that one scheduler looks at in one round, of each set it goes through. */
export const LOOKED_AT_MAX = 512
/** Decisions not to act that one scheduler records in one round. */
const DECLINED_MAX = 32

export interface PlanClock {
  readonly nowMs: number
  /** Counts rounds. It decides where searches begin, so that in time every shard is looked at. */
  readonly round: number
}

export class Planning {
  readonly index: PlacementIndex
  readonly nowMs: number
  readonly round: number
  readonly #operators: PlannedOperator[] = []
  readonly #decisions: Decision[] = []
  readonly #planned = new Map<SchedulerName, number>()
  readonly #declined = new Map<SchedulerName, number>()
  readonly #orders: StoreOrder[] = []
  #shares: ReadonlyMap<IndexedStore, number> | undefined
  #targets: StoreOrder | undefined

  constructor(index: PlacementIndex, clock: PlanClock) {
    this.index = index
    this.nowMs = clock.nowMs
    this.round = clock.round
  }

  get decisionCount(): number {
    return this.#decisions.length
  }

  get settings(): PlanSettings {
    return this.index.settings
  }

  /** Replicas per shard that each store should hold. */
  get shares(): ReadonlyMap<IndexedStore, number> {
    this.#shares ??= replicaShares(this.index)
    return this.#shares
  }

  /** Stores that accept, the emptiest first by replicas and bytes together. */
  get targets(): readonly IndexedStore[] {
    if (this.#targets === undefined) {
      const replicas = replicaIdeals(this.shares, 'replicas')
      const bytes = replicaIdeals(this.shares, 'bytes')
      const { bytesToleranceMin } = this.settings.balance
      const accepting = [...this.index.stores()].filter(isAccepting)
      this.#targets = this.order(
        accepting,
        (store) =>
          store.planned.replicas / Math.max(1, replicas.get(store) ?? 0) +
          store.planned.bytes / Math.max(bytesToleranceMin, bytes.get(store) ?? 0),
      )
    }
    return this.#targets.ascending
  }

  /** Stores by a number that is kept right while this round plans. */
  order(stores: Iterable<IndexedStore>, rank: (store: IndexedStore) => number): StoreOrder {
    const order = new StoreOrder(stores, rank)
    this.#orders.push(order)
    return order
  }

  /** Whether the scheduler may plan more in this round, and does not just fail again and again. */
  mayGoOn(scheduler: SchedulerName): boolean {
    const planned = this.#planned.get(scheduler) ?? 0
    const declined = this.#declined.get(scheduler) ?? 0
    return planned < this.settings.limits.operatorsPerRound && declined < DECLINED_MAX
  }

  /** Takes the plan in, or records why there is none. */
  conclude(
    scheduler: SchedulerName,
    subject: { readonly shard?: ShardId; readonly store?: StoreId },
    plan: Plan,
  ): boolean {
    if (plan.ok) {
      this.#accept(scheduler, plan.operator)
      return true
    }
    this.decline(scheduler, subject, plan.message, plan.numbers, plan.code)
    return false
  }

  decline(
    scheduler: SchedulerName,
    subject: { readonly shard?: ShardId; readonly store?: StoreId },
    reason: string,
    numbers: Numbers,
    refusal?: PlanRefusalCode,
  ): void {
    this.#declined.set(scheduler, (this.#declined.get(scheduler) ?? 0) + 1)
    const why = refusal === undefined ? {} : { refusal }
    this.#decisions.push({ scheduler, ...subject, action: null, ...why, reason, numbers })
  }

  /** Leaves the index as it was before the round. */
  finish(): { readonly operators: readonly PlannedOperator[]; readonly decisions: readonly Decision[] } {
    for (const operator of this.#operators) this.index.end(operator)
    return { operators: this.#operators, decisions: this.#decisions }
  }

  #accept(scheduler: SchedulerName, operator: PlannedOperator): void {
    this.index.begin(operator)
    this.#operators.push(operator)
    this.#planned.set(scheduler, (this.#planned.get(scheduler) ?? 0) + 1)
    this.#decisions.push(decisionOf(scheduler, operator))
    for (const { shard, replicas, leader } of operator.influence) {
      const entry = this.index.shard(shard)
      const touched = new Set<IndexedStore>(entry?.stores)
      for (const id of leader === undefined ? replicas : [...replicas, leader]) {
        const store = this.index.store(id)
        if (store !== undefined) touched.add(store)
      }
      for (const store of touched) for (const order of this.#orders) order.update(store)
    }
  }
}

/** A decision to act, in words. */
export function decisionOf(scheduler: SchedulerName, operator: PlannedOperator): Decision {
  const { shard, kind, reason, numbers, steps } = operator
  return { scheduler, shard, action: `${kind}: ${steps.map(stepToText).join('; ')}`, reason, numbers }
}
