/**
 * Balance of leaders: each store leads a share that fits its weight. Where one is off its share by more than the tolerance, a leader goes to the emptiest of
 * those that have a sound replica of the shard, if the giver stays above the taker afterwards, or level with it. Each transfer lowers the sum of
 * leaders²/weight, so they come to an end; none pushes a store over its hot line.
 */
import { canTakeLeader } from './eligibility.ts'
import { transferLeader } from './expand.ts'
import { Heat } from './heat.ts'
import { leaderIdeals } from './ideals.ts'
import { shortestWay, type Transfer } from './leader-way.ts'
import { type Plan, type PlanRefusal, refusePlan } from './operator.ts'
import type { Planning } from './planning.ts'
import { type IndexedShard, isMovable, isResting } from './shard-entry.ts'
import type { IndexedStore } from './store-load.ts'
import type { StoreOrder } from './store-order.ts'

const SCHEDULER = 'balance-leaders'
/** Shards of a store that are weighed for one transfer. */
const WEIGHED_MAX = 64
/** Stores that had nothing to give before the round gives up. */
const FRUITLESS_MAX = 8
/** The same for ways over other stores, which take longer to look for; those that one round finds, and the stores to which one search goes. */
const PATHLESS_MAX = 1
const WAYS_MAX = 12
const TAKERS_MAX = 8
/** Leaders come whole: half of one is as near to its ideal as a store can be asked to get. */
const HALF = 0.5
/** A leader that balance has moved is as any other after so long. */
const MOVED_LATELY_MS = 24 * 3_600_000

export function planLeaderBalance(planning: Planning): void {
  const balance = new LeaderBalance(planning)
  let planned = 0
  let fruitless = 0
  for (const from of balance.sources()) {
    if (fruitless >= FRUITLESS_MAX) break
    for (;;) {
      if (!planning.mayGoOn(SCHEDULER)) return
      const plan = balance.direct(from)
      if (plan.ok) {
        planned++
        planning.conclude(SCHEDULER, { shard: plan.operator.shard }, plan)
        continue
      }
      if (plan.code !== 'nothing-to-do') fruitless++
      break
    }
  }
  // Paths are for when nothing simpler helps, and only after what is under way has arrived.
  if (planned === 0 && [...planning.index.stores()].every(({ transfers }) => transfers === 0))
    planPaths(planning, balance)
}

function planPaths(planning: Planning, balance: LeaderBalance): void {
  let fruitless = 0
  let ways = 0
  for (const from of balance.sources()) {
    if (fruitless >= PATHLESS_MAX || ways >= WAYS_MAX || !planning.mayGoOn(SCHEDULER)) return
    const plans = balance.path(from)
    if (plans[0]?.ok) ways++
    for (const plan of plans) {
      if (plan.ok) planning.conclude(SCHEDULER, { shard: plan.operator.shard }, plan)
      else if (plan.code !== 'nothing-to-do') {
        fruitless++
        planning.conclude(SCHEDULER, { store: from.id }, plan)
      }
    }
  }
}

export class LeaderBalance {
  readonly #order: StoreOrder
  readonly #taking: ReadonlySet<IndexedStore>
  readonly #planning: Planning
  readonly #heat: Heat
  readonly #ideals: ReadonlyMap<IndexedStore, number>

  constructor(planning: Planning) {
    this.#planning = planning
    this.#heat = new Heat(planning.index)
    this.#ideals = leaderIdeals(planning.index, 'leaders')
    // Replicas on the move bring and take leaders; what they will leave behind is balanced when they are done.
    const stores = [...planning.index.stores()].filter(
      ({ statistics, replicaOperators }) =>
        statistics.state === 'up' && statistics.liveness === 'up' && replicaOperators === 0,
    )
    this.#taking = new Set(stores)
    this.#order = planning.order(stores, (store) => fullness(store, store.planned.leaders))
  }

  /** Stores that may have something to give, the fullest first; every other round begins elsewhere. */
  sources(): readonly IndexedStore[] {
    const isWorthwhile = this.#worth()
    const sources = [...this.#order.ascending].reverse().filter(isWorthwhile)
    const { round } = this.#planning
    const start = round % 2 === 0 ? 0 : (round * FRUITLESS_MAX) % Math.max(1, sources.length)
    return [...sources.slice(start), ...sources.slice(0, start)]
  }

  /** Whether the store has too many leaders, or enough to give to one that has too few. */
  isWorthwhile(from: IndexedStore): boolean {
    return this.#worth()(from)
  }

  #worth(): (from: IndexedStore) => boolean {
    const emptiest = this.#order.ascending.find(({ statistics }) => statistics.weight > 0)
    if (emptiest === undefined) return () => false
    return (from) => from !== emptiest && this.#helps(from, emptiest)
  }

  /** Whether one of the two is beyond its tolerance, and the giver still leads no less for its weight than the taker when a leader has moved. */
  #helps(from: IndexedStore, to: IndexedStore): boolean {
    return (this.#isBeyond(from, 1) || this.#isBeyond(to, -1)) && this.#takerAfter(to) < this.#giverAfter(from)
  }

  /** Beyond the tolerance on the side of too many (1) or too few (-1). */
  #isBeyond(store: IndexedStore, side: 1 | -1): boolean {
    return side * (store.planned.leaders - this.#ideal(store)) > this.#tolerance(store) + HALF
  }

  /**
   * The transfer that helps most and leaves neither of the two on the wrong side of its ideal, so that no leader has to be handed on; or why there
   * is none.
   */
  direct(from: IndexedStore): Plan {
    const problem = this.#giverProblem(from)
    if (problem !== undefined) return problem
    if (from.planned.leaders - 1 < this.#ideal(from) - HALF) return this.#noTarget(from)
    const best =
      this.#best(from, (entry) => !this.#isMovedLately(entry)) ??
      (this.#mayMoveAgain(from) ? this.#best(from, () => true) : undefined)
    return best === undefined ? this.#noTarget(from) : this.#plan(best, '')
  }

  #best(from: IndexedStore, isFirst: (entry: IndexedShard) => boolean): Transfer | undefined {
    let best: Transfer | undefined
    let bestAfter = this.#giverAfter(from)
    // Most replicas stand where they help less than what was found already: that is looked at before anything that takes longer.
    const isBetter = (to: IndexedStore, entry: IndexedShard): boolean =>
      this.#takerAfter(to) < bestAfter &&
      to.planned.leaders + 1 <= this.#ideal(to) + HALF &&
      this.#helps(from, to) &&
      isFirst(entry)
    for (const transfer of this.#transfers(from, isBetter)) {
      best = transfer
      bestAfter = this.#takerAfter(transfer.to)
    }
    return best
  }

  /** While many replicas are on the move, leaders come and go with them; who was handed over once stays as long as another can go. */
  #isMovedLately({ statistics: { lastTransferMs } }: IndexedShard): boolean {
    return lastTransferMs !== undefined && this.#planning.nowMs - lastTransferMs < MOVED_LATELY_MS
  }

  /** From a store with few leaders, or far too many; any other has some that stayed, and those weighed in one round only happen not to be them. */
  #mayMoveAgain(from: IndexedStore): boolean {
    return from.led.size <= WEIGHED_MAX || from.planned.leaders > this.#ideal(from) + 2 * this.#tolerance(from) + HALF
  }

  /**
   * Where replicas do not reach from those with too many to those with too few, each store on a way between them hands one leader to the next: only
   * the two ends change, and no leader is moved twice. The shortest way; or why there is none.
   */
  path(from: IndexedStore): readonly Plan[] {
    const problem = this.#giverProblem(from)
    if (problem !== undefined) return [problem]
    const transfers = shortestWay({
      giver: from,
      takers: this.#takers(from),
      outOf: (store, isWanted) => this.#lasting(this.#transfers(store, isWanted)),
      into: (store, isWanted) => this.#lasting(this.#handedTo(store, isWanted)),
    })
    if (transfers === undefined) return [this.#noTarget(from)]
    const way = transfers.length > 1 ? `; the way goes over ${transfers.slice(1).map(({ from }) => from.id)}` : ''
    return transfers.map((transfer) => this.#plan(transfer, way))
  }

  /** The emptiest of those to which a leader of the store's would be worth its way. */
  #takers(from: IndexedStore): readonly IndexedStore[] {
    const takers: IndexedStore[] = []
    for (const store of this.#order.ascending) {
      if (takers.length >= TAKERS_MAX || !this.#helps(from, store)) break
      if (store.planned.leaders <= this.#ideal(store)) takers.push(store)
    }
    return takers
  }

  /** Without those that would take a leader on that balance brought lately. */
  *#lasting(transfers: Iterable<Transfer>): Generator<Transfer> {
    for (const transfer of transfers) {
      if (!this.#isMovedLately(transfer.entry) || this.#mayMoveAgain(transfer.from)) yield transfer
    }
  }

  #giverProblem(from: IndexedStore): PlanRefusal | undefined {
    const numbers = { leaders: from.planned.leaders, ideal: this.#ideal(from) }
    if (!this.isWorthwhile(from)) {
      return refusePlan('nothing-to-do', `store ${from.id} leads no more than its share, within the tolerance`, numbers)
    }
    if (!this.#taking.has(from)) {
      return refusePlan(
        'store-limit',
        `replicas of store ${from.id} are moving; its leaders are balanced after that`,
        numbers,
      )
    }
    return this.#heat.excess(from, 'ops') > 0
      ? refusePlan('too-busy', `store ${from.id} is hot, so its leaders move by their load first`, numbers)
      : undefined
  }

  #noTarget(from: IndexedStore): PlanRefusal {
    const reason = `no replica of the shards that ${from.id} leads is on a store with fewer leaders`
    return refusePlan('no-target', reason, { leaders: from.planned.leaders, ideal: this.#ideal(from) })
  }

  /** What the store could hand over, to whom that `isWanted`, which is asked as the search goes. */
  *#transfers(from: IndexedStore, isWanted: (to: IndexedStore, entry: IndexedShard) => boolean): Generator<Transfer> {
    const { nowMs, settings } = this.#planning
    for (const entry of this.#weighed(from)) {
      let isFit: boolean | undefined
      for (const to of entry.stores) {
        if (!this.#taking.has(to) || !isWanted(to, entry)) continue
        isFit ??= isMovable(entry) && !isResting(entry, 'leader', nowMs, settings)
        if (!isFit) break
        if (!canTakeLeader(to, entry, settings)) continue
        if (this.#heat.allows(to, entry, { leader: true, replica: false })) yield { entry, from, to }
      }
    }
  }

  /** What those that `isWanted` could hand over to the store. */
  *#handedTo(to: IndexedStore, isWanted: (from: IndexedStore) => boolean): Generator<Transfer> {
    const { nowMs, round, settings } = this.#planning
    if (!this.#taking.has(to)) return
    for (const entry of to.followed.some(WEIGHED_MAX, round + to.planned.leaders)) {
      const from = entry.leader
      if (from === undefined || !this.#taking.has(from) || !isWanted(from)) continue
      if (!isMovable(entry) || isResting(entry, 'leader', nowMs, settings) || !canTakeLeader(to, entry, settings))
        continue
      if (this.#heat.allows(to, entry, { leader: true, replica: false })) yield { entry, from, to }
    }
  }

  #plan({ entry, from, to }: Transfer, way: string): Plan {
    const reason = `${from.planned.leaders} leaders on ${from.id}, ${to.planned.leaders} on ${to.id}: off balance${way}`
    return transferLeader(entry, to, {
      scheduler: SCHEDULER,
      reason,
      numbers: {
        fromLeaders: from.planned.leaders,
        toLeaders: to.planned.leaders,
        fromIdeal: this.#ideal(from),
        toIdeal: this.#ideal(to),
      },
    })
  }

  #ideal(store: IndexedStore): number {
    return this.#ideals.get(store) ?? 0
  }

  #weighed(from: IndexedStore): Iterable<IndexedShard> {
    return from.led.some(WEIGHED_MAX, this.#planning.round + from.planned.leaders)
  }

  /** Half a leader on each side, so that the sum of squares falls with each transfer. */
  #giverAfter(store: IndexedStore): number {
    if (store.statistics.weight <= 0) return store.planned.leaders > 0 ? Number.POSITIVE_INFINITY : 0
    return fullness(store, store.planned.leaders - HALF)
  }

  #takerAfter(store: IndexedStore): number {
    return fullness(store, store.planned.leaders + HALF)
  }

  #tolerance(store: IndexedStore): number {
    const { balance } = this.#planning.settings
    return Math.max(balance.leadersToleranceMin, this.#ideal(store) * balance.toleranceRatio)
  }
}

/** How full a store is when it has `leaders`. A store of weight 0 is full with anything. */
function fullness({ statistics }: IndexedStore, leaders: number): number {
  if (statistics.weight > 0) return leaders / statistics.weight
  return leaders > 0 ? Number.POSITIVE_INFINITY : 0
}
