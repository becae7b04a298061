/**
 * One store of a simulated cluster over all its lives: its disk stays, its processes come and go. The store itself is the real one, composed
 * by the same code as in production; this file gives it a disk, connections, a clock and chance, and ends it in all the ways in which
 * processes end. What the ends mean for the cluster's promise is the world's affair.
 */
import { type EventRecord, type EventSink, silentLogger } from '../base/index.ts'
import { composeNode, type Node } from '../server/index.ts'
import { openSegmentLog } from '../storage/index.ts'
import type { RaftSettings } from '../store/index.ts'
import { CONNECTIONS, FrameTransport } from '../transport/index.ts'
import type { SimulatedDisk } from './disk.ts'
import type { Network, SimulatedWire } from './network.ts'
import type { SimulatedProcess } from './simulated-process.ts'

export const CLUSTER_ID = 'sim'

export interface StoreSettings {
  readonly bootstrap: { readonly stores: readonly string[]; readonly replicas: number; readonly shards: number }
  readonly raft: RaftSettings
  readonly segmentBytes: number
  readonly overlayBytes: number
}

/** What the world wants to know of a store. */
export interface StoreHooks {
  newProcess(name: string): SimulatedProcess
  onEvent(store: SimulatedStore, event: EventRecord): void
  onUp(store: SimulatedStore): void
  /** The process ended by itself: it could not start, or could not go on. */
  onEnded(store: SimulatedStore, reason: unknown): void
}

export class SimulatedStore {
  readonly id: string
  readonly disk: SimulatedDisk
  readonly #network: Network
  readonly #settings: StoreSettings
  readonly #hooks: StoreHooks
  #process: SimulatedProcess | undefined
  #node: Node | undefined
  #wires: SimulatedWire[] = []
  #isStopping = false
  /** Processes started so far. */
  lives = 0
  /** It will not be started again: its data is gone for good. */
  isLost = false

  constructor(id: string, disk: SimulatedDisk, network: Network, settings: StoreSettings, hooks: StoreHooks) {
    this.id = id
    this.disk = disk
    this.#network = network
    this.#settings = settings
    this.#hooks = hooks
  }

  get process(): SimulatedProcess | undefined {
    return this.#process
  }

  /** The running store; undefined while it starts and while there is none. */
  get node(): Node | undefined {
    return this.#node
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  start(): void {
    if (this.#process !== undefined) return
    const process = this.#hooks.newProcess(this.id)
    this.#process = process
    this.#isStopping = false
    this.lives++
    // The first steps are an event of the process, so that it can die in the middle of them.
    process.soon(() => this.#open(process))
  }

  /** Ends in order, as on SIGTERM. */
  async stop(): Promise<void> {
    const node = this.#node
    const process = this.#process
    if (node === undefined || process === undefined || this.#isStopping) return
    this.#isStopping = true
    await node.store.handOver()
    await node.close()
    if (this.#process === process) this.#bury('kill')
  }

  /** The process dies now. `power`: the machine with it, so that what was not synced may be lost. */
  crash(how: 'kill' | 'power'): void {
    if (this.#process !== undefined) this.#bury(how)
  }

  #open(process: SimulatedProcess): void {
    const { id, disk } = this
    const files = disk.attach(process)
    const { bootstrap, raft, segmentBytes, overlayBytes } = this.#settings
    const { clock, random } = process
    const events: EventSink = {
      emit: (event) => {
        if (process.isAlive) this.#hooks.onEvent(this, event)
      },
      wants: () => false,
    }
    composeNode(
      {
        id,
        address: `${id}:7000`,
        labels: {},
        overlayBytes,
        bootstrap,
        raft,
        clock,
        random,
        logger: silentLogger,
        events,
        openTransport: async (incarnation) => {
          this.#wires = []
          const wireOf: SimulatedWire[] = []
          for (const channels of CONNECTIONS.store) {
            const wire = this.#network.connect(process, id)
            this.#wires.push(wire)
            for (const channel of channels) wireOf[channel] = wire
          }
          return new FrameTransport({ clusterId: CLUSTER_ID, address: id, incarnation, clock, random }, wireOf)
        },
      },
      {
        incarnation: disk.incarnation,
        openLog: () => openSegmentLog({ files, segmentBytes, random, logger: silentLogger }),
        engine: { kind: 'memory', disk: disk.data },
        release: async () => {},
      },
    ).then(
      (node) => {
        if (!process.isAlive) return
        this.#node = node
        node.failed.then((error) => this.#end(process, error))
        this.#hooks.onUp(this)
      },
      (error: unknown) => this.#end(process, error),
    )
  }

  #end(process: SimulatedProcess, reason: unknown): void {
    if (!process.isAlive) return
    this.#bury('kill')
    this.#hooks.onEnded(this, reason)
  }

  #bury(how: 'kill' | 'power'): void {
    this.#process?.die()
    for (const wire of this.#wires) this.#network.detach(wire)
    this.#wires = []
    this.#node = undefined
    this.#process = undefined
    if (how === 'kill') this.disk.kill()
    else this.disk.losePower()
  }
}
