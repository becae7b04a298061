/**
 * What a follower does with messages of its leader (Raft §5.3, §7) and with requests it can only pass on. Candidates come
 * here, too, after a message of a leader of their term made them followers (Raft §5.2).
 */
import type { RaftCore } from './core.ts'
import { startCampaign } from './elections.ts'
import { isVoter, restoreMembership } from './membership.ts'
import { STEPPED, type StepResult } from './results.ts'
import { type Message, NO_REPLICA, type ReplicaId, type SnapshotMeta } from './types.ts'

const DROPPED: StepResult = { ok: false, error: 'proposal-dropped' }

export function stepFollower(core: RaftCore, message: Message): StepResult {
  switch (message.type) {
    case 'AppendEntries':
      hearLeader(core, message.from)
      handleAppendEntries(core, message)
      return STEPPED
    case 'Heartbeat':
      hearLeader(core, message.from)
      handleHeartbeat(core, message)
      return STEPPED
    case 'InstallSnapshot':
      hearLeader(core, message.from)
      handleInstallSnapshot(core, message)
      return STEPPED
    case 'TimeoutNow':
      // Thesis §3.10: the leader wants this; asking around first (PreVote) would only meet voters that still have a leader.
      startCampaign(core, 'transfer')
      return STEPPED
    case 'Propose':
      if (!core.options.forwardProposals || core.leader === NO_REPLICA) return DROPPED
      core.send({ ...message, to: core.leader })
      return STEPPED
    case 'TransferLeader':
      if (core.leader !== NO_REPLICA) core.send({ ...message, to: core.leader })
      return STEPPED
    case 'ReadIndex':
      if (core.options.forwardReads && core.leader !== NO_REPLICA) core.send({ ...message, to: core.leader })
      return STEPPED
    case 'ReadIndexReply':
      core.readStates.push({ readId: message.readId, index: message.index })
      return STEPPED
    case 'RequestVote':
    case 'PreVote':
    case 'RequestVoteReply':
    case 'PreVoteReply':
    case 'AppendEntriesReply':
    case 'HeartbeatReply':
      // Answers to a role it no longer has; vote requests were answered before.
      return STEPPED
  }
}

function hearLeader(core: RaftCore, leader: ReplicaId): void {
  core.electionElapsed = 0
  core.leader = leader
}

function handleAppendEntries(core: RaftCore, message: Extract<Message, { type: 'AppendEntries' }>): void {
  const { log } = core
  // Everything committed is the same on both sides, so this is where they agree at least.
  if (message.prevLogIndex < log.commitIndex) {
    acknowledge(core, message.from, log.commitIndex)
    return
  }
  const lastNew = log.tryAppend(message.prevLogIndex, message.prevLogTerm, message.entries)
  if (lastNew === undefined) {
    refuse(core, message)
    return
  }
  // Raft, Figure 2, AppendEntries step 5: only what this message verified may be called committed.
  log.commitTo(Math.min(message.leaderCommit, lastNew))
  acknowledge(core, message.from, lastNew)
}

function acknowledge(core: RaftCore, leader: ReplicaId, index: number): void {
  core.sendAfterAppend({
    type: 'AppendEntriesReply',
    from: core.id,
    to: leader,
    term: core.term,
    index,
    rejected: false,
    hintIndex: 0,
    hintTerm: 0,
  })
}

function refuse(core: RaftCore, message: Extract<Message, { type: 'AppendEntries' }>): void {
  core.options.trace?.({ kind: 'append-refused', leader: message.from, prevLogIndex: message.prevLogIndex })
  const hint = core.log.conflictHint(Math.min(message.prevLogIndex, core.log.lastIndex), message.prevLogTerm)
  core.sendAfterAppend({
    type: 'AppendEntriesReply',
    from: core.id,
    to: message.from,
    term: core.term,
    index: message.prevLogIndex,
    rejected: true,
    hintIndex: hint.index,
    hintTerm: hint.term,
  })
}

function handleHeartbeat(core: RaftCore, message: Extract<Message, { type: 'Heartbeat' }>): void {
  core.log.commitTo(message.commitIndex)
  core.send({ type: 'HeartbeatReply', from: core.id, to: message.from, term: core.term, readId: message.readId })
}

function handleInstallSnapshot(core: RaftCore, message: Extract<Message, { type: 'InstallSnapshot' }>): void {
  const restored = restore(core, message.snapshot)
  acknowledge(core, message.from, restored ? core.log.lastIndex : core.log.commitIndex)
}

/** Raft §7, InstallSnapshot: true when the log was replaced by the snapshot. */
function restore(core: RaftCore, snapshot: SnapshotMeta): boolean {
  const { log } = core
  const { membership } = snapshot
  const isMember = isVoter(membership, core.id) || membership.learners.includes(core.id)
  const isKnown = snapshot.index > log.commitIndex && log.term(snapshot.index) === snapshot.term
  if (snapshot.index <= log.commitIndex || !isMember || isKnown) {
    // Step 6: with an entry like the snapshot's last one the log is right up to there; only the commit index is news.
    if (isKnown && isMember) log.commitTo(snapshot.index)
    core.options.trace?.({ kind: 'snapshot-ignored', index: snapshot.index, term: snapshot.term })
    return false
  }
  log.restore(snapshot)
  core.tracker.replaceMembers(restoreMembership(membership), undefined, log.lastIndex)
  core.options.trace?.({ kind: 'membership-switched', membership: core.membership })
  core.options.trace?.({ kind: 'snapshot-restored', index: snapshot.index, term: snapshot.term })
  return true
}
