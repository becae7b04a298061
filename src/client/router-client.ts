import type { Key } from '../../shard-map/index.ts'
import { LIMITS, latin1ToBytes, type TraceContext } from '../base/index.ts'
import type { KvOperation, KvOperationResult } from '../machine/index.ts'
import { FlotillaError } from '../protocol/index.ts'
import type { BatchItemAnswer, GetAnswer, Router } from '../router/index.ts'
import { invalid, toCallOptions, toCondition, toKey, toLimit, toRange, toValue } from './arguments.ts'
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
  #closed = false

  /** `close` ends what was opened for this client. Without `tracing` nothing is traced that begins here. */
  constructor(router: Router, close: () => Promise<void>, tracing?: ClientTracing) {
    this.#router = router
    this.#close = close
    this.#tracing = tracing
  }

  async get(key: Bytes, options: ReadOptions = {}): Promise<Uint8Array | undefined> {
    this.#check()
    return (await this.#read(toKey(key), options)).found?.value
  }

  async getEntry(key: Bytes, options: ReadOptions = {}): Promise<EntryOf | undefined> {
    this.#check()
    const name = toKey(key)
    const { found } = await this.#read(name, options)
    return found === undefined ? undefined : { key: latin1ToBytes(name), value: found.value, revision: found.revision }
  }

  async getMany(keys: readonly Bytes[], options: ReadOptions = {}): Promise<(Uint8Array | undefined)[]> {
    this.#check()
    if (keys.length > LIMITS.batchOpsMax)
      throw invalid('BATCH_TOO_LARGE', `at most ${LIMITS.batchOpsMax} keys at once, not ${keys.length}`)
    if (keys.length === 0) return []
    const names = keys.map(toKey)
    const call = toCallOptions(options)
    const consistency = options.consistency ?? 'linearizable'
    const found = await this.#traced('getMany', options, (trace) =>
      this.#router.getMany(names, { ...call, ...trace, consistency }),
    )
    return found.map((entry) => entry?.value)
  }

  async put(key: Bytes, value: Bytes, options: WriteOptions = {}): Promise<{ readonly revision: number }> {
    this.#check()
    const [name, bytes, condition, call] = [toKey(key), toValue(value), toCondition(options), toCallOptions(options)]
    const { result } = await this.#traced('put', options, (trace) =>
      this.#router.put(name, bytes, condition, { ...call, ...trace }),
    )
    if (result.kind === 'put') return { revision: result.revision }
    throw preconditionFailed(result)
  }

  async del(key: Bytes, options: WriteOptions = {}): Promise<boolean> {
    this.#check()
    const [name, condition, call] = [toKey(key), toCondition(options), toCallOptions(options)]
    const { result } = await this.#traced('del', options, (trace) =>
      this.#router.delete(name, condition, { ...call, ...trace }),
    )
    if (result.kind === 'delete') return result.deleted
    throw preconditionFailed(result)
  }

  async batch(
    operations: readonly BatchOperation[],
    options: RequestOptions & { readonly atomic?: boolean } = {},
  ): Promise<BatchResult[]> {
    this.#check()
    if (operations.length > LIMITS.batchOpsMax) {
      throw invalid(
        'BATCH_TOO_LARGE',
        `a batch has at most ${LIMITS.batchOpsMax} operations, this one ${operations.length}`,
      )
    }
    const parsed = operations.map(toOperation)
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
    while (left > 0) {
      const asked = {
        start,
        end,
        reverse,
        keysOnly: false,
        itemsMax: Math.min(left, LIMITS.scanPageItemsMax),
        consistency: options.consistency ?? 'linearizable',
      }
      const page = await this.#traced('scan', options, (trace) => this.#router.scan(asked, { ...call, ...trace }))
      for (const item of page.items) yield { key: latin1ToBytes(item.key), value: item.value, revision: item.revision }
      left -= page.items.length
      if (page.next === undefined) return
      if (reverse) end = page.next
      else start = page.next
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #read(key: Key, options: ReadOptions): Promise<GetAnswer> {
    const call = toCallOptions(options)
    const consistency = options.consistency ?? 'linearizable'
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
    if (this.#closed) throw invalid('CLOSED', 'the client is closed')
  }
}

function toOperation(operation: BatchOperation): KvOperation {
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
        ? { ok: true, found: true, value: result.value, revision: result.revision }
        : { ok: true, found: false }
    case 'condition-failed':
      return { ok: false, error: preconditionFailed(result) }
  }
}

function preconditionFailed(result: KvOperationResult): FlotillaError {
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
  })
}
