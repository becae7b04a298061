import type { Key, ShardId } from '../../shard-map/index.ts'
import { LIMITS, latin1ToBytes, type TraceContext } from '../base/index.ts'
import type { KvOperation, KvOperationResult } from '../machine/index.ts'
import { FlotillaError } from '../protocol/index.ts'
import type { BatchItemAnswer, GetAnswer, Router } from '../router/index.ts'
import {
  invalid,
  toCallOptions,
  toCondition,
  toConsistency,
  toKey,
  toLimit,
  toList,
  toNamedOperation,
  toRange,
  toValue,
} from './arguments.ts'
import { type ClientTracing, tracedCall } from './request-trace.ts'
import type {
  BatchOperation,
  BatchResult,
  Bytes,
  Client,
  EntryOf,
  ReadOptions,
  RequestOptions,
  ScanOptions,
  WriteOptions,
} from './types.ts'

/**
 * The client over a router: straight to the leaders' stores, no HTTP in between. Used in the store's own process and over NATS.
 */
export class RouterClient implements Client {
  readonly #router: Router
  readonly #close: () => Promise<void>
  readonly #tracing: ClientTracing | undefined
  /** How closing goes, once it has begun. */
  #closed: Promise<void> | undefined

  /** `close` ends what was opened for this client. Without `tracing` nothing is traced that begins here. */
  constructor(router: Router, close: () => Promise<void>, tracing?: ClientTracing) {
    this.#router = router
    this.#close = close
    this.#tracing = tracing
  }

  async get(key: Bytes, options: ReadOptions = {}): Promise<Uint8Array | undefined> {
    this.#check()
    const { found } = await this.#read(toKey(key), options)
    return found === undefined ? undefined : ownBytes(found.value)
  }

  async getEntry(key: Bytes, options: ReadOptions = {}): Promise<EntryOf | undefined> {
    this.#check()
    const name = toKey(key)
    const { found } = await this.#read(name, options)
    return found === undefined ? undefined : entryOf(name, found)
  }

  async getMany(keys: readonly Bytes[], options: ReadOptions = {}): Promise<(Uint8Array | undefined)[]> {
    this.#check()
    const names = toList(keys, 'keys', LIMITS.batchOpsMax).map(toKey)
    const call = toCallOptions(options)
    const consistency = toConsistency(options)
    if (names.length === 0) return []
    const found = await this.#traced('getMany', options, (trace) =>
      this.#router.getMany(names, { ...call, ...trace, consistency }),
    )
    return found.map((entry) => (entry === undefined ? undefined : ownBytes(entry.value)))
  }

  async put(key: Bytes, value: Bytes, options: WriteOptions = {}): Promise<{ readonly revision: number }> {
    this.#check()
    const [name, bytes, condition, call] = [toKey(key), toValue(value), toCondition(options), toCallOptions(options)]
    const { result, served } = await this.#traced('put', options, (trace) =>
      this.#router.put(name, bytes, condition, { ...call, ...trace }),
    )
    if (result.kind === 'put') return { revision: result.revision }
    throw preconditionFailed(result, served.shard)
  }

  async del(key: Bytes, options: WriteOptions = {}): Promise<boolean> {
    this.#check()
    const [name, condition, call] = [toKey(key), toCondition(options), toCallOptions(options)]
    const { result, served } = await this.#traced('del', options, (trace) =>
      this.#router.delete(name, condition, { ...call, ...trace }),
    )
    if (result.kind === 'delete') return result.deleted
    throw preconditionFailed(result, served.shard)
  }

  async batch(
    operations: readonly BatchOperation[],
    options: RequestOptions & { readonly atomic?: boolean } = {},
  ): Promise<BatchResult[]> {
    this.#check()
    const parsed = toList(operations, 'operations', LIMITS.batchOpsMax).map(toOperation)
    let bytes = 0
    for (const operation of parsed)
      bytes += operation.key.length + (operation.kind === 'put' ? operation.value.length : 0)
    if (bytes > LIMITS.batchBytesMax) {
      throw invalid(
        'BATCH_TOO_LARGE',
        `the keys and values of a batch have at most ${LIMITS.batchBytesMax} bytes, here ${bytes}`,
      )
    }
    const call = toCallOptions(options)
    const answers = await this.#traced('batch', options, (trace) =>
      this.#router.batch(parsed, { ...call, ...trace, atomic: options.atomic ?? false }),
    )
    return answers.map(fromAnswer)
  }

  async *scan(options: ScanOptions = {}): AsyncIterableIterator<EntryOf> {
    this.#check()
    let { start, end } = toRange(options)
    const reverse = options.reverse ?? false
    let left = toLimit(options)
    const call = toCallOptions(options)
    const consistency = toConsistency(options)
    while (left > 0) {
      const asked = {
        start,
        end,
        reverse,
        keysOnly: false,
        itemsMax: Math.min(left, LIMITS.scanPageItemsMax),
        consistency,
      }
      const page = await this.#traced('scan', options, (trace) => this.#router.scan(asked, { ...call, ...trace }))
      for (const item of page.items) yield entryOf(item.key, item)
      left -= page.items.length
      if (page.next === undefined) return
      if (reverse) end = page.next
      else start = page.next
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #read(key: Key, options: ReadOptions): Promise<GetAnswer> {
    const call = toCallOptions(options)
    const consistency = toConsistency(options)
    return this.#traced('get', options, (trace) => this.#router.get(key, { ...call, ...trace, consistency }))
  }

  #traced<T>(
    operation: string,
    { traceparent }: RequestOptions,
    call: (trace: { readonly trace?: TraceContext | undefined }) => Promise<T>,
  ): Promise<T> {
    const tracing = this.#tracing
    if (tracing === undefined || !tracing.tracer.isOn) return call({})
    return tracedCall(tracing, operation, traceparent, (trace) => call({ trace }))
  }

  #check(): void {
    if (this.#closed !== undefined) throw invalid('CLOSED', 'the client is closed')
  }
}

/**
 * The caller's own: what a store of this process answers is the very memory that it will answer others from and write to disk, and what came over a wire is
 * a piece of a large frame.
 */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

function entryOf(key: Key, { value, revision }: { readonly value: Uint8Array; readonly revision: number }): EntryOf {
  return { key: ownBytes(latin1ToBytes(key)), value: ownBytes(value), revision }
}

function toOperation(operation: BatchOperation): KvOperation {
  toNamedOperation(operation)
  switch (operation.op) {
    case 'put':
      return {
        kind: 'put',
        key: toKey(operation.key),
        value: toValue(operation.value),
        condition: toCondition(operation),
      }
    case 'delete':
      return { kind: 'delete', key: toKey(operation.key), condition: toCondition(operation) }
    case 'get':
      return { kind: 'get', key: toKey(operation.key) }
    default:
      throw invalid(
        'INVALID_ARGUMENT',
        `op must be put, delete or get, not ${String((operation as { op: unknown }).op)}`,
      )
  }
}

function fromAnswer(answer: BatchItemAnswer): BatchResult {
  if (!answer.ok) return { ok: false, error: new FlotillaError(answer.error) }
  const { result } = answer
  switch (result.kind) {
    case 'put':
      return { ok: true, revision: result.revision }
    case 'delete':
      return { ok: true, deleted: result.deleted ? 1 : 0, revision: result.revision }
    case 'get':
      return result.found
        ? { ok: true, found: true, value: ownBytes(result.value), revision: result.revision }
        : { ok: true, found: false }
    case 'condition-failed':
      return { ok: false, error: preconditionFailed(result) }
  }
}

function preconditionFailed(result: KvOperationResult, shard?: ShardId): FlotillaError {
  const revision = result.kind === 'condition-failed' ? result.revision : undefined
  return new FlotillaError({
    code: 'PRECONDITION_FAILED',
    message:
      revision === undefined
        ? 'the condition does not hold: the key does not exist'
        : `the condition does not hold: the key is at revision ${revision}`,
    outcome: 'none',
    retryable: false,
    revision: revision ?? null,
    ...(shard === undefined ? {} : { shard }),
  })
}
