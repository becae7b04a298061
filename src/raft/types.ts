/**
 * The data of the Raft core: entries, hard state, membership, messages, and the effects a turn hands out. Plain values;
 * whoever holds one may share it, nobody may change it.
 */

/** Identifies one replica of one group for ever; 0 means "none". A store that leaves and returns gets a new one. */
export type ReplicaId = number

export const NO_REPLICA: ReplicaId = 0

/**
 * `membership-v1` carries exactly one change and never enters a joint configuration; `membership` is the general form. `shard` is a change of what
 * the group keeps (a split, a merge): the core treats it like `normal`, the host tells it apart without looking inside.
 */
export type EntryType = 'normal' | 'membership' | 'membership-v1' | 'shard'

/** Invariant: indexes are consecutive within a log; `data` is opaque here and encoded once, by whoever proposed it. */
export interface Entry {
  readonly index: number
  readonly term: number
  readonly type: EntryType
  readonly data: Uint8Array
}

/** What a replica must never forget (Raft, Figure 2: "Persistent state"; the commit index is kept to restart faster). */
export interface HardState {
  readonly term: number
  readonly votedFor: ReplicaId
  readonly commitIndex: number
}

/** The members of a group as stored in snapshots. Invariant: lists are ascending; outgoing is non-empty exactly in a joint configuration. */
export interface MembershipState {
  readonly voters: readonly ReplicaId[]
  readonly votersOutgoing: readonly ReplicaId[]
  readonly learners: readonly ReplicaId[]
  readonly learnersNext: readonly ReplicaId[]
  readonly autoLeave: boolean
}

export interface MembershipOperation {
  readonly kind: 'add-voter' | 'add-learner' | 'remove' | 'update'
  readonly replica: ReplicaId
}

/** `auto` uses a joint configuration only for more than one operation; without any it leaves the joint configuration. */
export interface MembershipChange {
  readonly transition: 'auto' | 'joint-implicit' | 'joint-explicit'
  readonly operations: readonly MembershipOperation[]
  /** Opaque to the core; the host finds it again when the change is applied. */
  readonly context: Uint8Array
}

/** Describes a snapshot; its contents travel outside the core. */
export interface SnapshotMeta {
  readonly index: number
  readonly term: number
  readonly membership: MembershipState
}

interface Addressed {
  readonly from: ReplicaId
  readonly to: ReplicaId
  /** 0 only on messages that carry no term: Propose, ReadIndex, TransferLeader. */
  readonly term: number
}

/** The messages between replicas, named as in the paper. */
export type Message =
  | (Addressed & {
      readonly type: 'RequestVote' | 'PreVote'
      readonly lastLogIndex: number
      readonly lastLogTerm: number
      /** The leader asked for this election (Thesis §3.10), so leases do not refuse it. */
      readonly leadershipTransfer: boolean
    })
  | (Addressed & {
      readonly type: 'RequestVoteReply' | 'PreVoteReply'
      readonly granted: boolean
      /** Refused by a replica that cannot lead itself: its last committed entry and the term of it; else 0 and 0. */
      readonly commitIndex: number
      readonly commitTerm: number
    })
  | (Addressed & {
      readonly type: 'AppendEntries'
      readonly prevLogIndex: number
      readonly prevLogTerm: number
      readonly entries: readonly Entry[]
      readonly leaderCommit: number
    })
  | (Addressed & {
      readonly type: 'AppendEntriesReply'
      /** Accepted: last index known to match. Rejected: the prevLogIndex that did not match. */
      readonly index: number
      readonly rejected: boolean
      /** Rejected: where the logs may still agree, and the follower's term there (0 when unknown). */
      readonly hintIndex: number
      readonly hintTerm: number
    })
  | (Addressed & {
      readonly type: 'Heartbeat'
      readonly commitIndex: number
      /** The newest ReadIndex attempt that this heartbeat confirms, 0 for none. */
      readonly readId: number
    })
  | (Addressed & { readonly type: 'HeartbeatReply'; readonly readId: number })
  | (Addressed & { readonly type: 'InstallSnapshot'; readonly snapshot: SnapshotMeta })
  | (Addressed & { readonly type: 'TimeoutNow' })
  | (Addressed & { readonly type: 'TransferLeader'; readonly transferee: ReplicaId })
  | (Addressed & { readonly type: 'Propose'; readonly entries: readonly Pick<Entry, 'type' | 'data'>[] })
  | (Addressed & { readonly type: 'ReadIndex'; readonly readId: number })
  | (Addressed & { readonly type: 'ReadIndexReply'; readonly readId: number; readonly index: number })

export type MessageType = Message['type']

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader'

export interface SoftState {
  readonly leader: ReplicaId
  readonly role: Role
}

/** A linearizable read of attempt `readId` may be served once `index` is applied. */
export interface ReadState {
  readonly readId: number
  readonly index: number
}

/** The core's view of what its host has stored durably; what is still being written is not part of it. */
export interface StableLog {
  /** Index of the first entry still present; entries before it were compacted into a snapshot. */
  firstIndex(): number
  /** Index of the last stored entry, `firstIndex() - 1` when there is none. */
  lastIndex(): number
  /** The term of an entry, also of the one just before firstIndex. */
  term(index: number): number | 'compacted' | 'unavailable'
  /** Entries [low, high), cut to `bytesMax` of data but at least one. */
  entries(low: number, high: number, bytesMax: number): readonly Entry[] | 'compacted' | 'unavailable'
  /** The snapshot a follower could be given now; undefined when none can be described yet (the core tries again later). */
  snapshot(): SnapshotMeta | undefined
}

/** What a replica starts from. */
export interface InitialState {
  readonly hardState: HardState
  readonly membership: MembershipState
  /** The state machine holds everything up to here. */
  readonly appliedIndex: number
}
