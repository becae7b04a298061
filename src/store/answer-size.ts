/**
 * Keeps answers small enough to be encoded and sent: a request of a few kilobytes can name one large value a thousand times. Calls ask it about every
 * answer, before any bytes are made; single keys cost a look at their kind.
 */
import { LIMITS } from '../base/index.ts'
import type { KvResult } from '../machine/index.ts'
import type { Found, Reply } from '../protocol/index.ts'
import { answerTooLarge } from './refusals.ts'

/** The reply, or in its place an error that says that it is too large. Pages of scans are bounded where they are read. */
export function withinLimits(reply: Reply): Reply {
  switch (reply.kind) {
    case 'get':
      return isTooMuch(bytesOf(reply.values)) ? { kind: 'error', error: answerTooLarge('none') } : reply
    case 'write':
      return isTooMuch(bytesReadBy(reply.result)) ? { kind: 'error', error: answerTooLarge('applied') } : reply
    default:
      return reply
  }
}

function isTooMuch(bytes: number): boolean {
  return bytes > LIMITS.answerValuesBytesMax
}

function bytesOf(values: readonly (Found | undefined)[]): number {
  let bytes = 0
  for (const found of values) bytes += found?.value.length ?? 0
  return bytes
}

function bytesReadBy(result: KvResult): number {
  if (result.kind !== 'operations') return 0
  let bytes = 0
  for (const each of result.results) if (each.kind === 'get' && each.found) bytes += each.value.length
  return bytes
}
