/** The four roles and what each transition resets (Raft §5.1, §5.2; Figure 4). Called by elections, step and the leader. */
import { assert, EMPTY_BYTES } from '../base/index.ts'
import type { RaftCore } from './core.ts'
import { appendOwnEntries } from './proposals.ts'
import { NO_REPLICA, type ReplicaId } from './types.ts'

export function becomeFollower(core: RaftCore, term: number, leader: ReplicaId): void {
  reset(core, term)
  core.role = 'follower'
  core.leader = leader
  core.options.trace?.({ kind: 'became-follower', term, leader })
}

/** Thesis §9.6: a pre-candidate promises nothing, so neither term nor vote change. */
export function becomePreCandidate(core: RaftCore): void {
  assert(core.role !== 'leader', 'a leader does not campaign')
  core.votes.clear()
  core.role = 'pre-candidate'
  core.leader = NO_REPLICA
  core.options.trace?.({ kind: 'became-pre-candidate', term: core.term })
}

export function becomeCandidate(core: RaftCore): void {
  assert(core.role !== 'leader', 'a leader does not campaign')
  reset(core, core.term + 1)
  core.votedFor = core.id
  core.role = 'candidate'
  core.options.trace?.({ kind: 'became-candidate', term: core.term })
}

export function becomeLeader(core: RaftCore): void {
  assert(core.role === 'candidate', `only a candidate becomes leader, not a ${core.role}`)
  reset(core, core.term)
  core.role = 'leader'
  core.leader = core.id
  const own = core.tracker.get(core.id)
  if (own !== undefined) {
    own.becomeReplicate()
    own.recentlyActive = true
  }
  // Whether the last entries hold a membership change is not known without reading them; assuming one costs only a wait.
  core.pendingMembershipIndex = core.log.lastIndex
  core.options.trace?.({ kind: 'became-leader', term: core.term })
  // Raft §8: an entry of its own term is what commits everything before it.
  appendOwnEntries(core, [{ type: 'normal', data: EMPTY_BYTES }])
}

function reset(core: RaftCore, term: number): void {
  if (core.term !== term) {
    assert(term > core.term, `term would fall from ${core.term} to ${term}`)
    core.term = term
    core.votedFor = NO_REPLICA
  }
  core.leader = NO_REPLICA
  core.electionElapsed = 0
  core.heartbeatElapsed = 0
  core.electionTimeoutTicks = core.options.electionTicks + core.options.random.below(core.options.electionTicks)
  core.transferee = NO_REPLICA
  core.votes.clear()
  core.pendingMembershipIndex = 0
  core.uncommittedBytes = 0
  core.appendsDue = false
  core.reads.reset()
  const lastIndex = core.log.lastIndex
  for (let i = 0; i < core.tracker.ids.length; i++) {
    const isSelf = core.tracker.ids[i] === core.id
    core.tracker.all[i]?.reset(lastIndex, isSelf ? lastIndex : 0)
  }
}
