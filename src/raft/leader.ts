/** What a leader does with messages of its own term, and on its ticks. The work is in the modules it hands them to. */
import { assert } from '../base/index.ts'
import type { RaftCore } from './core.ts'
import type { Progress } from './progress.ts'
import { leaveJointIfDue, proposeAsLeader } from './proposals.ts'
import { answerRemoteRead } from './read-index.ts'
import { broadcastHeartbeat, handleAppendReply, handleHeartbeatReply } from './replication.ts'
import { STEPPED, type StepResult } from './results.ts'
import { becomeFollower } from './roles.ts'
import { abortTransfer, startTransfer } from './transfer.ts'
import { type Message, NO_REPLICA } from './types.ts'

const DROPPED: StepResult = { ok: false, error: 'proposal-dropped' }

export function stepLeader(core: RaftCore, message: Message): StepResult {
  switch (message.type) {
    case 'Propose':
      return proposeAsLeader(core, message.entries).ok ? STEPPED : DROPPED
    case 'AppendEntriesReply': {
      const progress = core.tracker.get(message.from)
      if (progress !== undefined) handleAppendReply(core, message, progress)
      return STEPPED
    }
    case 'HeartbeatReply': {
      const progress = core.tracker.get(message.from)
      if (progress !== undefined) handleHeartbeatReply(core, message, progress)
      return STEPPED
    }
    case 'TransferLeader':
      startTransfer(core, message.transferee)
      return STEPPED
    case 'ReadIndex':
      answerRemoteRead(core, message)
      return STEPPED
    case 'AppendEntries':
    case 'Heartbeat':
    case 'InstallSnapshot':
      assert(false, `replicas ${core.id} and ${message.from} both lead term ${core.term}`)
      return STEPPED
    case 'RequestVote':
    case 'PreVote':
    case 'RequestVoteReply':
    case 'PreVoteReply':
    case 'TimeoutNow':
    case 'ReadIndexReply':
      return STEPPED
  }
}

export function tickLeader(core: RaftCore): void {
  core.heartbeatElapsed += 1
  core.electionElapsed += 1
  core.reads.ticks += 1
  if (core.electionElapsed >= core.options.electionTicks) {
    core.electionElapsed = 0
    if (core.options.checkQuorum) checkQuorum(core)
    // Thesis §3.10: a transfer that takes longer than an election timeout failed; clients are waiting.
    const { transferee } = core
    abortTransfer(core)
    // The joint membership could not be left meanwhile, and in a group where nothing happens nothing else would remind of it.
    if (transferee !== NO_REPLICA) leaveJointIfDue(core)
  }
  if (core.role !== 'leader' || core.heartbeatElapsed < core.options.heartbeatTicks) return
  core.heartbeatElapsed = 0
  broadcastHeartbeat(core)
}

/** Thesis §6.2: a leader that has heard from no quorum for an election timeout steps down, so that its clients go elsewhere. */
function checkQuorum(core: RaftCore): void {
  if (!core.tracker.isQuorumActive()) {
    core.options.trace?.({ kind: 'quorum-inactive', term: core.term })
    becomeFollower(core, core.term, NO_REPLICA)
  }
  const { ids, all } = core.tracker
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] !== core.id) (all[i] as Progress).checked()
  }
}
