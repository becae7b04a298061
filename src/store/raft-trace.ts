/**
 * Translates what a Raft core tells its observer into events: replica ids become stores, and what an event of the store says already is left out. One
 * function per replica; the core builds nothing for it on the path of a write.
 */
import type { EventSink } from '../base/index.ts'
import type { ReplicaId, TraceEvent } from '../raft/index.ts'

export interface TracedReplica {
  readonly group: number
  /** The store of a member. */
  storeOf(replica: ReplicaId): string | undefined
}

export function raftTrace(replica: TracedReplica, events: EventSink): (event: TraceEvent) => void {
  const { group } = replica
  const at = (id: ReplicaId): { readonly group: number; readonly peer?: string } => {
    const peer = replica.storeOf(id)
    return peer === undefined ? { group } : { group, peer }
  }
  return (event) => {
    switch (event.kind) {
      case 'vote-cast':
        events.emit({
          type: 'vote_granted',
          ...at(event.candidate),
          term: event.term,
          data: { preVote: event.isPreVote },
        })
        return
      case 'vote-refused':
        events.emit({
          type: 'vote_refused',
          ...at(event.candidate),
          term: event.term,
          data: { preVote: event.isPreVote },
        })
        return
      case 'vote-ignored-in-lease':
        events.emit({ type: 'vote_ignored', ...at(event.candidate) })
        return
      case 'vote-received':
        events.emit({
          type: 'vote_received',
          ...at(event.from),
          data: { granted: event.granted, preVote: event.isPreVote },
        })
        return
      case 'campaign-refused':
        events.emit({ type: 'campaign_refused', group, data: { reason: event.reason } })
        return
      case 'quorum-inactive':
        events.emit({ type: 'quorum_lost', group, term: event.term })
        return
      case 'append-refused':
        events.emit({ type: 'append_refused', ...at(event.leader), data: { prevLogIndex: event.prevLogIndex } })
        return
      case 'peer-backed-off':
        events.emit({ type: 'peer_backed_off', ...at(event.peer), data: { nextIndex: event.nextIndex } })
        return
      case 'peer-unreachable':
        events.emit({ type: 'peer_unreachable', ...at(event.peer) })
        return
      case 'snapshot-ignored':
        events.emit({ type: 'snapshot_ignored', group, term: event.term, index: event.index })
        return
      case 'write-superseded':
        events.emit({ type: 'log_write_superseded', group, term: event.term, index: event.index })
        return
      case 'membership-refused':
        events.emit({ type: 'membership_refused', group, data: { reason: event.reason } })
        return
      case 'leaving-joint-membership':
        events.emit({ type: 'joint_membership_leaving', group, index: event.index })
        return
      case 'transfer-started':
        events.emit({ type: 'leader_transfer_started', ...at(event.to) })
        return
      case 'transfer-aborted':
        events.emit({ type: 'leader_transfer_aborted', ...at(event.to) })
        return
      case 'election-handed-over':
        events.emit({ type: 'election_handed_over', ...at(event.to) })
        return
      // Roles, members and snapshots have events of the store's own, which knows more about them.
      case 'membership-switched':
      case 'became-follower':
      case 'became-pre-candidate':
      case 'became-candidate':
      case 'became-leader':
      case 'snapshot-sent':
      case 'snapshot-restored':
      case 'leader-forgotten':
      case 'forget-leader-refused':
        return
    }
  }
}
