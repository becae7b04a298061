import { crc32 } from 'node:zlib'
import { assert } from '../../base/index.ts'

/**
 * The bytes of a segment file: headers, stamps and how they are checked. The records between them are in `records.ts`.
 * Nothing here does I/O. All numbers are little-endian; a u64 holds a whole number up to 2^53 - 1.
 *
 * Segment file, named `<sequence as 16 hex digits>.segment`:
 *
 *   offset  size  meaning
 *        0    32  segment header
 *       32    32  the same header once more: a flipped bit in one copy costs nothing
 *       64     …  batches, back to back; zeros after the last batch are room that was not used
 *
 * Segment header (this shape stays the same in every format version, so that an old program can name a newer one):
 *
 *        0     8  magic "FLOTLOG\n"
 *        8     4  format version
 *       12     4  log id: random, the same in all segments of a log; seeds every checksum below, so that bytes of
 *                 another log, or of a log image that a user stored as a value, never pass for our own
 *       16     8  segment sequence
 *       24     4  zero
 *       28     4  crc32 of bytes 0 to 28
 *
 * Batch: what one sync wrote, in one write.
 *
 *        0    32  header: a stamp with the magic "BTCH"
 *       32     …  records, back to back
 *        …     …  footer: a stamp with the magic "FOOT", then the directory: per record its offset in the batch (u32)
 *                 and its group (u64), then the end mark (u32), which is never zero
 *
 * Stamp:
 *
 *        0     4  magic
 *        4     4  crc32, seeded, of byte 8 to the end of the stamp, or of the whole footer
 *        8     8  batch sequence: one more than the batch before it, across segments
 *       16     8  oldest segment still needed when the batch was written
 *       24     4  bytes of the whole batch
 *       28     4  records in the batch
 *
 * Why both ends carry a stamp and a directory: one damaged place, be it the header, the footer or a record, can always be
 * attributed to exactly the group whose record it hit, or to none.
 */
export const FORMAT_VERSION = 1
export const SEGMENT_HEADER_BYTES = 64
export const BATCH_HEADER_BYTES = 32
const DIRECTORY_ENTRY_BYTES = 12

const HEADER_COPY_BYTES = 32
export const END_MARK_BYTES = 4
const END_MARK = 0xf1e7_b0a7
const SEGMENT_MAGIC = [0x46, 0x4c, 0x4f, 0x54, 0x4c, 0x4f, 0x47, 0x0a] as const
const BATCH_MAGIC = 0x4843_5442
const FOOTER_MAGIC = 0x544f_4f46
const TWO_TO_32 = 2 ** 32

/** The first bytes of a batch on disk, for finding the next batch behind damage. */
export const BATCH_MAGIC_BYTES: Uint8Array = Uint8Array.of(0x42, 0x54, 0x43, 0x48)

export interface SegmentHeader {
  readonly version: number
  readonly logId: number
  readonly sequence: number
}

export interface Stamp {
  readonly sequence: number
  readonly oldestSegment: number
  readonly batchBytes: number
  readonly records: number
}

export interface DirectoryEntry {
  readonly offset: number
  readonly group: number
}

export function putUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true)
  view.setUint32(at + 4, Math.floor(value / TWO_TO_32), true)
}

/** The number at `at`; not a safe integer when the bytes are not ours, so callers check. */
export function getUint64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * TWO_TO_32 + view.getUint32(at, true)
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function segmentFileName(sequence: number): string {
  return `${sequence.toString(16).padStart(16, '0')}.segment`
}

/** The sequence in a segment's file name, undefined for any other file. */
export function parseSegmentFileName(name: string): number | undefined {
  if (!/^[0-9a-f]{16}\.segment$/.test(name)) return undefined
  const sequence = Number.parseInt(name.slice(0, 16), 16)
  return Number.isSafeInteger(sequence) && sequence > 0 ? sequence : undefined
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES)
  const view = viewOf(bytes)
  bytes.set(SEGMENT_MAGIC, 0)
  view.setUint32(8, header.version, true)
  view.setUint32(12, header.logId, true)
  putUint64(view, 16, header.sequence)
  view.setUint32(28, crc32(bytes.subarray(0, 28)), true)
  bytes.copyWithin(HEADER_COPY_BYTES, 0, HEADER_COPY_BYTES)
  return bytes
}

/** The header at the start of a segment file, from whichever copy is intact; undefined when neither is. */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader | undefined {
  const view = viewOf(bytes)
  for (let at = 0; at + HEADER_COPY_BYTES <= Math.min(bytes.length, SEGMENT_HEADER_BYTES); at += HEADER_COPY_BYTES) {
    if (!SEGMENT_MAGIC.every((byte, i) => bytes[at + i] === byte)) continue
    if (crc32(bytes.subarray(at, at + 28)) !== view.getUint32(at + 28, true)) continue
    const sequence = getUint64(view, at + 16)
    if (!Number.isSafeInteger(sequence)) continue
    return { version: view.getUint32(at + 8, true), logId: view.getUint32(at + 12, true), sequence }
  }
  return undefined
}

export function footerBytes(records: number): number {
  return BATCH_HEADER_BYTES + records * DIRECTORY_ENTRY_BYTES + END_MARK_BYTES
}

function putStamp(view: DataView, at: number, magic: number, stamp: Stamp): void {
  view.setUint32(at, magic, true)
  putUint64(view, at + 8, stamp.sequence)
  putUint64(view, at + 16, stamp.oldestSegment)
  view.setUint32(at + 24, stamp.batchBytes, true)
  view.setUint32(at + 28, stamp.records, true)
}

/**
 * Writes header and footer of the batch that fills `bytes` from 0 to `stamp.batchBytes`. `offsets` and `groups` hold one
 * item per record.
 */
export function sealBatch(
  bytes: Uint8Array,
  view: DataView,
  logId: number,
  stamp: Stamp,
  offsets: readonly number[],
  groups: readonly number[],
): void {
  assert(stamp.records === offsets.length, `${stamp.records} records, ${offsets.length} in the directory`)
  putStamp(view, 0, BATCH_MAGIC, stamp)
  view.setUint32(4, crc32(bytes.subarray(8, BATCH_HEADER_BYTES), logId), true)

  const footer = stamp.batchBytes - footerBytes(stamp.records)
  putStamp(view, footer, FOOTER_MAGIC, stamp)
  let at = footer + BATCH_HEADER_BYTES
  for (let i = 0; i < offsets.length; i++) {
    view.setUint32(at, offsets[i] as number, true)
    putUint64(view, at + 4, groups[i] as number)
    at += DIRECTORY_ENTRY_BYTES
  }
  view.setUint32(at, END_MARK, true)
  view.setUint32(footer + 4, crc32(bytes.subarray(footer + 8, stamp.batchBytes), logId), true)
}

function getStamp(view: DataView, at: number): Stamp | undefined {
  const sequence = getUint64(view, at + 8)
  const oldestSegment = getUint64(view, at + 16)
  if (!Number.isSafeInteger(sequence) || !Number.isSafeInteger(oldestSegment)) return undefined
  const batchBytes = view.getUint32(at + 24, true)
  const records = view.getUint32(at + 28, true)
  if (batchBytes < BATCH_HEADER_BYTES + footerBytes(records)) return undefined
  return { sequence, oldestSegment, batchBytes, records }
}

/** The batch header at `at`, undefined when the bytes there are not one. The batch itself may reach past the file's end. */
export function decodeBatchHeader(bytes: Uint8Array, view: DataView, at: number, logId: number): Stamp | undefined {
  if (at + BATCH_HEADER_BYTES > bytes.length || view.getUint32(at, true) !== BATCH_MAGIC) return undefined
  if (crc32(bytes.subarray(at + 8, at + BATCH_HEADER_BYTES), logId) !== view.getUint32(at + 4, true)) return undefined
  return getStamp(view, at)
}

export interface Footer {
  readonly stamp: Stamp
  readonly directory: readonly DirectoryEntry[]
}

/** The footer at `at`, undefined when the bytes there are not one, or do not fit the batch that starts at `batch`. */
export function decodeFooter(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  batch: number,
  logId: number,
): Footer | undefined {
  if (at + BATCH_HEADER_BYTES > bytes.length || view.getUint32(at, true) !== FOOTER_MAGIC) return undefined
  const stamp = getStamp(view, at)
  if (stamp === undefined) return undefined
  const end = at + footerBytes(stamp.records)
  if (end > bytes.length || end !== batch + stamp.batchBytes) return undefined
  if (crc32(bytes.subarray(at + 8, end), logId) !== view.getUint32(at + 4, true)) return undefined
  const directory: DirectoryEntry[] = []
  for (let i = 0; i < stamp.records; i++) {
    const entry = at + BATCH_HEADER_BYTES + i * DIRECTORY_ENTRY_BYTES
    directory.push({ offset: view.getUint32(entry, true), group: getUint64(view, entry + 4) })
  }
  return { stamp, directory }
}
