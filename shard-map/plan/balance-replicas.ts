/**
 * Balance of replicas, by number and by bytes. Something moves only when a store is off its ideal by more than the tolerance, and only from a
 * store with too much to one with too little, so that neither ends beyond the tolerance on its other side. A move that mends numbers may harm
 * bytes (or the reverse) by at most half of what it mends; so each move lowers the sum of squared deviations, and moves come to an end. No move
 * makes isolation worse or pushes a store over its hot line.
 */
import { canTakeReplica, givingLimit, isBalanced } from './eligibility.ts'
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
/** Stores from which nothing could be moved before the round gives up. */
const FRUITLESS_MAX = 24

export type Amount = 'replicas' | 'bytes'

/**
 * A direct move takes from too much and gives to too little, so that no store hands on what it was given, and leaves the other amount within its
 * tolerance on both, so that what is moved for numbers is not moved again for bytes. Only where no such move exists, and after what is under way
 * has arrived, a move may trade.
 */
type Way = 'direct' | 'trade'

export function planReplicaBalance(planning: Planning): void {
  const balance = new ReplicaBalance(planning)
  for (const amount of ['replicas', 'bytes'] as const) {
    const planned = pass(planning, balance, amount, 'direct')
    if (planned === 0 && [...planning.index.stores()].every(({ receiving }) => receiving === 0)) {
      pass(planning, balance, amount, 'trade')
    }
  }
}

function pass(planning: Planning, balance: ReplicaBalance, amount: Amount, way: Way): number {
  let fruitless = 0
  let planned = 0
  for (const from of balance.sources(amount)) {
    if (fruitless >= FRUITLESS_MAX) break
    for (;;) {
      if (!planning.mayGoOn(SCHEDULER)) return planned
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

export class ReplicaBalance {
  readonly #planning: Planning
  readonly #heat: Heat
  readonly #ideals: Readonly<Record<Amount, ReadonlyMap<IndexedStore, number>>>
  readonly #orders: Readonly<Record<Amount, StoreOrder>>
  /** One over the mean ideal, so that numbers and bytes can be added. */
  readonly #scale: Readonly<Record<Amount, number>>

  constructor(planning: Planning) {
    this.#planning = planning
    this.#heat = new Heat(planning.index)
    const { shares, settings } = planning
    this.#ideals = { replicas: replicaIdeals(shares, 'replicas'), bytes: replicaIdeals(shares, 'bytes') }
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

  /**
   * Stores that may have something to give, the fullest first; every other round begins elsewhere, so that some that cannot give do not hide
   * the rest.
   */
  sources(amount: Amount): readonly IndexedStore[] {
    const descending = [...this.#orders[amount].ascending].reverse()
    const sources = descending.filter((store) => this.isWorthwhile(store, amount))
    const { round } = this.#planning
    const start = round % 2 === 0 ? 0 : (round * FRUITLESS_MAX) % Math.max(1, sources.length)
    return [...sources.slice(start), ...sources.slice(0, start)]
  }

  ideal(store: IndexedStore, amount: Amount): number {
    return this.#ideals[amount].get(store) ?? 0
  }

  tolerance(store: IndexedStore, amount: Amount): number {
    const { balance } = this.#planning.settings
    const least = amount === 'replicas' ? balance.replicasToleranceMin : balance.bytesToleranceMin
    return store.statistics.weight > 0 ? Math.max(least, this.ideal(store, amount) * balance.toleranceRatio) : 0
  }

  /** What the store has more than it should; negative when it has less. */
  deviation(store: IndexedStore, amount: Amount): number {
    return store.planned[amount] - this.ideal(store, amount)
  }

  /** Whether the store has too much, or enough to give to one that has too little. */
  isWorthwhile(from: IndexedStore, amount: Amount): boolean {
    const deviation = this.deviation(from, amount)
    const tolerance = this.tolerance(from, amount)
    if (deviation > tolerance) return true
    const emptiest = this.#orders[amount].ascending[0]
    if (emptiest === undefined || deviation <= -tolerance) return false
    return this.deviation(emptiest, amount) < -this.tolerance(emptiest, amount)
  }

  /** The best move away from a store, or why there is none. */
  plan(from: IndexedStore, amount: Amount, way: Way): Plan {
    const numbers = { [amount]: from.planned[amount], ideal: this.ideal(from, amount) }
    if (!this.isWorthwhile(from, amount)) {
      return refusePlan('nothing-to-do', `store ${from.id} is within the tolerance of its ideal`, numbers)
    }
    const { settings } = this.#planning
    const limit = givingLimit(from, settings)
    if (limit !== undefined) return limit
    const shards = this.#movable(from)
    let tried = 0
    for (const to of this.#orders[amount].ascending) {
      if (to === from || !this.#helps(from, to, amount)) break
      if (to.replicaOperators >= settings.limits.operatorsPerStore) continue
      const entry = this.#best(shards, from, to, amount, way)
      if (entry !== undefined) return this.#move(entry, from, to, amount)
      if (++tried >= TARGETS_MAX) break
    }
    const reason =
      shards.length === 0
        ? `no shard of store ${from.id} can move now`
        : `no store can take a replica from ${from.id} without harm to isolation, load or balance`
    return refusePlan('no-target', reason, { ...numbers, targetsTried: tried })
  }

  /** Whether anything at all may go between the two: one of them is beyond its tolerance, and they differ in the right direction. */
  #helps(from: IndexedStore, to: IndexedStore, amount: Amount): boolean {
    const giver = this.deviation(from, amount)
    const taker = this.deviation(to, amount)
    if (giver <= this.tolerance(from, amount) && taker >= -this.tolerance(to, amount)) return false
    return this.#relative(from, amount) > this.#relative(to, amount)
  }

  /** Followers first: they move without a change of leader. */
  #movable(from: IndexedStore): readonly IndexedShard[] {
    const { index, round, nowMs, settings } = this.#planning
    const shards: IndexedShard[] = []
    for (const set of [from.followed, from.led]) {
      // Successive moves of one round should not weigh the same shards again.
      const turn = round + index.shardCount + from.planned.replicas
      for (const entry of set.some(WEIGHED_MAX, turn)) {
        if (isMovable(entry) && !isResting(entry, 'replica', nowMs, settings)) shards.push(entry)
      }
      if (shards.length >= WEIGHED_MAX / 2) break
    }
    return shards
  }

  #best(
    shards: readonly IndexedShard[],
    from: IndexedStore,
    to: IndexedStore,
    amount: Amount,
    way: Way,
  ): IndexedShard | undefined {
    let best: IndexedShard | undefined
    let bestGain = 0
    for (const entry of shards) {
      const gain = this.#gain(entry, from, to, amount, way)
      if (gain <= bestGain || !this.#isHarmless(entry, from, to)) continue
      best = entry
      bestGain = gain
    }
    return best
  }

  /** By how much the sum of squared deviations falls; 0 when the move is not allowed. */
  #gain(entry: IndexedShard, from: IndexedStore, to: IndexedStore, amount: Amount, way: Way): number {
    const other = amount === 'replicas' ? 'bytes' : 'replicas'
    const moved = amount === 'replicas' ? 1 : entry.statistics.bytes
    const otherMoved = other === 'replicas' ? 1 : entry.statistics.bytes
    if (!this.#staysWithin(from, to, amount, moved)) return 0
    if (
      way === 'direct' &&
      !(this.#isDirect(from, to, amount, moved) && this.#staysWithin(from, to, other, otherMoved))
    ) {
      return 0
    }
    const mends = this.#fall(from, to, amount, moved)
    const sum = mends + this.#fall(from, to, other, otherMoved)
    return mends > 0 && sum >= mends / 2 ? sum : 0
  }

  /** Whether the giver does not end with too little, nor the taker with too much. */
  #staysWithin(from: IndexedStore, to: IndexedStore, amount: Amount, moved: number): boolean {
    return (
      this.deviation(from, amount) - moved >= -this.tolerance(from, amount) &&
      this.deviation(to, amount) + moved <= this.tolerance(to, amount)
    )
  }

  /** Whether it goes from who has too much to who has too little, and neither changes sides by more than half of what is moved. */
  #isDirect(from: IndexedStore, to: IndexedStore, amount: Amount, moved: number): boolean {
    return this.deviation(from, amount) >= moved / 2 && this.deviation(to, amount) <= -moved / 2
  }

  #fall(from: IndexedStore, to: IndexedStore, amount: Amount, moved: number): number {
    const giver = (moved * (2 * this.deviation(from, amount) - moved)) / this.#weight(from)
    const taker = (moved * (2 * this.deviation(to, amount) + moved)) / this.#weight(to)
    return (giver - taker) * this.#scale[amount] ** 2
  }

  #isHarmless(entry: IndexedShard, from: IndexedStore, to: IndexedStore): boolean {
    if (!canTakeReplica(to, entry, this.#planning.settings)) return false
    if (!this.#heat.allows(to, entry, { leader: entry.leader === from, replica: true })) return false
    const staying = entry.stores.filter((store) => store !== from)
    return sharingWith(to, staying) <= sharingWith(from, staying)
  }

  #move(entry: IndexedShard, from: IndexedStore, to: IndexedStore, amount: Amount): Plan {
    const numbers = {
      [`${amount}From`]: from.planned[amount],
      [`${amount}To`]: to.planned[amount],
      idealFrom: this.ideal(from, amount),
      idealTo: this.ideal(to, amount),
      bytes: entry.statistics.bytes,
    }
    const what = amount === 'replicas' ? 'replicas' : 'bytes'
    const reason =
      `${from.planned[amount]} ${what} on ${from.id} and ${to.planned[amount]} on ${to.id}, ` +
      `where ${Math.round(numbers.idealFrom)} and ${Math.round(numbers.idealTo)} would be their shares`
    return replaceVoter(entry, from, to, this.#planning.settings, { scheduler: SCHEDULER, reason, numbers })
  }

  #relative(store: IndexedStore, amount: Amount): number {
    const deviation = this.deviation(store, amount)
    return this.ideal(store, amount) > 0 ? deviation / this.#weight(store) : deviation > 0 ? Number.MAX_VALUE : 0
  }

  /** The store's part in all replicas, relative to an average store. */
  #weight(store: IndexedStore): number {
    const { shares } = this.#planning
    const share = shares.get(store) ?? 0
    return share > 0 ? share * shares.size : WEIGHT_OF_UNWANTED
  }

  #meanIdeal(amount: Amount): number {
    let sum = 0
    for (const ideal of this.#ideals[amount].values()) sum += ideal
    return this.#ideals[amount].size > 0 ? sum / this.#ideals[amount].size : 0
  }
}

/** What a store of weight 0 has is a deviation that counts heavily, and is yet a number. */
const WEIGHT_OF_UNWANTED = 1e-6

function isUp(store: IndexedStore): boolean {
  return store.statistics.state === 'up' && store.statistics.liveness === 'up' && !isAccepting(store)
}
