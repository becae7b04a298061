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

/**
 * - `DISK_FULL`, `IO_ERROR` from a flush, an install or a destroy are fatal: what is durable is unknown, the store refuses
 *   every later flush, install, destroy and export, and the process must end. From a read they concern that read. Cure: free disk or replace it, then start again.
 * - `STORE_LOCKED`: another process has the directory open. Cure: stop it.
 * - `UNSUPPORTED_VERSION`: the directory, or a snapshot, was written by another format. Cure: run the version that wrote it.
 * - `ENGINE_UNAVAILABLE`: the engine asked for is not installed, or does not survive its probe. Cure: the message says.
 * - `SNAPSHOT_DAMAGED`: a chunk or the whole is not what the exporter sent. Cure: cancel and ask for a new snapshot.
 * - `NO_STATE`: the group has no state record to export.
 * - `CANCELLED`, `CLOSED`: the caller ended it.
 */
export type DataStoreErrorCode =
  | 'DISK_FULL'
  | 'IO_ERROR'
  | 'STORE_LOCKED'
  | 'UNSUPPORTED_VERSION'
  | 'ENGINE_UNAVAILABLE'
  | 'SNAPSHOT_DAMAGED'
  | 'NO_STATE'
  | 'CANCELLED'
  | 'CLOSED'

export class DataStoreError extends Error {
  override readonly name = 'DataStoreError'
  readonly code: DataStoreErrorCode

  constructor(code: DataStoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A group whose install could not be redone after a crash: part of its data is gone. It must not start; the others may. */
export interface DamagedGroup {
  readonly group: GroupId
  readonly reason: string
}

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

export interface RangeSize {
  readonly bytes: number
  readonly keys: number
  readonly isSettled: boolean
}

export interface DataStore {
  /** The value if memory knows it: bytes, or null for "known to be absent"; undefined means "ask `getMany`". */
  peek(key: DataKey): Uint8Array | null | undefined
  /** Values in the order of the keys, as of the moment of the call: overlay first, then one batched read. */
  getMany(keys: readonly DataKey[]): Promise<(Uint8Array | undefined)[]>
  /** One page, a consistent view as of the moment of the call, in ascending order (descending with `reverse`). */
  scan(options: ScanOptions): Promise<ScanPage>
  /**
   * The store keeps `value` itself, so the caller must not write into its buffer again. (A value that is a small part of a
   * much larger buffer is copied, because keeping it would keep all of the buffer.) Invariant: a key is written by one group at a time.
   */
  put(group: GroupId, key: DataKey, value: Uint8Array): void
  delete(group: GroupId, key: DataKey): void
  /**
   * Replaces the group's state record; covers every write of the group made before this call and none made after. Writes that no
   * state record covers yet are visible, but a flush leaves them out.
   */
  setState(group: GroupId, state: Uint8Array): void
  state(group: GroupId): Uint8Array | undefined
  /** The state that a crash now would leave behind. */
  durableState(group: GroupId): Uint8Array | undefined
  groups(): Iterable<GroupId>
  /** Groups to be rebuilt from their peers: by a new `install`, or by `destroyGroup`. */
  damaged(): readonly DamagedGroup[]
  /** Bytes that only memory holds. Above `storage.overlayBytes` the caller should stop applying until a flush has ended. */
  readonly overlayBytes: number
  readonly overFull: boolean
  /**
   * Starts a flush of everything written so far unless one runs; resolves when what was written before the call and covered by a state
   * record is durable. A failure is reported to `onFatal` too, once, and is never retried.
   */
  flush(): Promise<void>
  /** An estimate of the bytes and keys in a range, from the engine's own statistics plus the overlay. */
  approximateSize(range: KeyRange): Promise<{ bytes: number; keys: number }>
  /**
   * The same for a range that is asked for again and again, and better: where it is not large, its records are counted, at most `itemsMax` of them at each call.
   * `isSettled` says that the figures are those of `version` (a number that the caller changes with every write to the range) and need not be asked for again.
   */
  surveySize(range: KeyRange, version: number, itemsMax: number): Promise<RangeSize>
  /**
   * Starts the export of a group's range and state, read at one moment: at this call or later, after a flush. The state record inside may
   * therefore be newer than the caller's; a caller whose ranges change compares the range in it with the one it asked for, and cancels.
   */
  exportSnapshot(group: GroupId, range: KeyRange): SnapshotExport
  /** Receives an exported snapshot; nothing of it is visible before `install`. */
  importSnapshot(group: GroupId): SnapshotImport
  /**
   * Deletes a group's state record and all its data in slices; restartable after a crash. Until it resolves nobody may read or
   * write the range. `tombstone`, if given, takes the place of the state record, durable before the first record is deleted.
   */
  destroyGroup(group: GroupId, range: KeyRange, tombstone?: Uint8Array): Promise<void>
  /** Flushes, ends exports and imports, waits for running work. No call is allowed afterwards. */
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
   * Writes in the range that were not flushed are dropped, records of the snapshot outside `range` are left out. Allowed once, after
   * `finish`. Until it resolves the group must not be read or written.
   */
  install(range: KeyRange, state: Uint8Array): Promise<void>
  /** Drops what was received. */
  cancel(): Promise<void>
}
