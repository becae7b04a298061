/**
 * The rules for terms that come before all others (Raft §5.1; Figure 2, "Rules for Servers"), then the dispatch by role.
 * Called for every message that arrives and for those a replica addresses to itself.
 */
import { unreachable } from '../base/index.ts'
import { stepCandidate } from './candidate.ts'
import type { RaftCore } from './core.ts'
import { handleVoteRequest, isInLease, leaderOf, refuseVote } from './elections.ts'
import { stepFollower } from './follower.ts'
import { stepLeader } from './leader.ts'
import { STEPPED, type StepResult } from './results.ts'
import { becomeFollower } from './roles.ts'
import type { Message } from './types.ts'

const UNKNOWN_SENDER: StepResult = { ok: false, error: 'unknown-sender' }
const LOCAL_MESSAGE: StepResult = { ok: false, error: 'local-message' }
const MISADDRESSED: StepResult = { ok: false, error: 'misaddressed' }

/** What may be wrong with a message before its content matters. */
export function checkAddress(core: RaftCore, message: Message): StepResult {
  if (message.to !== core.id) return MISADDRESSED
  switch (message.type) {
    case 'AppendEntriesReply':
    case 'RequestVoteReply':
    case 'PreVoteReply':
      // With asynchronous storage these come from the replica itself, too.
      return core.tracker.has(message.from) ? STEPPED : UNKNOWN_SENDER
    case 'HeartbeatReply':
    case 'ReadIndexReply':
      if (message.from === core.id) return LOCAL_MESSAGE
      return core.tracker.has(message.from) ? STEPPED : UNKNOWN_SENDER
    case 'Propose':
    case 'TransferLeader':
    case 'ReadIndex':
      // Forwarded ones keep their first sender, which two replicas that disagree about the leader may send back to it.
      return STEPPED
    default:
      return message.from === core.id ? LOCAL_MESSAGE : STEPPED
  }
}

export function step(core: RaftCore, message: Message): StepResult {
  // Term 0: the message carries none.
  if (message.term > core.term) {
    if (stepNewerTerm(core, message) === 'ignore') return STEPPED
  } else if (message.term < core.term && message.term !== 0) {
    stepOlderTerm(core, message)
    return STEPPED
  }
  if (message.type === 'RequestVote' || message.type === 'PreVote') {
    handleVoteRequest(core, message)
    return STEPPED
  }
  switch (core.role) {
    case 'follower':
      return stepFollower(core, message)
    case 'pre-candidate':
    case 'candidate':
      return stepCandidate(core, message)
    case 'leader':
      return stepLeader(core, message)
    default:
      return unreachable(core.role)
  }
}

function stepNewerTerm(core: RaftCore, message: Message): 'go-on' | 'ignore' {
  if (message.type === 'RequestVote' || message.type === 'PreVote') {
    if (isInLease(core, message)) return 'ignore'
    // A poll changes no term; the election it leads to does.
    if (message.type === 'PreVote') return 'go-on'
  }
  // A granted poll speaks of a term that nobody has entered yet.
  if (message.type === 'PreVoteReply' && message.granted) return 'go-on'
  becomeFollower(core, message.term, leaderOf(message))
  return 'go-on'
}

function stepOlderTerm(core: RaftCore, message: Message): void {
  switch (message.type) {
    case 'AppendEntries':
    case 'Heartbeat':
      // Silence would leave both stuck: this replica cannot win votes inside the leases that the old leader keeps up, and with
      // PreVote it does not disturb anybody with its term. The answer carries the term, which deposes the old leader.
      if (core.options.checkQuorum || core.options.preVote) tellTerm(core, message)
      return
    case 'PreVote':
      // A replica whose term ran ahead while votes are polled would otherwise never tell anybody.
      refuseVote(core, message)
      return
    default:
      return
  }
}

function tellTerm(core: RaftCore, message: Message): void {
  core.sendAfterAppend({
    type: 'AppendEntriesReply',
    from: core.id,
    to: message.from,
    term: core.term,
    index: 0,
    rejected: false,
    hintIndex: 0,
    hintTerm: 0,
  })
}
