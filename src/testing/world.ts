/**
 * One simulated world: time, network, disks, stores, clients, and what goes wrong between them. It composes and keeps the books; what happens
 * in which order is `scenario.ts`, what is right is `check/`.
 */
import { type Key, locate, PLACEMENT_SHARD } from '../../shard-map/index.ts'
import { AssertionFailure, type EventRecord } from '../base/index.ts'
import type { Router } from '../router/index.ts'
import { DataStoreError, LogStoreError } from '../storage/index.ts'
import type { HighestUse, HistoryFocus } from './check/index.ts'
import { openClientProcess } from './client-process.ts'
import { SimulatedDisk } from './disk.ts'
import { FaultCounts } from './fault-counts.ts'
import type { FaultPlan } from './fault-plan.ts'
import { frameLines } from './frame-lines.ts'
import { Network } from './network.ts'
import { Recorder } from './recorder.ts'
import { SeededRandom } from './seeded-random.ts'
import { ShardChanger } from './shard-changer.ts'
import { type Gateway, SimulatedClient } from './simulated-client.ts'
import { SimulatedProcess } from './simulated-process.ts'
import { SimulatedStore } from './simulated-store.ts'
import { type EventOwner, Timeline } from './timeline.ts'
import { Trace, type TraceLine } from './trace.ts'
import { StoreWatch } from './watch.ts'
import type { WorldSettings } from './world-settings.ts'

export interface SimulationFailure {
  readonly message: string
  readonly timeMs: number
  readonly group: number | undefined
  readonly keys: readonly Key[] | undefined
  /** When it happened, in virtual milliseconds, where that was long before it was noticed. */
  readonly fromMs?: number
  readonly toMs?: number
}

const RESTART_MS_MAX = 3_000

export class World {
  readonly settings: WorldSettings
  readonly plan: FaultPlan
  readonly counts = new FaultCounts()
  readonly timeline: Timeline
  readonly trace: Trace
  /** The nemesis's chance; everybody else has streams of their own. */
  readonly random: SeededRandom
  readonly network: Network
  readonly recorder = new Recorder()
  readonly changer = new ShardChanger(this)
  readonly #stores: SimulatedStore[]
  readonly clients: readonly SimulatedClient[]
  /** Copies of the data that may be lost for good. */
  readonly lossesMax: number
  failure: SimulationFailure | undefined
  readonly #watch: StoreWatch
  readonly #clientProcesses: Gateway[] = []
  readonly #storeOf = new Map<SimulatedProcess, SimulatedStore>()
  #processes = 0
  #isOver = false
  /** While false, faults neither begin nor stay. */
  hasFaults = false

  constructor(settings: WorldSettings, plan: FaultPlan, live: ((line: TraceLine) => void) | undefined) {
    this.settings = settings
    this.plan = plan
    const { seed } = settings
    this.random = new SeededRandom(seed, 'nemesis')
    this.trace = new Trace(live)
    this.timeline = new Timeline({
      afterEvent: (owner) => this.#afterEvent(owner),
      onError: (owner, error) => this.onError(owner, error),
    })
    this.#watch = new StoreWatch(settings, (message, group) => this.fail(message, group))
    this.network = new Network(this.timeline, new SeededRandom(seed, 'network'), this.counts)
    this.network.observe = (fate, from, to, bytes) => {
      const { nowUs } = this.timeline
      this.trace.add(() => frameLines(nowUs, fate, from, to, bytes))
    }
    this.lossesMax = Math.floor((settings.cluster.bootstrap.replicas - 1) / 2)
    this.#stores = []
    for (const id of settings.cluster.bootstrap.stores) this.addStore(id)
    this.clients = Array.from({ length: settings.clients }, (_, number) => {
      const name = `c${number + 1}`
      return new SimulatedClient(
        name,
        this.timeline,
        new SeededRandom(seed, `client ${name}`),
        this.recorder,
        settings.load,
        {
          gateways: () => this.gateways(),
          note: (kind, client, keys, text) => this.note(client, `${kind} ${text}`, undefined, keys),
          fail: (message, keys) => this.fail(message, undefined, keys),
        },
      )
    })
  }

  /** Founders, and those that have joined. */
  get stores(): readonly SimulatedStore[] {
    return this.#stores
  }

  /** A store with an empty disk that does not run yet. */
  addStore(id: string): SimulatedStore {
    const disk = new SimulatedDisk(new SeededRandom(this.settings.seed, `disk ${id}`), this.counts)
    const store = new SimulatedStore(id, disk, this.network, this.settings.cluster, {
      newProcess: (name) => this.#newProcess(name),
      onEvent: (from, event) => this.#onStoreEvent(from, event),
      onUp: (up) => this.note(up.id, 'is up'),
      onEnded: (ended, reason) => this.#onEnded(ended, reason),
    })
    this.#stores.push(store)
    return store
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get nowMs(): number {
    return this.timeline.nowUs / 1000
  }

  /** The most that any store used of what must stay bounded. */
  highestUse(): readonly HighestUse[] {
    return this.#watch.checks.highestUse()
  }

  // Steps of a scenario

  /** Client processes live as long as the world; they can sleep and be cut off. */
  startClientProcesses(): void {
    for (let i = 1; i <= this.settings.clientProcesses; i++) {
      const process = this.#newProcess(`app${i}`)
      const router = openClientProcess(process, this.network, this.settings.cluster.bootstrap.stores)
      this.#clientProcesses.push({ process, router })
    }
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.later(ms, resolve))
  }

  later(ms: number, run: () => void): void {
    this.timeline.schedule(ms * 1000, 'world', undefined, run)
  }

  /** Nothing happens any more. */
  end(): void {
    this.#isOver = true
  }

  fail(message: string, group?: number, keys?: readonly Key[]): void {
    if (this.failure !== undefined) return
    this.failure = { message, timeMs: this.nowMs, group, keys }
    this.#isOver = true
  }

  /** Fails for what the clients' history does not allow: noticed at the end, it happened before. */
  failHistory(reason: string, focus: HistoryFocus | undefined): void {
    if (focus === undefined) {
      this.fail(reason)
      return
    }
    const { key, fromMs, toMs } = focus
    const map = this.stores.find(({ node }) => node !== undefined)?.node?.store.map.map
    this.fail(reason, map === undefined ? undefined : locate(map, key)?.id, [key])
    if (this.failure !== undefined) this.failure = { ...this.failure, fromMs, toMs }
  }

  note(actor: string, text: string, group?: number, keys?: readonly Key[]): void {
    const groups = group === undefined ? undefined : [group]
    this.trace.add({ timeUs: this.timeline.nowUs, actor, groups, keys, text })
  }

  /** The last look, when nothing is under way any more. */
  checkAtRest(): void {
    const nodes = this.stores.flatMap(({ id, node, isLost, disk }) =>
      node === undefined || isLost || disk.isDamaged ? [] : [[id, node] as const],
    )
    const map = nodes[0]?.[1].store.map.map
    // Where copies were damaged, leaders may live on stores that are not looked at.
    if (map !== undefined && nodes.length === this.stores.length) this.#watch.atRest(nodes, map)
  }

  // What a nemesis acts on

  /** Stores' routers and those of processes without a store. */
  gateways(): readonly Gateway[] {
    const gateways: Gateway[] = [...this.#clientProcesses]
    for (const { process, node, isStopping } of this.stores)
      if (process !== undefined && node !== undefined && !isStopping) gateways.push({ process, router: node.router })
    return gateways
  }

  addresses(): string[] {
    return [...this.stores.map(({ id }) => id), ...this.#clientProcesses.map(({ process }) => process.name)]
  }

  processes(): SimulatedProcess[] {
    const running = this.stores.flatMap(({ process }) => (process === undefined ? [] : [process]))
    return [...running, ...this.#clientProcesses.map(({ process }) => process)]
  }

  shardIds(): number[] {
    const ids = new Set<number>()
    for (const { node } of this.stores) for (const group of node?.store.replicas.keys() ?? []) ids.add(group)
    return [...ids].sort((a, b) => a - b)
  }

  crash(store: SimulatedStore, how: 'kill' | 'power'): void {
    const { process } = store
    if (process === undefined) return
    this.counts.add(`crash-${how}`)
    store.crash(how)
    this.#processGone(process)
  }

  startLater(store: SimulatedStore, ms: number): void {
    this.later(ms, () => {
      if (store.process !== undefined) return
      if (!store.isLost && this.random.chance(800)) store.disk.heal()
      if (this.hasFaults) store.disk.speed = this.plan.disk
      store.start()
    })
  }

  stopInOrder(store: SimulatedStore, downMs: number): void {
    const { process } = store
    this.counts.add('stop-in-order')
    if (process === undefined) return
    process.soon(() => {
      store.stop().then(
        () => {
          this.#processGone(process)
          this.startLater(store, downMs)
        },
        (error: unknown) => this.onError(process, error),
      )
    })
  }

  /** Asks a gateway for something whose answer does not matter to the history. */
  ask(gateway: Gateway, run: (router: Router) => Promise<unknown>): void {
    gateway.process.arrival(0, () => {
      run(gateway.router).catch(() => {
        // Refused, late or impossible: a nemesis has no claim to success.
      })
    })
  }

  // Ends of processes

  /** An event threw, or a promise was rejected and nobody looked. */
  onError(owner: EventOwner | undefined, error: unknown): void {
    if (!(owner instanceof SimulatedProcess)) {
      this.fail(`the simulator itself failed: ${errorText(error)}`)
      return
    }
    // What a dead process still runs into is nobody's business.
    if (!owner.isAlive) return
    const store = this.#storeOf.get(owner)
    if (store === undefined || !this.#isExcused(store, error)) {
      this.fail(`${owner.name} failed: ${errorText(error)}`)
      return
    }
    store.crash('kill')
    this.#onEnded(store, error)
  }

  #onEnded(store: SimulatedStore, reason: unknown): void {
    for (const [process, of] of this.#storeOf) if (of === store && !process.isAlive) this.#processGone(process)
    this.note(store.id, `has ended: ${reason instanceof Error ? reason.message : String(reason)}`)
    if (!this.#isExcused(store, reason)) {
      this.fail(`${store.id} ended without a fault that explains it: ${errorText(reason)}`)
      return
    }
    this.counts.add('process-ended-by-itself')
    if (!store.isLost) this.startLater(store, this.random.between(1, RESTART_MS_MAX))
  }

  /** May this store end with this error? A failed assertion is a bug whatever the disk did. */
  #isExcused(store: SimulatedStore, error: unknown): boolean {
    if (error instanceof AssertionFailure) return false
    if (store.isLost) return true
    const isStorage = error instanceof LogStoreError || error instanceof DataStoreError
    return isStorage && (store.disk.errorsGiven > 0 || store.disk.isDamaged)
  }

  #onProcessDeath(process: SimulatedProcess): void {
    // Its crash becomes an event of its own, after the event that it died in.
    this.later(0, () => {
      const store = this.#storeOf.get(process)
      if (store?.process !== process) return
      this.note(process.name, 'died in the middle of its work')
      this.counts.add('died-inside')
      store.crash(this.random.chance(500) ? 'kill' : 'power')
      this.#processGone(process)
      this.startLater(store, this.random.between(1, RESTART_MS_MAX))
    })
  }

  #processGone(process: SimulatedProcess): void {
    const store = this.#storeOf.get(process)
    if (store !== undefined) this.#watch.processGone(store.id, store.isLost)
    this.#storeOf.delete(process)
    for (const client of this.clients) client.processGone(process)
  }

  #newProcess(name: string): SimulatedProcess {
    const number = ++this.#processes
    const random = new SeededRandom(this.settings.seed, `process ${number}`)
    const { driftPerMillionMax } = this.plan
    if (driftPerMillionMax > 0) this.counts.add('clock-drift')
    const process = new SimulatedProcess(
      name,
      number,
      this.timeline,
      random,
      {
        driftPerMillion: random.between(-driftPerMillionMax, driftPerMillionMax),
        wallOffsetMs: driftPerMillionMax === 0 ? 0 : random.between(-60_000, 60_000),
      },
      (dead) => this.#onProcessDeath(dead),
    )
    const store = this.#stores.find(({ id }) => id === name)
    if (store !== undefined) this.#storeOf.set(process, store)
    return process
  }

  #afterEvent(owner: EventOwner | undefined): void {
    if (owner === undefined) return
    const store = this.#storeOf.get(owner as SimulatedProcess)
    if (store?.node === undefined || store.isLost || store.process?.isAlive !== true) return
    const { disk, id, node } = store
    // A log that cannot be read looks like one with holes, and looking for them would tell the store of damage that it has not met.
    if (disk.errorsGiven > 0 || disk.isDamaged) this.#watch.lookAway(id)
    else this.#watch.look(id, node, () => disk.isWriting)
  }

  #onStoreEvent(store: SimulatedStore, event: EventRecord): void {
    const { type, group, term, index, peer, data } = event
    const timeUs = this.timeline.nowUs
    this.trace.add(() => {
      const words = [
        type,
        group === undefined ? '' : `group ${group}`,
        term === undefined ? '' : `term ${term}`,
        index === undefined ? '' : `index ${index}`,
        peer ?? '',
        data === undefined ? '' : JSON.stringify(data),
      ].filter((word) => word !== '')
      const groups = group === undefined ? undefined : [group]
      return [{ timeUs, actor: store.id, groups, keys: undefined, text: words.join(' ') }]
    })
    if (type === 'operator_finished' && data?.kind === 'merge') this.counts.add(`(driver merges ${data.state})`)
    if (group !== PLACEMENT_SHARD && type === 'leader_changed') this.counts.add('(leader changes)')
  }
}

function errorText(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
