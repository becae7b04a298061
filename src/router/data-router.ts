import type { Key, Shard, StoreId } from '../../shard-map/index.ts'
import { assert, LIMITS } from '../base/index.ts'
import { encodeKvCommand, type KvCondition, type KvOperation } from '../machine/index.ts'
import { type Consistency, FlotillaError, type Item, type Reply } from '../protocol/index.ts'
import { ClusterAdmin } from './cluster-admin.ts'
import { type CallTarget, RoutedCall, type RoutingContext } from './routed-call.ts'
import { scatter } from './scatter.ts'
import type {
  AdminRouter,
  BatchItemAnswer,
  CallOptions,
  GetAnswer,
  Router,
  RouterStats,
  ScanAnswer,
  ScanRequest,
  Served,
  WriteAnswer,
} from './types.ts'
import { answerTooLarge, asBatchItem, crossShard, writeRequest, writeResults } from './write-shapes.ts'

/**
 * The router: requests by key in, answers out. Single keys take the short way; what may touch several shards is cut along the map and
 * put together again (see `scatter`). It validates nothing that only the edge can know, and it owns no connection.
 */
export class DataRouter implements Router {
  readonly admin: AdminRouter
  readonly stats: Readonly<RouterStats>
  readonly #context: RoutingContext
  readonly #close: () => Promise<void>

  /** `close` ends whatever the router was built on and is nobody else's. */
  constructor(context: RoutingContext, close: () => Promise<void>) {
    this.#context = context
    this.stats = context.stats
    this.#close = close
    this.admin = new ClusterAdmin(context)
  }

  get(key: Key, options: CallOptions & { readonly consistency: Consistency }): Promise<GetAnswer> {
    return new Promise((resolve, reject) => {
      const isStale = options.consistency === 'stale'
      const target: CallTarget = {
        shard: () => this.#context.view.locate(key),
        request: (shard) => ({
          kind: 'get',
          shard: shard.id,
          rangeEpoch: shard.epoch.range,
          consistency: options.consistency,
          keys: [key],
        }),
        isRead: true,
        anyReplica: isStale,
      }
      const call = new RoutedCall(
        this.#context,
        target,
        options,
        (reply, shard, store) => {
          assert(reply.kind === 'get', `a get was answered with ${reply.kind}`)
          resolve({
            found: reply.values[0],
            served: this.#served(call, reply, shard, isStale ? undefined : store),
            stalenessMs: reply.stalenessMs,
          })
        },
        reject,
      )
      call.start()
    })
  }

  put(key: Key, value: Uint8Array, condition: KvCondition, options: CallOptions): Promise<WriteAnswer> {
    return this.#write({ kind: 'put', key, value, condition }, options)
  }

  delete(key: Key, condition: KvCondition, options: CallOptions): Promise<WriteAnswer> {
    return this.#write({ kind: 'delete', key, condition }, options)
  }

  getMany(
    keys: readonly Key[],
    options: CallOptions & { readonly consistency: Consistency },
  ): Promise<GetAnswer['found'][]> {
    let bytes = 0
    return scatter<Key, GetAnswer['found']>(this.#context, {
      items: keys,
      keyOf: (key) => key,
      isRead: true,
      anyReplica: options.consistency === 'stale',
      options,
      request: (shard, part) => ({
        kind: 'get',
        shard: shard.id,
        rangeEpoch: shard.epoch.range,
        consistency: options.consistency,
        keys: part,
      }),
      results: (reply) => {
        assert(reply.kind === 'get', `a get was answered with ${reply.kind}`)
        for (const found of reply.values) bytes += found?.value.length ?? 0
        if (bytes > LIMITS.batchAnswerBytesMax) throw answerTooLarge()
        return reply.values
      },
      failed: (error) => {
        throw error
      },
    })
  }

  batch(
    operations: readonly KvOperation[],
    options: CallOptions & { readonly atomic: boolean },
  ): Promise<BatchItemAnswer[]> {
    if (operations.length === 0) return Promise.resolve([])
    if (operations.every((operation) => operation.kind === 'get')) return this.#batchOfGets(operations, options)
    if (options.atomic) return this.#atomicBatch(operations, options)
    return scatter<KvOperation, BatchItemAnswer>(this.#context, {
      items: operations,
      keyOf: (operation) => operation.key,
      isRead: false,
      anyReplica: false,
      options,
      request: (shard, part) => writeRequest(shard, part, false),
      results: (reply) => writeResults(reply).map(asBatchItem),
      failed: (error) => ({ ok: false, error }),
    })
  }

  async scan(request: ScanRequest, options: CallOptions): Promise<ScanAnswer> {
    const items: Item[] = []
    let { start, end } = request
    let stalenessMs = 0
    let bytes = 0
    const deadlineMs = this.#deadline(options)
    for (;;) {
      if (end !== undefined && start >= end) return { items, next: undefined, stalenessMs }
      const { reply, shard } = await this.#scanShard(
        request,
        start,
        end,
        request.itemsMax - items.length,
        this.#remaining(options, deadlineMs),
      )
      assert(reply.kind === 'scan', `a scan was answered with ${reply.kind}`)
      for (const item of reply.items) {
        items.push(item)
        bytes += item.key.length + item.value.length
      }
      stalenessMs = Math.max(stalenessMs, reply.stalenessMs)
      const last = reply.items[reply.items.length - 1]
      if (request.reverse) {
        if (reply.more && last !== undefined) end = last.key
        else if (shard.start === '' || shard.start <= start) return { items, next: undefined, stalenessMs }
        else end = shard.start
      } else if (reply.more && last !== undefined) start = `${last.key}\0`
      else if (shard.end === undefined || (end !== undefined && shard.end >= end))
        return { items, next: undefined, stalenessMs }
      else start = shard.end
      if (items.length >= request.itemsMax || bytes >= LIMITS.scanPageBytesMax)
        return { items, next: request.reverse ? end : start, stalenessMs }
    }
  }

  async deleteRange(start: Key, end: Key | undefined, options: CallOptions): Promise<{ readonly deleted: number }> {
    let deleted = 0
    let from = start
    const deadlineMs = this.#deadline(options)
    for (;;) {
      if (end !== undefined && from >= end) return { deleted }
      const slice = from
      const { reply, shard } = await this.#routeSlice(
        deleted,
        {
          shard: () => this.#context.view.locate(slice),
          request: (shard) => ({
            kind: 'write',
            shard: shard.id,
            rangeEpoch: shard.epoch.range,
            command: encodeKvCommand({
              kind: 'delete-range',
              rangeEpoch: shard.epoch.range,
              start: slice,
              end: earlier(end, shard.end),
              keysMax: LIMITS.rangeDeleteKeysMax,
            }),
          }),
          // Deleting again deletes nothing more, but the count would be wrong: an unknown outcome is reported.
          isRead: false,
          anyReplica: false,
        },
        this.#remaining(options, deadlineMs),
      )
      const isRangeDelete = reply.kind === 'write' && reply.result.kind === 'delete-range'
      assert(isRangeDelete, `a range delete was answered with ${reply.kind}`)
      deleted += reply.result.deleted
      if (reply.result.more) continue
      if (shard.end === undefined) return { deleted }
      from = shard.end
    }
  }

  async locate(key: Key, options: CallOptions = {}): Promise<Shard> {
    await this.admin.map(options)
    const shard = this.#context.view.locate(key)
    assert(shard !== undefined, 'a map that covers every key has no shard for one')
    return shard
  }

  close(): Promise<void> {
    return this.#close()
  }

  /** One slice of a range delete. If it fails after `deleted` keys are gone, "nothing happened" is not true any more. */
  async #routeSlice(deleted: number, target: CallTarget, options: CallOptions) {
    try {
      return await this.#route(target, options)
    } catch (error) {
      // Routing rejects with a FlotillaError and nothing else, unless there is a bug.
      if (!(error instanceof FlotillaError) || deleted === 0 || error.outcome !== 'none') throw error
      const message = `${error.message}; ${deleted} keys of the range were deleted before`
      throw new FlotillaError({ ...error, message, outcome: 'unknown', retryable: false })
    }
  }

  #write(operation: KvOperation, options: CallOptions): Promise<WriteAnswer> {
    return new Promise((resolve, reject) => {
      const target: CallTarget = {
        shard: () => this.#context.view.locate(operation.key),
        request: (shard) => writeRequest(shard, [operation], false),
        isRead: false,
        anyReplica: false,
      }
      const call = new RoutedCall(
        this.#context,
        target,
        options,
        (reply, shard, store) => {
          try {
            const [result] = writeResults(reply)
            assert(result !== undefined, 'a write was answered without a result')
            resolve({ result, served: this.#served(call, reply, shard, store) })
          } catch (error) {
            // A malformed-command answer is a FlotillaError; anything else is a bug, and both belong to the caller.
            reject(error)
          }
        },
        reject,
      )
      call.start()
    })
  }

  async #batchOfGets(operations: readonly KvOperation[], options: CallOptions): Promise<BatchItemAnswer[]> {
    const found = await this.getMany(
      operations.map((operation) => operation.key),
      { ...options, consistency: 'linearizable' },
    )
    return found.map((value) => ({
      ok: true,
      result:
        value === undefined
          ? { kind: 'get', found: false }
          : { kind: 'get', found: true, value: value.value, revision: value.revision },
    }))
  }

  async #atomicBatch(operations: readonly KvOperation[], options: CallOptions): Promise<BatchItemAnswer[]> {
    const [first] = operations
    assert(first !== undefined, 'an atomic batch without operations')
    const deadlineMs = this.#deadline(options)
    await this.locate(first.key, options)
    const { reply, shard } = await this.#route(
      {
        shard: () => this.#context.view.locate(first.key),
        request: (shard) => {
          const outside = operations.findIndex(
            ({ key }) => key < shard.start || (shard.end !== undefined && key >= shard.end),
          )
          return outside >= 0 ? crossShard(outside) : writeRequest(shard, operations, true)
        },
        isRead: false,
        anyReplica: false,
      },
      this.#remaining(options, deadlineMs),
    )
    assert(reply.kind === 'write', `an atomic batch was answered with ${reply.kind}`)
    if (reply.result.kind === 'aborted') {
      const { index, revision } = reply.result
      throw new FlotillaError({
        code: 'PRECONDITION_FAILED',
        message: `the condition of operation ${index} does not hold; nothing was changed`,
        outcome: 'none',
        retryable: false,
        shard: shard.id,
        index,
        revision: revision ?? null,
      })
    }
    return writeResults(reply).map(asBatchItem)
  }

  #scanShard(request: ScanRequest, start: Key, end: Key | undefined, itemsMax: number, options: CallOptions) {
    return this.#route(
      {
        // A backward scan begins in the shard that holds the last key below `end`.
        shard: () =>
          request.reverse ? this.#context.view.covering(start, end).at(-1) : this.#context.view.locate(start),
        request: (shard) => ({
          kind: 'scan',
          shard: shard.id,
          rangeEpoch: shard.epoch.range,
          consistency: request.consistency,
          start,
          end,
          reverse: request.reverse,
          keysOnly: request.keysOnly,
          itemsMax,
          bytesMax: LIMITS.scanPageBytesMax,
        }),
        isRead: true,
        anyReplica: request.consistency === 'stale',
      },
      options,
    )
  }

  #route(target: CallTarget, options: CallOptions): Promise<{ readonly reply: Reply; readonly shard: Shard }> {
    return new Promise((resolve, reject) => {
      new RoutedCall(this.#context, target, options, (reply, shard) => resolve({ reply, shard }), reject).start()
    })
  }

  #served(call: RoutedCall, reply: Reply, shard: Shard, leader: StoreId | undefined): Served {
    assert(reply.kind === 'write' || reply.kind === 'get', `${reply.kind} has no timing`)
    return {
      shard: shard.id,
      epoch: reply.epoch,
      leader: leader ?? this.#context.view.leaderOf(shard.id),
      routeMs: Math.max(0, this.#context.clock.nowMs() - call.startedMs - reply.timing.raftMs - reply.timing.applyMs),
      raftMs: reply.timing.raftMs,
      applyMs: reply.timing.applyMs,
    }
  }

  #deadline(options: CallOptions): number {
    return this.#context.clock.nowMs() + (options.timeoutMs ?? LIMITS.requestTimeoutMsDefault)
  }

  #remaining(options: CallOptions, deadlineMs: number): CallOptions {
    return { ...options, timeoutMs: Math.max(1, deadlineMs - this.#context.clock.nowMs()) }
  }
}

function earlier(left: Key | undefined, right: Key | undefined): Key | undefined {
  if (left === undefined) return right
  if (right === undefined) return left
  return left < right ? left : right
}
