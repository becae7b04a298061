/**
 * What a leader sends to keep the other logs like its own, and what it learns from their answers: AppendEntries, snapshots,
 * heartbeats, the commit index (Raft §5.3, §5.4.2, §7). What it believes of each peer changes in `progress.ts`.
 */
import { assert } from '../base/index.ts'
import type { RaftCore } from './core.ts'
import { EMPTY_SLICE } from './entry.ts'
import { UNKNOWN_TERM } from './log.ts'
import type { AppendDue, Progress } from './progress.ts'
import { confirmReads, startLeaseRound } from './read-index.ts'
import { handOverIfCaughtUp } from './transfer.ts'
import type { Message, ReplicaId } from './types.ts'

const ONLY_ENTRIES = 1
const EVEN_EMPTY = 2

/** Every peer gets what is new, or at least the commit index. */
export function broadcastAppend(core: RaftCore): void {
  requestAppends(core, EVEN_EMPTY)
}

/** Peers for whom there are entries get them; the others get nothing. */
export function broadcastEntries(core: RaftCore): void {
  requestAppends(core, ONLY_ENTRIES)
}

function requestAppends(core: RaftCore, due: AppendDue): void {
  const { ids, all } = core.tracker
  for (let i = 0; i < ids.length; i++) {
    const peer = ids[i] as ReplicaId
    if (peer !== core.id) requestAppend(core, peer, all[i] as Progress, due)
  }
}

/** Sends at once, or notes it for the end of the turn when appends are batched. */
export function requestAppend(core: RaftCore, peer: ReplicaId, progress: Progress, due: AppendDue): void {
  if (!core.options.batchAppends) {
    sendAppend(core, peer, progress, due === EVEN_EMPTY)
    return
  }
  // A paused peer is asked again by whatever resumes it.
  if (progress.isPaused) return
  if (due > progress.appendDue) progress.appendDue = due
  core.appendsDue = true
}

/** The end of a turn: each peer gets all that is new, in messages as large as allowed. */
export function flushAppends(core: RaftCore): void {
  if (!core.appendsDue) return
  core.appendsDue = false
  const { ids, all } = core.tracker
  for (let i = 0; i < ids.length; i++) {
    const progress = all[i] as Progress
    const due = progress.appendDue
    if (due === 0) continue
    progress.appendDue = 0
    const peer = ids[i] as ReplicaId
    if (sendAppend(core, peer, progress, due === EVEN_EMPTY)) sendAllEntries(core, peer, progress)
  }
}

function sendAllEntries(core: RaftCore, peer: ReplicaId, progress: Progress): void {
  while (progress.nextIndex <= core.log.lastIndex && sendAppend(core, peer, progress, false)) {
    // Until the peer is paused or has everything.
  }
}

/** Sends one AppendEntries, or a snapshot when the entries are gone. True when a message left. */
function sendAppend(core: RaftCore, peer: ReplicaId, progress: Progress, evenEmpty: boolean): boolean {
  if (progress.isPaused) return false
  const { log } = core
  const prevLogIndex = progress.nextIndex - 1
  const prevLogTerm = log.term(prevLogIndex)
  if (prevLogTerm === UNKNOWN_TERM) return sendSnapshot(core, peer, progress)
  const isWindowFull = progress.state === 'replicate' && progress.inflight.isFull
  const slice = isWindowFull ? EMPTY_SLICE : log.entriesFrom(progress.nextIndex, core.options.maxMessageBytes)
  if (slice === 'compacted') return sendSnapshot(core, peer, progress)
  if (slice.entries.length === 0 && !evenEmpty) return false
  core.send({
    type: 'AppendEntries',
    from: core.id,
    to: peer,
    term: core.term,
    prevLogIndex,
    prevLogTerm,
    entries: slice.entries,
    leaderCommit: log.commitIndex,
  })
  progress.sent(slice.entries.length, slice.bytes, log.commitIndex)
  return true
}

/** Raft §7. A peer that does not answer gets none: the contents are expensive, and it could not use them. */
function sendSnapshot(core: RaftCore, peer: ReplicaId, progress: Progress): boolean {
  if (!progress.recentlyActive) return false
  const snapshot = core.log.snapshot
  if (snapshot === undefined) return false
  assert(snapshot.index > 0, 'an empty snapshot cannot help a peer')
  progress.becomeSnapshot(snapshot.index)
  core.options.trace?.({ kind: 'snapshot-sent', peer, index: snapshot.index })
  core.send({ type: 'InstallSnapshot', from: core.id, to: peer, term: core.term, snapshot })
  return true
}

/** Raft §5.2: heartbeats keep the authority; they also carry the commit index, the waiting reads and the lease. */
export function broadcastHeartbeat(core: RaftCore): void {
  startLeaseRound(core)
  core.reads.isRoundDue = false
  const readId = Math.max(core.reads.newestPendingId, core.reads.leaseRoundId)
  const { ids, all } = core.tracker
  for (let i = 0; i < ids.length; i++) {
    const peer = ids[i] as ReplicaId
    if (peer === core.id) continue
    const progress = all[i] as Progress
    progress.repairDue = true
    sendHeartbeat(core, peer, progress, readId)
  }
}

/**
 * One round for all reads that came since the last one. Only voters confirm leadership, and no more of them are asked than are
 * needed: the next heartbeat of the timer carries the same id to everybody, should one of those asked not answer.
 */
export function flushReadRound(core: RaftCore): void {
  if (!core.reads.isRoundDue) return
  core.reads.isRoundDue = false
  const fewest = core.options.batchAppends ? core.tracker.fewestForQuorum(core.id) : undefined
  const { ids, all } = core.tracker
  for (let i = 0; i < ids.length; i++) {
    const progress = all[i] as Progress
    const peer = ids[i] as ReplicaId
    if (peer === core.id || progress.isLearner || fewest?.includes(peer) === false) continue
    sendHeartbeat(core, peer, progress, core.reads.newestPendingId)
  }
}

function sendHeartbeat(core: RaftCore, peer: ReplicaId, progress: Progress, readId: number): void {
  // What is beyond matchIndex may differ from this log there, so it must not be called committed.
  const commitIndex = Math.min(progress.matchIndex, core.log.commitIndex)
  progress.sentCommitIndex = commitIndex
  core.send({ type: 'Heartbeat', from: core.id, to: peer, term: core.term, commitIndex, readId })
}

/**
 * Raft §5.3, §5.4.2: commits the highest index that a quorum has stored, only if its entry is of the current term;
 * everything before it is then committed by log matching. Entries of older terms are never counted (Figure 8).
 */
export function advanceCommit(core: RaftCore): boolean {
  const index = core.tracker.committedIndex()
  if (index <= core.log.commitIndex || core.log.term(index) !== core.term) return false
  core.log.commitTo(index)
  return true
}

/** Tells the peers of an advance of the commit index, unless that can wait for the next append or heartbeat. */
export function announceCommit(core: RaftCore, before: number): void {
  const { pendingMembershipIndex } = core
  // A membership change is never quiet: those it removes hear of it only now, since they get nothing once it is applied.
  const changesMembership = before < pendingMembershipIndex && pendingMembershipIndex <= core.log.commitIndex
  if (!core.options.quietCommits || changesMembership) broadcastAppend(core)
}

export function handleAppendReply(
  core: RaftCore,
  message: Extract<Message, { type: 'AppendEntriesReply' }>,
  progress: Progress,
): void {
  progress.recentlyActive = true
  progress.heardOrder = ++core.heardOrder
  if (message.rejected) {
    handleRefusedAppend(core, message, progress)
    return
  }
  const isNews = progress.acknowledge(message.index)
  if (!isNews && !(progress.matchIndex === message.index && progress.state === 'probe')) return
  const peer = message.from
  switch (progress.state) {
    case 'probe':
      progress.becomeReplicate()
      break
    case 'snapshot':
      // The log reaches back to what it has now, whether or not that is the very snapshot it was sent.
      if (progress.matchIndex + 1 >= core.log.firstIndex) {
        progress.becomeProbe()
        progress.becomeReplicate()
      }
      break
    case 'replicate':
      progress.inflight.freeTo(message.index)
      break
  }
  const before = core.log.commitIndex
  if (advanceCommit(core)) {
    announceCommit(core, before)
  } else if (peer !== core.id && !core.options.quietCommits && isCommitUnknownTo(core, progress)) {
    requestAppend(core, peer, progress, EVEN_EMPTY)
  }
  if (peer === core.id) return
  if (!core.options.batchAppends) sendAllEntries(core, peer, progress)
  else if (progress.nextIndex <= core.log.lastIndex) requestAppend(core, peer, progress, ONLY_ENTRIES)
  handOverIfCaughtUp(core, peer, progress)
}

/** It has entries that it was not told are committed. */
function isCommitUnknownTo(core: RaftCore, progress: Progress): boolean {
  return core.log.commitIndex > progress.sentCommitIndex && progress.sentCommitIndex < progress.nextIndex - 1
}

function handleRefusedAppend(
  core: RaftCore,
  message: Extract<Message, { type: 'AppendEntriesReply' }>,
  progress: Progress,
): void {
  // Both sides skip what cannot match: the follower offered its last index with a term not above ours, and here the
  // search goes on down to a term not above its (Raft §5.3).
  const probeIndex =
    message.hintTerm > 0 ? core.log.conflictHint(message.hintIndex, message.hintTerm).index : message.hintIndex
  if (!progress.backOff(message.index, probeIndex)) return
  core.options.trace?.({ kind: 'peer-backed-off', peer: message.from, nextIndex: progress.nextIndex })
  if (progress.state === 'replicate') progress.becomeProbe()
  requestAppend(core, message.from, progress, EVEN_EMPTY)
}

export function handleHeartbeatReply(
  core: RaftCore,
  message: Extract<Message, { type: 'HeartbeatReply' }>,
  progress: Progress,
): void {
  progress.recentlyActive = true
  progress.heardOrder = ++core.heardOrder
  progress.resume()
  // With reads in every turn, answers come far more often than the timer; one of them per heartbeat suffices to find a gap.
  const mayRepair = progress.repairDue || !core.options.batchAppends
  progress.repairDue = false
  if (mayRepair && (progress.matchIndex < core.log.lastIndex || progress.state === 'probe')) {
    requestAppend(core, message.from, progress, EVEN_EMPTY)
  }
  if (message.readId > progress.confirmedReadId) {
    progress.confirmedReadId = message.readId
    confirmReads(core)
  }
}

/** The transport could not deliver to `peer`: what was sent ahead may be lost, so its log is probed again. */
export function reportUnreachable(core: RaftCore, peer: ReplicaId): void {
  const progress = core.tracker.get(peer)
  if (core.role !== 'leader' || progress === undefined) return
  if (progress.state === 'replicate') progress.becomeProbe()
  core.options.trace?.({ kind: 'peer-unreachable', peer })
}

/** The contents of a snapshot reached `peer`, or did not. Either way probing waits for it to speak. */
export function reportSnapshot(core: RaftCore, peer: ReplicaId, ok: boolean): void {
  const progress = core.tracker.get(peer)
  if (core.role !== 'leader' || progress?.state !== 'snapshot') return
  if (ok) progress.becomeProbe()
  else progress.snapshotFailed()
  progress.pause()
}
