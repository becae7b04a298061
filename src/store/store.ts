import { PLACEMENT_SHARD, type Shard, type ShardMap, type StoreId, type StoreInfo } from '../../shard-map/index.ts'
import { assert, type Clock, type EventSink, type Logger, type Random, type RpcRecorder } from '../base/index.ts'
import type { StateMachine } from '../machine/index.ts'
import type { Reply, Request, Voucher } from '../protocol/index.ts'
import { type DataStore, type DiskSpace, type LogStore, type LogStoreError, UNKNOWN_GROUP } from '../storage/index.ts'
import type { IncomingRequest, Lane, PeerAddress, Transport } from '../transport/index.ts'
import { Births } from './births.ts'
import { Burials } from './burials.ts'
import { SnapshotBudgets } from './byte-budget.ts'
import { acceptRemoteCall, type Call, LocalCall } from './call.ts'
import { Census } from './census.ts'
import { Departure } from './departure.ts'
import { Graves } from './graves.ts'
import { HeartbeatSender } from './heartbeat-sender.ts'
import { IdFence } from './id-fence.ts'
import { Inbox } from './inbox.ts'
import { Loop } from './loop.ts'
import type { LoopOptions } from './loop-hooks.ts'
import { Maintenance } from './maintenance.ts'
import { MapCache } from './map-cache.ts'
import { noteMembers } from './member-events.ts'
import type { PlacementHandler } from './placement-handler.ts'
import { damageOnDisk, keepDamage } from './remains.ts'
import type { RaftSettings, Replica } from './replica.ts'
import { RequestHandler } from './request-handler.ts'
import { SettingsCache } from './settings-cache.ts'
import { ShardChanges } from './shard-changes.ts'
import { SnapshotReceiver } from './snapshot-receiver.ts'
import { SnapshotSender } from './snapshot-sender.ts'

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
  /** Notes each message to and from other stores; absent where nobody wants to know. */
  readonly rpc?: RpcRecorder | undefined
  /** Absent: nothing is traced. */
  readonly tracer?: LoopOptions['tracer']
  /** A fresh state machine for a group, restored from its saved state. */
  readonly createMachine: (shard: Shard, saved: Uint8Array) => StateMachine
  /** How full the disk is; undefined where nobody can know. */
  readonly diskSpace?: () => Promise<DiskSpace | undefined>
  /** The log or the data can no longer be written: nothing is acknowledged from here on; the process must end. */
  readonly onFatal: (error: Error) => void
}

export class Store {
  readonly options: StoreOptions
  readonly budgets: SnapshotBudgets
  readonly map = new MapCache()
  readonly settings = new SettingsCache()
  readonly fence = new IdFence(this, () => this.#damaged.delete(UNKNOWN_GROUP))
  readonly loop: Loop
  readonly departure = new Departure(this)
  readonly #replicas = new Map<number, Replica>()
  readonly #damaged = new Map<number, string>()
  readonly #requests: RequestHandler
  readonly #maintenance: Maintenance
  readonly #heartbeats: HeartbeatSender
  readonly #sender: SnapshotSender
  readonly #receiver: SnapshotReceiver
  readonly #inbox: Inbox
  readonly #births: Births
  readonly #graves = new Graves()
  readonly #burials: Burials
  readonly #changes: ShardChanges
  readonly #census: Census
  readonly #startedMs: number
  #placement: PlacementHandler | undefined
  #state: 'starting' | 'running' | 'stopping' | 'stopped' | 'failed' = 'starting'
  /**
   * Whether what this store promised earlier is known to be on its disk: it found data there, or founded the cluster, or the placement
   * driver has registered this very incarnation. Until then it may be one that lost its data, and takes no part in any group: under its old
   * replica ids it would vote a second time.
   */
  #isConfirmed = false

  constructor(options: StoreOptions) {
    this.options = options
    this.budgets = new SnapshotBudgets(options.clock)
    const { clock, data, transport, events } = options
    this.#startedMs = clock.nowMs()
    this.loop = new Loop({
      tracer: options.tracer,
      clock,
      log: options.log,
      data,
      transport,
      events,
      logger: options.logger,
      rpc: options.rpc,
      replicas: this.#replicas,
      hooks: {
        leadershipChanged: (replica) => this.#leadershipChanged(replica),
        membershipChanged: (replica, before) => this.#membershipChanged(replica, before),
        changeShard: (replica, entry) => this.#changes.apply(replica, entry),
        createMachine: options.createMachine,
        logFailed: (error) => this.#fail(error),
        replicaDamaged: (replica, reason) => this.#retire(replica, reason),
      },
    })
    const wake = (replica: Replica): void => this.loop.wake(replica)
    const { budgets } = this
    this.#sender = new SnapshotSender(data, transport, clock, events, wake, budgets.out, options.random.below(2 ** 31))
    this.#receiver = new SnapshotReceiver(
      data,
      transport,
      events,
      (group) => this.#replicas.get(group),
      (replica, snapshot) => this.loop.offerSnapshot(replica, snapshot),
      (replica, message) => this.loop.receive(replica, message),
      (replica, record) => this.#births.whyNotInstall(replica, record, this.#receiver),
      ({ group }, covered) => this.#burials.displace(this.#births.ownersOf(covered, group), group, covered),
      clock,
      budgets.in,
    )
    this.#burials = new Burials({
      ...options,
      graves: this.#graves,
      replicas: this.#replicas,
      damaged: this.#damaged,
      gone: (replica, reason) => this.#gone(replica, reason),
      writeSoon: () => this.loop.writeSoon(),
    })
    this.#births = new Births({
      ...options,
      storeId: this.id,
      replicas: this.#replicas,
      damaged: this.#damaged,
      graves: this.#graves,
      fence: this.fence,
      burials: this.#burials,
      damage: (group, reason) => this.#damage(group, reason),
      wake,
      gone: (replica, reason) => this.#gone(replica, reason),
      isStopping: () => this.#state !== 'running' && this.#state !== 'starting',
    })
    this.#inbox = new Inbox({
      ...options,
      map: this.map,
      replicas: this.#replicas,
      births: this.#births,
      sender: this.#sender,
      receiver: this.#receiver,
      traces: this.loop.traces,
      receive: (replica, message) => this.departure.refuses(message) || this.loop.receive(replica, message),
    })
    this.#changes = new ShardChanges({
      ...options,
      storeId: this.id,
      replicas: this.#replicas,
      births: this.#births,
      burials: this.#burials,
      graves: this.#graves,
      wake,
      changed: (replica) => this.#heartbeats.changed(replica.group),
      broken: (replica, reason) => this.#retire(replica, reason),
      damage: (group, reason) => this.#damage(group, reason),
    })
    this.#census = new Census({
      ...options,
      storeId: this.id,
      replicas: this.#replicas,
      damaged: this.#damaged,
      burials: this.#burials,
      map: () => this.map.map,
      leaderOf: (group) => this.map.leaders[group],
      isOwned: (shard) => this.#births.mayOwn(shard, this.#receiver),
      buried: (group) => this.#damaged.delete(group),
    })
    this.#maintenance = new Maintenance(this, this.#sender)
    this.#heartbeats = new HeartbeatSender(this)
    this.#requests = new RequestHandler(this, this.#maintenance)
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

  /** The shard that took this one in, as far as this store has seen it. */
  mergedInto(shard: number): number | undefined {
    return this.#graves.of(shard)?.mergedInto
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

  /** For how long the placement driver has answered none of this store's heartbeats, in milliseconds. */
  get unansweredMs(): number {
    return this.#heartbeats.unansweredMs
  }

  get snapshots(): { readonly sending: number; readonly receiving: number } {
    return { sending: this.#sender.active, receiving: this.#receiver.active }
  }

  /** Brings back the replicas found on disk and begins to take part. `found` is true where this store may found the cluster. */
  async start(placement: PlacementHandler | undefined, found: boolean): Promise<void> {
    assert(this.#state === 'starting', `a store starts once, it is ${this.#state}`)
    this.#placement = placement
    for (const [group, reason] of damageOnDisk(this.options)) this.#damage(group, reason)
    this.#births.revive()
    const data = { replicas: this.#replicas.size, damaged: this.#damaged.size }
    this.options.events.emit({ type: 'store_recovered', data })
    this.#isConfirmed = found || !this.#isEmpty()
    if (found && !this.#replicas.has(PLACEMENT_SHARD)) await this.#births.foundPlacement(this.options.placementShard)
    this.#state = 'running'
    this.#burials.settleMerges()
    // It died after it had applied that it does not belong to these groups any more.
    for (const replica of [...this.#replicas.values()]) {
      if (replica.isInitialised && !replica.isMember)
        this.#burials.bury(replica, replica.shard.epoch.membership, 'the group has removed it')
    }
    this.loop.start(this.options.raft.tickMs, this.#sender)
    this.#maintenance.start((nowMs) => this.#requests.sweep(nowMs))
    this.#heartbeats.start()
    this.#census.start()
    this.#placement?.start(this)
    this.departure.returned()
  }

  /** It turned out after the start that this store is one of the new founders. */
  found(): void {
    if (this.#state !== 'running' || this.#isConfirmed) return
    this.#isConfirmed = true
    // It ends with the process if the disk fails, which the data store reports.
    void this.#births.foundPlacement(this.options.placementShard)
  }

  #isEmpty(): boolean {
    const { data, log } = this.options
    return [...data.groups()].length === 0 && log.groups().size === 0 && this.#damaged.size === 0
  }

  /** Before an orderly stop: gives the leadership of every group away, so that nobody has to wait for an election. Bounded in time. */
  async handOver(): Promise<void> {
    if (this.#state === 'running') await this.departure.handOver()
  }

  /** Stops taking part. What was acknowledged stays; what was not answered gets an answer that says so. */
  async stop(): Promise<void> {
    if (this.#state !== 'running' && this.#state !== 'failed') return
    const failed = this.#state === 'failed'
    this.#state = 'stopping'
    this.#placement?.stop()
    this.#heartbeats.stop()
    this.#requests.close()
    this.#receiver.close()
    this.#sender.close()
    this.#census.stop()
    await this.#births.settled()
    await this.#burials.settled()
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

  /** The word of this store's replica, where it has one, for a read of `group` that has been asked for by now. */
  vouch(group: number): Voucher | undefined {
    return this.#replicas.get(group)?.voucher
  }

  submit(call: Call): void {
    this.#requests.handle(call)
  }

  onRequest(incoming: IncomingRequest): void {
    const call = acceptRemoteCall(incoming, this.options.clock.nowMs())
    if (call === undefined) return
    // Nobody else tells stores what the cluster goes by.
    if (call.request.kind === 'learn-settings') this.#heartbeats.driverSpoke(incoming.from)
    this.submit(call)
  }

  /** Messages of another store. */
  onItems(from: PeerAddress, lane: Lane, items: readonly Uint8Array[], incarnation: string): void {
    if (this.#state === 'running' && this.#isConfirmed) this.#inbox.take(from, lane, items, incarnation)
  }

  /** Takes a newer map: remembers it, and creates the replicas that it expects here. */
  learnMap(map: ShardMap, leaders: Readonly<Record<number, string>>): void {
    this.map.learnLeaders(leaders)
    if (this.map.update(map)) this.#takeMap(map)
  }

  /** A running replica met damage: it takes no further part. The others go on, and so does the group while it has a quorum. */
  #retire(replica: Replica, reason: string): void {
    this.#replicas.delete(replica.group)
    replica.retire()
    keepDamage(this.options.data, replica)
    this.options.events.emit({ type: 'replica_damaged', group: replica.group, data: { reason } })
    this.#damage(replica.group, reason)
    this.#gone(replica, reason)
  }

  /** The replica has left the store, for whatever reason: nobody waits for it, nothing is kept for it. */
  #gone(replica: Replica, reason: string): void {
    this.#sender.stop(replica)
    this.#receiver.stop(replica)
    this.loop.forget(replica)
    this.#requests.replicaGone(replica, reason)
  }

  #damage(group: number, reason: string): void {
    this.#damaged.set(group, reason)
    this.options.events.emit({ type: 'corruption_detected', group, data: { reason } })
    this.options.logger.log('error', `group ${group} does not start: ${reason}`, { group })
  }

  #takeMap(map: ShardMap): void {
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
    this.#isConfirmed = true
    this.#births.foundExpected(map)
    this.#census.look()
  }

  #membershipChanged(replica: Replica, before: Shard | undefined): void {
    if (before !== undefined) noteMembers(this.options.events, before, replica.shard)
    this.#heartbeats.changed(replica.group)
    this.#changes.wakeTarget(replica)
    this.#sender.membersChanged(replica)
    if (!replica.isMember) this.#burials.bury(replica, replica.shard.epoch.membership, 'the group has removed it')
  }

  #leadershipChanged(replica: Replica): void {
    const leader = replica.leaderStore
    if (leader !== undefined && this.map.leaders[replica.group] !== leader) {
      this.map.learnLeader(replica.group, leader)
      this.options.events.emit({ type: 'leader_changed', group: replica.group, term: replica.raft.term, peer: leader })
    }
    this.#heartbeats.changed(replica.group)
    this.#requests.leadershipChanged(replica)
    if (replica.group === PLACEMENT_SHARD) this.#placement?.leadershipChanged(replica)
  }

  #fail(error: LogStoreError | Error): void {
    if (this.#state === 'failed') return
    this.#state = 'failed'
    this.loop.stop()
    const isFull = 'code' in error && error.code === 'DISK_FULL'
    this.options.events.emit({ type: isFull ? 'disk_full' : 'store_failed', data: { error: error.message } })
    this.options.onFatal(error)
  }
}
