/**
 * Linearizable reads without log entries (Thesis §6.4): remember the commit index, confirm that no newer leader exists, let
 * the read run once that index is applied. One confirmed round serves all attempts before it. A lease (Thesis §6.4.1) is a
 * recent round that still excludes other leaders.
 */
import type { RaftCore } from './core.ts'
import { ASKED_HERE, type PendingRead } from './pending-reads.ts'
import type { ReadIndexResult } from './results.ts'
import { type Message, NO_REPLICA, type ReplicaId } from './types.ts'

/** As leader, or by asking the leader when reads are forwarded. The answer comes as a ReadState with the same id, or never. */
export function requestRead(core: RaftCore): ReadIndexResult {
  if (core.role !== 'leader') {
    if (!core.options.forwardReads || core.leader === NO_REPLICA || core.role !== 'follower') {
      return { ok: false, reason: 'not-leader', leader: core.leader }
    }
    const readId = freshRemoteId(core)
    core.send({ type: 'ReadIndex', from: core.id, to: core.leader, term: 0, readId })
    return { ok: true, readId }
  }
  if (!hasCommittedInTerm(core)) return { ok: false, reason: 'no-commit-in-term', leader: core.leader }
  const readId = core.reads.nextId()
  begin(core, { readId, index: core.log.commitIndex, ...ASKED_HERE })
  return { ok: true, readId }
}

/**
 * The word that this replica gives with a read that it passes on: its term at this moment, which it entered before it voted in it. Whoever it helped to
 * elect leads in this term or an earlier one. Votes survive restarts, so this holds for all its lives.
 */
export function vouchingTerm(core: RaftCore): number {
  return core.term
}

/**
 * The commit index for a read that a voter vouches for: after the read was asked for, it was in `term`. When that is ours and the two of us
 * are a quorum, nobody else led at that moment: a later leader needs a vote of one of us, and whoever votes enters the later term first. So
 * the vouching does what the answer to a heartbeat does, and came with the question. It may be old; all that counts is that it is younger
 * than the read. Undefined when it proves nothing; a round then will.
 */
export function vouchedReadIndex(core: RaftCore, voter: ReplicaId, term: number): number | undefined {
  if (core.role !== 'leader' || term !== core.term || !hasCommittedInTerm(core)) return undefined
  return core.tracker.isQuorumOf(core.id, voter) ? core.log.commitIndex : undefined
}

/** A follower asks. A leader that cannot answer yet stays silent; the follower's host gives up and asks again. */
export function answerRemoteRead(core: RaftCore, message: Extract<Message, { type: 'ReadIndex' }>): void {
  if (!hasCommittedInTerm(core)) return
  begin(core, {
    readId: core.reads.nextId(),
    index: core.log.commitIndex,
    from: message.from,
    remoteReadId: message.readId,
  })
}

/** Raft §8: until it committed an entry of its own term a leader may not know of everything its predecessors committed. */
function hasCommittedInTerm(core: RaftCore): boolean {
  return core.log.term(core.log.commitIndex) === core.term
}

function begin(core: RaftCore, read: PendingRead): void {
  if (holdsLease(core)) {
    settle(core, read)
    return
  }
  core.reads.add(read)
  confirmReads(core)
  // A leader that is the only voter has confirmed itself by now.
  if (!core.reads.isEmpty) core.reads.isRoundDue = true
}

/** Settles what a quorum has confirmed by now. The leader itself confirms everything, if it counts. */
export function confirmReads(core: RaftCore): void {
  const own = core.tracker.get(core.id)
  if (own !== undefined) own.confirmedReadId = core.reads.newestId
  const confirmed = core.tracker.confirmedReadId()
  renewLease(core, confirmed)
  if (core.reads.isEmpty) return
  for (const read of core.reads.take(confirmed)) settle(core, read)
}

function settle(core: RaftCore, read: PendingRead): void {
  if (read.from === NO_REPLICA) {
    core.readStates.push({ readId: read.readId, index: read.index })
    return
  }
  core.send({
    type: 'ReadIndexReply',
    from: core.id,
    to: read.from,
    term: core.term,
    readId: read.remoteReadId,
    index: read.index,
  })
}

// ---- lease ---------------------------------------------------------------------------------------------------------

function holdsLease(core: RaftCore): boolean {
  return core.options.readMode === 'lease' && !core.reads.isLeaseBroken && core.reads.ticks < core.reads.leaseUntilTicks
}

/** Makes the next heartbeats a round whose confirmation renews the lease. A round that was lost is replaced by the next. */
export function startLeaseRound(core: RaftCore): void {
  if (core.options.readMode !== 'lease') return
  const { reads } = core
  if (reads.leaseRoundId !== 0 && reads.ticks - reads.leaseRoundSentTicks < core.options.electionTicks) return
  reads.leaseRoundId = reads.nextId()
  reads.leaseRoundSentTicks = reads.ticks
}

/**
 * Whoever answered refuses other candidates for electionTicks after the heartbeat came, hence not before that many ticks
 * after it was sent. Two ticks less, because on either side a tick may be nearly over when counting begins.
 */
function renewLease(core: RaftCore, confirmed: number): void {
  const { reads } = core
  if (reads.leaseRoundId === 0 || confirmed < reads.leaseRoundId) return
  reads.leaseUntilTicks = reads.leaseRoundSentTicks + core.options.electionTicks - 1
  reads.leaseRoundId = 0
}

/**
 * Not consecutive like a leader's ids: a restarted follower must not take a late answer to an attempt of its former life for
 * one of its own, so the id is drawn from 2^48.
 */
function freshRemoteId(core: RaftCore): number {
  const half = 2 ** 24
  return 1 + core.options.random.below(half) * half + core.options.random.below(half)
}
