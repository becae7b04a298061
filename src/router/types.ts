import type { Epoch, Key, Shard, ShardId, ShardMap, StoreId } from '../../shard-map/index.ts'
import type { TraceContext } from '../base/index.ts'
import type { KvCondition, KvOperation, KvOperationResult } from '../machine/index.ts'
import type {
  Consistency,
  ErrorValue,
  Item,
  OperateRequest,
  PlacementStatus,
  ShardDescription,
  StoreDescription,
} from '../protocol/index.ts'

/**
 * What the gateway and the public client stand on: requests by key, routed to the leader, retried where that is safe, ended at
 * their deadline. Every promise rejects with a FlotillaError and nothing else.
 */
export interface CallOptions {
  /** Milliseconds until the call fails with TIMEOUT; LIMITS.requestTimeoutMsDefault when absent. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** The span that asks; undefined for what is not traced. */
  readonly trace?: TraceContext | undefined
}

/** Where an answer came from, for response headers and curious people. */
export interface Served {
  readonly shard: ShardId
  readonly epoch: Epoch
  readonly leader: StoreId | undefined
  readonly routeMs: number
  readonly raftMs: number
  readonly applyMs: number
}

export interface GetAnswer {
  readonly found: { readonly value: Uint8Array; readonly revision: number } | undefined
  readonly served: Served
  /**
   * How old the answer may be at most; 0 for linearizable reads, Number.MAX_SAFE_INTEGER where the replica that answered cannot know, because it
   * has reached no leader since it started.
   */
  readonly stalenessMs: number
}

export interface WriteAnswer {
  /** A failed condition is a result here, not an exception, because it is an ordinary answer with a revision. */
  readonly result: KvOperationResult
  readonly served: Served
}

export type BatchItemAnswer =
  | { readonly ok: true; readonly result: KvOperationResult }
  | { readonly ok: false; readonly error: ErrorValue }

export interface ScanRequest {
  readonly start: Key
  readonly end: Key | undefined
  readonly reverse: boolean
  readonly keysOnly: boolean
  readonly itemsMax: number
  readonly consistency: Consistency
}

export interface ScanAnswer {
  readonly items: readonly Item[]
  /** Where the next page begins (its `start`, or with `reverse` its `end`); undefined at the end of the range. */
  readonly next: Key | undefined
  readonly stalenessMs: number
}

/** Cluster-wide views for status pages, tables and debugging. */
export interface AdminRouter {
  map(options?: CallOptions): Promise<ShardMap>
  placementStatus(options?: CallOptions): Promise<PlacementStatus>
  /** Live descriptions of the given shards from their leaders; a shard whose leader does not answer is described from the map, with no leader. */
  describeShards(shards: readonly Shard[], options?: CallOptions): Promise<ShardDescription[]>
  describeStore(store: StoreId, options?: CallOptions): Promise<StoreDescription>
  describeReplica(store: StoreId, shard: ShardId, options?: CallOptions): Promise<unknown>
  /** Asks the placement driver for what people may ask of it; resolves with the document that they are shown. */
  operate(request: OperateRequest, options?: CallOptions): Promise<unknown>
  /** Resolves when `store` leads. */
  transferLeader(shard: ShardId, store: StoreId, options?: CallOptions): Promise<void>
}

/** What a router counts. */
export interface RouterStats {
  calls: number
  /** Retries among them. */
  attempts: number
  failures: number
}

export interface Router {
  readonly stats: Readonly<RouterStats>
  get(key: Key, options: CallOptions & { readonly consistency: Consistency }): Promise<GetAnswer>
  /** Values in the order of the keys; one request per shard. */
  getMany(
    keys: readonly Key[],
    options: CallOptions & { readonly consistency: Consistency },
  ): Promise<GetAnswer['found'][]>
  put(key: Key, value: Uint8Array, condition: KvCondition, options: CallOptions): Promise<WriteAnswer>
  delete(key: Key, condition: KvCondition, options: CallOptions): Promise<WriteAnswer>
  /** Answers in the order of the operations. Atomic: rejects with PRECONDITION_FAILED (`index`) or CROSS_SHARD. */
  batch(
    operations: readonly KvOperation[],
    options: CallOptions & { readonly atomic: boolean },
  ): Promise<BatchItemAnswer[]>
  scan(request: ScanRequest, options: CallOptions): Promise<ScanAnswer>
  deleteRange(start: Key, end: Key | undefined, options: CallOptions): Promise<{ readonly deleted: number }>
  /** The shard that holds a key, as far as this router knows. */
  locate(key: Key, options?: CallOptions): Promise<Shard>
  readonly admin: AdminRouter
  close(): Promise<void>
}
