import { assert } from '../../base/index.ts'
import type { Entry, HardState } from '../../raft/index.ts'
import { BATCH_HEADER_BYTES, footerBytes, type Stamp, sealBatch, viewOf } from './layout.ts'
import {
  encodeRun,
  encodeState,
  encodeTombstone,
  type RunType,
  runRecordBytes,
  STATE_RECORD_BYTES,
  type StateRecord,
  TOMBSTONE_RECORD_BYTES,
} from './records.ts'

/**
 * One batch being filled: a growing buffer that is used again and again, into which records are encoded where they will
 * stand on disk. It knows no groups' logs and does no I/O; the segment log owns two of them, one being filled while the
 * other is written.
 */
const BYTES_MIN = 256 * 1024
/** A batch that grew beyond this is not kept: one burst must not hold its memory for ever. */
const BYTES_KEPT_MAX = 8 * 1024 * 1024
/** Keeps every offset and length within what Node writes and reads in one call. */
const BATCH_BYTES_MAX = 1024 * 1024 * 1024

export class BatchBuffer {
  readonly #logId: number
  #bytes = new Uint8Array(BYTES_MIN)
  #view = viewOf(this.#bytes)
  #length = BATCH_HEADER_BYTES
  readonly #offsets: number[] = []
  readonly #groups: number[] = []

  constructor(logId: number) {
    this.#logId = logId
  }

  get records(): number {
    return this.#offsets.length
  }

  /** Where the next record will start, counted from the start of the batch. */
  get offset(): number {
    return this.#length
  }

  /** Appends `entries[from, to)`, all of one term; returns the record's bytes. */
  addRun(
    type: RunType,
    group: number,
    entries: readonly Entry[],
    from: number,
    to: number,
    dataBytes: number,
    hardState: HardState | undefined,
  ): number {
    const at = this.#begin(group, runRecordBytes(to - from, dataBytes, hardState !== undefined))
    this.#length = encodeRun(this.#bytes, this.#view, at, this.#logId, type, group, entries, from, to, hardState)
    return this.#length - at
  }

  addState(record: StateRecord): void {
    const at = this.#begin(record.group, STATE_RECORD_BYTES)
    this.#length = encodeState(this.#bytes, this.#view, at, this.#logId, record)
  }

  addTombstone(group: number, replica: number): void {
    const at = this.#begin(group, TOMBSTONE_RECORD_BYTES)
    this.#length = encodeTombstone(this.#bytes, this.#view, at, this.#logId, group, replica)
  }

  /** Completes the batch and returns its bytes, which stay valid until `clear`. */
  seal(sequence: number, oldestSegment: number): Uint8Array {
    const records = this.records
    const batchBytes = this.#length + footerBytes(records)
    this.#reserve(batchBytes)
    const stamp: Stamp = { sequence, oldestSegment, batchBytes, records }
    sealBatch(this.#bytes, this.#view, this.#logId, stamp, this.#offsets, this.#groups)
    return this.#bytes.subarray(0, batchBytes)
  }

  clear(): void {
    this.#length = BATCH_HEADER_BYTES
    this.#offsets.length = 0
    this.#groups.length = 0
    if (this.#bytes.length > BYTES_KEPT_MAX) this.#replaceBytes(BYTES_MIN)
  }

  #begin(group: number, recordBytes: number): number {
    this.#reserve(this.#length + recordBytes)
    this.#offsets.push(this.#length)
    this.#groups.push(group)
    return this.#length
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#bytes.length) return
    assert(bytes <= BATCH_BYTES_MAX, `a batch of ${bytes} bytes exceeds ${BATCH_BYTES_MAX}: the caller must sync`)
    const old = this.#bytes
    this.#replaceBytes(Math.min(BATCH_BYTES_MAX, Math.max(bytes, old.length * 2)))
    this.#bytes.set(old.subarray(0, this.#length))
  }

  #replaceBytes(bytes: number): void {
    this.#bytes = new Uint8Array(bytes)
    this.#view = viewOf(this.#bytes)
  }
}
