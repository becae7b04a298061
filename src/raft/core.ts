/**
 * The state of one replica: Figure 2 of the paper as fields, plus the outboxes. The rules live in the modules named after
 * them (elections, replication, follower, ...), which are functions over this state; RaftNode is the only owner. Nothing
 * outside this folder sees it.
 */
import { RaftLog } from './log.ts'
import { restoreMembership } from './membership.ts'
import type { RaftOptions } from './options.ts'
import { PendingReads } from './pending-reads.ts'
import { Tracker } from './tracker.ts'
import {
  type InitialState,
  type MembershipState,
  type Message,
  NO_REPLICA,
  type ReadState,
  type ReplicaId,
  type Role,
  type StableLog,
} from './types.ts'

const NO_MESSAGES: readonly Message[] = []
const NO_READ_STATES: readonly ReadState[] = []

export interface Outboxes {
  readonly messages: readonly Message[]
  readonly messagesAfterAppend: readonly Message[]
  readonly readStates: readonly ReadState[]
}

export class RaftCore {
  readonly id: ReplicaId
  readonly options: RaftOptions
  readonly log: RaftLog
  readonly tracker: Tracker

  // Persistent state (Raft, Figure 2); the log has its own file.
  term: number
  votedFor: ReplicaId

  // Volatile state.
  role: Role = 'follower'
  leader: ReplicaId = NO_REPLICA
  /** First answer of each voter in the running (pre-)election. */
  readonly votes = new Map<ReplicaId, boolean>()
  /** Follower: ticks since it heard from the leader or granted a vote. Leader: ticks since the last quorum check. */
  electionElapsed = 0
  heartbeatElapsed = 0
  /** Counts answers, so that replicas can be told apart by who spoke last. */
  heardOrder = 0
  electionTimeoutTicks = 0

  // Volatile state on leaders.
  transferee: ReplicaId = NO_REPLICA
  /** No membership change is proposed before this index is applied (Thesis §4.1). */
  pendingMembershipIndex = 0
  /** Weight of this leader's own entries not yet handed out for applying. */
  uncommittedBytes = 0
  /** Some Progress has an append due at the end of the turn. */
  appendsDue = false
  readonly reads = new PendingReads()

  // Outboxes, emptied by Ready.
  /** May leave at once. */
  messages: Message[] = []
  /** Promises about durable state: they leave once everything handed out so far is durable (Raft §5: "before responding to RPCs"). */
  messagesAfterAppend: Message[] = []
  readStates: ReadState[] = []

  constructor(options: RaftOptions, stable: StableLog, initial: InitialState) {
    this.id = options.id
    this.options = options
    this.log = new RaftLog(stable, {
      applyOnlyDurable: options.asyncStorage,
      applyingBytesMax: options.maxCommittedBytesPerReady,
      bufferedBytesMax: options.maxUncommittedBytes,
    })
    this.term = initial.hardState.term
    this.votedFor = initial.hardState.votedFor
    // What was applied had been committed, even if the hard state that said so was never written.
    this.log.commitTo(Math.max(initial.hardState.commitIndex, initial.appliedIndex))
    this.log.appliedTo(initial.appliedIndex)
    this.tracker = new Tracker(
      restoreMembership(initial.membership),
      this.log.lastIndex,
      options.maxInflightMessages,
      options.maxInflightBytes,
    )
  }

  get membership(): MembershipState {
    return this.tracker.membership
  }

  /** Whether this replica may become leader: a voter whose log is not waiting for a snapshot. */
  get isPromotable(): boolean {
    const own = this.tracker.get(this.id)
    return own !== undefined && !own.isLearner && this.log.pendingSnapshot === undefined
  }

  /** Everything that waits to leave; the outboxes are empty afterwards. What was taken is never touched again. */
  takeOutboxes(): Outboxes {
    const { messages, messagesAfterAppend, readStates } = this
    if (messages.length > 0) this.messages = []
    if (messagesAfterAppend.length > 0) this.messagesAfterAppend = []
    if (readStates.length > 0) this.readStates = []
    return {
      messages: messages.length > 0 ? messages : NO_MESSAGES,
      messagesAfterAppend: messagesAfterAppend.length > 0 ? messagesAfterAppend : NO_MESSAGES,
      readStates: readStates.length > 0 ? readStates : NO_READ_STATES,
    }
  }

  send(message: Message): void {
    this.messages.push(message)
  }

  /**
   * Sends once durable. With batching, acknowledgements of one turn to one leader become the furthest one: each says only
   * that the log matches up to its index.
   */
  sendAfterAppend(message: Message): void {
    const outbox = this.messagesAfterAppend
    if (this.options.batchAppends && message.type === 'AppendEntriesReply' && !message.rejected) {
      const last = outbox[outbox.length - 1]
      if (
        last?.type === 'AppendEntriesReply' &&
        !last.rejected &&
        last.to === message.to &&
        last.term === message.term &&
        last.index <= message.index
      ) {
        outbox[outbox.length - 1] = message
        return
      }
    }
    outbox.push(message)
  }
}
