import type { Buffer } from 'node:buffer'
import {
  BATCH_HEADER_BYTES,
  BATCH_MAGIC_BYTES,
  type DirectoryEntry,
  decodeBatchHeader,
  decodeFooter,
  END_MARK_BYTES,
  type Footer,
  footerBytes,
  type Stamp,
} from './layout.ts'
import { intactRecordBytes } from './records.ts'

/**
 * Reads the batches of one segment's bytes and says what is damaged, and whether a damaged tail can be the trace of a write
 * that a crash interrupted. Pure; it decides nothing about groups (`replay.ts`) or files (`recover.ts`). Any bytes give a
 * typed result in time linear in their number.
 *
 * Torn or damaged? A batch is written only after the batch before it was reported durable. So:
 *
 * 1. Damage followed by any valid batch, in the same or a later segment, hit bytes that were durable: never cut.
 * 2. The last batch may have been interrupted, and then nobody was told that it is durable: cutting it is right. But a bit
 *    that flipped in it later must not be cut. The two differ in their traces. Files only grow, so an interrupted write
 *    leaves each sector of its batch written, or zero, or behind the file's end. A batch that is complete in length, ends
 *    with its end mark, fails a checksum, and has no zero sector under the failing record was therefore once written
 *    whole: that is damage.
 * 3. What stays undecidable: damage to the last batch that looks like missing sectors (the file was cut short, or a sector
 *    reads as zeros). It is taken for an interrupted write. To keep that window small, closing the log and an idle
 *    `collectGarbage` append an empty batch, behind which rule 1 holds.
 */
const SECTOR_BYTES = 512

export interface RecordSpan {
  readonly offset: number
  readonly length: number
  /** From the directory where there is one; undefined when nothing says whose bytes these are. */
  readonly group: number | undefined
  readonly intact: boolean
}

export interface ScannedBatch {
  readonly kind: 'batch'
  readonly offset: number
  readonly end: number
  readonly stamp: Stamp
  /** In the order in which they were appended. */
  readonly records: readonly RecordSpan[]
}

/** Bytes in which no batch can be made out. `short`: a valid header, but the file ends before the batch does. */
export interface ScannedGap {
  readonly kind: 'gap'
  readonly offset: number
  readonly end: number
  readonly reason: 'no-header' | 'short'
}

export type Scanned = ScannedBatch | ScannedGap | { readonly kind: 'end'; readonly offset: number }

export class SegmentScanner {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #logId: number
  #offset: number
  /** Batches with a lower or equal sequence are not taken for real when searching behind damage. */
  #sequence: number
  /** Everything from here on is zero. */
  readonly #contentEnd: number

  constructor(bytes: Buffer, logId: number, from: number, sequence: number) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#logId = logId
    this.#offset = from
    this.#sequence = sequence
    this.#contentEnd = contentEnd(bytes)
  }

  next(): Scanned {
    const item = this.#scan(this.#offset)
    if (item.kind === 'batch') this.#sequence = Math.max(this.#sequence, item.stamp.sequence)
    if (item.kind !== 'end') this.#offset = item.end
    return item
  }

  /** Whether nothing but zeros follows `item`. */
  isLast(item: ScannedBatch | ScannedGap): boolean {
    return item.end >= this.#contentEnd
  }

  /** Rule 2 above, for the last item of the last segment, which is a gap or a batch with a broken record. */
  looksInterrupted(item: ScannedBatch | ScannedGap): boolean {
    if (item.kind === 'gap') {
      if (item.reason === 'short' || this.#contentEnd - item.offset < BATCH_HEADER_BYTES) return true
      return this.#hasZeroSector(item.offset, item.offset + BATCH_HEADER_BYTES, item)
    }
    if (item.end - END_MARK_BYTES >= this.#contentEnd) return true
    return item.records.every(
      (record) => record.intact || this.#hasZeroSector(record.offset, record.offset + record.length, item),
    )
  }

  #scan(offset: number): Scanned {
    if (offset >= this.#contentEnd) return { kind: 'end', offset }
    const bytes = this.#bytes
    const stamp = decodeBatchHeader(bytes, this.#view, offset, this.#logId)
    if (stamp !== undefined) {
      const end = offset + stamp.batchBytes
      if (end > bytes.length) return { kind: 'gap', offset, end: bytes.length, reason: 'short' }
      return { kind: 'batch', offset, end, stamp, records: this.#records(offset, stamp) }
    }
    const headless = this.#headlessBatch(offset)
    if (headless !== undefined) return headless
    return { kind: 'gap', offset, end: this.#nextBatch(offset + 1), reason: 'no-header' }
  }

  /** The records of a batch with a valid header: by directory, or one after the other when the footer is broken. */
  #records(offset: number, stamp: Stamp): RecordSpan[] {
    const footerAt = offset + stamp.batchBytes - footerBytes(stamp.records)
    const footer = decodeFooter(this.#bytes, this.#view, footerAt, offset, this.#logId)
    if (footer !== undefined) return this.#recordsByDirectory(offset, footerAt, footer.directory)

    const records: RecordSpan[] = []
    let at = offset + BATCH_HEADER_BYTES
    while (records.length < stamp.records) {
      const length = intactRecordBytes(this.#bytes, this.#view, at, footerAt, this.#logId)
      if (length === 0) {
        records.push({ offset: at, length: offset + stamp.batchBytes - at, group: undefined, intact: false })
        break
      }
      records.push({ offset: at, length, group: undefined, intact: true })
      at += length
    }
    return records
  }

  #recordsByDirectory(batch: number, footerAt: number, directory: readonly DirectoryEntry[]): RecordSpan[] {
    return directory.map((entry, i) => {
      const offset = batch + entry.offset
      const next = directory[i + 1]
      const length = Math.max(0, (next === undefined ? footerAt : batch + next.offset) - offset)
      const intact =
        length > 0 && intactRecordBytes(this.#bytes, this.#view, offset, offset + length, this.#logId) === length
      return { offset, length, group: entry.group, intact }
    })
  }

  /** A batch whose header is broken, but whose records lead to a footer that agrees with them: nothing of it is lost. */
  #headlessBatch(offset: number): ScannedBatch | undefined {
    const records: RecordSpan[] = []
    let at = offset + BATCH_HEADER_BYTES
    let footer: Footer | undefined
    while (at < this.#contentEnd) {
      footer = decodeFooter(this.#bytes, this.#view, at, offset, this.#logId)
      if (footer !== undefined) break
      const length = intactRecordBytes(this.#bytes, this.#view, at, this.#bytes.length, this.#logId)
      if (length === 0) return undefined
      records.push({ offset: at, length, group: undefined, intact: true })
      at += length
    }
    if (footer === undefined || footer.stamp.records !== records.length) return undefined
    return { kind: 'batch', offset, end: offset + footer.stamp.batchBytes, stamp: footer.stamp, records }
  }

  /** Where the next batch header behind damage stands, or the end of the bytes. */
  #nextBatch(from: number): number {
    const bytes = this.#bytes as Buffer
    for (let at = bytes.indexOf(BATCH_MAGIC_BYTES, from); at >= 0; at = bytes.indexOf(BATCH_MAGIC_BYTES, at + 1)) {
      const stamp = decodeBatchHeader(bytes, this.#view, at, this.#logId)
      if (stamp !== undefined && stamp.sequence > this.#sequence) return at
    }
    return bytes.length
  }

  /** Whether a sector under [from, to) holds only zeros where it belongs to `item`. */
  #hasZeroSector(from: number, to: number, item: ScannedBatch | ScannedGap): boolean {
    for (let sector = from - (from % SECTOR_BYTES); sector < to; sector += SECTOR_BYTES) {
      const start = Math.max(sector, item.offset)
      const end = Math.min(sector + SECTOR_BYTES, item.end)
      let zero = start < end
      for (let at = start; zero && at < end; at++) zero = this.#bytes[at] === 0
      if (zero) return true
    }
    return false
  }
}

function contentEnd(bytes: Buffer): number {
  let end = bytes.length
  while (end >= 8 && bytes.readDoubleLE(end - 8) === 0 && bytes[end - 1] === 0) end -= 8
  while (end > 0 && bytes[end - 1] === 0) end--
  return end
}
