import type { EventSink } from '../base/index.ts'
import type { Replica } from './replica.ts'

/**
 * Takes over from the Raft core who leads a group and which role this replica has, tells people, and says what came of it. The loop calls it when a
 * Ready carries a new soft state, and acts on the answer.
 */
export interface LeadershipChange {
  /** This replica leads, and did not before. */
  readonly won: boolean
  /** This replica led, and does not any more. */
  readonly lost: boolean
  readonly isNews: boolean
}

export function noteLeadership(replica: Replica, nowMs: number, events: EventSink): LeadershipChange {
  const { role, leader, term } = replica.raft
  const previousRole = replica.role
  const previousLeader = replica.leader
  replica.role = role
  replica.leader = leader
  replica.leaderlessSinceMs = leader === 0 ? (replica.leaderlessSinceMs ?? nowMs) : undefined
  const won = role === 'leader' && previousRole !== 'leader'
  if (previousRole !== role) {
    const data = { from: previousRole, to: role }
    events.emit({ type: 'state_changed', group: replica.group, term, data })
    if (won) events.emit({ type: 'election_won', group: replica.group, term })
    else if (role === 'candidate') events.emit({ type: 'election_started', group: replica.group, term })
    else if (role === 'pre-candidate') events.emit({ type: 'pre_vote_started', group: replica.group, term })
    else if (previousRole === 'candidate') events.emit({ type: 'election_lost', group: replica.group, term })
    if (previousRole === 'leader') {
      events.emit({ type: 'leadership_lost', group: replica.group, term, data: { to: role } })
    }
  }
  if (leader === 0 && previousLeader !== 0) events.emit({ type: 'leader_lost', group: replica.group, term })
  return {
    won,
    lost: previousRole === 'leader' && role !== 'leader',
    isNews: previousLeader !== leader || previousRole !== role,
  }
}
