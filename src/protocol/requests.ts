import type {
  Epoch,
  Key,
  KeySample,
  ReplicaId,
  Shard,
  ShardId,
  ShardMap,
  StoreId,
  StoreInfo,
} from '../../shard-map/index.ts'
import type { TraceContext } from '../base/index.ts'
import type { ClusterConfig, KvResult } from '../machine/index.ts'
import type { ErrorValue } from './errors.ts'
import type { OperateAnswer, OperateRequest } from './operate.ts'

/**
 * What routers, tools and stores ask of a store, and the answers. The union is closed; the codec beside it gives each its bytes.
 * A request names its shard and the epoch the sender believes in; a store that knows better answers STALE_EPOCH with the cure.
 */
export type Consistency = 'linearizable' | 'stale'

/**
 * One step on the way from one set of replicas to another (Raft §6). A voter is never removed: it is demoted in a joint step and removed as
 * the learner it then is.
 */
export type MembershipStep =
  /** `replica` is a number that the placement driver allocated and nobody has used. */
  | { readonly kind: 'add-learner'; readonly store: StoreId; readonly replica: ReplicaId }
  /** Refused while one of `promote` is more than `lagEntriesMax` entries behind the leader. */
  | {
      readonly kind: 'enter-joint'
      readonly promote: readonly StoreId[]
      readonly demote: readonly StoreId[]
      readonly lagEntriesMax: number
      /** Refused when fewer voters would be left: the replication factor, or less where the driver means to lower it. */
      readonly votersMin: number
    }
  | { readonly kind: 'leave-joint' }
  | { readonly kind: 'remove-learner'; readonly store: StoreId }

/** Where a shard is cut: `key` becomes the first key of a new shard, whose replicas are numbered in the order of the shard's own. */
export interface ShardCut {
  readonly key: Key
  readonly shard: ShardId
  readonly replicas: readonly ReplicaId[]
}

/**
 * A change of one shard, asked of its leader by the placement driver. `epoch` is the shard as the asker knows it: a leader whose shard has
 * gone on answers STALE_EPOCH with what it is now. Each may be asked again after an answer was lost: what is done already is answered as done.
 */
export type ShardRequest =
  | {
      readonly kind: 'change-membership'
      readonly shard: ShardId
      readonly epoch: Epoch
      readonly step: MembershipStep
    }
  /** Keys in ascending order. */
  | { readonly kind: 'split'; readonly shard: ShardId; readonly epoch: Epoch; readonly cuts: readonly ShardCut[] }
  /**
   * To the shard that will go, the right one of two neighbours: it stops, and waits to be taken in by `target`, whose epoch from now on must not
   * change until then.
   */
  | { readonly kind: 'prepare-merge'; readonly shard: ShardId; readonly epoch: Epoch; readonly target: Shard }
  /** To the left neighbour: takes in the prepared `source`, as its `prepare-merge` answered it. */
  | { readonly kind: 'commit-merge'; readonly shard: ShardId; readonly epoch: Epoch; readonly source: Shard }
  /**
   * To the left neighbour, before a rollback: from the answer on it can no longer take in `source`, which was prepared for `epoch`. Refused when
   * it has done so.
   */
  | { readonly kind: 'fence-merge'; readonly shard: ShardId; readonly epoch: Epoch; readonly source: ShardId }
  /** To the prepared shard: serves again. `target` is the left neighbour as its `fence-merge` answered it. */
  | { readonly kind: 'rollback-merge'; readonly shard: ShardId; readonly epoch: Epoch; readonly target: Shard }

/**
 * The word of the asking store with a linearizable read: after the read was asked for, its own voter `replica` of the shard's group was in `term`. A
 * leader of that term that makes a quorum with this voter needs no round to know that it still leads.
 */
export interface Voucher {
  readonly replica: ReplicaId
  readonly term: number
}

export type Request =
  | ShardRequest
  /** `command` is an encoded machine command; it enters the log as it is. */
  | {
      readonly kind: 'write'
      readonly shard: ShardId
      readonly rangeEpoch: number
      readonly command: Uint8Array
      /** The span that what is done for it belongs to, where it is traced. */
      readonly trace?: TraceContext
    }
  | {
      readonly kind: 'get'
      readonly shard: ShardId
      readonly rangeEpoch: number
      readonly consistency: Consistency
      readonly keys: readonly Key[]
      readonly trace?: TraceContext
      readonly voucher?: Voucher
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
      readonly trace?: TraceContext
      readonly voucher?: Voucher
    }
  /** The shard map if it is newer than `since`. Any store answers from what it knows. */
  | { readonly kind: 'map'; readonly since: number }
  /** Live details of shards this store leads (all of them when `shards` is empty), and of the store itself. */
  | { readonly kind: 'describe'; readonly shards: readonly ShardId[] }
  /** Debug view of one replica on this store. */
  | { readonly kind: 'describe-replica'; readonly shard: ShardId }
  | { readonly kind: 'transfer-leader'; readonly shard: ShardId; readonly store: StoreId }
  /** The shard as its leader has it, linearizable. */
  | { readonly kind: 'read-shard'; readonly shard: ShardId }
  /** A key that has about half of the shard's bytes, or of its requests, on either side. */
  | { readonly kind: 'find-middle'; readonly shard: ShardId; readonly by: 'size' | 'load' }
  /** To the placement driver's leader. */
  | { readonly kind: 'store-heartbeat'; readonly heartbeat: StoreHeartbeat }
  | { readonly kind: 'placement-status' }
  | { readonly kind: 'allocate-ids'; readonly count: number }
  | { readonly kind: 'operate'; readonly request: OperateRequest }
  /** From the placement driver: what the cluster is to go by from now on. Older settings than the store has change nothing, but tell it who leads group 1. */
  | { readonly kind: 'learn-settings'; readonly config: ClusterConfig }
  /**
   * To any store: the one that asks stops in an orderly way, or has come back from that. `done`, or DRAINING where the asked one stops, too; older stores
   * refuse it.
   */
  | { readonly kind: 'store-leaves'; readonly store: StoreId; readonly isBack: boolean }
  /** To any store: make durable what is applied, and then shorten the log of the group `compact`. Done when that is so. */
  | { readonly kind: 'upkeep'; readonly compact: ShardId | undefined }

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
  /** What has become of a shard: itself first, after a split the new ones. */
  | { readonly kind: 'shards'; readonly shards: readonly Shard[] }
  /** The shard that was asked about is gone for good: `into` has taken it in. */
  | { readonly kind: 'merged'; readonly into: ShardId }
  /** Undefined when the shard has no key to be cut at. */
  | { readonly kind: 'middle'; readonly key: Key | undefined }
  | { readonly kind: 'store-heartbeat'; readonly answer: StoreHeartbeatAnswer }
  | { readonly kind: 'placement-status'; readonly status: PlacementStatus }
  | { readonly kind: 'allocate-ids'; readonly first: number }
  | { readonly kind: 'operate'; readonly answer: OperateAnswer }

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
  /** The neighbour that is to take this shard in, as it was when this one stopped for that; undefined while it serves. */
  readonly merging: Shard | undefined
  /** The shards it has taken in last. */
  readonly absorbed: readonly ShardId[]
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
  readonly led: readonly LedShard[]
  readonly noLongerLed: readonly ShardId[]
  /** Snapshots being sent or received. */
  readonly snapshots: number
  /** Of the disk with the data; 0 where that is not known. */
  readonly capacityBytes: number
  readonly availableBytes: number
  /** Groups whose replica here does not run because its log or data cannot be read. */
  readonly damaged: readonly ShardId[]
  /** Of the cluster's settings that the store goes by. */
  readonly configVersion: number
}

/** What the leader of a shard tells of it, beside the shard itself. */
export interface ShardFigures {
  readonly bytes: number
  readonly keys: number
  readonly load: Load
  /** Members that have not answered for long, and those far behind. */
  readonly silent: readonly SilentMember[]
  readonly behind: readonly StoreId[]
  /** In key order, about equal in load, each named by its first key; empty unless the shard is among the busiest. */
  readonly samples: readonly KeySample[]
  readonly hotKeys: readonly HotKey[]
}

export interface LedShard extends ShardFigures {
  readonly shard: Shard
  readonly term: number
}

export interface SilentMember {
  readonly store: StoreId
  readonly silentMs: number
}

/** A key with a large share of its shard's requests. */
export interface HotKey extends Load {
  readonly key: Key
}

export interface StoreHeartbeatAnswer {
  /** The driver missed something and wants a full heartbeat next. */
  readonly resend: boolean
  readonly map: ShardMap | undefined
  readonly leaders: Readonly<Record<number, StoreId>>
  /** The cluster's settings, where they are newer than the store's. */
  readonly config: ClusterConfig | undefined
  /** What the store's snapshots may use, in each direction; undefined leaves it as it is. */
  readonly snapshotBytesPerSecond: number | undefined
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
