/**
 * Decides which shards should get another leader, so that each store leads a share that fits its weight. Pure: the same numbers give the
 * same plan, and each transfer carries the numbers that justify it.
 *
 * Why it does not ping-pong: transfers under way count as done; and one is planned only if the giver stays above the taker afterwards, or
 * level with it, by `tolerance` on both sides. Each transfer lowers the sum of leaders²/weight, so a plan that is carried out is followed
 * by an empty one.
 */
import type { ShardId, StoreId } from '../types.ts'

export interface LedShard {
  readonly shard: ShardId
  readonly leader: StoreId
  /** Stores that could lead it: voters that are up and not behind. */
  readonly candidates: readonly StoreId[]
}

export interface LeaderStore {
  readonly id: StoreId
  /** Relative share, 1 for an ordinary store. 0 wants no leaders. */
  readonly weight: number
  /** Takes more leaders: it is up and not draining. */
  readonly accepts: boolean
  /** Should lead nothing (drain, decommission): its leaders go wherever they can, whatever the balance. */
  readonly evict: boolean
}

export interface LeaderTransfer {
  readonly shard: ShardId
  readonly from: StoreId
  readonly to: StoreId
}

export interface PlannedTransfer extends LeaderTransfer {
  /** One sentence for people. */
  readonly reason: string
  /** What the sentence rests on: leaders of both, before this transfer, with those under way. */
  readonly numbers: {
    readonly fromLeaders: number
    readonly toLeaders: number
    readonly fromIdeal: number
    readonly toIdeal: number
  }
}

export interface LeaderBalanceInput {
  readonly shards: readonly LedShard[]
  readonly stores: readonly LeaderStore[]
  /** Transfers that have begun; their shards are left alone. */
  readonly inFlight: readonly LeaderTransfer[]
  /** Leaders that a store of weight 1 may be off on either side before it is worth a transfer; 0.5 or so is good. Not negative. */
  readonly tolerance: number
  readonly transfersMax: number
}

export function planLeaderBalance(input: LeaderBalanceInput): readonly PlannedTransfer[] {
  const stores = new Map(input.stores.map((store) => [store.id, store]))
  const leaders = new Map(input.stores.map((store) => [store.id, 0]))
  const moved = new Map(input.inFlight.map((transfer) => [transfer.shard, transfer.to]))
  /** Shards that may still move, by the store that leads them. */
  const movable = new Map<StoreId, LedShard[]>()
  for (const shard of input.shards) {
    const leader = moved.get(shard.shard) ?? shard.leader
    leaders.set(leader, (leaders.get(leader) ?? 0) + 1)
    if (moved.has(shard.shard)) continue
    const list = movable.get(leader)
    if (list === undefined) movable.set(leader, [shard])
    else list.push(shard)
  }
  const weights = input.stores
    .filter((store) => store.accepts && !store.evict)
    .reduce((sum, store) => sum + store.weight, 0)
  const state: State = { stores, leaders, movable, perWeight: weights > 0 ? input.shards.length / weights : 0 }
  const plan: PlannedTransfer[] = []
  while (plan.length < input.transfersMax) {
    const next = evictNext(state) ?? balanceNext(state, input.tolerance)
    if (next === undefined) break
    plan.push(next)
    const list = movable.get(next.from) ?? []
    const place = list.findIndex((shard) => shard.shard === next.shard)
    list.splice(place, 1)
    leaders.set(next.from, count(state, next.from) - 1)
    leaders.set(next.to, count(state, next.to) + 1)
  }
  return plan
}

interface State {
  readonly stores: ReadonlyMap<StoreId, LeaderStore>
  readonly leaders: Map<StoreId, number>
  readonly movable: ReadonlyMap<StoreId, LedShard[]>
  /** Leaders that a store of weight 1 would have in perfect balance. */
  readonly perWeight: number
}

function count(state: State, store: StoreId): number {
  return state.leaders.get(store) ?? 0
}

/** How full a store is when it has `leaders`. A store of weight 0 is full with anything. */
function fullness(store: LeaderStore, leaders: number): number {
  if (store.weight > 0) return leaders / store.weight
  return leaders > 0 ? Number.POSITIVE_INFINITY : 0
}

/** A leader of a store that should lead nothing, to the emptiest store that can take it. */
function evictNext(state: State): PlannedTransfer | undefined {
  for (const store of state.stores.values()) {
    if (!store.evict) continue
    for (const shard of state.movable.get(store.id) ?? []) {
      const to = emptiest(state, shard)
      if (to !== undefined) return planned(state, shard, store, to, `store ${store.id} is being drained of leaders`)
    }
  }
  return undefined
}

/** The transfer that helps most: from the fullest store that can give to the emptiest that can take, if it is worth it. */
function balanceNext(state: State, tolerance: number): PlannedTransfer | undefined {
  const givers = [...state.stores.values()]
    .filter((store) => !store.evict)
    .sort((a, b) => compare(fullness(b, count(state, b.id)), fullness(a, count(state, a.id))) || (a.id < b.id ? -1 : 1))
  for (const from of givers) {
    let best: { readonly shard: LedShard; readonly to: LeaderStore; readonly after: number } | undefined
    // What remains of the advantage once the leader has moved, less the tolerance on this side.
    const giverAfter =
      from.weight > 0 ? fullness(from, count(state, from.id) - 0.5 - tolerance) : Number.POSITIVE_INFINITY
    for (const shard of state.movable.get(from.id) ?? []) {
      const to = emptiest(state, shard)
      if (to === undefined) continue
      const after = fullness(to, count(state, to.id) + 0.5 + tolerance)
      if (after < giverAfter && (best === undefined || after < best.after)) best = { shard, to, after }
    }
    if (best === undefined) continue
    const numbers = `${count(state, from.id)} leaders on ${from.id}, ${count(state, best.to.id)} on ${best.to.id}`
    return planned(state, best.shard, from, best.to, `${numbers}: more than ${tolerance} off balance on both sides`)
  }
  return undefined
}

function emptiest(state: State, shard: LedShard): LeaderStore | undefined {
  let best: LeaderStore | undefined
  for (const id of shard.candidates) {
    const store = state.stores.get(id)
    if (store === undefined || !store.accepts || store.evict || store.weight <= 0 || id === shard.leader) continue
    if (best === undefined || fullness(store, count(state, id) + 1) < fullness(best, count(state, best.id) + 1))
      best = store
  }
  return best
}

function planned(state: State, shard: LedShard, from: LeaderStore, to: LeaderStore, reason: string): PlannedTransfer {
  const ideal = (store: LeaderStore): number => (store.accepts && !store.evict ? state.perWeight * store.weight : 0)
  return {
    shard: shard.shard,
    from: from.id,
    to: to.id,
    reason,
    numbers: {
      fromLeaders: count(state, from.id),
      toLeaders: count(state, to.id),
      fromIdeal: ideal(from),
      toIdeal: ideal(to),
    },
  }
}

/** Also orders two infinities. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1
}
