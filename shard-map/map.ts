/**
 * Questions to a map: which shard holds a key, which ones cover a range, which one has an id. Nothing here changes a map.
 */
import {
  type Key,
  PLACEMENT_SHARD,
  type Shard,
  type ShardId,
  type ShardMap,
  type StoreId,
  type StoreInfo,
} from './types.ts'

/** What one knows before one knows anything. */
export const EMPTY_MAP: ShardMap = { version: 0, placement: undefined, shards: [], stores: [] }

/** Whether the shards of a map exist at all: before the bootstrap they do not. */
export function isBootstrapped(map: ShardMap): boolean {
  return map.shards.length > 0
}

export function shardCovers(shard: Shard, key: Key): boolean {
  return key >= shard.start && (shard.end === undefined || key < shard.end)
}

/** Whether the ranges share a key. An empty range shares none. */
export function shardOverlaps(shard: Shard, start: Key, end: Key | undefined): boolean {
  if (end !== undefined && end <= start) return false
  return (shard.end === undefined || start < shard.end) && (end === undefined || shard.start < end)
}

/** Place of the last shard that starts at or before `key`, -1 when there is none. Logarithmic. */
export function shardPlace(shards: readonly Shard[], key: Key): number {
  let low = 0
  let high = shards.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((shards[middle] as Shard).start <= key) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** The shard that holds `key`; undefined only when the map is empty. */
export function locate(map: ShardMap, key: Key): Shard | undefined {
  const shard = map.shards[shardPlace(map.shards, key)]
  return shard !== undefined && shardCovers(shard, key) ? shard : undefined
}

/** The shards that share a key with [start, end), in key order. */
export function covering(map: ShardMap, start: Key, end: Key | undefined): readonly Shard[] {
  if (end !== undefined && end <= start) return []
  const found: Shard[] = []
  for (let place = Math.max(0, shardPlace(map.shards, start)); place < map.shards.length; place++) {
    const shard = map.shards[place] as Shard
    if (end !== undefined && shard.start >= end) break
    if (shardOverlaps(shard, start, end)) found.push(shard)
  }
  return found
}

/** The shard with this id, the placement shard included. Linear: who asks often wants `shardsById`. */
export function shardById(map: ShardMap, id: ShardId): Shard | undefined {
  if (id === PLACEMENT_SHARD) return map.placement
  return map.shards.find((shard) => shard.id === id)
}

/** An index over all shards, the placement shard included. It belongs to this version of the map only. */
export function shardsById(map: ShardMap): ReadonlyMap<ShardId, Shard> {
  const index = new Map<ShardId, Shard>()
  if (map.placement !== undefined) index.set(PLACEMENT_SHARD, map.placement)
  for (const shard of map.shards) index.set(shard.id, shard)
  return index
}

export function storeById(map: ShardMap, id: StoreId): StoreInfo | undefined {
  return map.stores.find((store) => store.id === id)
}

/** The shards with a replica on a store, the placement shard first. */
export function shardsOnStore(map: ShardMap, store: StoreId): readonly Shard[] {
  const all = map.placement === undefined ? map.shards : [map.placement, ...map.shards]
  return all.filter((shard) => shard.replicas.some((replica) => replica.store === store))
}
