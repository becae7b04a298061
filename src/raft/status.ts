/** A snapshot of a replica for people and tools: copies, no references to live state. */
import type { RaftCore } from './core.ts'
import type { Progress, ProgressState } from './progress.ts'
import type { MembershipState, ReplicaId, Role } from './types.ts'

export interface ProgressStatus {
  readonly state: ProgressState
  readonly matchIndex: number
  readonly nextIndex: number
  readonly isLearner: boolean
  readonly isPaused: boolean
  /** Heard from since the last check for an active quorum: false for a moment after each, whoever answers. */
  readonly recentlyActive: boolean
  /** Heard from within the last one or two election timeouts. */
  readonly heardLately: boolean
  /** Another number after every answer: equal ones mean that it has not been heard in between. */
  readonly heardOrder: number
  readonly pendingSnapshotIndex: number
  readonly inflightMessages: number
  readonly inflightBytes: number
  readonly isWindowFull: boolean
}

export interface RaftStatus {
  readonly id: ReplicaId
  readonly role: Role
  readonly term: number
  readonly votedFor: ReplicaId
  readonly leader: ReplicaId
  readonly firstIndex: number
  readonly lastIndex: number
  readonly lastTerm: number
  readonly commitIndex: number
  readonly appliedIndex: number
  readonly membership: MembershipState
  readonly transferee: ReplicaId
  readonly uncommittedBytes: number
  /** By replica, in ascending order; empty unless this replica leads. */
  readonly progress: ReadonlyMap<ReplicaId, ProgressStatus>
}

export function statusOf(core: RaftCore): RaftStatus {
  const progress = new Map<ReplicaId, ProgressStatus>()
  if (core.role === 'leader') {
    core.tracker.all.forEach((member, i) => {
      progress.set(core.tracker.ids[i] as ReplicaId, progressStatus(member))
    })
  }
  return {
    id: core.id,
    role: core.role,
    term: core.term,
    votedFor: core.votedFor,
    leader: core.leader,
    firstIndex: core.log.firstIndex,
    lastIndex: core.log.lastIndex,
    lastTerm: core.log.lastTerm,
    commitIndex: core.log.commitIndex,
    appliedIndex: core.log.appliedIndex,
    membership: core.membership,
    transferee: core.transferee,
    uncommittedBytes: core.uncommittedBytes,
    progress,
  }
}

export function progressStatus(progress: Progress): ProgressStatus {
  return {
    state: progress.state,
    matchIndex: progress.matchIndex,
    nextIndex: progress.nextIndex,
    isLearner: progress.isLearner,
    isPaused: progress.isPaused,
    recentlyActive: progress.recentlyActive,
    heardLately: progress.heardLately,
    heardOrder: progress.heardOrder,
    pendingSnapshotIndex: progress.pendingSnapshotIndex,
    inflightMessages: progress.inflight.count,
    inflightBytes: progress.inflight.bytes,
    isWindowFull: progress.inflight.isFull,
  }
}
