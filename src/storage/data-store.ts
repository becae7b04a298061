import type { GroupId } from './log-store.ts'

/**
 * The port of the applied data of all groups of a process: user records under their own keys, and one opaque state record per
 * group (applied index, membership, range, machine state). Values are opaque here.
 *
 * A write is visible to readers at once and durable later: `flush` makes a prefix of each group's writes durable, atomically with
 * the state record that was current then. After a crash a group is found at some earlier state of its own, never at
 * a mixture. The Raft log must therefore keep everything after `durableState`.
 *
 * Keys are latin-1 strings (one code unit per byte), because they are Map keys on the hot path; see base/bytes.
 */
export type DataKey = string

export interface KeyRange {
  /** Inclusive. */
  readonly start: DataKey
  /** Exclusive; undefined means no upper bound. */
  readonly end: DataKey | undefined
}

export interface ScanOptions extends KeyRange {
  readonly reverse: boolean
  readonly itemsMax: number
  readonly bytesMax: number
  readonly keysOnly: boolean
}

export interface ScanPage {
  readonly items: readonly { readonly key: DataKey; readonly value: Uint8Array }[]
  /** Whether the range may hold more than what was returned. */
  readonly more: boolean
}

export interface DataStore {
  /** The value if memory knows it: bytes, or null for "known to be absent"; undefined means "ask `getMany`". */
  peek(key: DataKey): Uint8Array | null | undefined
  /** Values in the order of the keys, as of the moment of the call: overlay first, then one batched read. */
  getMany(keys: readonly DataKey[]): Promise<(Uint8Array | undefined)[]>
  /** One page, a consistent view as of the moment of the call, in ascending order (descending with `reverse`). */
  scan(options: ScanOptions): Promise<ScanPage>
  put(group: GroupId, key: DataKey, value: Uint8Array): void
  delete(group: GroupId, key: DataKey): void
  /** Replaces the group's state record; covers every write of the group made before this call and none made after. */
  setState(group: GroupId, state: Uint8Array): void
  state(group: GroupId): Uint8Array | undefined
  /** The state that a crash now would leave behind. */
  durableState(group: GroupId): Uint8Array | undefined
  groups(): Iterable<GroupId>
  /** Bytes that only memory holds. Above `storage.overlayBytes` the caller should stop applying until a flush has ended. */
  readonly overlayBytes: number
  readonly overFull: boolean
  /** Starts a flush of everything written so far unless one runs; resolves when what was written before the call is durable. */
  flush(): Promise<void>
  /** An estimate of the bytes and keys in a range, from the engine's own statistics plus the overlay. */
  approximateSize(range: KeyRange): Promise<{ bytes: number; keys: number }>
  /** Starts the export of a group's range and state, read at one moment. */
  exportSnapshot(group: GroupId, range: KeyRange): SnapshotExport
  /** Receives an exported snapshot; nothing of it is visible before `install`. */
  importSnapshot(group: GroupId): SnapshotImport
  /** Deletes a group's state record and all its data in slices; restartable after a crash. */
  destroyGroup(group: GroupId, range: KeyRange): Promise<void>
  close(): Promise<void>
}

/** A pull stream of chunks of at most LIMITS.snapshotChunkBytesMax, compressed and checksummed in a worker. */
export interface SnapshotExport {
  /** The group's state record inside the snapshot; resolves before the first chunk. */
  readonly state: Promise<Uint8Array>
  /** The next chunk, undefined at the end. Memory holds a bounded number of chunks: a reader that waits makes the worker wait. */
  next(): Promise<Uint8Array | undefined>
  /** Ends the export and frees what it holds. Allowed at any time. */
  cancel(): void
}

export interface SnapshotImport {
  /** Appends one chunk, in order; rejects when the chunk is damaged. */
  write(chunk: Uint8Array): Promise<void>
  /** All chunks are here: checks the whole and makes it durable on the side. Answers the state record inside. */
  finish(): Promise<Uint8Array>
  /**
   * Replaces everything in `range` and the group's state record by the snapshot with `state` as the new record, atomically even across a crash.
   * Writes of the group that were not flushed are dropped. Allowed once, after `finish`.
   */
  install(range: KeyRange, state: Uint8Array): Promise<void>
  /** Drops what was received. */
  cancel(): Promise<void>
}
