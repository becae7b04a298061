/**
 * Balance of leaders: each store leads a share that fits its weight. A leader goes from a store with too many to the emptiest of those that have a
 * sound replica of the shard, if the giver stays above the taker afterwards, or level with it, by the tolerance on both sides. Each transfer
 * lowers the sum of leaders²/weight, so they come to an end; none pushes a store over its hot line.
 */
import { canTakeLeader } from './eligibility.ts'
import { transferLeader } from './expand.ts'
import { Heat } from './heat.ts'
import { leaderIdeals } from './ideals.ts'
import { type Plan, refusePlan } from './operator.ts'
import type { Planning } from './planning.ts'
import { type IndexedShard, isMovable } from './shard-entry.ts'
import type { IndexedStore } from './store-load.ts'
import type { StoreOrder } from './store-order.ts'

const SCHEDULER = 'balance-leaders'
/** Shards of a store that are weighed for one transfer. */
const WEIGHED_MAX = 64
/** Stores that had nothing to give before the round gives up. */
const FRUITLESS_MAX = 24
/** Leaders come whole: half of one is as near to its ideal as a store can be asked to get. */
const HALF = 0.5

export function planLeaderBalance(planning: Planning): void {
  const balance = new LeaderBalance(planning)
  const planned = pass(planning, balance, 'direct')
  // A detour is for when nothing else helps, and only after what is under way has arrived.
  if (planned === 0 && [...planning.index.stores()].every(({ transfers }) => transfers === 0)) {
    pass(planning, balance, 'detour')
  }
}

function pass(planning: Planning, balance: LeaderBalance, way: Way): number {
  let fruitless = 0
  let planned = 0
  for (const from of balance.sources()) {
    if (fruitless >= FRUITLESS_MAX) break
    for (;;) {
      if (!planning.mayGoOn(SCHEDULER)) return planned
      const plan = balance.plan(from, way)
      if (plan.ok) {
        planned++
        planning.conclude(SCHEDULER, { shard: plan.operator.shard }, plan)
        continue
      }
      if (plan.code === 'nothing-to-do') break
      fruitless++
      if (way === 'detour') planning.conclude(SCHEDULER, { store: from.id }, plan)
      break
    }
  }
  return planned
}

/**
 * A direct transfer leaves neither of the two on the wrong side of its ideal, so that no leader has to be handed on. Where replicas do not reach
 * from those with too many to those with too few, leaders take a detour over stores in between.
 */
type Way = 'direct' | 'detour'

export class LeaderBalance {
  readonly #order: StoreOrder
  readonly #planning: Planning
  readonly #heat: Heat
  readonly #ideals: ReadonlyMap<IndexedStore, number>

  constructor(planning: Planning) {
    this.#planning = planning
    this.#heat = new Heat(planning.index)
    this.#ideals = leaderIdeals(planning.index, 'leaders')
    const stores = [...planning.index.stores()].filter(
      ({ statistics }) => statistics.state === 'up' && statistics.liveness === 'up',
    )
    this.#order = planning.order(stores, (store) => fullness(store, store.planned.leaders))
  }

  /** Stores that may have something to give, the fullest first; every other round begins elsewhere. */
  sources(): readonly IndexedStore[] {
    const sources = [...this.#order.ascending].reverse().filter((store) => this.isWorthwhile(store))
    const { round } = this.#planning
    const start = round % 2 === 0 ? 0 : (round * FRUITLESS_MAX) % Math.max(1, sources.length)
    return [...sources.slice(start), ...sources.slice(0, start)]
  }

  ideal(store: IndexedStore): number {
    return this.#ideals.get(store) ?? 0
  }

  /** Whether the store has more leaders than the emptiest by more than both tolerances. */
  isWorthwhile(from: IndexedStore): boolean {
    const emptiest = this.#order.ascending.find(({ statistics }) => statistics.weight > 0)
    return emptiest !== undefined && emptiest !== from && this.#takerAfter(emptiest) < this.#giverAfter(from)
  }

  /** The transfer that helps most, or why there is none. */
  plan(from: IndexedStore, way: Way): Plan {
    const numbers = { leaders: from.planned.leaders, ideal: this.ideal(from) }
    if (!this.isWorthwhile(from)) {
      return refusePlan('nothing-to-do', `store ${from.id} leads no more than its share, within the tolerance`, numbers)
    }
    const giverAfter = this.#giverAfter(from)
    const isOver = from.planned.leaders - 1 >= this.ideal(from) - HALF
    let best: { readonly entry: IndexedShard; readonly to: IndexedStore; readonly after: number } | undefined
    for (const entry of way === 'detour' || isOver ? this.#weighed(from) : []) {
      if (!isMovable(entry, this.#planning.nowMs, this.#planning.settings)) continue
      for (const to of entry.stores) {
        if (way === 'direct' && to.planned.leaders + 1 > this.ideal(to) + HALF) continue
        const after = this.#takerAfter(to)
        if (after >= (best?.after ?? giverAfter) || !canTakeLeader(to, entry, this.#planning.settings)) continue
        if (this.#heat.allows(to, entry, { leader: true, replica: false })) best = { entry, to, after }
      }
    }
    if (best === undefined) {
      return refusePlan(
        'no-target',
        `no replica of the shards that ${from.id} leads is on a store with fewer leaders`,
        numbers,
      )
    }
    const { entry, to } = best
    const reason = `${from.planned.leaders} leaders on ${from.id}, ${to.planned.leaders} on ${to.id}: off balance on both sides`
    return transferLeader(entry, to, {
      scheduler: SCHEDULER,
      reason,
      numbers: {
        fromLeaders: from.planned.leaders,
        toLeaders: to.planned.leaders,
        fromIdeal: this.ideal(from),
        toIdeal: this.ideal(to),
      },
    })
  }

  #weighed(from: IndexedStore): Iterable<IndexedShard> {
    return from.led.some(WEIGHED_MAX, this.#planning.round + from.planned.leaders)
  }

  /** What remains of the advantage once the leader has moved, less the tolerance on this side. */
  #giverAfter(store: IndexedStore): number {
    if (store.statistics.weight <= 0) return store.planned.leaders > 0 ? Number.POSITIVE_INFINITY : 0
    return fullness(store, store.planned.leaders - 0.5 - this.#tolerance(store))
  }

  #takerAfter(store: IndexedStore): number {
    return fullness(store, store.planned.leaders + 0.5 + this.#tolerance(store))
  }

  #tolerance(store: IndexedStore): number {
    const { balance } = this.#planning.settings
    return Math.max(balance.leadersToleranceMin, this.ideal(store) * balance.toleranceRatio)
  }
}

/** How full a store is when it has `leaders`. A store of weight 0 is full with anything. */
function fullness({ statistics }: IndexedStore, leaders: number): number {
  if (statistics.weight > 0) return leaders / statistics.weight
  return leaders > 0 ? Number.POSITIVE_INFINITY : 0
}
