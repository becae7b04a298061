import { crc32 } from 'node:zlib'
import { assert, present } from '../../base/index.ts'
import type { Entry, EntryType, HardState } from '../../raft/index.ts'
import { getUint64, putUint64, viewOf } from './layout.ts'

/**
 * The records inside a batch: encoding into a buffer the caller made large enough, decoding of bytes nobody trusts yet.
 * What a record means to a group's log is in `replay.ts`.
 *
 *   offset  size  meaning
 *        0     4  crc32, seeded with the log id, of byte 4 to the record's end
 *        4     4  bytes of the whole record
 *        8     8  group
 *       16     1  type
 *       17     1  flags: 1 = a hard state is present
 *       18     2  zero
 *       20     4  number of entries
 *       24     …  body
 *
 * Types and bodies:
 *
 *   1  entries   a run of consecutive entries of one term. First cuts every entry of the group from the first index on, so
 *                a conflict needs no record of its own. Index of the first (u64), term (u64), hard state if flagged
 *                (term, votedFor, commitIndex: u64 each), then per entry: u32 = data length + 2^30 * type, data
 *   2  moved     the same shape; a copy of entries whose older place will be deleted. Cuts nothing
 *   3  state     where the log starts (compaction), and the hard state. Forgets the entries up to the start.
 *                Replica (u64), start index, start term, hard state (u64 each)
 *   4  restart   the same shape; forgets everything the group had (creation, reset by a snapshot)
 *   5  tombstone the group's replica is gone with everything it had. Replica (u64)
 *
 * A state or restart record is complete in itself, so that the segments before it may go.
 */
const RECORD_HEADER_BYTES = 24
export const STATE_RECORD_BYTES = RECORD_HEADER_BYTES + 48
export const TOMBSTONE_RECORD_BYTES = RECORD_HEADER_BYTES + 8
export const HARD_STATE_BYTES = 24
const ENTRY_HEADER_BYTES = 4

const RUN_HEADER_BYTES = RECORD_HEADER_BYTES + 16
const FLAG_HARD_STATE = 1
const ENTRY_LENGTH_BITS = 30
const ENTRY_LENGTH_MASK = 2 ** ENTRY_LENGTH_BITS - 1
const ENTRY_TYPES: readonly EntryType[] = ['normal', 'membership', 'membership-v1', 'shard']

const TYPE_ENTRIES = 1
const TYPE_MOVED = 2
const TYPE_STATE = 3
const TYPE_RESTART = 4
const TYPE_TOMBSTONE = 5

export type RunType = 'entries' | 'moved'
export type StateType = 'state' | 'restart'

export interface LogStart {
  readonly index: number
  readonly term: number
}

interface RunRecord {
  readonly type: RunType
  readonly group: number
  readonly first: number
  readonly last: number
  readonly term: number
  readonly hardState: HardState | undefined
  /** Bytes of the entries' data, without the four bytes in front of each. */
  readonly dataBytes: number
}

export interface StateRecord {
  readonly type: StateType
  readonly group: number
  readonly replica: number
  readonly start: LogStart
  readonly hardState: HardState
}

interface TombstoneRecord {
  readonly type: 'tombstone'
  readonly group: number
  readonly replica: number
}

export type LogRecord = RunRecord | StateRecord | TombstoneRecord

function typeCode(type: EntryType): number {
  switch (type) {
    case 'normal':
      return 0
    case 'membership':
      return 1
    case 'membership-v1':
      return 2
    case 'shard':
      return 3
  }
}

function putHeader(view: DataView, at: number, length: number, group: number, type: number): void {
  view.setUint32(at + 4, length, true)
  putUint64(view, at + 8, group)
  view.setUint32(at + 16, type, true)
  view.setUint32(at + 20, 0, true)
}

function seal(bytes: Uint8Array, view: DataView, at: number, end: number, logId: number): void {
  view.setUint32(at, crc32(bytes.subarray(at + 4, end), logId), true)
}

function putHardState(view: DataView, at: number, hardState: HardState): void {
  putUint64(view, at, hardState.term)
  putUint64(view, at + 8, hardState.votedFor)
  putUint64(view, at + 16, hardState.commitIndex)
}

/** Bytes of a run record of `count` entries that hold `dataBytes` of data together. */
export function runRecordBytes(count: number, dataBytes: number, withHardState: boolean): number {
  return RUN_HEADER_BYTES + (withHardState ? HARD_STATE_BYTES : 0) + count * ENTRY_HEADER_BYTES + dataBytes
}

/** Encodes `entries[from, to)`, which share one term, at `at`; returns the record's end. */
export function encodeRun(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  logId: number,
  type: RunType,
  group: number,
  entries: readonly Entry[],
  from: number,
  to: number,
  hardState: HardState | undefined,
): number {
  const first = present(entries[from], 'the first entry of a run')
  putHeader(view, at, 0, group, type === 'entries' ? TYPE_ENTRIES : TYPE_MOVED)
  view.setUint32(at + 20, to - from, true)
  putUint64(view, at + 24, first.index)
  putUint64(view, at + 32, first.term)
  let cursor = at + RUN_HEADER_BYTES
  if (hardState !== undefined) {
    view.setUint8(at + 17, FLAG_HARD_STATE)
    putHardState(view, cursor, hardState)
    cursor += HARD_STATE_BYTES
  }
  for (let i = from; i < to; i++) {
    const entry = entries[i] as Entry
    const data = entry.data
    assert(data.length <= ENTRY_LENGTH_MASK, `an entry of ${data.length} bytes does not fit a record`)
    view.setUint32(cursor, (data.length | (typeCode(entry.type) << ENTRY_LENGTH_BITS)) >>> 0, true)
    bytes.set(data, cursor + ENTRY_HEADER_BYTES)
    cursor += ENTRY_HEADER_BYTES + data.length
  }
  view.setUint32(at + 4, cursor - at, true)
  seal(bytes, view, at, cursor, logId)
  return cursor
}

/** Encodes a state or restart record at `at`; returns its end. */
export function encodeState(bytes: Uint8Array, view: DataView, at: number, logId: number, record: StateRecord): number {
  putHeader(view, at, STATE_RECORD_BYTES, record.group, record.type === 'state' ? TYPE_STATE : TYPE_RESTART)
  putUint64(view, at + 24, record.replica)
  putUint64(view, at + 32, record.start.index)
  putUint64(view, at + 40, record.start.term)
  putHardState(view, at + 48, record.hardState)
  const end = at + STATE_RECORD_BYTES
  seal(bytes, view, at, end, logId)
  return end
}

/** Encodes a tombstone at `at`; returns its end. */
export function encodeTombstone(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  logId: number,
  group: number,
  replica: number,
): number {
  putHeader(view, at, TOMBSTONE_RECORD_BYTES, group, TYPE_TOMBSTONE)
  putUint64(view, at + 24, replica)
  const end = at + TOMBSTONE_RECORD_BYTES
  seal(bytes, view, at, end, logId)
  return end
}

/** The length of the intact record at `at`, which must end at or before `limit`; 0 when there is none. */
export function intactRecordBytes(bytes: Uint8Array, view: DataView, at: number, limit: number, logId: number): number {
  if (at + RECORD_HEADER_BYTES > limit) return 0
  const length = view.getUint32(at + 4, true)
  if (length < RECORD_HEADER_BYTES || at + length > limit) return 0
  return crc32(bytes.subarray(at + 4, at + length), logId) === view.getUint32(at, true) ? length : 0
}

function getHardState(view: DataView, at: number): HardState | undefined {
  const term = getUint64(view, at)
  const votedFor = getUint64(view, at + 8)
  const commitIndex = getUint64(view, at + 16)
  if (!Number.isSafeInteger(term) || !Number.isSafeInteger(votedFor) || !Number.isSafeInteger(commitIndex))
    return undefined
  return { term, votedFor, commitIndex }
}

/** Where the first entry's length stands, behind the header and the hard state if there is one. */
function firstEntryOffset(view: DataView, at: number): number {
  return at + RUN_HEADER_BYTES + (view.getUint8(at + 17) & FLAG_HARD_STATE ? HARD_STATE_BYTES : 0)
}

function decodeRun(view: DataView, at: number, end: number, type: RunType, group: number): RunRecord | undefined {
  if (end - at < RUN_HEADER_BYTES) return undefined
  const count = view.getUint32(at + 20, true)
  const first = getUint64(view, at + 24)
  const term = getUint64(view, at + 32)
  let cursor = firstEntryOffset(view, at)
  if (cursor > end || count === 0 || first === 0) return undefined
  if (!Number.isSafeInteger(first + count) || !Number.isSafeInteger(term)) return undefined
  let hardState: HardState | undefined
  if (cursor - at > RUN_HEADER_BYTES) {
    hardState = getHardState(view, cursor - HARD_STATE_BYTES)
    if (hardState === undefined) return undefined
  }
  // Each turn moves at least four bytes towards `end`, so a wrong count cannot make this long.
  let dataBytes = 0
  for (let i = 0; i < count; i++) {
    if (cursor + ENTRY_HEADER_BYTES > end) return undefined
    const head = view.getUint32(cursor, true)
    if (head >>> ENTRY_LENGTH_BITS >= ENTRY_TYPES.length) return undefined
    const length = head & ENTRY_LENGTH_MASK
    dataBytes += length
    cursor += ENTRY_HEADER_BYTES + length
  }
  if (cursor !== end) return undefined
  return { type, group, first, last: first + count - 1, term, hardState, dataBytes }
}

function decodeState(view: DataView, at: number, end: number, type: StateType, group: number): StateRecord | undefined {
  if (end - at !== STATE_RECORD_BYTES) return undefined
  const replica = getUint64(view, at + 24)
  const index = getUint64(view, at + 32)
  const term = getUint64(view, at + 40)
  const hardState = getHardState(view, at + 48)
  if (!Number.isSafeInteger(replica) || !Number.isSafeInteger(index) || !Number.isSafeInteger(term)) return undefined
  if (hardState === undefined) return undefined
  return { type, group, replica, start: { index, term }, hardState }
}

/** What the record of `length` bytes at `at` says; undefined when it passes its checksum and still makes no sense. */
export function decodeRecord(view: DataView, at: number, length: number): LogRecord | undefined {
  const end = at + length
  const group = getUint64(view, at + 8)
  if (!Number.isSafeInteger(group)) return undefined
  switch (view.getUint8(at + 16)) {
    case TYPE_ENTRIES:
      return decodeRun(view, at, end, 'entries', group)
    case TYPE_MOVED:
      return decodeRun(view, at, end, 'moved', group)
    case TYPE_STATE:
      return decodeState(view, at, end, 'state', group)
    case TYPE_RESTART:
      return decodeState(view, at, end, 'restart', group)
    case TYPE_TOMBSTONE: {
      const replica = length === TOMBSTONE_RECORD_BYTES ? getUint64(view, at + 24) : Number.NaN
      return Number.isSafeInteger(replica) ? { type: 'tombstone', group, replica } : undefined
    }
    default:
      return undefined
  }
}

/**
 * The entries of the run record that fills `bytes`, or undefined when it fails its checksum or is not a run of `group`.
 * The entries' data are views of `bytes`.
 */
export function decodeRunEntries(bytes: Uint8Array, logId: number, group: number): Entry[] | undefined {
  const view = viewOf(bytes)
  if (bytes.length === 0 || intactRecordBytes(bytes, view, 0, bytes.length, logId) !== bytes.length) return undefined
  const record = decodeRecord(view, 0, bytes.length)
  if (record === undefined || record.group !== group) return undefined
  if (record.type !== 'entries' && record.type !== 'moved') return undefined
  const entries: Entry[] = []
  let cursor = firstEntryOffset(view, 0)
  for (let index = record.first; index <= record.last; index++) {
    const head = view.getUint32(cursor, true)
    const end = cursor + ENTRY_HEADER_BYTES + (head & ENTRY_LENGTH_MASK)
    const type = present(ENTRY_TYPES[head >>> ENTRY_LENGTH_BITS], 'the type of a checked entry')
    entries.push({ index, term: record.term, type, data: bytes.subarray(cursor + ENTRY_HEADER_BYTES, end) })
    cursor = end
  }
  return entries
}
