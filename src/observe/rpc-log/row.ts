/**
 * The bytes of one row of the RPC log on disk, little-endian:
 *
 *   0   4  sum over the rest                 40  4  entries
 *   4   1  type (order of CALL_TYPES)        44  4  bytes
 *   5   1  1 for heartbeats                  48  4  latency in microseconds, 2^32 - 1 for none
 *   6   1  error (order of CALL_ERRORS)      52  2  number of the sender's name
 *   7   1  0                                 54  2  number of the receiver's name
 *   8   8  sequence, from 1                  56  8  0
 *   16  8  when it was sent, ms since 1970
 *   24  8  term
 *   32  8  group
 *
 * The sum is one of 32 bits over the other 15 words, each rotated and multiplied into it: a row is written for every message, so it has to be cheap, and
 * it only has to tell rows that a crash tore.
 */
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
  target: DataView,
  offset: number,
  call: EndedCall,
  sequence: number,
  wallMs: number,
  from: number,
  to: number,
): void {
  const { latencyMs } = call
  // NaN, which stands for no answer, is not below any limit.
  const latencyUs = latencyMs >= 0 ? Math.min(NO_LATENCY - 1, Math.round(latencyMs * 1000)) : NO_LATENCY
  target.setUint32(offset + 4, call.type | (call.heartbeat ? 1 << 8 : 0) | (call.error << 16), true)
  target.setFloat64(offset + 8, sequence, true)
  target.setFloat64(offset + 16, wallMs, true)
  target.setFloat64(offset + 24, call.term, true)
  target.setFloat64(offset + 32, call.group, true)
  target.setUint32(offset + 40, Math.min(call.entries, NO_LATENCY), true)
  target.setUint32(offset + 44, Math.min(call.bytes, NO_LATENCY), true)
  target.setUint32(offset + 48, latencyUs, true)
  target.setUint32(offset + 52, from | (to << 16), true)
  target.setFloat64(offset + 56, 0, true)
  target.setUint32(offset, sumOf(target, offset), true)
}

/** Undefined for what was never written, was torn, or has no place in time. */
export function readRow(source: DataView, offset: number): Row | undefined {
  if (offset + ROW_BYTES > source.byteLength) return undefined
  if (source.getUint32(offset, true) !== sumOf(source, offset)) return undefined
  const latencyUs = source.getUint32(offset + 48, true)
  const wallMs = source.getFloat64(offset + 16, true)
  if (!(Math.abs(wallMs) <= DATE_MS_MAX)) return undefined
  return {
    sequence: source.getFloat64(offset + 8, true),
    type: source.getUint8(offset + 4),
    heartbeat: source.getUint8(offset + 5) === 1,
    error: source.getUint8(offset + 6),
    wallMs,
    term: source.getFloat64(offset + 24, true),
    group: source.getFloat64(offset + 32, true),
    entries: source.getUint32(offset + 40, true),
    bytes: source.getUint32(offset + 44, true),
    latencyMs: latencyUs === NO_LATENCY ? undefined : latencyUs / 1000,
    from: source.getUint16(offset + 52, true),
    to: source.getUint16(offset + 54, true),
  }
}

/** Each step is reversible, so damage within one word never goes unnoticed. The factor is that of FNV-1a; the start makes the sum of zeros another number than zero. */
export function sumOf(view: DataView, offset: number): number {
  let sum = ROW_BYTES
  for (let at = offset + 4; at < offset + ROW_BYTES; at += 4)
    sum = Math.imul(((sum << 13) | (sum >>> 19)) ^ view.getUint32(at, true), 16_777_619)
  return sum >>> 0
}
