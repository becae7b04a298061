/**
 * An index from a map, for who has a whole map at once: the placement driver when it begins to lead, and the command line with a saved map that
 * asks what would happen if. What is not known of a shard is taken as small, idle and led by its first voter on a store that lives.
 */
import type { Shard, ShardId, ShardMap, StoreId, StoreInfo } from '../types.ts'
import { PlacementIndex } from './placement-index.ts'
import { type PlanSettings, QUIET_SHARD, type ShardStatistics, type StoreStatistics } from './statistics.ts'

export interface KnownStatistics {
  readonly stores?: ReadonlyMap<StoreId, StoreStatistics>
  readonly shards?: ReadonlyMap<ShardId, ShardStatistics>
}

export function indexOfMap(map: ShardMap, settings: PlanSettings, known: KnownStatistics = {}): PlacementIndex {
  const index = new PlacementIndex(settings)
  for (const info of map.stores) index.setStore(known.stores?.get(info.id) ?? healthyStore(info))
  for (const shard of map.placement === undefined ? map.shards : [map.placement, ...map.shards]) {
    index.setShard(shard, known.shards?.get(shard.id) ?? { ...QUIET_SHARD, leader: likelyLeader(index, shard) })
  }
  return index
}

/** A store of which only the map is known: it lives, and has all the room there is. */
export function healthyStore(info: Pick<StoreInfo, 'id' | 'labels' | 'state'>): StoreStatistics {
  const { id, labels, state } = info
  return { id, labels, state, liveness: 'up', weight: 1, capacityBytes: 0, availableBytes: 0, snapshots: 0 }
}

function likelyLeader(index: PlacementIndex, shard: Shard): StoreId | undefined {
  return shard.replicas.find(
    ({ role, store }) => (role === 'voter' || role === 'incoming') && index.store(store)?.statistics.liveness === 'up',
  )?.store
}
