/**
 * Everything that can happen to a map, as data. A change is what a person or a store asks for; `apply.ts` decides. The placement
 * driver's group replicates changes, so they hold no clock and no chance.
 */
import type { Epoch, Key, Replica, ReplicaId, Shard, ShardId, StoreId, StoreInfo } from './types.ts'

export type MapChange =
  /** The first shards and stores; only ever once. */
  | {
      readonly kind: 'bootstrap'
      readonly placement: Shard
      readonly shards: readonly Shard[]
      readonly stores: readonly StoreInfo[]
    }
  /**
   * A store announces itself, with its incarnation, or an operator announces one that will join, without. Labels that the map has
   * already win over those announced, because somebody may have changed them since; new ones are added.
   */
  | { readonly kind: 'register-store'; readonly store: StoreInfo }
  /** A running store's address or version; refused from another incarnation. Labels and state are not the store's to change. */
  | {
      readonly kind: 'update-store'
      readonly store: StoreId
      readonly incarnation: string
      readonly address: string
      readonly version: string
    }
  /** null removes a label. */
  | { readonly kind: 'label-store'; readonly store: StoreId; readonly labels: Readonly<Record<string, string | null>> }
  | { readonly kind: 'set-store-state'; readonly store: StoreId; readonly state: StoreInfo['state'] }
  | { readonly kind: 'forget-store'; readonly store: StoreId }
  /**
   * Shards as their own groups report them, together: newer ones replace what they overlap, older ones change nothing. What the groups
   * say is the truth, so a split or a merge that the map has not heard of arrives here too.
   */
  | { readonly kind: 'update-shards'; readonly shards: readonly Shard[] }
  | {
      readonly kind: 'split'
      readonly shard: ShardId
      readonly epoch: Epoch
      readonly key: Key
      readonly rightId: ShardId
      readonly rightReplicas: readonly ReplicaId[]
    }
  /** The left one survives. */
  | {
      readonly kind: 'merge'
      readonly left: ShardId
      readonly leftEpoch: Epoch
      readonly right: ShardId
      readonly rightEpoch: Epoch
    }
  | {
      readonly kind: 'change-replicas'
      readonly shard: ShardId
      readonly epoch: Epoch
      readonly replicas: readonly Replica[]
    }
