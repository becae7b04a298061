/**
 * The port of the ordered engine under the data store: bytes under keys, atomic synced batches, iteration over one moment. It knows
 * nothing of groups, overlays or snapshots of shards; `layout.ts` says which keys it is given. The data store and the
 * snapshot code are its only callers. Adapters: LevelDB, RocksDB, memory.
 *
 * Engine keys are latin-1 strings of at least one character: one code unit per byte, so that their order as strings is their
 * order as bytes. Every adapter keeps that order.
 */
export type EngineKey = string

/** `[start, end)`; the layout always knows an upper bound. */
export interface EngineRange {
  readonly start: EngineKey
  readonly end: EngineKey
}

/** A pair and not an object, because this is what the engines hand out and nothing needs to be built per record. */
export type EngineEntry = readonly [key: EngineKey, value: Uint8Array]

export interface IterateOptions {
  readonly reverse: boolean
  /** Values are then absent or empty: do not look at them. */
  readonly keysOnly: boolean
  /** How much the iterator may read ahead into memory for one `next`; a page ends early when it is exceeded. */
  readonly pageBytes: number
}

export interface EngineIterator {
  /**
   * The next entries: at least one and at most `itemsMax`, or none at the end of the range. One call at a time.
   */
  next(itemsMax: number): Promise<EngineEntry[]>
  /** Frees what the iterator holds. To be called exactly once, not while a `next` runs. */
  close(): Promise<void>
}

/** The engine at one moment. Hold it briefly: it keeps old versions from being dropped. */
export interface EngineSnapshot {
  get(key: EngineKey): Promise<Uint8Array | undefined>
  /** Ascending, at most once per snapshot, and no `get` afterwards: one engine has but one cursor to offer. */
  iterate(range: EngineRange, pageBytes: number): EngineIterator
  close(): Promise<void>
}

/** Collects writes outside the engine. Nothing happens before `write`; nothing is left after `write` or `discard`. */
export interface EngineBatch {
  put(key: EngineKey, value: Uint8Array): void
  delete(key: EngineKey): void
  /**
   * Applies everything at once and makes it durable before it resolves. After a failure nobody knows whether the batch was written.
   * Every write of this port is synced: LevelDB and RocksDB do not sync a rotated write-ahead file, so an unsynced batch could be
   * lost although a later synced one survived.
   */
  write(): Promise<void>
  discard(): Promise<void>
}

export interface KvStore {
  /** The values of the keys at the moment of the call, in the order of the keys. */
  getMany(keys: readonly EngineKey[]): Promise<(Uint8Array | undefined)[]>
  /** One value now; may block on a disk read, so it is for start-up and for tests, not for serving. Absent where unsupported. */
  readonly getSync: ((key: EngineKey) => Uint8Array | undefined) | undefined
  /** Iterates over the engine as it is at the moment of this call. */
  iterate(range: EngineRange, options: IterateOptions): EngineIterator
  snapshot(): EngineSnapshot
  batch(): EngineBatch
  /** An estimate of the bytes on disk in a range, without what the engine still holds in its own memory. */
  approximateBytes(range: EngineRange): Promise<number>
  /** Rewrites the range without what was deleted or overwritten in it, apart from what open snapshots and iterators hold. May take seconds; nobody waits for it. */
  compact(range: EngineRange): Promise<void>
  /** Waits for running work. No call is allowed afterwards. */
  close(): Promise<void>
}
