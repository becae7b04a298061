import type { FlotillaError } from '../protocol/index.ts'

/**
 * The public client: the same interface whether the data is in this process, behind NATS or behind HTTP. Keys and values are text
 * (taken as UTF-8) or bytes going in, always bytes coming out. Every rejection is a FlotillaError.
 */
export type Bytes = string | Uint8Array

export interface RequestOptions {
  readonly signal?: AbortSignal
  /** Milliseconds, 1 to 60,000; 10,000 when absent. */
  readonly timeout?: number
  /** Of the caller's span (W3C Trace Context): where the cluster traces, what it does for this request becomes a part of that trace. Ignored when it is malformed. */
  readonly traceparent?: string
}

export interface ReadOptions extends RequestOptions {
  /** `stale` reads any replica, without asking the leader. */
  readonly consistency?: 'linearizable' | 'stale'
}

export interface WriteOptions extends RequestOptions {
  /** The write happens only if the key's revision is this one. */
  readonly ifRevision?: number
  /** The write happens only if the key does not exist. */
  readonly ifAbsent?: boolean
}

export interface ScanOptions extends ReadOptions {
  readonly prefix?: Bytes
  /** Inclusive. */
  readonly start?: Bytes
  /** Exclusive. */
  readonly end?: Bytes
  readonly reverse?: boolean
  /** At most this many records; all of the range when absent. */
  readonly limit?: number
}

export interface EntryOf {
  readonly key: Uint8Array
  readonly value: Uint8Array
  /** Grows with each write of this key; not comparable between keys. */
  readonly revision: number
}

export type BatchOperation =
  | {
      readonly op: 'put'
      readonly key: Bytes
      readonly value: Bytes
      readonly ifRevision?: number
      readonly ifAbsent?: boolean
    }
  | { readonly op: 'delete'; readonly key: Bytes; readonly ifRevision?: number; readonly ifAbsent?: boolean }
  | { readonly op: 'get'; readonly key: Bytes }

export type BatchResult =
  | {
      readonly ok: true
      readonly revision?: number
      readonly value?: Uint8Array
      readonly found?: boolean
      readonly deleted?: 0 | 1
    }
  | { readonly ok: false; readonly error: FlotillaError }

export interface Client extends AsyncDisposable {
  /** The value, undefined when the key does not exist. */
  get(key: Bytes, options?: ReadOptions): Promise<Uint8Array | undefined>
  /** The value with its revision. */
  getEntry(key: Bytes, options?: ReadOptions): Promise<EntryOf | undefined>
  /** Values in the order of the keys. Each is linearizable; together they are not one snapshot. */
  getMany(keys: readonly Bytes[], options?: ReadOptions): Promise<(Uint8Array | undefined)[]>
  /** Rejects with PRECONDITION_FAILED (and the current `revision`) when the condition does not hold. */
  put(key: Bytes, value: Bytes, options?: WriteOptions): Promise<{ readonly revision: number }>
  /** Whether the key existed. */
  del(key: Bytes, options?: WriteOptions): Promise<boolean>
  /** One result per operation, in order. `atomic`: all or nothing, within one shard. */
  batch(
    operations: readonly BatchOperation[],
    options?: RequestOptions & { readonly atomic?: boolean },
  ): Promise<BatchResult[]>
  /** Records in key order, fetched page by page: each page is linearizable, the whole is not one snapshot. */
  scan(options?: ScanOptions): AsyncIterableIterator<EntryOf>
  close(): Promise<void>
}
