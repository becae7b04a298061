import type { Shard, ShardId, StoreId } from '../../shard-map/index.ts'
import { assert, type EventSink, LIMITS, type Random } from '../base/index.ts'
import type { StateMachine } from '../machine/index.ts'
import type { Voucher } from '../protocol/index.ts'
import {
  type HardState,
  type InitialState,
  type MembershipState,
  NO_REPLICA,
  RaftNode,
  type ReplicaId,
  type Role,
} from '../raft/index.ts'
import type { GroupLog } from '../storage/index.ts'
import { ApplyQueue } from './apply-queue.ts'
import { Freshness } from './freshness.ts'
import { LoadMeter } from './load-meter.ts'
import { MemberHealth } from './member-health.ts'
import { raftTrace } from './raft-trace.ts'
import { ReplicaLog } from './replica-log.ts'
import { type Absorbed, encodeDescriptor, encodeStateRecord, type Merging, type StateRecord } from './state-record.ts'
import { WaitingReads } from './waiting-reads.ts'
import { WaitingWrites } from './waiting-writes.ts'

/** The settings of every group's Raft core, from the configuration section `raft`. */
export interface RaftSettings {
  readonly tickMs: number
  readonly electionTicks: number
  readonly heartbeatTicks: number
  readonly preVote: boolean
  readonly checkQuorum: boolean
  readonly maxInflight: number
  readonly maxMessageBytes: number
  readonly maxUncommittedBytes: number
  readonly compactEntries: number
}

export const RAFT_SETTINGS_DEFAULT: RaftSettings = {
  tickMs: 50,
  electionTicks: 10,
  heartbeatTicks: 2,
  preVote: true,
  checkQuorum: true,
  maxInflight: 256,
  maxMessageBytes: 256 * 1024,
  maxUncommittedBytes: LIMITS.uncommittedBytesMax,
  compactEntries: 10_000,
}

/**
 * One store's member of one group: the Raft core, the group's log and state machine, and everybody who waits for either. It holds
 * state and keeps it consistent; the loop decides when what happens, and performs all effects.
 */
export class Replica {
  readonly group: number
  readonly id: ReplicaId
  readonly raft: RaftNode
  readonly log: ReplicaLog
  /** Replaced when a snapshot is put in place. */
  machine: StateMachine
  readonly writes = new WaitingWrites()
  readonly reads = new WaitingReads()
  readonly queue = new ApplyQueue()
  readonly members = new MemberHealth()
  /** Replaced in a replica that is born of a split, by its part of the parent's. */
  load: LoadMeter
  /** In the loop's list of replicas with something to do. */
  dirty = false
  /** Its queued writes wait for the end of the running log write. */
  held = false
  /** A snapshot is being put in place: no Ready may be taken, nothing may be applied. */
  installing = false
  /** The newest hard state, where only its commit index differs from the stored one: it goes with the next write. */
  unwrittenState: HardState | undefined
  /** Leader and role as last seen by the loop. */
  leader: ReplicaId = NO_REPLICA
  role: Role = 'follower'
  /** Since when this replica has known no leader, on the store's clock; undefined while it knows one. */
  leaderlessSinceMs: number | undefined
  readonly freshness = new Freshness()
  /** Bytes and keys of the shard as last estimated, and what was applied then. */
  bytes = 0
  keys = 0
  estimatedIndex = -1
  /** When this object was made, on the store's clock. */
  readonly bornMs: number
  /** Grows when the data under this replica is replaced or deleted: what a read that began before finds means nothing. */
  dataGeneration = 0
  /** Shards that were split off this one since the process started, as they were then, newest first. */
  splitOff: readonly Shard[] = []
  #isRetired = false
  #shard: Shard
  #membership: MembershipState
  #descriptor: Uint8Array
  #appliedIndex: number
  #appliedTerm: number
  #merging: Merging | undefined
  #absorbed: readonly Absorbed[]
  #storeOf: Map<ReplicaId, StoreId>

  constructor(
    group: number,
    record: StateRecord,
    log: GroupLog,
    machine: StateMachine,
    settings: RaftSettings,
    random: Random,
    nowMs: number,
    events: EventSink,
  ) {
    assert(
      record.replica === log.replica,
      `group ${group}: data of replica ${record.replica}, log of replica ${log.replica}`,
    )
    this.group = group
    this.id = record.replica
    this.load = new LoadMeter(random)
    this.machine = machine
    this.#shard = record.shard
    this.#membership = record.membership
    this.#merging = record.merging
    this.#absorbed = record.absorbed
    this.#descriptor = encodeDescriptor(record)
    this.bornMs = nowMs
    this.#appliedIndex = record.appliedIndex
    this.#appliedTerm = record.appliedTerm
    this.#storeOf = storesById(record.shard)
    this.leaderlessSinceMs = nowMs
    this.log = new ReplicaLog(log, {
      index: record.appliedIndex,
      term: record.appliedTerm,
      membership: record.membership,
    })
    const initial: InitialState = {
      hardState: log.hardState,
      membership: record.membership,
      appliedIndex: record.appliedIndex,
    }
    this.raft = new RaftNode(
      {
        id: record.replica,
        electionTicks: settings.electionTicks,
        heartbeatTicks: settings.heartbeatTicks,
        preVote: settings.preVote,
        checkQuorum: settings.checkQuorum,
        readMode: 'safe',
        asyncStorage: true,
        maxMessageBytes: settings.maxMessageBytes,
        maxInflightMessages: settings.maxInflight,
        maxInflightBytes: settings.maxInflight * settings.maxMessageBytes,
        maxUncommittedBytes: settings.maxUncommittedBytes,
        maxCommittedBytesPerReady: 4 * settings.maxMessageBytes,
        forwardProposals: false,
        forwardReads: true,
        validateMembership: true,
        stepDownOnRemoval: true,
        batchAppends: true,
        quietCommits: true,
        random,
        trace: raftTrace(this, events),
      },
      this.log,
      initial,
    )
  }

  get shard(): Shard {
    return this.#shard
  }

  get membership(): MembershipState {
    return this.#membership
  }

  get appliedIndex(): number {
    return this.#appliedIndex
  }

  get appliedTerm(): number {
    return this.#appliedTerm
  }

  /** The core answers attempt `readId`, whoever it was for. */
  roundConfirmed(readId: number, index: number): void {
    if (!this.freshness.roundConfirmed(readId, index)) this.reads.roundConfirmed(readId, index)
  }

  get isLeader(): boolean {
    return this.role === 'leader'
  }

  /** False for a member that was called by a message and knows nothing of its shard yet: it covers no key and must not be asked. */
  get isInitialised(): boolean {
    return this.#appliedIndex > 0
  }

  /** Whether this replica belongs to its group, as far as it has applied. */
  get isMember(): boolean {
    const { voters, votersOutgoing, learners } = this.#membership
    return voters.includes(this.id) || votersOutgoing.includes(this.id) || learners.includes(this.id)
  }

  /** Set while the shard has stopped and waits to be taken in by its neighbour. */
  get merging(): Merging | undefined {
    return this.#merging
  }

  /** The shards it took in last. */
  get absorbed(): readonly Absorbed[] {
    return this.#absorbed
  }

  /** The shard and those that were split off it lately: what a request routed by an older picture needs to know. */
  get successors(): readonly Shard[] {
    return this.splitOff.length === 0 ? [this.#shard] : [this.#shard, ...this.splitOff]
  }

  /** What stands for its answer to a ReadIndex round, for a read that is asked for now. */
  get voucher(): Voucher | undefined {
    return this.#isRetired ? undefined : { replica: this.raft.id, term: this.raft.vouchingTerm }
  }

  /** Another object, or nobody, has taken this one's place: it must not do anything any more. */
  get isRetired(): boolean {
    return this.#isRetired
  }

  retire(): void {
    this.#isRetired = true
    this.dataGeneration++
  }

  /**
   * Where a replica lives that the applied membership does not name yet: one that was added while this replica was behind, and that must get
   * its answers all the same.
   */
  learnStore(replica: ReplicaId, store: StoreId): void {
    this.#storeOf.set(replica, store)
  }

  /** The store that holds a replica of this group, undefined for one that is not a member. */
  storeOf(replica: ReplicaId): StoreId | undefined {
    return this.#storeOf.get(replica)
  }

  replicaOn(store: StoreId): ReplicaId | undefined {
    return this.#shard.replicas.find((replica) => replica.store === store)?.id
  }

  get leaderStore(): StoreId | undefined {
    return this.leader === NO_REPLICA ? undefined : this.#storeOf.get(this.leader)
  }

  /** Everything up to (index, term) has gone through the state machine. */
  appliedTo(index: number, term: number): void {
    if (index <= this.#appliedIndex) assert(false, `group ${this.group}: applied ${index} after ${this.#appliedIndex}`)
    this.#appliedIndex = index
    this.#appliedTerm = term
  }

  /** A new membership has been applied. */
  describe(shard: Shard, membership: MembershipState): void {
    this.#membership = membership
    this.reshape(shard, this.#merging, this.#absorbed)
  }

  /** A split, or a step of a merge, has been applied. */
  reshape(shard: Shard, merging: Merging | undefined, absorbed: readonly Absorbed[]): void {
    this.#shard = shard
    this.#merging = merging
    this.#absorbed = absorbed
    this.#descriptor = encodeDescriptor({ replica: this.id, shard, membership: this.#membership, merging, absorbed })
    this.#storeOf = storesById(shard)
  }

  /** A snapshot has replaced the state. Nobody may still be waiting for an entry it skipped. */
  restored(record: StateRecord): void {
    this.#appliedIndex = record.appliedIndex
    this.#appliedTerm = record.appliedTerm
    this.#membership = record.membership
    this.splitOff = []
    this.reshape(record.shard, record.merging, record.absorbed)
  }

  stateRecord(): Uint8Array {
    return encodeStateRecord(this.#appliedIndex, this.#appliedTerm, this.#descriptor, this.machine.save())
  }
}

function storesById(shard: Shard): Map<ReplicaId, StoreId> {
  return new Map(shard.replicas.map((replica) => [replica.id, replica.store]))
}

/** Whether this replica has taken in that shard, as far as it has applied. */
export function hasAbsorbed({ absorbed }: Pick<Replica, 'absorbed'>, group: ShardId): boolean {
  return absorbed.some(({ shard }) => shard === group)
}
