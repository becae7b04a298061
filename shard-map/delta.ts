/**
 * The difference between two versions of a map, so that a router which knows one version need not be sent a million shards to learn
 * of one split. Compared by contents, not by epoch: a map may cut a shard whose epoch it has not seen change.
 */
import { sameShard } from './shard.ts'
import { sameStore } from './store-changes.ts'
import type { Shard, ShardId, ShardMap, StoreId, StoreInfo } from './types.ts'

export interface MapDelta {
  /** The version it applies to, and no other. */
  readonly from: number
  readonly to: number
  /** The placement shard as it is now, whether or not it changed. */
  readonly placement: Shard | undefined
  /** Shards that are new or different. */
  readonly shards: readonly Shard[]
  readonly removedShards: readonly ShardId[]
  readonly stores: readonly StoreInfo[]
  readonly removedStores: readonly StoreId[]
}

export function deltaBetween(from: ShardMap, to: ShardMap): MapDelta {
  const shardsBefore = new Map(from.shards.map((shard) => [shard.id, shard]))
  const storesBefore = new Map(from.stores.map((store) => [store.id, store]))
  const shards: Shard[] = []
  for (const shard of to.shards) {
    const before = shardsBefore.get(shard.id)
    if (before === undefined || !sameShard(before, shard)) shards.push(shard)
    shardsBefore.delete(shard.id)
  }
  const stores: StoreInfo[] = []
  for (const store of to.stores) {
    const before = storesBefore.get(store.id)
    if (before === undefined || !sameStore(before, store)) stores.push(store)
    storesBefore.delete(store.id)
  }
  return {
    from: from.version,
    to: to.version,
    placement: to.placement,
    shards,
    removedShards: [...shardsBefore.keys()],
    stores,
    removedStores: [...storesBefore.keys()],
  }
}

/** The newer map; undefined when the delta is not for this version, and the whole map must be asked for. */
export function applyDelta(map: ShardMap, delta: MapDelta): ShardMap | undefined {
  if (map.version !== delta.from) return undefined
  return {
    version: delta.to,
    placement: delta.placement,
    shards: merged(map.shards, delta.shards, delta.removedShards).sort((a, b) => (a.start < b.start ? -1 : 1)),
    stores: merged(map.stores, delta.stores, delta.removedStores).sort((a, b) => (a.id < b.id ? -1 : 1)),
  }
}

function merged<Id, Item extends { readonly id: Id }>(
  before: readonly Item[],
  changed: readonly Item[],
  removed: readonly Id[],
): Item[] {
  const gone = new Set<Id>(removed)
  for (const item of changed) gone.add(item.id)
  return [...before.filter((item) => !gone.has(item.id)), ...changed]
}
