import path from 'node:path'
import { assert, type EventSink, type Logger, silentEvents, silentLogger } from '../base/index.ts'
import { type Client, RouterClient } from '../client/index.ts'
import type { EventBus } from '../observe/index.ts'
import { FlotillaError } from '../protocol/index.ts'
import { createRouter } from '../router/index.ts'
import { LogStoreError } from '../storage/index.ts'
import { RAFT_SETTINGS_DEFAULT } from '../store/index.ts'
import { createMemoryHub, type MemoryHub, openMemoryTransport } from '../transport/index.ts'
import { type EmbeddedTracer, openEmbeddedTracer, type TracingOptions } from './embedded-tracing.ts'
import { type Node, openNode } from './node.ts'
import { systemClock, systemRandom, uniqueName } from './system.ts'

/**
 * Flotilla inside a program: one store, or a whole cluster in one process, with the client that works everywhere. No HTTP, and no broker but
 * the one in memory.
 */
const SEGMENT_BYTES = 64 * 1024 * 1024
const OVERLAY_BYTES = 32 * 1024 * 1024
const READY_TIMEOUT_MS = 15_000

export interface OpenStoreOptions {
  /** Number of shards a new store begins with. */
  readonly shards?: number
  readonly engine?: 'classic-level' | 'rocksdb' | 'memory'
  readonly logger?: Logger
  /** Made with `createEvents`; its owner closes it after the store. */
  readonly events?: EventBus
  /** Absent: nothing is traced. */
  readonly tracing?: TracingOptions
}

/** Opens (or creates) a store in a directory of its own. Rejects with STORE_LOCKED when another process has it open. */
export async function openStore(dir: string, options: OpenStoreOptions = {}): Promise<Client> {
  const hub = createMemoryHub({ clock: systemClock })
  const bootstrap = { stores: ['s1'], replicas: 1, shards: within('shards', options.shards ?? 1, SHARDS_MAX) }
  const traces = await openTracer('s1', options)
  let node: Node | undefined
  try {
    node = await openEmbedded(hub, 's1', dir, bootstrap, options, traces)
    await untilReady([node])
  } catch (error) {
    // One that is not ready yet has its tracer closed with it.
    await (node ?? traces).close()
    throw error
  }
  return new RouterClient(node.router, () => node.close(), { tracer: traces.tracer, clock: systemClock })
}

function openTracer(name: string, { tracing }: OpenStoreOptions): Promise<EmbeddedTracer> {
  return openEmbeddedTracer(name, tracing, { clock: systemClock, random: systemRandom })
}

export interface CreateClusterOptions extends OpenStoreOptions {
  /** How many stores, 1 to 9. */
  readonly stores?: number
  /** Copies of every shard; 3, or as many as there are stores. */
  readonly replicas?: number
  /** Where the stores keep their data, each in a folder of its own; in memory when absent. */
  readonly dir?: string
  /** The network between the stores; for those who want to break it. */
  readonly hub?: MemoryHub
}

/** A cluster in this process: the client's methods work on it, and its stores can be stopped and started again. */
export interface Cluster extends Client {
  readonly stores: readonly string[]
  /** Stops one store in order. */
  stopStore(id: string): Promise<void>
  startStore(id: string): Promise<void>
}

export async function createCluster(options: CreateClusterOptions = {}): Promise<Cluster> {
  const count = within('stores', options.stores ?? 3, STORES_MAX)
  const replicas = within('replicas', options.replicas ?? 3, STORES_MAX)
  const shards = within('shards', options.shards ?? 8, SHARDS_MAX)
  const ids = Array.from({ length: count }, (_, position) => `s${position + 1}`)
  const bootstrap = { stores: ids, replicas: Math.min(replicas, count), shards }
  const hub = options.hub ?? createMemoryHub({ clock: systemClock })
  const nodes = new Map<string, Node>()
  const start = async (id: string): Promise<void> => {
    const dir = options.dir === undefined ? undefined : path.join(options.dir, id)
    const traces = await openTracer(id, options)
    try {
      nodes.set(id, await openEmbedded(hub, id, dir, bootstrap, options, traces))
    } catch (error) {
      await traces.close()
      throw error
    }
  }
  const closeAll = async (): Promise<void> => {
    await Promise.all([...nodes.values()].map((node) => node.close()))
    nodes.clear()
  }
  let traces: EmbeddedTracer | undefined
  try {
    traces = await openTracer('client', options)
    await Promise.all(ids.map(start))
    await untilReady([...nodes.values()])
  } catch (error) {
    await closeAll()
    await traces?.close()
    throw error
  }
  const { tracer, close: closeTraces } = traces
  const transport = openMemoryTransport(hub, {
    clusterId: CLUSTER_ID,
    address: `client-${uniqueName()}`,
    incarnation: '',
    clock: systemClock,
    random: systemRandom,
  })
  let next = 0
  const router = createRouter({
    clock: systemClock,
    transport,
    anyStore: () => [...nodes.keys()][next++ % Math.max(1, nodes.size)] ?? 's1',
    close: () => transport.close(),
    tracer,
  })
  const close = async (): Promise<void> => {
    await router.close()
    await closeAll()
    await closeTraces()
  }
  const client = new RouterClient(router, close, { tracer, clock: systemClock })
  return Object.assign(client, {
    stores: ids,
    stopStore: async (id: string): Promise<void> => {
      assert(ids.includes(id), `store ${id} is none of ${ids.join(', ')}`)
      const node = nodes.get(id)
      await node?.store.handOver()
      await node?.close()
      nodes.delete(id)
    },
    startStore: async (id: string): Promise<void> => {
      assert(ids.includes(id) && !nodes.has(id), `store ${id} is running, or is none of ${ids.join(', ')}`)
      await start(id)
    },
  })
}

/** As in the configuration of a store. */
function within(name: string, value: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= max) return value
  const message = `${name} must be a whole number from 1 to ${max}, not ${value}`
  throw new FlotillaError({ code: 'INVALID_ARGUMENT', message, outcome: 'none', retryable: false })
}

const STORES_MAX = 9
const SHARDS_MAX = 65_536
const CLUSTER_ID = 'embedded'
const KEEP_ALIVE_MS = 2 ** 30

async function openEmbedded(
  hub: MemoryHub,
  id: string,
  dir: string | undefined,
  bootstrap: { stores: readonly string[]; replicas: number; shards: number },
  options: OpenStoreOptions,
  traces: EmbeddedTracer,
): Promise<Node> {
  const { logger = silentLogger } = options
  const events: EventSink = options.events?.of(id) ?? silentEvents
  // The clock's timers do not keep a process alive; an open store does, until it is closed.
  const alive = setInterval(() => {}, KEEP_ALIVE_MS)
  try {
    const node = await openNode({
      id,
      address: '',
      labels: {},
      dir,
      engine: dir === undefined ? 'memory' : (options.engine ?? 'classic-level'),
      segmentBytes: SEGMENT_BYTES,
      overlayBytes: OVERLAY_BYTES,
      bootstrap,
      raft: RAFT_SETTINGS_DEFAULT,
      clock: systemClock,
      random: systemRandom,
      logger,
      events,
      tracer: traces.tracer,
      openTransport: async (incarnation) =>
        openMemoryTransport(hub, {
          clusterId: CLUSTER_ID,
          address: id,
          incarnation,
          clock: systemClock,
          random: systemRandom,
          logger,
        }),
    })
    return {
      ...node,
      close: () =>
        node
          .close()
          .finally(() => traces.close())
          .finally(() => clearInterval(alive)),
    }
  } catch (error) {
    clearInterval(alive)
    // Only what embedders are promised leaves here with its own code.
    if (error instanceof LogStoreError && error.code === 'STORE_LOCKED') {
      throw new FlotillaError(
        { code: 'STORE_LOCKED', message: error.message, outcome: 'none', retryable: true },
        { cause: error },
      )
    }
    throw error
  }
}

async function untilReady(nodes: readonly Node[]): Promise<void> {
  const deadlineMs = systemClock.nowMs() + READY_TIMEOUT_MS
  for (;;) {
    const reasons = nodes.flatMap((node) => node.notReady())
    if (reasons.length === 0) return
    if (systemClock.nowMs() > deadlineMs) {
      throw new FlotillaError({
        code: 'NOT_READY',
        message: `not ready after ${READY_TIMEOUT_MS / 1000} s: ${reasons[0]}`,
        outcome: 'none',
        retryable: true,
      })
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
