import { PLACEMENT_SHARD, type Shard, type ShardMap, type StoreId } from '../../shard-map/index.ts'
import type { Clock, EventSink, Random } from '../base/index.ts'
import { type StateMachine, UnreadableStateError } from '../machine/index.ts'
import type { Message, ReplicaId } from '../raft/index.ts'
import { type DataStore, type KeyRange, type LogStore, UNKNOWN_GROUP } from '../storage/index.ts'
import type { Burials } from './burials.ts'
import { type Graves, hasState } from './graves.ts'
import type { IdFence } from './id-fence.ts'
import { dataRange, INITIAL_INDEX, initialRecord, isFoundingShard, uninitialisedRecord } from './initial-state.ts'
import { rangesOverlap } from './ranges.ts'
import { type RaftSettings, Replica } from './replica.ts'
import type { SnapshotReceiver } from './snapshot-receiver.ts'
import {
  type Absorbed,
  decodeStateRecord,
  encodeDescriptor,
  encodeStateRecord,
  type StateRecord,
} from './state-record.ts'

/**
 * How replicas come to be: found on disk at the start, founded with the cluster, born of a split, or called by a message of a group that
 * has made this store a member. The last kind begins without state ("uninitialised"): it has a log, so that it can vote and keep its
 * word, and gets its shard by snapshot, or from its parent's split when that is applied here.
 *
 * Order on disk: a replica's state is durable before its log exists, so that a crash in between is told apart from a lost log. An
 * uninitialised one has a log that begins at 0, and no state.
 */
export interface BirthOptions {
  readonly storeId: StoreId
  readonly clock: Clock
  readonly random: Random
  readonly events: EventSink
  readonly log: LogStore
  readonly data: DataStore
  readonly raft: RaftSettings
  readonly createMachine: (shard: Shard, saved: Uint8Array) => StateMachine
  readonly replicas: Map<number, Replica>
  readonly damaged: ReadonlyMap<number, string>
  readonly graves: Graves
  readonly fence: Pick<IdFence, 'lossOf'>
  readonly burials: Burials
  readonly damage: (group: number, reason: string) => void
  readonly wake: (replica: Replica) => void
  /** Another object takes this one's place: nobody may wait for it. */
  readonly gone: (replica: Replica, reason: string) => void
  readonly isStopping: () => boolean
}

const FIRST_CAMPAIGNS = 4
const FIRST_CAMPAIGN_INTERVAL_MS = 100

export class Births {
  readonly #options: BirthOptions
  /** Groups whose first state is being made durable: they have no initialised replica yet, and nobody else may give them a state. */
  readonly #arriving = new Set<number>()
  #founding: Promise<unknown> = Promise.resolve()

  constructor(options: BirthOptions) {
    this.#options = options
  }

  isArriving(group: number): boolean {
    return this.#arriving.has(group)
  }

  /** Resolves when no replica is being made. */
  settled(): Promise<unknown> {
    return this.#founding
  }

  /** Brings back what the disk holds. */
  revive(): void {
    const { data, log, graves, damage } = this.#options
    for (const group of [...data.groups()]) {
      const grave = graves.load(group, data.state(group))
      if (typeof grave === 'string') damage(group, grave)
      else if (!grave) this.#reviveInitialised(group)
    }
    for (const [group, groupLog] of [...log.groups()]) {
      if (group === UNKNOWN_GROUP || this.#options.replicas.has(group)) continue
      if (this.#options.damaged.has(group) || hasState(data, group)) continue
      if (graves.refuses(group, groupLog.replica)) log.destroy(group)
      else if (groupLog.lastIndex() === 0) this.#add(group, uninitialisedRecord(group, groupLog.replica))
      else damage(group, 'its state is missing although it has a log')
    }
  }

  #reviveInitialised(group: number): void {
    const { data, log, damaged, damage, fence } = this.#options
    if (damaged.has(group)) return
    const state = data.state(group)
    const record = state === undefined ? 'its state record is missing' : decodeStateRecord(state)
    if (typeof record === 'string') {
      damage(group, record)
      return
    }
    const groupLog = log.groups().get(group)
    if (groupLog === undefined) {
      if (record.appliedIndex === INITIAL_INDEX && fence.lossOf(record.replica) === undefined) {
        // The process died between giving the replica its first state and its first vote: nothing was promised yet.
        this.#add(group, record)
      } else {
        damage(group, 'its log is missing although it has applied entries')
      }
      return
    }
    const { appliedIndex, appliedTerm } = record
    const termThere = groupLog.term(appliedIndex)
    if (termThere === 'unavailable' || (termThere !== 'compacted' && termThere !== appliedTerm)) {
      // It died between putting a snapshot in place and noting that in the log, which is shorter, or goes on with what a deposed leader wrote.
      // The snapshot is committed, so the log begins there.
      groupLog.reset(appliedIndex, appliedTerm)
    } else if (groupLog.firstIndex() > appliedIndex + 1) {
      damage(group, `its log begins at ${groupLog.firstIndex()}, after what its data holds (${appliedIndex})`)
      return
    }
    this.#add(group, record)
  }

  /** Founds the placement driver's replica together with the cluster. */
  async foundPlacement(shard: Shard): Promise<void> {
    const own = shard.replicas.find((replica) => replica.store === this.#options.storeId)
    if (own === undefined || this.#options.damaged.has(shard.id)) return
    await this.#initialise([initialRecord(shard, own.id)])
  }

  /** Founds the replicas that a map expects here and that have never existed anywhere: those of the bootstrap. All others are called. */
  foundExpected(map: ShardMap): void {
    this.#founding = this.#founding.then(() => this.#foundExpected(map))
  }

  async #foundExpected(map: ShardMap): Promise<void> {
    const { storeId, graves, damaged, events, burials } = this.#options
    const founded: Shard[] = []
    const records: StateRecord[] = []
    if (this.#options.isStopping()) return
    for (const shard of map.placement === undefined ? map.shards : [map.placement, ...map.shards]) {
      const own = shard.replicas.find((replica) => replica.store === storeId)
      if (own === undefined || !isFoundingShard(shard) || damaged.has(shard.id)) continue
      if (this.#isTaken(shard.id) || graves.refuses(shard.id, own.id) || burials.isRunning(shard.id)) continue
      // The map may be older than what is here: then somebody owns these keys already.
      if (shard.id !== PLACEMENT_SHARD && this.ownersOf(shard, shard.id).length > 0) continue
      founded.push(shard)
      records.push(initialRecord(shard, own.id))
    }
    if (records.length === 0) return
    events.emit({ type: 'replicas_creating', data: { mapVersion: map.version } })
    const replicas = await this.#initialise(records)
    // The first named replica begins, so that leaders are spread from the start and nobody waits for a time-out.
    for (const shard of founded) {
      const replica = replicas.get(shard.id)
      if (replica !== undefined && shard.replicas[0]?.store === storeId) this.campaignUntilLed(replica)
    }
  }

  /** Why a snapshot with this state must not be put in place of the replica now; undefined when it may. */
  whyNotInstall(replica: Replica, record: StateRecord, receiver: SnapshotReceiver): string | undefined {
    const { shard } = record
    if (replica.isRetired || this.isArriving(replica.group)) return 'the replica is being made in another way'
    if (shard.id !== replica.group) return `it holds shard ${shard.id}`
    const unreadable = this.#whyUnreadable(record)
    if (unreadable !== undefined || shard.id === PLACEMENT_SHARD) return unreadable
    if (this.#options.burials.overlaps(shard)) return 'another replica with keys of this range is being deleted here'
    const promised = receiver.promisedTo(shard)
    if (promised !== undefined) return `keys of this range are about to be replaced by a snapshot of shard ${promised}`
    for (const owner of this.ownersOf(shard, shard.id)) {
      // A shard that was merged into this one may still be here: the snapshot brings what it has, and more.
      const absorbed = record.absorbed.find((each) => each.shard === owner.group)
      if (owner.installing || absorbed === undefined)
        return `shard ${owner.group} holds keys of this range here and is behind`
      const taker = this.#takerBehind(owner, absorbed, shard.id)
      if (taker !== undefined) return `shard ${taker.group} has yet to take in shard ${owner.group} here`
    }
    return undefined
  }

  /**
   * The replica here, other than that of `group`, that has not applied the merge of `source` yet and needs it for that: itself, or a shard that is split off it before.
   * Whoever has the keys left of the source took it in at the merge's range epoch, and epochs along the life of a key only grow: so a lower one is from before.
   *
   * Story: 1. while this store is down, shard 2 takes in shard 3 and is split again, its right part being shard 22; 2. the store returns with replicas of 2 and 3
   * from before, and hears of shard 22 first; 3. its snapshot would take the place of shard 3, without which shard 2 could never follow.
   */
  #takerBehind(source: Replica, { range }: Absorbed, group: number): Replica | undefined {
    for (const other of this.#options.replicas.values()) {
      if (other.group === group || other === source || !other.isInitialised) continue
      if (other.shard.end === source.shard.start && other.shard.epoch.range < range) return other
    }
    return undefined
  }

  /** In the middle of an upgrade a leader may have saved what this release cannot read: then the replica stays as it is until this store is upgraded too. */
  #whyUnreadable({ shard, machine }: StateRecord): string | undefined {
    try {
      this.#options.createMachine(shard, machine)
      return undefined
    } catch (error) {
      // Once the data is replaced it would be too late to find this out.
      if (!(error instanceof UnreadableStateError)) throw error
      return error.message
    }
  }

  /** The other initialised replicas here that have keys of the range. */
  ownersOf(range: KeyRange, group: number): Replica[] {
    return [...this.#options.replicas.values()].filter(
      (replica) =>
        replica.group !== group &&
        replica.group !== PLACEMENT_SHARD &&
        replica.isInitialised &&
        rangesOverlap(replica.shard, range),
    )
  }

  /** Whether another replica here has keys of the shard's range, or is about to. */
  mayOwn(shard: Shard, receiver: SnapshotReceiver): boolean {
    if (this.#arriving.size > 0 || receiver.promisedTo(shard) !== undefined) return true
    return this.ownersOf(dataRange(shard), shard.id).length > 0
  }

  /**
   * The children of a split that was just applied here. All their states go to the data store together, in the same turn as their parent's, so that
   * a crash leaves all of them or none; they begin once that is durable. `lead`: they campaign at once. `begin` is called with each.
   */
  bearChildren(records: readonly StateRecord[], lead: boolean, begin: (child: Replica) => void): void {
    if (records.length === 0) return
    const born = this.#initialise(records).then((replicas) => {
      for (const replica of replicas.values()) {
        begin(replica)
        if (lead) this.campaignUntilLed(replica)
      }
    })
    this.#founding = Promise.all([this.#founding, born])
  }

  /**
   * Why a child of a split must not begin here although it belongs here, undefined when it may: it may have had a log already, as one that was
   * called by a message, and lost that with the votes in it.
   */
  whyUnfit(group: number, replica: ReplicaId): string | undefined {
    const { damaged, log, fence } = this.#options
    const reason = damaged.get(group) ?? (log.groups().has(group) ? undefined : fence.lossOf(replica))
    return reason === undefined ? undefined : `its log may have been lost: ${reason}`
  }

  /** A message for a group that has no replica here. Answers the uninitialised replica that it calls into being, if it may. */
  call(group: number, message: Message): Replica | undefined {
    const { graves, fence, burials, damaged } = this.#options
    switch (message.type) {
      case 'AppendEntries':
      case 'Heartbeat':
      case 'RequestVote':
      case 'PreVote':
        break
      default:
        return undefined
    }
    if (graves.refuses(group, message.to) || burials.isRunning(group) || this.#arriving.has(group)) return undefined
    // A lost log could have been this one's, with its votes.
    if (damaged.has(group) || hasState(this.#options.data, group)) return undefined
    if (!graves.isFresh(group) && fence.lossOf(message.to) !== undefined) return undefined
    this.#options.events.emit({ type: 'replica_called', group, data: { replica: message.to } })
    return this.#add(group, uninitialisedRecord(group, message.to))
  }

  /** Asks for leadership again for a while, because the other members may not exist yet. */
  campaignUntilLed(replica: Replica, attempts: number = FIRST_CAMPAIGNS): void {
    if (replica.leader !== 0 || replica.isRetired || attempts === 0 || this.#options.isStopping()) return
    replica.raft.campaign()
    this.#options.wake(replica)
    this.#options.clock.after(FIRST_CAMPAIGN_INTERVAL_MS, () => this.campaignUntilLed(replica, attempts - 1))
  }

  #isTaken(group: number): boolean {
    const replica = this.#options.replicas.get(group)
    return this.#arriving.has(group) || (replica !== undefined && (replica.isInitialised || replica.installing))
  }

  /** Gives groups their first state, makes it durable, and lets their replicas begin. */
  async #initialise(records: readonly StateRecord[]): Promise<ReadonlyMap<number, Replica>> {
    const { data, replicas, isStopping } = this.#options
    for (const record of records) {
      const { id: group } = record.shard
      this.#arriving.add(group)
      const machine = this.#options.createMachine(record.shard, record.machine)
      const descriptor = encodeDescriptor(record)
      data.setState(group, encodeStateRecord(record.appliedIndex, record.appliedTerm, descriptor, machine.save()))
    }
    const begun = new Map<number, Replica>()
    try {
      await data.flush()
    } catch {
      // The data store has told its owner that durability is lost; the process ends.
      return begun
    }
    for (const record of records) {
      const { id: group } = record.shard
      this.#arriving.delete(group)
      const uninitialised = replicas.get(group)
      if (isStopping() || uninitialised?.isInitialised === true || uninitialised?.installing === true) continue
      if (uninitialised !== undefined) {
        // It was called by a message before its shard was born here. What it promised by then is in its log's hard state, and stays.
        uninitialised.retire()
        this.#options.gone(uninitialised, 'its shard was born here')
        uninitialised.log.log.reset(record.appliedIndex, record.appliedTerm)
      }
      begun.set(group, this.#add(group, record))
    }
    return begun
  }

  #add(group: number, record: StateRecord): Replica {
    const { log, raft, random, clock, events, replicas, createMachine } = this.#options
    const groupLog =
      log.groups().get(group) ??
      log.create(group, record.replica, { index: record.appliedIndex, term: record.appliedTerm })
    const machine = createMachine(record.shard, record.machine)
    const replica = new Replica(group, record, groupLog, machine, raft, random, clock.nowMs(), events)
    replicas.set(group, replica)
    events.emit({ type: 'replica_created', group, index: record.appliedIndex, data: { replica: replica.id } })
    // A restarted replica may have committed entries to apply before anything else happens.
    this.#options.wake(replica)
    return replica
  }
}
