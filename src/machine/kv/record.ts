/**
 * How a value and its revision lie in the data store. Machines write records; whoever serves reads takes them apart.
 *
 *   offset  size  meaning
 *   0       1     format: 1. Others are reserved, for records with more fields before the value (an expiry, for one)
 *   1       7     revision, big-endian
 *   8       ...   value
 */
import { assert } from '../../base/index.ts'
import type { KvRecord } from './types.ts'

const FORMAT = 1
const HEADER_BYTES = 8
const U32 = 0x1_0000_0000

/** Copies the value, so that a record in memory does not hold on to the frame that brought it. */
export function encodeRecord(revision: number, value: Uint8Array): Uint8Array {
  // The message is made only where it is needed: this runs for every write on every replica.
  if (!Number.isSafeInteger(revision) || revision < 1)
    assert(false, `revision ${revision} is not a positive safe integer`)
  const record = Buffer.allocUnsafe(HEADER_BYTES + value.length)
  const high = Math.floor(revision / U32)
  const low = revision >>> 0
  record[0] = FORMAT
  record[1] = high >>> 16
  record[2] = high >>> 8
  record[3] = high
  record[4] = low >>> 24
  record[5] = low >>> 16
  record[6] = low >>> 8
  record[7] = low
  record.set(value, HEADER_BYTES)
  return record
}

/** The revision alone; undefined when the bytes are no record. */
export function recordRevision(record: Uint8Array): number | undefined {
  if (record.length < HEADER_BYTES || record[0] !== FORMAT) return undefined
  const high = ((record[1] as number) << 16) | ((record[2] as number) << 8) | (record[3] as number)
  if (high > 0x1f_ffff) return undefined
  const low =
    (((record[4] as number) << 24) |
      ((record[5] as number) << 16) |
      ((record[6] as number) << 8) |
      (record[7] as number)) >>>
    0
  return high * U32 + low
}

/** The record's parts, the value as a part of the input; undefined when the bytes are no record (damage, or a newer format). */
export function decodeRecord(record: Uint8Array): KvRecord | undefined {
  const revision = recordRevision(record)
  return revision === undefined ? undefined : { revision, value: record.subarray(HEADER_BYTES) }
}
