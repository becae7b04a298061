import { LIMITS, latin1ToBytes } from '../base/index.ts'
import type { KvOperation, KvOperationResult } from '../machine/index.ts'
import { FlotillaError } from '../protocol/index.ts'
import type { BatchItemAnswer, Router } from '../router/index.ts'
import { invalid, toCallOptions, toCondition, toKey, toLimit, toRange, toValue } from './arguments.ts'
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
  #closed = false

  /** `close` ends what was opened for this client. */
  constructor(router: Router, close: () => Promise<void>) {
    this.#router = router
    this.#close = close
  }

  async get(key: Bytes, options: ReadOptions = {}): Promise<Uint8Array | undefined> {
    this.#check()
    const answer = await this.#router.get(toKey(key), {
      ...toCallOptions(options),
      consistency: options.consistency ?? 'linearizable',
    })
    return answer.found?.value
  }

  async getEntry(key: Bytes, options: ReadOptions = {}): Promise<EntryOf | undefined> {
    this.#check()
    const name = toKey(key)
    const { found } = await this.#router.get(name, {
      ...toCallOptions(options),
      consistency: options.consistency ?? 'linearizable',
    })
    return found === undefined ? undefined : { key: latin1ToBytes(name), value: found.value, revision: found.revision }
  }

  async getMany(keys: readonly Bytes[], options: ReadOptions = {}): Promise<(Uint8Array | undefined)[]> {
    this.#check()
    if (keys.length > LIMITS.batchOpsMax)
      throw invalid('BATCH_TOO_LARGE', `at most ${LIMITS.batchOpsMax} keys at once, not ${keys.length}`)
    if (keys.length === 0) return []
    const found = await this.#router.getMany(keys.map(toKey), {
      ...toCallOptions(options),
      consistency: options.consistency ?? 'linearizable',
    })
    return found.map((entry) => entry?.value)
  }

  async put(key: Bytes, value: Bytes, options: WriteOptions = {}): Promise<{ readonly revision: number }> {
    this.#check()
    const { result } = await this.#router.put(toKey(key), toValue(value), toCondition(options), toCallOptions(options))
    if (result.kind === 'put') return { revision: result.revision }
    throw preconditionFailed(result)
  }

  async del(key: Bytes, options: WriteOptions = {}): Promise<boolean> {
    this.#check()
    const { result } = await this.#router.delete(toKey(key), toCondition(options), toCallOptions(options))
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
    const answers = await this.#router.batch(parsed, { ...toCallOptions(options), atomic: options.atomic ?? false })
    return answers.map(fromAnswer)
  }

  async *scan(options: ScanOptions = {}): AsyncIterableIterator<EntryOf> {
    this.#check()
    let { start, end } = toRange(options)
    const reverse = options.reverse ?? false
    let left = toLimit(options)
    while (left > 0) {
      const page = await this.#router.scan(
        {
          start,
          end,
          reverse,
          keysOnly: false,
          itemsMax: Math.min(left, LIMITS.scanPageItemsMax),
          consistency: options.consistency ?? 'linearizable',
        },
        toCallOptions(options),
      )
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
