/**
 * Leader election (Raft §5.2, §5.4.1), the poll before it (PreVote, Thesis §9.6), and the grant or refusal of votes, which
 * is the same in every role.
 */
import { unreachable } from '../base/index.ts'
import type { RaftCore } from './core.ts'
import { isVoter } from './membership.ts'
import { broadcastAppend } from './replication.ts'
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from './roles.ts'
import type { CampaignKind } from './trace.ts'
import { type Message, NO_REPLICA, type ReplicaId } from './types.ts'

type VoteRequest = Extract<Message, { type: 'RequestVote' | 'PreVote' }>
type VoteReply = Extract<Message, { type: 'RequestVoteReply' | 'PreVoteReply' }>

/** Campaigns if that is allowed; a leader stays what it is. */
export function startCampaign(core: RaftCore, kind: CampaignKind): void {
  if (core.role === 'leader') return
  if (!core.isPromotable) {
    core.options.trace?.({ kind: 'campaign-refused', reason: 'unpromotable' })
    return
  }
  // Thesis §4.1: with a committed change not applied it would count votes by a membership that is no longer in force.
  if (core.log.hasUnappliedMembershipChange()) {
    core.options.trace?.({ kind: 'campaign-refused', reason: 'unapplied-membership-change' })
    return
  }
  campaign(core, kind)
}

function campaign(core: RaftCore, kind: CampaignKind): void {
  const isPreVote = kind === 'pre-election'
  if (isPreVote) becomePreCandidate(core)
  else becomeCandidate(core)
  const term = isPreVote ? core.term + 1 : core.term
  const { ids } = core.tracker
  for (const voter of ids) {
    if (!isVoter(core.membership, voter)) continue
    if (voter === core.id) {
      // Its own vote, too, counts only once it is durable.
      const type = isPreVote ? 'PreVoteReply' : 'RequestVoteReply'
      core.sendAfterAppend({ type, from: core.id, to: core.id, term, granted: true, commitIndex: 0, commitTerm: 0 })
      continue
    }
    core.send({
      type: isPreVote ? 'PreVote' : 'RequestVote',
      from: core.id,
      to: voter,
      term,
      lastLogIndex: core.log.lastIndex,
      lastLogTerm: core.log.lastTerm,
      leadershipTransfer: kind === 'transfer',
    })
  }
}

/**
 * Raft §5.2, §5.4.1: one vote per term, and only for a log at least as up-to-date. Learners vote like anybody: a candidate
 * that asks may know of a membership in which they are voters already.
 */
export function handleVoteRequest(core: RaftCore, request: VoteRequest): void {
  const isPreVote = request.type === 'PreVote'
  const mayVote =
    core.votedFor === request.from ||
    (core.votedFor === NO_REPLICA && core.leader === NO_REPLICA) ||
    (isPreVote && request.term > core.term)
  const granted = mayVote && core.log.isUpToDate(request.lastLogTerm, request.lastLogIndex)
  core.options.trace?.({
    kind: granted ? 'vote-cast' : 'vote-refused',
    candidate: request.from,
    term: core.term,
    isPreVote,
  })
  if (granted && !isPreVote) {
    core.electionElapsed = 0
    core.votedFor = request.from
  }
  // A granted PreVote speaks of the term to come, which the voter has not entered.
  replyToVote(core, request, granted ? request.term : core.term, granted)
}

/** A request from an older term: the candidate learns the present one. */
export function refuseVote(core: RaftCore, request: VoteRequest): void {
  core.options.trace?.({
    kind: 'vote-refused',
    candidate: request.from,
    term: core.term,
    isPreVote: request.type === 'PreVote',
  })
  replyToVote(core, request, core.term, false)
}

/**
 * A refusal by a replica that cannot lead says what is committed. Story, with a joint membership that replaces voters 1 and 2
 * by 3: 1. leader 1 commits the entry that ends the joint phase, sends one more entry to 2 and steps down; 2. replica 3 has the
 * ending entry, but has not heard that it is committed, so it still asks 1 and 2; 3. both refuse, for their logs are longer, and
 * neither may lead, being removed. Told what is committed, 3 applies it and needs nobody else.
 */
function replyToVote(core: RaftCore, request: VoteRequest, term: number, granted: boolean): void {
  const tellsCommit = !granted && !core.isPromotable
  core.sendAfterAppend({
    type: request.type === 'PreVote' ? 'PreVoteReply' : 'RequestVoteReply',
    from: core.id,
    to: request.from,
    term,
    granted,
    commitIndex: tellsCommit ? core.log.commitIndex : 0,
    commitTerm: tellsCommit ? core.log.term(core.log.commitIndex) : 0,
  })
}

/** A running (pre-)election counts an answer of its own kind; all others are leftovers. */
export function handleVoteReply(core: RaftCore, reply: VoteReply): void {
  const isPreVote = reply.type === 'PreVoteReply'
  if (core.role !== (isPreVote ? 'pre-candidate' : 'candidate')) return
  // A grant of an earlier poll, for a term that has come meanwhile, says nothing about the next one.
  if (isPreVote && reply.granted && reply.term !== core.term + 1) return
  if (reply.commitIndex > core.log.commitIndex && learnCommit(core, reply)) return
  core.options.trace?.({ kind: 'vote-received', from: reply.from, granted: reply.granted, isPreVote })
  if (!core.votes.has(reply.from)) core.votes.set(reply.from, reply.granted)
  const { outcome } = core.tracker.tally(core.votes)
  switch (outcome) {
    case 'pending':
      return
    case 'lost':
      becomeFollower(core, core.term, NO_REPLICA)
      return
    case 'won':
      if (isPreVote) campaign(core, 'election')
      else if (isOwnVoteDurable(core)) {
        becomeLeader(core)
        broadcastAppend(core)
      }
      return
    default:
      unreachable(outcome)
  }
}

/**
 * An entry with this index and term is committed, and this log has it, so by log matching everything up to it is. True when
 * that includes a membership change: this election counts by a membership that is no longer in force, so it ends.
 */
function learnCommit(core: RaftCore, reply: VoteReply): boolean {
  if (core.log.term(reply.commitIndex) !== reply.commitTerm) return false
  core.log.commitTo(reply.commitIndex)
  if (!core.log.hasUnappliedMembershipChange()) return false
  becomeFollower(core, core.term, NO_REPLICA)
  return true
}

/**
 * Others alone may form a majority while the candidate's own term and vote are still being written. Story: 1. it leads on
 * their votes and sends entry 5 of term 2; 2. it crashes before its write; 3. it returns in term 1, campaigns for term 2
 * again and gets the same votes; 4. its new entry 5 of term 2 differs from the first one, and nobody can tell them apart.
 */
function isOwnVoteDurable(core: RaftCore): boolean {
  return core.votes.has(core.id) || !isVoter(core.membership, core.id)
}

/** How this replica begins when it hears nobody. */
export function ordinaryCampaign(core: RaftCore): CampaignKind {
  return core.options.preVote ? 'pre-election' : 'election'
}

/** Raft §5.2: followers and candidates that hear nothing for a randomized time campaign. */
export function tickElection(core: RaftCore): void {
  core.electionElapsed += 1
  if (core.electionElapsed < core.electionTimeoutTicks || !core.isPromotable) return
  core.electionElapsed = 0
  startCampaign(core, ordinaryCampaign(core))
}

/** Whether votes are refused because a leader was heard of less than an election timeout ago (Thesis §4.2.3). */
export function isInLease(core: RaftCore, request: VoteRequest): boolean {
  if (request.leadershipTransfer || !core.options.checkQuorum || core.leader === NO_REPLICA) return false
  if (core.electionElapsed >= core.options.electionTicks) return false
  core.options.trace?.({
    kind: 'vote-ignored-in-lease',
    candidate: request.from,
    ticksRemaining: core.options.electionTicks - core.electionElapsed,
  })
  return true
}

/** The replica a message makes us follow when its term is newer; 0 for messages that do not come from a leader. */
export function leaderOf(message: Message): ReplicaId {
  const isFromLeader =
    message.type === 'AppendEntries' || message.type === 'Heartbeat' || message.type === 'InstallSnapshot'
  return isFromLeader ? message.from : NO_REPLICA
}
