import type { Key } from '../../shard-map/index.ts'
import { bytesToLatin1, LIMITS, prefixEnd, utf8Encode } from '../base/index.ts'
import type { KvCondition } from '../machine/index.ts'
import { type ErrorCode, FlotillaError } from '../protocol/index.ts'
import type { Bytes, ReadOptions, RequestOptions, ScanOptions, WriteOptions } from './types.ts'

/** Checks what callers pass, so that a mistake is told where it was made and nothing of it is sent. */
export function invalid(code: ErrorCode, message: string, hint?: string): FlotillaError {
  return new FlotillaError({
    code,
    message,
    outcome: 'none',
    retryable: false,
    ...(hint === undefined ? {} : { hint }),
  })
}

export function toBytes(value: Bytes, what: string): Uint8Array {
  if (typeof value === 'string') {
    // Half of a pair has no UTF-8; replacing it would store something else than was given.
    if (!value.isWellFormed()) throw invalid('INVALID_ARGUMENT', `${what} must be valid Unicode, or bytes`)
    return utf8Encode(value)
  }
  if (value instanceof Uint8Array) return value
  throw invalid('INVALID_ARGUMENT', `${what} must be a string or a Uint8Array, not ${typeof value}`)
}

export function toKey(key: Bytes): Key {
  const bytes = toBytes(key, 'a key')
  if (bytes.length === 0) throw invalid('INVALID_ARGUMENT', 'a key has at least one byte')
  if (bytes.length > LIMITS.keyBytesMax)
    throw invalid('KEY_TOO_LARGE', `a key has at most ${LIMITS.keyBytesMax} bytes, this one ${bytes.length}`)
  return bytesToLatin1(bytes)
}

/** Not copied: the caller must leave the buffer alone until the promise settles. */
export function toValue(value: Bytes): Uint8Array {
  const bytes = toBytes(value, 'a value')
  if (bytes.length > LIMITS.valueBytesMax) {
    throw invalid('VALUE_TOO_LARGE', `a value has at most ${LIMITS.valueBytesMax} bytes, this one ${bytes.length}`)
  }
  return bytes
}

export function toCondition(options: Pick<WriteOptions, 'ifRevision' | 'ifAbsent'>): KvCondition {
  const { ifRevision, ifAbsent } = options
  if (ifRevision !== undefined && ifAbsent === true)
    throw invalid('INVALID_ARGUMENT', 'ifRevision and ifAbsent exclude each other')
  if (ifAbsent === true) return { kind: 'absent' }
  if (ifRevision === undefined) return { kind: 'none' }
  if (!Number.isSafeInteger(ifRevision) || ifRevision < 0)
    throw invalid('INVALID_ARGUMENT', `ifRevision must be a revision, not ${ifRevision}`)
  return { kind: 'revision', revision: ifRevision }
}

/** Of every call. One list for all of them, so that a program may keep one set of options for several calls. */
const OPTION_NAMES = [
  ...['signal', 'timeout', 'traceparent', 'consistency', 'ifRevision', 'ifAbsent', 'atomic'],
  ...['prefix', 'start', 'end', 'reverse', 'limit'],
]
const OPERATION_NAMES = ['op', 'key', 'value', 'ifRevision', 'ifAbsent']

/** A misspelt condition, or a wish of a later version, must not become a write without it: gateways refuse such words too. */
function checkNames(given: object, known: readonly string[], what: string): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name) || given[name as keyof typeof given] === undefined) continue
    if (name === 'ttl') {
      const cure = 'Write without ttl and delete the key when it is due.'
      throw invalid('INVALID_ARGUMENT', 'ttl is not supported by this version', cure)
    }
    throw invalid('INVALID_ARGUMENT', `${what} has no ${name.slice(0, 50)}: it takes ${known.join(', ')}`)
  }
}

/** One operation of a batch, as far as its form goes. */
export function toNamedOperation<T extends object>(operation: T): T {
  checkNames(toObject(operation, 'an operation'), OPERATION_NAMES, 'an operation')
  return operation
}

export function toCallOptions(options: RequestOptions): { timeoutMs?: number; signal?: AbortSignal } {
  checkNames(options, OPTION_NAMES, 'a call')
  const { timeout, signal } = options
  if (timeout !== undefined && !(timeout >= 1 && timeout <= LIMITS.requestTimeoutMsMax)) {
    throw invalid('INVALID_ARGUMENT', `timeout must lie between 1 and ${LIMITS.requestTimeoutMsMax} ms, not ${timeout}`)
  }
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
    throw invalid('INVALID_ARGUMENT', 'signal must be an AbortSignal')
  }
  refuseAborted(signal)
  return { ...(timeout === undefined ? {} : { timeoutMs: timeout }), ...(signal === undefined ? {} : { signal }) }
}

/** What was given up before it began was certainly not done. */
function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return
  throw new FlotillaError({
    code: 'ABORTED',
    message: 'the caller gave the request up',
    outcome: 'none',
    retryable: true,
  })
}

/** A misspelt wish for less must not become one for everything, nor the other way round. */
export function toConsistency({ consistency = 'linearizable' }: ReadOptions): 'linearizable' | 'stale' {
  if (consistency === 'linearizable' || consistency === 'stale') return consistency
  throw invalid('INVALID_ARGUMENT', `consistency must be linearizable or stale, not ${String(consistency)}`)
}

/** For callers that no compiler checks. */
export function toList<T>(list: readonly T[], what: string, itemsMax: number): readonly T[] {
  if (!Array.isArray(list)) throw invalid('INVALID_ARGUMENT', `${what} must be a list, not ${typeof list}`)
  if (list.length > itemsMax)
    throw invalid('BATCH_TOO_LARGE', `at most ${itemsMax} ${what} at once, not ${list.length}`)
  return list
}

export function toObject<T>(value: T, what: string): T {
  if (typeof value === 'object' && value !== null) return value
  throw invalid('INVALID_ARGUMENT', `${what} must be an object, not ${value === null ? 'null' : typeof value}`)
}

/** The range that prefix, start and end name together. */
export function toRange(options: ScanOptions): { start: Key; end: Key | undefined } {
  let start = options.start === undefined ? '' : bytesToLatin1(toBytes(options.start, 'start'))
  let end = options.end === undefined ? undefined : bytesToLatin1(toBytes(options.end, 'end'))
  if (options.prefix !== undefined) {
    const prefix = toBytes(options.prefix, 'a prefix')
    const first = bytesToLatin1(prefix)
    const beyondBytes = prefixEnd(prefix)
    const beyond = beyondBytes === undefined ? undefined : bytesToLatin1(beyondBytes)
    if (first > start) start = first
    if (beyond !== undefined && (end === undefined || beyond < end)) end = beyond
  }
  return { start, end }
}

/** How many items a scan is to bring at most; without a limit all of them. Part of an item is a mistake, and no store could count it. */
export function toLimit({ limit = Number.POSITIVE_INFINITY }: ScanOptions): number {
  if (limit === Number.POSITIVE_INFINITY || (Number.isSafeInteger(limit) && limit >= 0)) return limit
  throw invalid('INVALID_ARGUMENT', `limit must be a whole number from 0 on, it is ${limit}`)
}
