/** What a candidate or pre-candidate does with messages of its own term (Raft §5.2). */
import type { RaftCore } from './core.ts'
import { handleVoteReply } from './elections.ts'
import { stepFollower } from './follower.ts'
import { STEPPED, type StepResult } from './results.ts'
import { becomeFollower } from './roles.ts'
import type { Message } from './types.ts'

const DROPPED: StepResult = { ok: false, error: 'proposal-dropped' }

export function stepCandidate(core: RaftCore, message: Message): StepResult {
  switch (message.type) {
    case 'AppendEntries':
    case 'Heartbeat':
    case 'InstallSnapshot':
      // Somebody won this term.
      becomeFollower(core, core.term, message.from)
      return stepFollower(core, message)
    case 'RequestVoteReply':
    case 'PreVoteReply':
      handleVoteReply(core, message)
      return STEPPED
    case 'Propose':
      return DROPPED
    case 'RequestVote':
    case 'PreVote':
    case 'AppendEntriesReply':
    case 'HeartbeatReply':
    case 'TimeoutNow':
    case 'TransferLeader':
    case 'ReadIndex':
    case 'ReadIndexReply':
      return STEPPED
  }
}
