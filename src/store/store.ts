import { PLACEMENT_SHARD, type Shard, type ShardMap, type StoreId, type StoreInfo } from '../../shard-map/index.ts'
import { assert, type Clock, type EventSink, type Logger, type Random, type Timer } from '../base/index.ts'
import type { StateMachine } from '../machine/index.ts'
import { decodeRaftMessage, decodeSnapshotItem, type Reply, type Request } from '../protocol/index.ts'
import { type DataStore, type LogStore, type LogStoreError, UNKNOWN_GROUP } from '../storage/index.ts'
import type { IncomingRequest, Lane, PeerAddress, Transport } from '../transport/index.ts'
import { acceptRemoteCall, type Call, LocalCall } from './call.ts'
import { handOver } from './hand-over.ts'
import { HeartbeatSender } from './heartbeat-sender.ts'
import { INITIAL_INDEX, initialRecord } from './initial-state.ts'
import { Loop } from './loop.ts'
import { Maintenance } from './maintenance.ts'
import { MapCache } from './map-cache.ts'
import type { PlacementHandler } from './placement-handler.ts'
import { type RaftSettings, Replica } from './replica.ts'
import { RequestHandler } from './request-handler.ts'
import { SnapshotReceiver } from './snapshot-receiver.ts'
import { SnapshotSender } from './snapshot-sender.ts'
import { decodeStateRecord, encodeDescriptor, encodeStateRecord, type StateRecord } from './state-record.ts'

/**
 * One process hosting many groups. This file is the life cycle and the address book: which replicas exist, how they come to be,
 * where an arriving message or request goes. The work itself is the loop's.
 *
 * Life: `starting -> running -> stopping -> stopped`, and from anywhere to `failed`, which ends the process.
 */
export interface StoreOptions {
  readonly info: StoreInfo
  /** The placement driver's group as the cluster was founded, the same on each store. */
  readonly placementShard: Shard
  readonly clock: Clock
  readonly random: Random
  readonly log: LogStore
  readonly data: DataStore
  readonly transport: Transport
  readonly events: EventSink
  readonly logger: Logger
  readonly raft: RaftSettings
  /** A fresh state machine for a group, restored from its saved state. */
  readonly createMachine: (shard: Shard, saved: Uint8Array) => StateMachine
  /** The log or the data can no longer be written: nothing is acknowledged from here on; the process must end. */
  readonly onFatal: (error: Error) => void
}

const FIRST_CAMPAIGNS = 4
const FIRST_CAMPAIGN_INTERVAL_MS = 100

export class Store {
  readonly options: StoreOptions
  readonly map = new MapCache()
  readonly loop: Loop
  readonly #replicas = new Map<number, Replica>()
  readonly #damaged = new Map<number, string>()
  readonly #requests: RequestHandler
  readonly #maintenance: Maintenance
  readonly #heartbeats: HeartbeatSender
  readonly #sender: SnapshotSender
  readonly #receiver: SnapshotReceiver
  readonly #startedMs: number
  #placement: PlacementHandler | undefined
  #state: 'starting' | 'running' | 'stopping' | 'stopped' | 'failed' = 'starting'
  #creating: Promise<void> = Promise.resolve()
  #mapTimer: Timer | undefined

  constructor(options: StoreOptions) {
    this.options = options
    const { clock, data, transport, events } = options
    this.#startedMs = clock.nowMs()
    this.loop = new Loop({
      clock,
      log: options.log,
      data,
      transport,
      events,
      logger: options.logger,
      replicas: this.#replicas,
      hooks: {
        leadershipChanged: (replica) => this.#leadershipChanged(replica),
        membershipChanged: (replica) => this.#heartbeats.changed(replica.group),
        createMachine: options.createMachine,
        logFailed: (error) => this.#fail(error),
        replicaDamaged: (replica, reason) => this.#retire(replica, reason),
      },
    })
    const wake = (replica: Replica): void => this.loop.wake(replica)
    this.#sender = new SnapshotSender(data, transport, clock, events, wake)
    this.#receiver = new SnapshotReceiver(
      data,
      transport,
      events,
      (group) => this.#replicas.get(group),
      (replica, snapshot) => this.loop.offerSnapshot(replica, snapshot),
    )
    this.#maintenance = new Maintenance(this, this.#sender)
    this.#heartbeats = new HeartbeatSender(this)
    this.#requests = new RequestHandler(this)
  }

  get state(): 'starting' | 'running' | 'stopping' | 'stopped' | 'failed' {
    return this.#state
  }

  get id(): string {
    return this.options.info.id
  }

  get replicas(): ReadonlyMap<number, Replica> {
    return this.#replicas
  }

  /** Groups whose replica here does not run, and why. */
  get damaged(): ReadonlyMap<number, string> {
    return this.#damaged
  }

  get placement(): PlacementHandler | undefined {
    return this.#placement
  }

  get uptimeSeconds(): number {
    return Math.floor((this.options.clock.nowMs() - this.#startedMs) / 1000)
  }

  get snapshotsSending(): number {
    return this.#sender.active
  }

  /** Brings back the replicas found on disk and begins to take part. `found` is true where this store may found the cluster. */
  async start(placement: PlacementHandler | undefined, found: boolean): Promise<void> {
    assert(this.#state === 'starting', `a store starts once, it is ${this.#state}`)
    this.#placement = placement
    for (const damage of this.options.log.damaged()) {
      this.#damage(damage.group, `${damage.reason} (${damage.file} at byte ${damage.offset})`)
    }
    for (const damage of this.options.data.damaged()) this.#damage(damage.group, damage.reason)
    for (const group of this.options.data.groups()) this.#revive(group)
    if (found && !this.#replicas.has(PLACEMENT_SHARD) && !this.#damaged.has(PLACEMENT_SHARD)) {
      const shard = this.options.placementShard
      const own = shard.replicas.find((replica) => replica.store === this.id)
      if (own !== undefined) await this.#create(shard, own.id)
    }
    this.#state = 'running'
    this.loop.start(this.options.raft.tickMs, this.#sender)
    this.#maintenance.start((nowMs) => this.#requests.sweep(nowMs))
    this.#heartbeats.start()
    this.#placement?.start(this)
  }

  /** Before an orderly stop: gives the leadership of every group away, so that nobody has to wait for an election. Bounded in time. */
  async handOver(): Promise<void> {
    if (this.#state !== 'running') return
    await handOver(this.#replicas.values(), this.options.clock, (replica) => this.loop.wake(replica))
  }

  /** Stops taking part. What was acknowledged stays; what was not answered gets an answer that says so. */
  async stop(): Promise<void> {
    if (this.#state !== 'running' && this.#state !== 'failed') return
    const failed = this.#state === 'failed'
    this.#state = 'stopping'
    this.#mapTimer?.cancel()
    this.#placement?.stop()
    this.#heartbeats.stop()
    this.#requests.close()
    this.#receiver.close()
    this.#sender.close()
    await this.#creating
    this.loop.stop()
    await this.#maintenance.stop(!failed)
    this.options.transport.flush()
    this.#state = 'stopped'
  }

  /** A request from inside the process. */
  request(request: Request, timeoutMs: number, done: (reply: Reply) => void): void {
    this.submit(new LocalCall(request, this.options.clock.nowMs(), timeoutMs, done))
  }

  /** Whom a router in this process asks for a shard; this store itself while its replica knows no leader, because it will hear of one first. */
  whomToAsk(group: number): StoreId | undefined {
    const replica = this.#replicas.get(group)
    return replica === undefined ? undefined : (replica.leaderStore ?? this.id)
  }

  submit(call: Call): void {
    this.#requests.handle(call)
  }

  onRequest(incoming: IncomingRequest): void {
    const call = acceptRemoteCall(incoming, this.options.clock.nowMs())
    if (call !== undefined) this.submit(call)
  }

  /** `incarnation` tells a store that lost its data from the one that had it; its messages could undo promises, so they are refused. */
  onItems(from: PeerAddress, lane: Lane, items: readonly Uint8Array[], incarnation: string): void {
    if (this.#state !== 'running' || this.#isImpostor(from, incarnation)) return
    if (lane === 'raft') {
      for (const item of items) this.#onRaftItem(item)
    } else if (lane === 'bulk') {
      for (const item of items) this.#onSnapshotItem(from, item)
    }
  }

  /** Takes a newer map: remembers it, and creates the replicas that it expects here. */
  learnMap(map: ShardMap, leaders: Readonly<Record<number, string>>): void {
    this.map.learnLeaders(leaders)
    if (this.map.update(map)) this.#creating = this.#creating.then(() => this.#createExpected(map))
  }

  #isImpostor(from: PeerAddress, incarnation: string): boolean {
    const known = this.map.map.stores.find((store) => store.id === from)
    if (known === undefined || known.incarnation === '' || known.incarnation === incarnation) return false
    this.options.logger.log('error', `store ${from} has lost the data it had: its messages are refused`, {
      store: from,
    })
    return true
  }

  #onRaftItem(item: Uint8Array): void {
    const decoded = decodeRaftMessage(item)
    if (!decoded.ok) {
      this.options.logger.log('warn', `a Raft message cannot be read: ${decoded.error.message}`)
      return
    }
    const { group, message } = decoded.value
    const replica = this.#replicas.get(group)
    // A group that is not here yet is created by the map, not by a message; Raft sends again.
    if (replica === undefined || replica.id !== message.to) return
    this.loop.receive(replica, message)
  }

  #onSnapshotItem(from: PeerAddress, bytes: Uint8Array): void {
    const item = decodeSnapshotItem(bytes)
    if (item === undefined) {
      this.options.logger.log('warn', `a snapshot item of store ${from} cannot be read`)
    } else if (item.kind === 'acknowledged') {
      this.#sender.acknowledged(from, item.transfer, item.sequence)
    } else {
      if (item.kind === 'aborted') this.#sender.aborted(from, item.transfer, item.reason)
      this.#receiver.handle(from, item)
    }
  }

  /** Brings back one replica after a restart. */
  #revive(group: number): void {
    if (this.#damaged.has(group)) return
    const state = this.options.data.state(group)
    const record = state === undefined ? 'its state record is missing' : decodeStateRecord(state)
    if (typeof record === 'string') {
      this.#damage(group, record)
      return
    }
    const log = this.options.log.groups().get(group)
    if (log === undefined) {
      if (record.appliedIndex === INITIAL_INDEX && !this.#damaged.has(UNKNOWN_GROUP)) {
        // The process died between founding the replica and its first vote: nothing was promised yet.
        this.#add(group, record)
      } else {
        this.#damage(group, 'its log is missing although it has applied entries')
      }
      return
    }
    if (log.lastIndex() < record.appliedIndex) {
      // It died between putting a snapshot in place and noting that in the log. The snapshot is committed state, so the log begins there.
      log.reset(record.appliedIndex, record.appliedTerm)
    } else if (log.firstIndex() > record.appliedIndex + 1) {
      this.#damage(group, `its log begins at ${log.firstIndex()}, after what its data holds (${record.appliedIndex})`)
      return
    }
    this.#add(group, record)
  }

  /** A running replica met damage: it takes no further part. The others go on, and so does the group while it has a quorum. */
  #retire(replica: Replica, reason: string): void {
    this.#replicas.delete(replica.group)
    this.#sender.stop(replica)
    this.#damage(replica.group, reason)
    this.#requests.replicaGone(replica, reason)
  }

  #damage(group: number, reason: string): void {
    this.#damaged.set(group, reason)
    this.options.events.emit({ type: 'corruption_detected', level: 'error', group, data: { reason } })
    this.options.logger.log('error', `group ${group} does not start: ${reason}`, { group })
  }

  async #createExpected(map: ShardMap): Promise<void> {
    const self = map.stores.find((store) => store.id === this.id)
    if (self === undefined) return
    if (self.incarnation !== '' && self.incarnation !== this.options.info.incarnation) {
      this.#fail(
        new Error(
          `the cluster knows store ${this.id} with other data than this directory holds; restore the directory, or join under a new store id`,
        ),
      )
      return
    }
    // Not registered yet: another process with this id could still be the one that is.
    if (self.incarnation === '') return
    const placed = map.placement === undefined ? map.shards : [map.placement, ...map.shards]
    let first = true
    for (const shard of placed) {
      const own = shard.replicas.find((replica) => replica.store === this.id)
      const isInitial = shard.epoch.membership === 1 && shard.epoch.range === 1
      if (own === undefined || !isInitial || this.#replicas.has(shard.id) || this.#damaged.has(shard.id)) continue
      if (this.#state !== 'running' && this.#state !== 'starting') return
      if (first)
        this.options.events.emit({ type: 'replicas_creating', level: 'info', data: { mapVersion: map.version } })
      first = false
      this.#prepare(shard, own.id)
    }
    if (first) return
    await this.options.data.flush()
    for (const shard of placed) {
      const own = shard.replicas.find((replica) => replica.store === this.id)
      if (own === undefined || this.#replicas.has(shard.id) || this.options.data.state(shard.id) === undefined) continue
      if (this.#damaged.has(shard.id)) continue
      const replica = this.#add(shard.id, initialRecord(shard, own.id))
      // The first named replica begins, so that leaders are spread from the start and nobody waits for a time-out.
      if (shard.replicas[0]?.store === this.id) this.#campaignUntilLed(replica, FIRST_CAMPAIGNS)
      this.loop.wake(replica)
    }
  }

  /** Asks again for a while, because the other members may not exist yet. */
  #campaignUntilLed(replica: Replica, attempts: number): void {
    if (replica.leader !== 0 || attempts === 0 || this.#state === 'stopping') return
    replica.raft.campaign()
    this.loop.wake(replica)
    this.options.clock.after(FIRST_CAMPAIGN_INTERVAL_MS, () => this.#campaignUntilLed(replica, attempts - 1))
  }

  /** Founds a replica: its state is durable before its log exists, so that a crash in between is told apart from a lost log. */
  async #create(shard: Shard, replica: number): Promise<void> {
    this.#prepare(shard, replica)
    await this.options.data.flush()
    this.#add(shard.id, initialRecord(shard, replica))
  }

  #prepare(shard: Shard, replica: number): void {
    const record = initialRecord(shard, replica)
    const machine = this.options.createMachine(shard, record.machine)
    this.options.data.setState(
      shard.id,
      encodeStateRecord(record.appliedIndex, record.appliedTerm, encodeDescriptor(record), machine.save()),
    )
  }

  #add(group: number, record: StateRecord): Replica {
    const { log, raft, random, clock } = this.options
    const groupLog =
      log.groups().get(group) ??
      log.create(group, record.replica, { index: record.appliedIndex, term: record.appliedTerm })
    const machine = this.options.createMachine(record.shard, record.machine)
    const replica = new Replica(group, record, groupLog, machine, raft, random, clock.nowMs())
    this.#replicas.set(group, replica)
    // A restarted replica may have committed entries to apply before anything else happens.
    this.loop.wake(replica)
    return replica
  }

  #leadershipChanged(replica: Replica): void {
    const leader = replica.leaderStore
    if (leader !== undefined && this.map.leaders[replica.group] !== leader) {
      this.map.learnLeader(replica.group, leader)
      this.options.events.emit({
        type: 'leader_changed',
        level: 'info',
        group: replica.group,
        term: replica.raft.term,
        peer: leader,
      })
    }
    this.#heartbeats.changed(replica.group)
    this.#requests.leadershipChanged(replica)
    if (replica.group === PLACEMENT_SHARD) this.#placement?.leadershipChanged(replica)
  }

  #fail(error: LogStoreError | Error): void {
    if (this.#state === 'failed') return
    this.#state = 'failed'
    this.loop.stop()
    this.options.events.emit({
      type: 'code' in error && error.code === 'DISK_FULL' ? 'disk_full' : 'store_failed',
      level: 'error',
      data: { error: error.message },
    })
    this.options.onFatal(error)
  }
}
