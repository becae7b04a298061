/** Puts a committed membership change into effect on this replica (Raft §6, Thesis §4), when its host applies the entry. */
import { assert } from '../base/index.ts'
import type { RaftCore } from './core.ts'
import { changeMembership, isVoter } from './membership.ts'
import { confirmReads } from './read-index.ts'
import { advanceCommit, announceCommit, broadcastEntries } from './replication.ts'
import { becomeFollower } from './roles.ts'
import { abortTransfer } from './transfer.ts'
import { type MembershipChange, type MembershipState, NO_REPLICA } from './types.ts'

export function applyMembership(core: RaftCore, change: MembershipChange): MembershipState {
  // A snapshot that came meanwhile replaced the membership by one that has this change, and later ones, in it already.
  if (core.log.pendingSnapshot !== undefined) return core.membership
  const result = changeMembership(core.membership, change)
  // Every replica applies the same changes to the same membership, so an impossible one means that a leader did not check.
  assert(result.ok, result.ok ? '' : `committed membership change is impossible: ${result.error}`)
  core.tracker.replaceMembers(result.membership, result.fresh, core.log.lastIndex)
  core.options.trace?.({ kind: 'membership-switched', membership: core.membership })
  if (core.role === 'leader') adjustLeader(core)
  return core.membership
}

function adjustLeader(core: RaftCore): void {
  const own = core.tracker.get(core.id)
  if (own === undefined || own.isLearner) {
    // Raft §6: a leader outside of the new membership manages it until the change is committed, which it is now.
    if (core.options.stepDownOnRemoval) becomeFollower(core, core.term, NO_REPLICA)
    return
  }
  if (core.membership.voters.length === 0) return
  // A smaller quorum may be satisfied already, for entries as well as for reads.
  const before = core.log.commitIndex
  if (advanceCommit(core)) announceCommit(core, before)
  // New members are probed at once.
  else broadcastEntries(core)
  confirmReads(core)
  if (core.transferee !== NO_REPLICA && !isVoter(core.membership, core.transferee)) abortTransfer(core)
}
