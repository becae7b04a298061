/**
 * How entries enter the log of a leader (Raft §5.3): checks, membership changes one at a time (Thesis §4.1), append. It does
 * not decide who sends proposals on; that is the node's and the follower's affair.
 */
import { EMPTY_BYTES } from '../base/index.ts'
import type { RaftCore } from './core.ts'
import { changesMembership, entryBytes } from './entry.ts'
import { changeMembership, isJoint } from './membership.ts'
import { decodeMembershipChange, encodeMembershipChange } from './membership-codec.ts'
import { broadcastAppend } from './replication.ts'
import type { MembershipRefusal, ProposalRefusal } from './results.ts'
import type { Entry } from './types.ts'

export type Payload = Pick<Entry, 'type' | 'data'>

export type LeaderProposal =
  | { readonly ok: true; readonly firstIndex: number; readonly membershipRefusal: MembershipRefusal | undefined }
  | { readonly ok: false; readonly reason: ProposalRefusal }

const EMPTY_PAYLOAD: Payload = { type: 'normal', data: EMPTY_BYTES }

const LEAVE_JOINT: Payload = {
  type: 'membership',
  data: encodeMembershipChange({ transition: 'auto', operations: [], context: EMPTY_BYTES }),
}

/** Appends at the end of the leader's log and promises itself an acknowledgement once that is durable. */
export function appendOwnEntries(core: RaftCore, payloads: readonly Payload[]): number {
  const firstIndex = core.log.lastIndex + 1
  const entries: Entry[] = []
  for (const payload of payloads) {
    entries.push({ index: firstIndex + entries.length, term: core.term, type: payload.type, data: payload.data })
    core.uncommittedBytes += entryBytes(payload)
  }
  core.log.append(entries)
  // The leader counts itself only once its own disk does, like any other replica (Thesis §10.2.1).
  core.sendAfterAppend({
    type: 'AppendEntriesReply',
    from: core.id,
    to: core.id,
    term: core.term,
    index: core.log.lastIndex,
    rejected: false,
    hintIndex: 0,
    hintTerm: 0,
  })
  return firstIndex
}

/** Takes proposals as leader: all of them or none. */
export function proposeAsLeader(core: RaftCore, payloads: readonly Payload[]): LeaderProposal {
  const refusal = refuseProposal(core)
  if (refusal !== undefined) return { ok: false, reason: refusal }
  if (isOverloadedBy(core, payloads)) return { ok: false, reason: 'overloaded' }
  return admit(core, payloads)
}

/** Leaves a joint membership by itself once entering it was applied (Raft §6, Thesis §4.3). */
export function leaveJointIfDue(core: RaftCore): void {
  if (core.role !== 'leader' || !core.membership.autoLeave) return
  if (core.log.appliedIndex < core.pendingMembershipIndex) return
  // No limit on uncommitted bytes applies: an overloaded group must still be able to get out of its joint membership.
  if (refuseProposal(core) !== undefined) return
  const admitted = admit(core, [LEAVE_JOINT])
  if (admitted.ok) core.options.trace?.({ kind: 'leaving-joint-membership', index: admitted.firstIndex })
}

function refuseProposal(core: RaftCore): ProposalRefusal | undefined {
  if (!core.tracker.has(core.id)) return 'removed'
  if (core.transferee !== 0) return 'transferring'
  return undefined
}

/** A single proposal above the limit passes when nothing else is pending: otherwise it could never be made. */
function isOverloadedBy(core: RaftCore, payloads: readonly Payload[]): boolean {
  if (core.uncommittedBytes === 0) return false
  let bytes = core.uncommittedBytes
  for (const payload of payloads) bytes += entryBytes(payload)
  return bytes > core.options.maxUncommittedBytes
}

function admit(core: RaftCore, payloads: readonly Payload[]): LeaderProposal {
  let admitted = payloads
  let membershipRefusal: MembershipRefusal | undefined
  for (let i = 0; i < payloads.length; i++) {
    const payload = payloads[i] as Payload
    if (payload.type === 'shard') {
      // What a shard's change finds must not change its members before it is applied, and everybody hears at once that it is committed.
      core.pendingMembershipIndex = core.log.lastIndex + 1 + i
      continue
    }
    if (!changesMembership(payload.type)) continue
    const reason = refuseMembershipChange(core, payload)
    if (reason === undefined) {
      core.pendingMembershipIndex = core.log.lastIndex + 1 + i
      continue
    }
    membershipRefusal = reason
    core.options.trace?.({ kind: 'membership-refused', reason })
    // The place of the refused change is kept, so that the indexes of the other proposals do not depend on it.
    admitted = admitted.map((other, position) => (position === i ? EMPTY_PAYLOAD : other))
  }
  const firstIndex = appendOwnEntries(core, admitted)
  broadcastAppend(core)
  return { ok: true, firstIndex, membershipRefusal }
}

function refuseMembershipChange(core: RaftCore, payload: Payload): MembershipRefusal | undefined {
  const decoded = decodeMembershipChange(payload.data)
  if (!decoded.ok) return 'malformed'
  if (!core.options.validateMembership) return undefined
  if (core.pendingMembershipIndex > core.log.appliedIndex) return 'change-pending'
  const leaves = decoded.value.operations.length === 0
  if (isJoint(core.membership) && !leaves) return 'joint'
  if (!isJoint(core.membership) && leaves) return 'not-joint'
  // Nothing can change the membership before this entry is applied, so what is impossible now would crash every replica then.
  return changeMembership(core.membership, decoded.value).ok ? undefined : 'illegal'
}
