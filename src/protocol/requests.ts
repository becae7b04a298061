import type { Epoch, Key, Shard, ShardId, ShardMap, StoreId, StoreInfo } from '../../shard-map/index.ts'
import type { KvResult } from '../machine/index.ts'
import type { ErrorValue } from './errors.ts'

/**
 * What routers, tools and stores ask of a store, and the answers. The union is closed; the codec beside it gives each its bytes.
 * A request names its shard and the epoch the sender believes in; a store that knows better answers STALE_EPOCH with the cure.
 */
export type Consistency = 'linearizable' | 'stale'

export type Request =
  /** `command` is an encoded machine command; it enters the log as it is. */
  | { readonly kind: 'write'; readonly shard: ShardId; readonly rangeEpoch: number; readonly command: Uint8Array }
  | {
      readonly kind: 'get'
      readonly shard: ShardId
      readonly rangeEpoch: number
      readonly consistency: Consistency
      readonly keys: readonly Key[]
    }
  | {
      readonly kind: 'scan'
      readonly shard: ShardId
      readonly rangeEpoch: number
      readonly consistency: Consistency
      readonly start: Key
      readonly end: Key | undefined
      readonly reverse: boolean
      readonly keysOnly: boolean
      readonly itemsMax: number
      readonly bytesMax: number
    }
  /** The shard map if it is newer than `since`. Any store answers from what it knows. */
  | { readonly kind: 'map'; readonly since: number }
  /** Live details of shards this store leads (all of them when `shards` is empty), and of the store itself. */
  | { readonly kind: 'describe'; readonly shards: readonly ShardId[] }
  /** Debug view of one replica on this store. */
  | { readonly kind: 'describe-replica'; readonly shard: ShardId }
  | { readonly kind: 'transfer-leader'; readonly shard: ShardId; readonly store: StoreId }
  /** To the placement driver's leader. */
  | { readonly kind: 'store-heartbeat'; readonly heartbeat: StoreHeartbeat }
  | { readonly kind: 'placement-status' }
  | { readonly kind: 'allocate-ids'; readonly count: number }

export interface RequestTiming {
  /** Milliseconds from the request's arrival at the leader's store until its entry was committed, or its read confirmed. */
  readonly raftMs: number
  readonly applyMs: number
}

/** One record in an answer; `value` is empty where only keys were asked for. */
export interface Item {
  readonly key: Key
  readonly value: Uint8Array
  readonly revision: number
}

/** A value that may be absent. */
export interface Found {
  readonly value: Uint8Array
  readonly revision: number
}

export type Reply =
  | { readonly kind: 'error'; readonly error: ErrorValue }
  | { readonly kind: 'write'; readonly result: KvResult; readonly timing: RequestTiming; readonly epoch: Epoch }
  | {
      readonly kind: 'get'
      readonly values: readonly (Found | undefined)[]
      readonly timing: RequestTiming
      readonly epoch: Epoch
      readonly stalenessMs: number
    }
  | {
      readonly kind: 'scan'
      readonly items: readonly Item[]
      readonly more: boolean
      readonly timing: RequestTiming
      readonly epoch: Epoch
      readonly stalenessMs: number
    }
  /** `map` is undefined when the caller's version is current. Leaders are hints. */
  | { readonly kind: 'map'; readonly map: ShardMap | undefined; readonly leaders: Readonly<Record<number, StoreId>> }
  | { readonly kind: 'describe'; readonly store: StoreDescription; readonly shards: readonly ShardDescription[] }
  | { readonly kind: 'describe-replica'; readonly replica: unknown }
  | { readonly kind: 'done' }
  | { readonly kind: 'store-heartbeat'; readonly answer: StoreHeartbeatAnswer }
  | { readonly kind: 'placement-status'; readonly status: PlacementStatus }
  | { readonly kind: 'allocate-ids'; readonly first: number }

export interface Load {
  readonly readsPerSecond: number
  readonly writesPerSecond: number
}

export interface ReplicaDescription {
  readonly store: StoreId
  readonly role: 'voter' | 'learner'
  readonly matchIndex: number | null
  readonly state: 'probe' | 'replicate' | 'snapshot' | null
}

/** A shard as its leader sees it. */
export interface ShardDescription {
  readonly shard: Shard
  readonly leader: StoreId | undefined
  readonly term: number
  readonly commitIndex: number
  readonly appliedIndex: number
  readonly replicas: readonly ReplicaDescription[]
  readonly bytes: number
  readonly keys: number
  readonly load: Load
}

export interface StoreDescription {
  readonly info: StoreInfo
  readonly replicas: number
  readonly leaders: number
  readonly bytes: number
  readonly load: Load
  /** Entries each other store is behind, over the groups this store leads. */
  readonly lag: Readonly<Record<StoreId, number>>
  readonly uptimeSeconds: number
  /** Why the store is not ready; empty when it is. */
  readonly notReady: readonly string[]
}

/** What a store tells the placement driver. Shards appear only when something about them changed since the last acknowledged heartbeat. */
export interface StoreHeartbeat {
  readonly info: StoreInfo
  /** Counts this process's heartbeats from 1, so that the driver notices one it missed. */
  readonly sequence: number
  /** Whether `led` is complete rather than a delta. */
  readonly full: boolean
  readonly mapVersion: number
  readonly replicas: number
  readonly bytes: number
  readonly uptimeSeconds: number
  readonly led: readonly {
    readonly shard: Shard
    readonly term: number
    readonly bytes: number
    readonly keys: number
    readonly load: Load
  }[]
  readonly noLongerLed: readonly ShardId[]
}

export interface StoreHeartbeatAnswer {
  /** The driver missed something and wants a full heartbeat next. */
  readonly resend: boolean
  readonly map: ShardMap | undefined
  readonly leaders: Readonly<Record<number, StoreId>>
}

export interface PlacementStatus {
  readonly term: number
  readonly leader: StoreId
  readonly map: ShardMap
  readonly leaders: Readonly<Record<number, StoreId>>
  readonly stores: readonly {
    readonly id: StoreId
    readonly liveness: 'up' | 'suspect' | 'down'
    readonly lastHeartbeatAgoMs: number
    readonly replicas: number
    readonly bytes: number
    readonly load: Load
    readonly uptimeSeconds: number
  }[]
}
