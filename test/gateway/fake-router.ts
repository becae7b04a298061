/**
 * A router over a map in memory: linearizable, because it is one thread, and cut into shards, so that scans page and batches cross. Tests
 * may delay or fail its answers.
 */

import {
  type Key,
  PLACEMENT_SHARD,
  type Replica,
  type Shard,
  type ShardMap,
  type StoreInfo,
} from '../../shard-map/index.ts'
import { compareBytes, latin1ToBytes } from '../../src/base/index.ts'
import {
  type ErrorValue,
  FlotillaError,
  type OperateRequest,
  type PlacementStatus,
  type ShardDescription,
  type StoreDescription,
} from '../../src/protocol/index.ts'
import type {
  BatchItemAnswer,
  CallOptions,
  Router,
  ScanAnswer,
  ScanRequest,
  Served,
  WriteAnswer,
} from '../../src/router/index.ts'

type Operation = Parameters<Router['batch']>[0][number]
type OperationResult = WriteAnswer['result']
type Condition = Parameters<Router['put']>[2]

interface Record {
  readonly value: Uint8Array
  readonly revision: number
}

const STORES = ['s1', 's2', 's3']

export class FakeRouter implements Router {
  readonly stats = { calls: 0, attempts: 0, failures: 0 }
  readonly records = new Map<Key, Record>()
  readonly shards: readonly Shard[]
  readonly placement: Shard
  leaderOf = new Map<number, string>()
  /** Awaited before each answer; throw or reject in it to fail the call. */
  before: (call: string, options: CallOptions | undefined) => Promise<void> | void = () => {}
  /** Calls that reached the router, by name. */
  readonly calls: string[] = []
  /** What the placement driver says; throw in it to refuse. */
  onOperate: (request: OperateRequest) => unknown = ({ what }) => {
    if (what === 'show-operator' || what === 'cancel-operator')
      throw failure({ code: 'OPERATOR_NOT_FOUND', message: 'there is no such operator' })
    return { operators: [] }
  }
  readonly operated: OperateRequest[] = []
  stalenessMs = 0
  /** Pages of a scan hold at most this many items, as a router that bounds the bytes of a page would do. */
  pageItemsMax = 1000
  #revision = 0

  constructor(bounds: readonly Key[] = ['g', 'n', 't']) {
    const starts = ['', ...bounds]
    this.shards = starts.map((start, i) => shard(i + 2, start, starts[i + 1]))
    this.placement = shard(PLACEMENT_SHARD, '', undefined)
    for (const [i, { id }] of [this.placement, ...this.shards].entries()) this.leaderOf.set(id, STORES[i % 3] as string)
  }

  readonly admin: Router['admin'] = {
    map: (options) => this.#call('map', options, () => this.#map()),
    placementStatus: (options) => this.#call('placementStatus', options, () => this.#placementStatus()),
    describeShards: (shards, options) =>
      this.#call('describeShards', options, () => shards.map((s) => this.#describeShard(s))),
    describeStore: (store, options) => this.#call('describeStore', options, () => this.#describeStore(store)),
    describeReplica: (store, shardId, options) =>
      this.#call('describeReplica', options, () => ({ store, shard: shardId })),
    operate: (request, options) =>
      this.#call('operate', options, () => {
        this.operated.push(request)
        return this.onOperate(request)
      }),
    transferLeader: (shardId, store, options) =>
      this.#call('transferLeader', options, () => {
        this.leaderOf.set(shardId, store)
      }),
  }

  get(key: Key, options: CallOptions): ReturnType<Router['get']> {
    return this.#call('get', options, () => ({
      found: this.records.get(key),
      served: this.#served(key),
      stalenessMs: this.stalenessMs,
    }))
  }

  getMany(keys: readonly Key[], options: CallOptions): ReturnType<Router['getMany']> {
    return this.#call('getMany', options, () => keys.map((key) => this.records.get(key)))
  }

  put(key: Key, value: Uint8Array, condition: Condition, options: CallOptions): Promise<WriteAnswer> {
    return this.#call('put', options, () => ({
      result: this.#apply({ kind: 'put', key, value, condition }),
      served: this.#served(key),
    }))
  }

  delete(key: Key, condition: Condition, options: CallOptions): Promise<WriteAnswer> {
    return this.#call('delete', options, () => ({
      result: this.#apply({ kind: 'delete', key, condition }),
      served: this.#served(key),
    }))
  }

  batch(
    operations: readonly Operation[],
    options: CallOptions & { readonly atomic: boolean },
  ): Promise<BatchItemAnswer[]> {
    return this.#call('batch', options, () => {
      if (options.atomic) this.#checkAtomic(operations)
      return operations.map((operation): BatchItemAnswer => ({ ok: true, result: this.#apply(operation) }))
    })
  }

  scan(request: ScanRequest, options: CallOptions): Promise<ScanAnswer> {
    return this.#call('scan', options, () => {
      const itemsMax = Math.min(request.itemsMax, this.pageItemsMax)
      const keys = this.#keysIn(request.start, request.end)
      if (request.reverse) keys.reverse()
      const page = keys.slice(0, itemsMax)
      const last = page.at(-1)
      const more = keys.length > page.length && last !== undefined
      return {
        items: page.map((key) => {
          const record = this.records.get(key) as Record
          return { key, value: request.keysOnly ? new Uint8Array(0) : record.value, revision: record.revision }
        }),
        next: more ? (request.reverse ? last : `${last}\0`) : undefined,
        stalenessMs: this.stalenessMs,
      }
    })
  }

  deleteRange(start: Key, end: Key | undefined, options: CallOptions): Promise<{ readonly deleted: number }> {
    return this.#call('deleteRange', options, () => {
      const keys = this.#keysIn(start, end)
      for (const key of keys) this.records.delete(key)
      return { deleted: keys.length }
    })
  }

  locate(key: Key, options?: CallOptions): Promise<Shard> {
    return this.#call('locate', options, () => this.#shardOf(key))
  }

  async close(): Promise<void> {}

  async #call<T>(name: string, options: CallOptions | undefined, answer: () => T): Promise<T> {
    this.calls.push(name)
    await this.before(name, options)
    return answer()
  }

  #apply(operation: Operation): OperationResult {
    const current = this.records.get(operation.key)
    if (operation.kind === 'get') {
      return current === undefined ? { kind: 'get', found: false } : { kind: 'get', found: true, ...current }
    }
    if (!holds(operation.condition, current)) return { kind: 'condition-failed', revision: current?.revision }
    const revision = ++this.#revision
    if (operation.kind === 'put') {
      this.records.set(operation.key, { value: Uint8Array.from(operation.value), revision })
      return { kind: 'put', revision }
    }
    return { kind: 'delete', deleted: this.records.delete(operation.key), revision }
  }

  #checkAtomic(operations: readonly Operation[]): void {
    const shards = new Set(operations.map((operation) => this.#shardOf(operation.key).id))
    if (shards.size > 1) throw failure({ code: 'CROSS_SHARD', message: 'the operations belong to several shards' })
    for (const [index, operation] of operations.entries()) {
      const current = this.records.get(operation.key)
      if (operation.kind === 'get' || holds(operation.condition, current)) continue
      throw failure({
        code: 'PRECONDITION_FAILED',
        message: 'a condition failed',
        index,
        revision: current?.revision ?? null,
      })
    }
  }

  #keysIn(start: Key, end: Key | undefined): Key[] {
    return [...this.records.keys()]
      .filter((key) => key >= start && (end === undefined || key < end))
      .sort((a, b) => compareBytes(latin1ToBytes(a), latin1ToBytes(b)))
  }

  #shardOf(key: Key): Shard {
    return this.shards.find(({ start, end }) => key >= start && (end === undefined || key < end)) as Shard
  }

  #served(key: Key): Served {
    const { id, epoch } = this.#shardOf(key)
    return { shard: id, epoch, leader: this.leaderOf.get(id), routeMs: 0.125, raftMs: 1.5, applyMs: 0.25 }
  }

  #map(): ShardMap {
    return { version: 7, placement: this.placement, shards: this.shards, stores: STORES.map(storeInfo) }
  }

  #placementStatus(): PlacementStatus {
    return {
      term: 3,
      leader: this.leaderOf.get(PLACEMENT_SHARD) ?? '',
      map: this.#map(),
      leaders: Object.fromEntries(this.leaderOf),
      stores: STORES.map((id) => ({
        id,
        liveness: 'up',
        lastHeartbeatAgoMs: 10,
        replicas: this.shards.length,
        bytes: 0,
        load: { readsPerSecond: 0, writesPerSecond: 0 },
        uptimeSeconds: 5,
      })),
    }
  }

  #describeShard(described: Shard): ShardDescription {
    return {
      shard: described,
      leader: this.leaderOf.get(described.id),
      term: 4,
      commitIndex: 10,
      appliedIndex: 10,
      replicas: described.replicas.map(({ store }) => ({ store, role: 'voter', matchIndex: 10, state: 'replicate' })),
      bytes: 100,
      keys: 2,
      load: { readsPerSecond: 1, writesPerSecond: 2 },
      merging: undefined,
      absorbed: [],
    }
  }

  #describeStore(store: string): StoreDescription {
    return {
      info: storeInfo(store),
      replicas: this.shards.length + 1,
      leaders: [...this.leaderOf.values()].filter((leader) => leader === store).length,
      bytes: 400,
      load: { readsPerSecond: 1, writesPerSecond: 2 },
      lag: Object.fromEntries(STORES.filter((other) => other !== store).map((other) => [other, 0])),
      uptimeSeconds: 12,
      notReady: [],
    }
  }
}

export function failure(value: Partial<ErrorValue> & Pick<ErrorValue, 'code' | 'message'>): FlotillaError {
  return new FlotillaError({ outcome: 'none', retryable: false, ...value })
}

function holds(condition: Condition, current: Record | undefined): boolean {
  switch (condition.kind) {
    case 'none':
      return true
    case 'absent':
      return current === undefined
    case 'exists':
      return current !== undefined
    case 'revision':
      return current?.revision === condition.revision
  }
}

function shard(id: number, start: Key, end: Key | undefined): Shard {
  const replicas = STORES.map((store, i): Replica => ({ id: id * 10 + i, store, role: 'voter' }))
  return { id, start, end, epoch: { membership: 3, range: id }, replicas }
}

function storeInfo(id: string): StoreInfo {
  return {
    id,
    address: `127.0.0.1:${8079 + Number(id.slice(1))}`,
    labels: { zone: 'z1' },
    incarnation: `i-${id}`,
    version: '0.1.0',
    state: 'up',
  }
}
