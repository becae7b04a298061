/**
 * Leadership transfer (Thesis §3.10): bring the target up to date, tell it to campaign at once, refuse proposals meanwhile,
 * give up after an election timeout.
 */
import type { RaftCore } from './core.ts'
import type { Progress } from './progress.ts'
import { requestAppend } from './replication.ts'
import { NO_REPLICA, type ReplicaId } from './types.ts'

export function startTransfer(core: RaftCore, to: ReplicaId): void {
  const progress = core.tracker.get(to)
  if (progress === undefined || progress.isLearner || core.transferee === to) return
  if (core.transferee !== NO_REPLICA) abortTransfer(core)
  if (to === core.id) return
  core.transferee = to
  // The transfer has one election timeout to succeed, counted from now.
  core.electionElapsed = 0
  core.options.trace?.({ kind: 'transfer-started', to })
  if (progress.matchIndex === core.log.lastIndex) sendTimeoutNow(core, to)
  else requestAppend(core, to, progress, 2)
}

export function abortTransfer(core: RaftCore): void {
  if (core.transferee === NO_REPLICA) return
  core.options.trace?.({ kind: 'transfer-aborted', to: core.transferee })
  core.transferee = NO_REPLICA
}

export function handOverIfCaughtUp(core: RaftCore, peer: ReplicaId, progress: Progress): void {
  if (peer === core.transferee && progress.matchIndex === core.log.lastIndex) sendTimeoutNow(core, peer)
}

function sendTimeoutNow(core: RaftCore, to: ReplicaId): void {
  // From here on somebody may be elected before any lease runs out, even if the message arrives long after the transfer was
  // given up.
  core.reads.isLeaseBroken = true
  core.options.trace?.({ kind: 'election-handed-over', to })
  core.send({ type: 'TimeoutNow', from: core.id, to, term: core.term })
}
