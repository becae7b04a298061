/**
 * Balance of replicas, by number and by bytes. Something moves only when a store is off its ideal by more than the tolerance, and only from a
 * store with too much to one with too little, so that neither ends beyond the tolerance on its other side. A move that mends numbers may harm
 * bytes (or the reverse) by at most half of what it mends; so each move lowers the sum of squared deviations, and moves come to an end. No move
 * makes isolation worse or pushes a store over its hot line.
 */

import { canTakeReplica, givingLimit, isBalanced } from './eligibility.ts'
import { type Amount, Exchange, type Standing, WEIGHT_OF_UNWANTED } from './exchange.ts'
import { replaceVoter } from './expand.ts'
import { Heat } from './heat.ts'
import { replicaIdeals } from './ideals.ts'
import { sharingWith } from './isolation.ts'
import { type Plan, refusePlan } from './operator.ts'
import type { Planning } from './planning.ts'
import { type IndexedShard, isMovable, isResting } from './shard-entry.ts'
import { type IndexedStore, isAccepting } from './store-load.ts'
import type { StoreOrder } from './store-order.ts'

const SCHEDULER = 'balance-replicas'
/** Shards of a store that are weighed for one move. */
const WEIGHED_MAX = 32
/** Targets that are tried for one move. */
const TARGETS_MAX = 16
/** Stores from which nothing could be moved before the round gives up; another round begins with others. */
const FRUITLESS_MAX = 4
/** Shards that are weighed against targets in one pass over the sources, one against each: most moves need a few dozen. */
const PAIRS_MAX = 8192

/** A shard that balance has moved is as any other after so long. */
const MOVED_LATELY_MS = 3_600_000

/**
 * A direct move takes from too much and gives to too little, so that no store hands on what it was given, and leaves the other amount within its
 * tolerance on both, so that what is moved for numbers is not moved again for bytes. First those of shards that balance has not moved lately: a store
 * that takes one for its bytes may be given others for their load, and then gives. Only where no such move exists, and after what is under way
 * has arrived, any shard may go; and only where that does not help either, a move may trade.
 */
const WAYS = ['first', 'direct', 'trade'] as const
type Way = (typeof WAYS)[number]

export function planReplicaBalance(planning: Planning): void {
  const balance = new ReplicaBalance(planning)
  for (const amount of ['replicas', 'bytes'] as const) {
    for (const way of WAYS) {
      if (way !== 'first' && [...planning.index.stores()].some(({ receiving }) => receiving > 0)) break
      if (pass(planning, balance, amount, way) > 0) break
    }
  }
}

function pass(planning: Planning, balance: ReplicaBalance, amount: Amount, way: Way): number {
  let fruitless = 0
  let planned = 0
  const pairsMax = balance.pairs + PAIRS_MAX
  for (const from of balance.sources(amount)) {
    if (fruitless >= FRUITLESS_MAX) break
    for (;;) {
      if (!planning.mayGoOn(SCHEDULER) || balance.pairs >= pairsMax) return planned
      const plan = balance.plan(from, amount, way)
      if (plan.ok) {
        planned++
        planning.conclude(SCHEDULER, { shard: plan.operator.shard }, plan)
        continue
      }
      if (plan.code === 'nothing-to-do') break
      fruitless++
      if (way === 'trade') planning.conclude(SCHEDULER, { store: from.id }, plan)
      break
    }
  }
  return planned
}

/** A shard that could leave a store, weighed against many others that might take it. */
interface Movable {
  readonly entry: IndexedShard
  readonly staying: readonly IndexedStore[]
  /** What the store shares with those that stay; no other may share more. */
  readonly sharingMax: number
}

export class ReplicaBalance {
  readonly #planning: Planning
  readonly #heat: Heat
  readonly #standings: Readonly<Record<Amount, ReadonlyMap<IndexedStore, Standing>>>
  readonly #orders: Readonly<Record<Amount, StoreOrder>>
  /** One over the mean ideal, so that numbers and bytes can be added. */
  readonly #scale: Readonly<Record<Amount, number>>
  #pairs = 0

  constructor(planning: Planning) {
    this.#planning = planning
    this.#heat = new Heat(planning.index)
    const { settings } = planning
    this.#standings = { replicas: standingsOf(planning, 'replicas'), bytes: standingsOf(planning, 'bytes') }
    // A store of weight 0 has no ideal and gives everything away.
    const stores = [...planning.index.stores()].filter(
      (store) => isBalanced(store, settings) || (isUp(store) && store.statistics.weight <= 0),
    )
    this.#orders = {
      replicas: planning.order(stores, (store) => this.#relative(store, 'replicas')),
      bytes: planning.order(stores, (store) => this.#relative(store, 'bytes')),
    }
    const { replicasToleranceMin, bytesToleranceMin } = settings.balance
    this.#scale = {
      replicas: 1 / Math.max(replicasToleranceMin, this.#meanIdeal('replicas')),
      bytes: 1 / Math.max(bytesToleranceMin, this.#meanIdeal('bytes')),
    }
  }

  /** Shards that were weighed so far, once for each target. */
  get pairs(): number {
    return this.#pairs
  }

  /**
   * Stores that may have something to give, the fullest first; every other round begins elsewhere, so that some that cannot give do not hide
   * the rest.
   */
  sources(amount: Amount): readonly IndexedStore[] {
    const descending = [...this.#orders[amount].ascending].reverse()
    const isWorthwhile = this.#worth(amount)
    const sources = descending.filter(isWorthwhile)
    const { round } = this.#planning
    const start = round % 2 === 0 ? 0 : (round * FRUITLESS_MAX) % Math.max(1, sources.length)
    return [...sources.slice(start), ...sources.slice(0, start)]
  }

  isWorthwhile(from: IndexedStore, amount: Amount): boolean {
    return this.#worth(amount)(from)
  }

  /** Whether a store has too much, or enough to give to one that has too little. */
  #worth(amount: Amount): (from: IndexedStore) => boolean {
    const emptiest = this.#orders[amount].ascending[0]
    const isAnyShort =
      emptiest !== undefined && this.#deviation(emptiest, amount) < -this.#standing(emptiest, amount).tolerance
    return (from) => {
      const deviation = this.#deviation(from, amount)
      const { tolerance } = this.#standing(from, amount)
      return deviation > tolerance || (isAnyShort && deviation > -tolerance)
    }
  }

  #standing(store: IndexedStore, amount: Amount): Standing {
    return this.#standings[amount].get(store) as Standing
  }

  /** What the store has more than it should; negative when it has less. */
  #deviation(store: IndexedStore, amount: Amount): number {
    return store.planned[amount] - this.#standing(store, amount).ideal
  }

  /** The best move away from a store, or why there is none. */
  plan(from: IndexedStore, amount: Amount, way: Way): Plan {
    const numbers = {
      [amount]: from.planned[amount],
      [amount === 'bytes' ? 'idealBytes' : 'ideal']: this.#standing(from, amount).ideal,
    }
    if (!this.isWorthwhile(from, amount)) {
      return refusePlan('nothing-to-do', `store ${from.id} is within the tolerance of its ideal`, numbers)
    }
    const { settings } = this.#planning
    const limit = givingLimit(from, settings)
    if (limit !== undefined) return limit
    const shards = this.#movable(from, way === 'first' || !this.#mayMoveAgain(from, amount))
    let tried = 0
    const { operatorsPerStore } = settings.limits
    const fullness = this.#relative(from, amount)
    for (const to of this.#orders[amount].ascending) {
      // While much is under way, that is most of them.
      if (to.replicaOperators >= operatorsPerStore) continue
      const exchange = this.#exchange(from, to, amount)
      if (to === from || !exchange.helps || fullness <= this.#relative(to, amount)) break
      this.#pairs += shards.length
      const entry = this.#best(shards, from, to, amount, exchange, way)
      if (entry !== undefined) return this.#move(entry, from, to, amount)
      if (++tried >= TARGETS_MAX) break
    }
    const reason =
      shards.length === 0
        ? `no shard of store ${from.id} can move now`
        : `no store can take a replica from ${from.id} without harm to isolation, load or balance`
    return refusePlan('no-target', reason, { ...numbers, targetsTried: tried })
  }

  /**
   * Whether shards that balance has moved here lately may go: from a store that is off by twice the tolerance, or that has few. Any other has older
   * ones among its shards, and those that are weighed in one round only happen not to be them. Bytes that are off by less than twice the tolerance are not
   * worth a shard's second journey.
   */
  #mayMoveAgain(from: IndexedStore, amount: Amount): boolean {
    if (this.#deviation(from, amount) > 2 * this.#standing(from, amount).tolerance) return true
    if (from.followed.size > WEIGHED_MAX || from.led.size > WEIGHED_MAX) return false
    const emptiest = this.#orders[amount].ascending[0] ?? from
    return amount === 'replicas' || this.#deviation(emptiest, amount) < -2 * this.#standing(emptiest, amount).tolerance
  }

  /** Followers first: they move without a change of leader. */
  #movable(from: IndexedStore, isFirst: boolean): readonly Movable[] {
    const { index, round, nowMs, settings } = this.#planning
    const shards: Movable[] = []
    for (const set of [from.followed, from.led]) {
      // Successive moves of one round should not weigh the same shards again.
      const turn = round + index.shardCount + from.planned.replicas
      for (const entry of set.some(WEIGHED_MAX, turn)) {
        const { lastMoveMs } = entry.statistics
        if (isFirst && lastMoveMs !== undefined && nowMs - lastMoveMs < MOVED_LATELY_MS) continue
        if (!isMovable(entry) || isResting(entry, 'replica', nowMs, settings)) continue
        const staying = entry.stores.filter((store) => store !== from)
        shards.push({ entry, staying, sharingMax: sharingWith(from, staying) })
      }
      if (shards.length >= WEIGHED_MAX / 2) break
    }
    return shards
  }

  #best(
    shards: readonly Movable[],
    from: IndexedStore,
    to: IndexedStore,
    amount: Amount,
    exchange: Exchange,
    way: Way,
  ): IndexedShard | undefined {
    const otherExchange = this.#exchange(from, to, amount === 'replicas' ? 'bytes' : 'replicas')
    // Replicas go in sizes that bring bytes and numbers to their ideals together: the largest first would fill a store's bytes before its number.
    const bytesWanted = otherExchange.gap / Math.max(1, exchange.gap)
    let best: IndexedShard | undefined
    let bestFitness = Number.NEGATIVE_INFINITY
    for (const movable of shards) {
      const { entry } = movable
      const { bytes } = entry.statistics
      const isByNumber = amount === 'replicas'
      const gain = isByNumber
        ? gainOf(exchange, 1, otherExchange, bytes, way)
        : gainOf(exchange, bytes, otherExchange, 1, way)
      const fitness = isByNumber ? -Math.abs(bytes - bytesWanted) : gain
      if (gain <= 0 || fitness <= bestFitness || !this.#isHarmless(movable, from, to)) continue
      best = entry
      bestFitness = fitness
    }
    return best
  }

  #exchange(from: IndexedStore, to: IndexedStore, amount: Amount): Exchange {
    const giver = this.#standing(from, amount)
    const taker = this.#standing(to, amount)
    return new Exchange(from.planned[amount], giver, to.planned[amount], taker, this.#scale[amount])
  }

  #isHarmless({ entry, staying, sharingMax }: Movable, from: IndexedStore, to: IndexedStore): boolean {
    if (!canTakeReplica(to, entry, this.#planning.settings)) return false
    if (!this.#heat.allows(to, entry, { leader: entry.leader === from, replica: true })) return false
    return sharingWith(to, staying) <= sharingMax
  }

  #move(entry: IndexedShard, from: IndexedStore, to: IndexedStore, amount: Amount): Plan {
    const numbers = {
      [`${amount}From`]: from.planned[amount],
      [`${amount}To`]: to.planned[amount],
      idealFrom: this.#standing(from, amount).ideal,
      idealTo: this.#standing(to, amount).ideal,
      bytes: entry.statistics.bytes,
    }
    const what = amount === 'replicas' ? 'replicas' : 'bytes'
    const reason =
      `${from.planned[amount]} ${what} on ${from.id} and ${to.planned[amount]} on ${to.id}, ` +
      `where ${Math.round(numbers.idealFrom)} and ${Math.round(numbers.idealTo)} would be their shares`
    return replaceVoter(entry, from, to, this.#planning.settings, { scheduler: SCHEDULER, reason, numbers })
  }

  #relative(store: IndexedStore, amount: Amount): number {
    const { ideal, weight } = this.#standing(store, amount)
    const deviation = store.planned[amount] - ideal
    return ideal > 0 ? deviation / weight : deviation > 0 ? Number.MAX_VALUE : 0
  }

  #meanIdeal(amount: Amount): number {
    const { shares } = this.#planning
    let sum = 0
    for (const store of shares.keys()) sum += this.#standing(store, amount).ideal
    return shares.size > 0 ? sum / shares.size : 0
  }
}

/** Of every store, whether it takes part or not: people ask about all. */
function standingsOf({ index, shares, settings }: Planning, amount: Amount): ReadonlyMap<IndexedStore, Standing> {
  const { balance } = settings
  const least = amount === 'replicas' ? balance.replicasToleranceMin : balance.bytesToleranceMin
  const ideals = replicaIdeals(shares, amount)
  const standings = new Map<IndexedStore, Standing>()
  for (const store of index.stores()) {
    const ideal = ideals.get(store) ?? 0
    const tolerance = store.statistics.weight > 0 ? Math.max(least, ideal * balance.toleranceRatio) : 0
    const share = shares.get(store) ?? 0
    standings.set(store, { ideal, tolerance, weight: share > 0 ? share * shares.size : WEIGHT_OF_UNWANTED })
  }
  return standings
}

/** By how much the sum of squared deviations falls; 0 when the move is not allowed. */
function gainOf(exchange: Exchange, moved: number, other: Exchange, otherMoved: number, way: Way): number {
  if (!exchange.staysWithin(moved)) return 0
  if (way !== 'trade' && !(exchange.isDirect(moved) && other.staysWithin(otherMoved))) return 0
  const mends = exchange.fall(moved)
  const sum = mends + other.fall(otherMoved)
  return mends > 0 && sum >= mends / 2 ? sum : 0
}

function isUp(store: IndexedStore): boolean {
  return store.statistics.state === 'up' && store.statistics.liveness === 'up' && !isAccepting(store)
}
