/**
 * A cluster of stores in this process whose disks survive their crashes: real stores, logs and data stores over memory. Tests ask stores directly,
 * as the placement driver does, and look inside.
 */
import assert from 'node:assert/strict'
import { type Epoch, planPlacementShard, type Shard, type ShardId } from '../../shard-map/index.ts'
import { silentEvents, silentLogger } from '../../src/base/index.ts'
import { RouterClient } from '../../src/client/router-client.ts'
import { type PlacementOptions, PlacementService } from '../../src/placement/index.ts'
import type { MembershipStep, Reply, Request } from '../../src/protocol/index.ts'
import { createRouter, type Router } from '../../src/router/index.ts'
import { createMachine } from '../../src/server/machines.ts'
import { systemClock } from '../../src/server/system.ts'
import { MemoryDisk, MemoryFiles, openDataStore, openSegmentLog } from '../../src/storage/index.ts'
import { RAFT_SETTINGS_DEFAULT, type RaftSettings, type Replica, Store } from '../../src/store/index.ts'
import { createMemoryHub, type MemoryHub, openMemoryTransport, type Transport } from '../../src/transport/index.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { SeededRandom } from '../raft/harness/seeded-random.ts'
import { ClientTarget } from '../support/client-target.ts'
import { Workload } from '../support/workload.ts'
import type { TestClusterOptions } from './cluster-options.ts'
import { MortalClock } from './mortal-clock.ts'
import { checkNoOverlap } from './overlap.ts'
import { picture } from './picture.ts'

export const WAIT_MS = 20_000
const ASK_TIMEOUT_MS = 5_000

interface Machine {
  readonly id: string
  readonly files: MemoryFiles
  readonly disk: MemoryDisk
  running: { readonly store: Store; readonly clock: MortalClock; readonly close: () => Promise<void> } | undefined
}

export class TestCluster {
  readonly hub: MemoryHub
  readonly random = new SeededRandom(7)
  readonly failures: string[] = []
  readonly files = new Map<string, MemoryFiles>()
  readonly #loads: Workload[] = []
  readonly client: RouterClient
  readonly router: Router
  readonly #machines = new Map<string, Machine>()
  readonly #founders: readonly string[]
  readonly #shards: number
  readonly #raft: RaftSettings
  readonly #options: TestClusterOptions
  readonly #placement: Pick<PlacementOptions, 'schedulers' | 'defaults'>
  readonly #clientTransport: Transport
  readonly #alive = setInterval(() => {}, 2 ** 30)

  private constructor(options: TestClusterOptions) {
    const { stores = 3, founders = Math.min(3, stores), shards = 1 } = options
    this.hub = createMemoryHub({ clock: systemClock, random: this.random })
    this.#shards = shards
    this.#options = options
    this.#raft = { ...RAFT_SETTINGS_DEFAULT, ...options.raft }
    this.#placement = options.placement ?? { schedulers: ['balance-leaders'] }
    const ids = Array.from({ length: stores }, (_, position) => `s${position + 1}`)
    this.#founders = ids.slice(0, founders)
    for (const id of ids) {
      this.files.set(id, new MemoryFiles({ random: this.random, clock: systemClock }))
      this.#machines.set(id, {
        id,
        files: this.files.get(id) as MemoryFiles,
        disk: new MemoryDisk(options.disk?.(id)),
        running: undefined,
      })
    }
    this.#clientTransport = openMemoryTransport(this.hub, {
      clusterId: 'test',
      address: 'client',
      incarnation: '',
      clock: systemClock,
      random: this.random,
    })
    let next = 0
    this.router = createRouter({
      clock: systemClock,
      transport: this.#clientTransport,
      anyStore: () => ids[next++ % ids.length] ?? 's1',
      close: () => this.#clientTransport.close(),
    })
    this.client = new RouterClient(this.router, () => this.router.close())
  }

  /** Runs `test` on a new cluster whose stores all run and whose shards all have leaders. */
  static async with(options: TestClusterOptions, test: (cluster: TestCluster) => Promise<void>): Promise<void> {
    const cluster = new TestCluster(options)
    try {
      await Promise.all([...cluster.#machines.keys()].map((id) => cluster.start(id)))
      await poll('a map with every store', WAIT_MS, () => {
        const maps = cluster.runningStores().map((store) => store.map.map)
        const complete = (map: (typeof maps)[number]): boolean =>
          map.shards.length > 0 && map.stores.filter((store) => store.incarnation !== '').length === maps.length
        return maps.every(complete)
      })
      for (const shard of cluster.store(cluster.#founders[0] as string).map.map.shards) await cluster.leader(shard.id)
      await test(cluster)
      assert.deepEqual(cluster.failures, [])
    } catch (error) {
      console.log(picture(cluster.failures, cluster.runningStores()))
      throw error
    } finally {
      await cluster.#close()
    }
  }

  async #close(): Promise<void> {
    for (const load of this.#loads) load.cancel()
    await this.client.close()
    for (const id of this.#machines.keys()) await this.stop(id)
    clearInterval(this.#alive)
  }

  runningStores(): Store[] {
    return [...this.#machines.values()].flatMap((machine) =>
      machine.running === undefined ? [] : [machine.running.store],
    )
  }

  store(id: string): Store {
    const running = this.#machines.get(id)?.running
    assert(running !== undefined, `store ${id} does not run`)
    return running.store
  }

  isRunning(id: string): boolean {
    return this.#machines.get(id)?.running !== undefined
  }

  replica(id: string, shard: ShardId): Replica | undefined {
    return this.store(id).replicas.get(shard)
  }

  async start(id: string): Promise<void> {
    const machine = this.#machines.get(id)
    assert(machine !== undefined && machine.running === undefined, `store ${id} runs`)
    const clock = new MortalClock()
    const random = new SeededRandom(this.random.below(1 << 30))
    const onFatal = (error: Error): void => {
      if (!clock.isDead) this.failures.push(`${id}: ${error.message}`)
    }
    const log = openSegmentLog({ files: machine.files, segmentBytes: 1 << 20, random, logger: silentLogger })
    const data = await openDataStore({
      engine: { kind: 'memory', disk: machine.disk },
      overlayBytes: 8 << 20,
      clock,
      onFatal,
    })
    const incarnation = `disk-${id}`
    const { diskSpace, events = silentEvents } = this.#options
    const transport = openMemoryTransport(this.hub, { clusterId: 'test', address: id, incarnation, clock, random })
    const bootstrap = { stores: this.#founders, replicas: this.#founders.length, shards: this.#shards }
    const store = new Store({
      info: { id, address: '', labels: {}, incarnation, version: '0', state: 'up' },
      placementShard: planPlacementShard(this.#founders, this.#founders.length),
      clock,
      random,
      log,
      data,
      transport,
      events,
      logger: silentLogger,
      raft: this.#raft,
      createMachine,
      ...(diskSpace === undefined ? {} : { diskSpace: async () => diskSpace(id) }),
      onFatal,
    })
    transport.start({
      onItems: (from, lane, items, theirs) => store.onItems(from, lane, items, theirs),
      onRequest: (request) => store.onRequest(request),
      onState: () => {},
    })
    const isNew = [...data.groups()].length === 0 && log.groups().size === 0
    const placement = new PlacementService({
      bootstrap,
      clock,
      logger: silentLogger,
      events,
      transport,
      ...this.#placement,
    })
    await store.start(placement, isNew && this.#founders.includes(id))
    machine.running = {
      store,
      clock,
      close: async () => {
        await store.stop()
        await transport.close()
        await data.close()
        await log.close()
      },
    }
  }

  /** In order: everything is flushed. */
  async stop(id: string): Promise<void> {
    const machine = this.#machines.get(id)
    const running = machine?.running
    if (machine === undefined || running === undefined) return
    await running.close()
    machine.running = undefined
  }

  /** The power goes: unsynced bytes are lost, nobody is told. */
  crash(id: string): void {
    const machine = this.#machines.get(id)
    assert(machine?.running !== undefined, `store ${id} does not run`)
    const { clock, store } = machine.running
    clock.isDead = true
    store.loop.stop()
    machine.files.crash()
    machine.disk.crash()
    machine.running = undefined
    const { transport } = store.options
    transport.close().catch(() => {
      // It was dead before.
    })
  }

  async restart(id: string): Promise<void> {
    this.crash(id)
    await this.start(id)
  }

  /** The replica that leads the shard and has applied that it does. */
  leader(shard: ShardId): Promise<Replica> {
    return poll(`a leader of shard ${shard}`, WAIT_MS, () => {
      const leading = this.runningStores().flatMap((store) => {
        const replica = store.replicas.get(shard)
        return replica?.isLeader === true ? [replica] : []
      })
      const [newest] = leading.sort((a, b) => b.raft.term - a.raft.term)
      return newest !== undefined && newest.appliedIndex >= newest.raft.commitIndex ? newest : undefined
    })
  }

  async leaderStore(shard: ShardId): Promise<string> {
    const { leaderStore } = await this.leader(shard)
    return leaderStore ?? assert.fail('a leader without a store')
  }

  ask(id: string, request: Request, timeoutMs: number = ASK_TIMEOUT_MS): Promise<Reply> {
    return new Promise((resolve) => this.store(id).request(request, timeoutMs, resolve))
  }

  /** Asks the leader of the request's shard until it is done, as the placement driver does; `isDone` sees it where only the answer was lost. */
  async change(
    request: Extract<Request, { epoch: Epoch }>,
    isDone?: (now: Replica) => boolean,
  ): Promise<readonly Shard[]> {
    let last = ''
    return await poll(`${request.kind} of shard ${request.shard}`, WAIT_MS, async () => {
      const reply = await this.ask(await this.leaderStore(request.shard), request)
      if (reply.kind === 'shards') return reply.shards
      assert(reply.kind === 'error', `${request.kind} was answered with ${reply.kind}`)
      last = `${reply.error.code} ${reply.error.message}`
      const leader = await this.leader(request.shard)
      if (reply.error.code === 'STALE_EPOCH' && isDone?.(leader)) return [leader.shard]
      if (!reply.error.retryable && reply.error.outcome === 'none') assert.fail(last)
      throw new Error(last)
    })
  }

  async member(shard: ShardId, step: MembershipStep): Promise<Shard> {
    const { epoch } = (await this.leader(shard)).shard
    const [changed] = await this.change({ kind: 'change-membership', shard, epoch, step })
    return changed ?? assert.fail('no shard came back')
  }

  nextId(count = 1): Promise<number> {
    return poll('fresh ids', WAIT_MS, async () => {
      const reply = await this.ask(await this.leaderStore(1), { kind: 'allocate-ids', count })
      return reply.kind === 'allocate-ids' ? reply.first : undefined
    })
  }

  /** The whole way of a replica from one store to another. */
  async move(shard: ShardId, from: string, to: string): Promise<Shard> {
    await this.member(shard, { kind: 'add-learner', store: to, replica: await this.nextId() })
    await this.member(shard, { kind: 'enter-joint', promote: [to], demote: [from], lagEntriesMax: 100, votersMin: 3 })
    await this.member(shard, { kind: 'leave-joint' })
    return await this.member(shard, { kind: 'remove-learner', store: from })
  }

  /** Splits at the keys with fresh ids. */
  async split(shard: ShardId, ...keys: readonly string[]): Promise<readonly Shard[]> {
    const { shard: now } = await this.leader(shard)
    const cuts = []
    for (const key of keys) {
      const first = await this.nextId(1 + now.replicas.length)
      cuts.push({ key, shard: first, replicas: now.replicas.map((_, i) => first + 1 + i) })
    }
    return await this.change({ kind: 'split', shard, epoch: now.epoch, cuts })
  }

  /** The right shard stops, to be taken in by the left one. Answers both as they are then. */
  async prepareMerge(left: ShardId, right: ShardId): Promise<{ readonly target: Shard; readonly source: Shard }> {
    const { shard: target } = await this.leader(left)
    const { shard } = await this.leader(right)
    const [source] = await this.change({ kind: 'prepare-merge', shard: right, epoch: shard.epoch, target })
    return { target, source: source ?? assert.fail('no shard came back') }
  }

  async commitMerge({ target, source }: { readonly target: Shard; readonly source: Shard }): Promise<Shard> {
    const request = { kind: 'commit-merge', shard: target.id, epoch: target.epoch, source } as const
    const [merged] = await this.change(request, ({ absorbed }) => absorbed.some(({ shard }) => shard === source.id))
    return merged ?? assert.fail('no shard came back')
  }

  /** Gives a prepared merge up. */
  async rollBackMerge({ target, source }: { readonly target: Shard; readonly source: Shard }): Promise<Shard> {
    const [fenced] = await this.change({
      kind: 'fence-merge',
      shard: target.id,
      epoch: target.epoch,
      source: source.id,
    })
    assert(fenced !== undefined)
    const [back] = await this.change({ kind: 'rollback-merge', shard: source.id, epoch: source.epoch, target: fenced })
    return back ?? assert.fail('no shard came back')
  }

  load(name: string, keys: readonly string[], clients = 8, thinkMsMax = 4): Workload {
    const load = new Workload(name, new ClientTarget(this.client, 3_000), { keys, clients, thinkMsMax }).start()
    this.#loads.push(load)
    return load
  }

  /** Waits until all members of the shard have applied the same, and compares what they hold, byte by byte. */
  async agree(shard: ShardId): Promise<void> {
    await poll(`the replicas of shard ${shard} agree`, WAIT_MS, async () => {
      const leader = await this.leader(shard)
      const views = await Promise.all(
        leader.shard.replicas
          .filter((member) => this.isRunning(member.store))
          .map((member) => this.#view(member.store, shard)),
      )
      const [first] = views
      for (const view of views) assert.deepEqual(view, first)
      return true
    })
  }

  async #view(id: string, shard: ShardId): Promise<unknown> {
    const replica = this.replica(id, shard)
    assert(replica?.isInitialised === true && !replica.installing, `store ${id} has no shard ${shard}`)
    const { start, end } = replica.shard
    const { appliedIndex } = replica
    const state = Buffer.from(replica.machine.save()).toString('hex')
    const page = await this.store(id).options.data.scan({
      start,
      end,
      reverse: false,
      itemsMax: 100_000,
      bytesMax: 1 << 30,
      keysOnly: false,
    })
    const items = page.items.map(({ key, value }) => `${key}=${Buffer.from(value).toString('hex')}`)
    return { appliedIndex, shard: replica.shard, state, items }
  }

  checkNoOverlap(): void {
    for (const store of this.runningStores()) checkNoOverlap(store)
  }

  #isLed(shard: ShardId): boolean {
    return this.runningStores().some((store) => store.replicas.get(shard)?.isLeader === true)
  }

  /** Waits until every map has so many shards, all of them as their leaders have them and whole on every store. */
  async settle(count: number): Promise<void> {
    await poll(`maps of ${count} shards that are led`, WAIT_MS, () =>
      this.runningStores().every(({ map }) => {
        const { shards } = map.map
        return shards.length === count && shards.every(({ id }) => this.#isLed(id))
      }),
    )
    for (const { id } of this.store(this.#founders[0] as string).map.map.shards) {
      await this.agree(id)
      await this.mapped(id)
    }
    this.checkNoOverlap()
  }

  /** Waits until the map of every store says of this shard what its leader has applied. */
  async mapped(shard: ShardId): Promise<void> {
    await poll(`the map knows shard ${shard}`, WAIT_MS, async () => {
      const { shard: truth } = await this.leader(shard)
      for (const store of this.runningStores()) {
        const known = shard === 1 ? store.map.map.placement : store.map.map.shards.find(({ id }) => id === shard)
        assert.deepEqual(known, truth)
      }
      return true
    })
  }
}
