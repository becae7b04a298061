/** The pure theory of where keys live: model, lookup, changes, planners. Imports nothing; everybody may import it. */
export {
  type Epoch,
  type Key,
  PLACEMENT_SHARD,
  type Replica,
  type ReplicaId,
  type ReplicaRole,
  type Shard,
  type ShardId,
  type ShardMap,
  type StoreId,
  type StoreInfo,
} from './types.ts'
