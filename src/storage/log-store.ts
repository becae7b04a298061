import type { Entry, HardState, SnapshotMeta, StableLog } from '../raft/index.ts'

/**
 * The port of the shared log: one append-only store for the logs of all groups of a process. It is not a Raft log by
 * itself (it neither votes nor commits) and it holds no user data. The store's loop is its only caller.
 *
 * Life of a write: any number of `append`, `compact`, `reset`, `destroy` calls of one turn fill a buffer and are visible to
 * readers at once; `sync` writes the buffer with one write and one fdatasync and then reports. Nothing may be
 * acknowledged to anybody before the report.
 */
export type GroupId = number

export interface GroupLog extends StableLog {
  readonly group: GroupId
  /** The replica this log belongs to; a log never changes its replica. */
  readonly replica: number
  readonly hardState: HardState
  /** Bytes of entries between firstIndex and lastIndex. */
  readonly bytes: number
  /**
   * Adds entries, first cutting every stored entry from `entries[0].index` on, and replaces the hard state where given.
   * Invariant: `entries[0].index` lies in [firstIndex, lastIndex + 1].
   */
  append(entries: readonly Entry[], hardState: HardState | undefined): void
  /** Forgets entries up to and including `index` (which must be stored); its term stays known. */
  compact(index: number): void
  /** Forgets all entries and starts after (index, term): what a snapshot does. The hard state stays. */
  reset(index: number, term: number): void
  /** Who answers `snapshot()`: a log holds entries, only its host can describe a snapshot. Undefined until set. */
  describeSnapshotsWith(describe: () => SnapshotMeta | undefined): void
}

/**
 * Stands in `damaged()` for groups that may have been lost without a trace, because a record could not even be attributed. Like any damaged log it keeps
 * the segments that tell of the damage until it is destroyed. Whoever knows which replicas the damage can concern may create a log for it then, which holds no
 * entries: later damage of that kind makes it damaged again, damage before it does not.
 */
export const UNKNOWN_GROUP: GroupId = 0

/** A log that recovery could not trust. Its group must not start; the others may. */
export interface DamagedLog {
  readonly group: GroupId
  readonly file: string
  readonly offset: number
  readonly reason: string
}

export interface LogStoreStats {
  readonly segments: number
  readonly bytes: number
  readonly syncs: number
  readonly entriesAppended: number
  readonly bytesWritten: number
}

export type LogStoreErrorCode =
  | 'IO_ERROR'
  | 'DISK_FULL'
  | 'STORE_LOCKED'
  | 'STORE_MISMATCH'
  | 'UNSUPPORTED_VERSION'
  | 'DAMAGED'
  | 'CLOSED'

/** DAMAGED is thrown by reads of one group whose stored bytes fail their checksum; that replica must stop, the others may run. After an IO_ERROR or DISK_FULL from `sync` the log is dead: every later call to `sync` fails the same way. */
export class LogStoreError extends Error {
  override readonly name = 'LogStoreError'
  readonly code: LogStoreErrorCode

  constructor(code: LogStoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export interface LogStore {
  /** The logs found at opening and created since. */
  groups(): ReadonlyMap<GroupId, GroupLog>
  damaged(): readonly DamagedLog[]
  /** A new, empty log that starts after (index, term). Invariant: the group has none. */
  create(group: GroupId, replica: number, start: { readonly index: number; readonly term: number }): GroupLog
  /** Forgets the group's log, damaged or not, and remembers that this replica is gone, so that recovery does not bring it back. */
  destroy(group: GroupId): void
  /** Whether anything waits for `sync`. */
  readonly dirty: boolean
  /**
   * Makes everything buffered so far durable, then calls `done` (never before returning). One sync runs at a time: the
   * caller waits for `done` before it calls again. What is buffered meanwhile belongs to the next sync.
   */
  sync(done: (error: LogStoreError | undefined) => void): void
  stats(): LogStoreStats
  /** Rewrites or deletes old segments where that frees disk; call it now and then, between turns. Its writes go through `sync`. */
  collectGarbage(): void
  close(): Promise<void>
}
