/**
 * The model of where keys live: shards, epochs, replicas, stores, the map. Plain immutable values without behaviour; `map.ts`
 * looks things up, `change.ts` and `apply.ts` alter, `invariants.ts` judges.
 */

/** A key is a byte string held as latin-1 text: code units 0 to 255 in the order of the bytes, so `<` compares as bytes do. */
export type Key = string
export type ShardId = number
export type StoreId = string
export type ReplicaId = number

/** The placement driver's own group. Its shard owns no user keys. */
export const PLACEMENT_SHARD: ShardId = 1

/** Grows with every change of a shard; the holder of an older epoch has an outdated picture. */
export interface Epoch {
  readonly membership: number
  readonly range: number
}

/** `incoming` and `outgoing` exist only inside a joint configuration: a voter of only the new, or only the old half. */
export type ReplicaRole = 'voter' | 'learner' | 'incoming' | 'outgoing'

export interface Replica {
  /** Never used again for another replica. */
  readonly id: ReplicaId
  readonly store: StoreId
  readonly role: ReplicaRole
}

export interface Shard {
  readonly id: ShardId
  /** Inclusive; '' is the lowest key. */
  readonly start: Key
  /** Exclusive; undefined is beyond the highest key. */
  readonly end: Key | undefined
  readonly epoch: Epoch
  readonly replicas: readonly Replica[]
}

export interface StoreInfo {
  readonly id: StoreId
  /** The gateway's `host:port`, empty when it runs none. */
  readonly address: string
  readonly labels: Readonly<Record<string, string>>
  /** Random, made with the data directory: a store that lost its data is not the store it was. Empty for one that is only registered. */
  readonly incarnation: string
  readonly version: string
  readonly state: 'registered' | 'up' | 'draining' | 'decommissioning' | 'gone'
}

/** Invariant: `shards` is ordered by start and covers every key exactly once; the placement shard stands apart. */
export interface ShardMap {
  /** Grows with every change; 0 is "nothing known". */
  readonly version: number
  readonly placement: Shard | undefined
  readonly shards: readonly Shard[]
  readonly stores: readonly StoreInfo[]
}
