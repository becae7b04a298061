import path from 'node:path'
import { planPlacementShard } from '../../shard-map/index.ts'
import type { Clock, EventSink, Logger, Random, RpcRecorder, Tracer } from '../base/index.ts'
import type { JsonValue } from '../machine/index.ts'
import { type PlacementDefaults, PlacementService } from '../placement/index.ts'
import { createRouter, type Router } from '../router/index.ts'
import {
  acquireDataDirectory,
  type DataEngine,
  type DataStore,
  type DiskSpace,
  diskSpaceOf,
  type LogStore,
  MemoryDisk,
  MemoryLog,
  NodeFiles,
  openDataStore,
  openSegmentLog,
} from '../storage/index.ts'
import { notReady, type RaftSettings, Store } from '../store/index.ts'
import type { Transport } from '../transport/index.ts'
import { judgeFounding } from './founding.ts'
import { createMachine } from './machines.ts'
import { uniqueName } from './system.ts'
import { VERSION } from './version.ts'

/**
 * Composes one store from its parts: directory, log, data, transport, placement driver, router. It owns the order in which they begin and
 * end, and nothing else. `startNode` puts a gateway on top; `openStore` and `createCluster` use it as it is.
 */
export interface NodeOptions {
  readonly id: string
  /** The gateway's `host:port`, as others should reach it; empty when there is none. */
  readonly address: string
  readonly labels: Readonly<Record<string, string>>
  /** Where everything durable lives; undefined keeps everything in memory. */
  readonly dir: string | undefined
  readonly engine: 'classic-level' | 'rocksdb' | 'memory'
  readonly segmentBytes: number
  readonly overlayBytes: number
  readonly bootstrap: { readonly stores: readonly string[]; readonly replicas: number; readonly shards: number }
  readonly raft: RaftSettings
  /** What the placement driver goes by where the cluster's own settings say nothing. */
  readonly placement?: PlacementDefaults
  /** Which settings the cluster may be given while it runs; those of the placement driver when absent. */
  readonly acceptsSetting?: (name: string, value: JsonValue) => boolean
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly events: EventSink
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer
  /** Opens what notes the messages between stores; called once the data directory is ours. */
  readonly openRpcLog?: () => Promise<RpcRecorder | undefined>
  /** The identity of the data directory goes into every frame. */
  readonly openTransport: (incarnation: string) => Promise<Transport>
}

export interface Node {
  readonly id: string
  readonly store: Store
  readonly router: Router
  readonly log: LogStore
  readonly data: DataStore
  readonly transport: Transport
  /** Resolves with the reason when the store can no longer go on; the process should end. */
  readonly failed: Promise<Error>
  /** Empty when the store can serve. */
  notReady(): string[]
  close(): Promise<void>
}

/** Where a store keeps what must survive it: the directory of a real one, or a simulated disk. */
export interface NodeStorage {
  /** Identifies the data: another one under the same store id means that data was lost. */
  readonly incarnation: string
  openLog(): LogStore
  readonly engine: DataEngine
  /** How full the disk is; absent where there is none. */
  readonly space?: () => Promise<DiskSpace | undefined>
  /** Called last, when nothing is open any more. */
  release(): Promise<void>
}

export async function openNode(options: NodeOptions): Promise<Node> {
  return composeNode(options, await openStorage(options))
}

/** The node on storage that somebody else has prepared, which it releases at its end; for roots that bring their own disk. */
export async function composeNode(
  options: Omit<NodeOptions, 'dir' | 'engine' | 'segmentBytes'>,
  storage: NodeStorage,
): Promise<Node> {
  const { id, clock, random, logger, events } = options
  const closers: (() => Promise<void>)[] = [() => storage.release()]
  let closing: Promise<void> | undefined
  const closeAll = (): Promise<void> => {
    closing ??= closeInReverse(closers)
    return closing
  }
  let fail: (error: Error) => void = () => {}
  const failed = new Promise<Error>((resolve) => {
    fail = resolve
  })
  try {
    const { incarnation } = storage
    const log = storage.openLog()
    closers.push(() => log.close())
    const data = await openDataStore({
      engine: storage.engine,
      overlayBytes: options.overlayBytes,
      clock,
      onFatal: (error) => fail(error),
    })
    closers.push(() => data.close())
    const transport = await options.openTransport(incarnation)
    closers.push(() => transport.close())
    const placementShard = planPlacementShard(options.bootstrap.stores, options.bootstrap.replicas)
    const store = new Store({
      info: { id, address: options.address, labels: options.labels, incarnation, version: VERSION, state: 'up' },
      placementShard,
      clock,
      random,
      log,
      data,
      transport,
      events,
      logger,
      raft: options.raft,
      rpc: await options.openRpcLog?.(),
      tracer: options.tracer,
      createMachine,
      ...(storage.space === undefined ? {} : { diskSpace: storage.space }),
      onFatal: (error) => fail(error),
    })
    // From here on others are answered, at first only that nothing is known yet.
    transport.start({
      onItems: (from, lane, items, theirs) => store.onItems(from, lane, items, theirs),
      onRequest: (request) => store.onRequest(request),
      onState: (state) => events.emit({ type: `transport_${state}` }),
    })
    const isFounder = placementShard.replicas.some((replica) => replica.store === id)
    const isEmpty = [...data.groups()].length === 0 && log.groups().size === 0 && log.damaged().length === 0
    const placement = new PlacementService({
      bootstrap: options.bootstrap,
      clock,
      logger,
      events,
      transport,
      ...(options.placement === undefined ? {} : { defaults: options.placement }),
      ...(options.acceptsSetting === undefined ? {} : { acceptsSetting: options.acceptsSetting }),
    })
    let found = false
    if (isFounder && isEmpty) {
      const founders = placementShard.replicas.map((replica) => replica.store)
      const asked = judgeFounding({ clock, transport, id, incarnation, founders })
      const verdict = await Promise.race([asked, patience(clock)])
      if (verdict?.kind === 'refuse') throw new Error(verdict.reason)
      found = verdict?.kind === 'found'
      // Most founders are silent: it runs, and waits for them, so that people and probes can see why it is not ready.
      if (verdict === undefined)
        asked.then((late) => {
          if (late.kind === 'refuse') fail(new Error(late.reason))
          else if (late.kind === 'found') store.found()
        })
    }
    await store.start(placement, found)
    closers.push(() => store.stop())
    const router = createRouter({
      clock,
      transport,
      local: store,
      anyStore: () => id,
      close: async () => {},
      ...(options.tracer === undefined ? {} : { tracer: options.tracer }),
    })
    return { id, store, router, log, data, transport, failed, notReady: () => notReady(store), close: closeAll }
  } catch (error) {
    await closeAll()
    throw error
  }
}

/** All of them, whatever becomes of those before: a disk that fails at the end must not keep connections open and the directory locked. */
async function closeInReverse(closers: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = []
  for (const close of [...closers].reverse()) await close().catch((error: unknown) => failures.push(error))
  if (failures.length > 0) throw failures[0]
}

/** How long a new store waits for the other founders before it begins without having founded anything. */
const FOUNDING_PATIENCE_MS = 1_500

function patience(clock: Clock): Promise<undefined> {
  return new Promise((resolve) => {
    clock.after(FOUNDING_PATIENCE_MS, () => resolve(undefined))
  })
}

async function openStorage(options: NodeOptions): Promise<NodeStorage> {
  const { dir, engine, id, random, logger, segmentBytes } = options
  if (dir === undefined || engine === 'memory') {
    return {
      // In memory, a restart loses everything: such a store must never look like the one it was.
      incarnation: uniqueName(),
      openLog: () => new MemoryLog((run) => options.clock.soon(run)),
      engine: { kind: 'memory', disk: new MemoryDisk() },
      release: async () => {},
    }
  }
  const directory = await acquireDataDirectory(dir, id, uniqueName)
  return {
    incarnation: directory.incarnation,
    openLog: () => openSegmentLog({ files: new NodeFiles(dir), segmentBytes, random, logger }),
    engine: { kind: engine, directory: path.resolve(dir) },
    space: () => diskSpaceOf(dir),
    release: () => directory.release(),
  }
}
