/**
 * The bytes of one row of the RPC log on disk, little-endian:
 *
 *   0   4  CRC-32 of the rest                40  4  entries
 *   4   1  type (order of CALL_TYPES)        44  4  bytes
 *   5   1  1 for heartbeats                  48  4  latency in microseconds, 2^32 - 1 for none
 *   6   1  error (order of CALL_ERRORS)      52  2  number of the sender's name
 *   7   1  0                                 54  2  number of the receiver's name
 *   8   8  sequence, from 1                  56  8  0
 *   16  8  when it was sent, ms since 1970
 *   24  8  term
 *   32  8  group
 */
import { crc32 } from 'node:zlib'
import type { EndedCall } from './call.ts'

export const ROW_BYTES = 64
const NO_LATENCY = 0xffffffff
/** Further from 1970 there are no dates (ECMA-262, time values and time range). */
const DATE_MS_MAX = 8.64e15

export interface Row {
  readonly sequence: number
  readonly type: number
  readonly heartbeat: boolean
  readonly error: number
  readonly wallMs: number
  readonly term: number
  readonly group: number
  readonly entries: number
  readonly bytes: number
  readonly latencyMs: number | undefined
  readonly from: number
  readonly to: number
}

export function writeRow(
  target: Buffer,
  offset: number,
  call: EndedCall,
  sequence: number,
  wallMs: number,
  from: number,
  to: number,
): void {
  target.fill(0, offset, offset + ROW_BYTES)
  target.writeUInt8(call.type, offset + 4)
  target.writeUInt8(call.heartbeat ? 1 : 0, offset + 5)
  target.writeUInt8(call.error, offset + 6)
  target.writeDoubleLE(sequence, offset + 8)
  target.writeDoubleLE(wallMs, offset + 16)
  target.writeDoubleLE(call.term, offset + 24)
  target.writeDoubleLE(call.group, offset + 32)
  target.writeUInt32LE(Math.min(call.entries, NO_LATENCY), offset + 40)
  target.writeUInt32LE(Math.min(call.bytes, NO_LATENCY), offset + 44)
  const { latencyMs } = call
  const latencyUs = latencyMs === undefined ? NO_LATENCY : Math.min(NO_LATENCY - 1, Math.round(latencyMs * 1000))
  target.writeUInt32LE(latencyUs, offset + 48)
  target.writeUInt16LE(from, offset + 52)
  target.writeUInt16LE(to, offset + 54)
  target.writeUInt32LE(crc32(target.subarray(offset + 4, offset + ROW_BYTES)), offset)
}

/** Undefined for what was never written, was torn, or has no place in time. */
export function readRow(source: Buffer, offset: number): Row | undefined {
  if (offset + ROW_BYTES > source.length) return undefined
  const sum = source.readUInt32LE(offset)
  if (sum === 0 || sum !== crc32(source.subarray(offset + 4, offset + ROW_BYTES))) return undefined
  const latencyUs = source.readUInt32LE(offset + 48)
  const wallMs = source.readDoubleLE(offset + 16)
  if (!(Math.abs(wallMs) <= DATE_MS_MAX)) return undefined
  return {
    sequence: source.readDoubleLE(offset + 8),
    type: source.readUInt8(offset + 4),
    heartbeat: source.readUInt8(offset + 5) === 1,
    error: source.readUInt8(offset + 6),
    wallMs,
    term: source.readDoubleLE(offset + 24),
    group: source.readDoubleLE(offset + 32),
    entries: source.readUInt32LE(offset + 40),
    bytes: source.readUInt32LE(offset + 44),
    latencyMs: latencyUs === NO_LATENCY ? undefined : latencyUs / 1000,
    from: source.readUInt16LE(offset + 52),
    to: source.readUInt16LE(offset + 54),
  }
}
