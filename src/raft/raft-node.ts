/**
 * One replica of one group: the whole surface of the core. Pure and synchronous: the host calls in with what happened (ticks,
 * messages, proposals, finished writes) and takes out, as a Ready, what has to be done. It stores, sends, applies and waits
 * for nothing itself, and it is not safe to call it from within its own trace function.
 */
import { assert } from '../base/index.ts'
import { adoptCommitted } from './adopt.ts'
import { RaftCore } from './core.ts'
import { ordinaryCampaign, startCampaign, tickElection } from './elections.ts'
import { tickLeader } from './leader.ts'
import { applyMembership } from './membership-apply.ts'
import { encodeMembershipChange } from './membership-codec.ts'
import { checkOptions, type RaftOptions } from './options.ts'
import { type LeaderProposal, type Payload, proposeAsLeader } from './proposals.ts'
import { requestRead, vouchedReadIndex, vouchingTerm } from './read-index.ts'
import { type AppendAck, acknowledgeAppend, acknowledgeApply, type Ready, ReadyMaker } from './ready.ts'
import { reportSnapshot, reportUnreachable } from './replication.ts'
import type { ProposeMembershipResult, ProposeResult, ReadIndexResult, StepResult } from './results.ts'
import { becomeFollower } from './roles.ts'
import { type RaftStatus, statusOf } from './status.ts'
import { checkAddress, step } from './step.ts'
import { startTransfer } from './transfer.ts'
import {
  type Entry,
  type InitialState,
  type MembershipChange,
  type MembershipState,
  type Message,
  NO_REPLICA,
  type ReplicaId,
  type Role,
  type StableLog,
} from './types.ts'

export class RaftNode {
  readonly #core: RaftCore
  readonly #ready: ReadyMaker

  /**
   * Starts as follower from what is stored. `initial.appliedIndex` must lie within the log: at least the index before its
   * first entry, at most its last one.
   */
  constructor(options: RaftOptions, log: StableLog, initial: InitialState) {
    checkOptions(options)
    const { appliedIndex } = initial
    assert(
      appliedIndex >= log.firstIndex() - 1 && appliedIndex <= log.lastIndex(),
      `applied index ${appliedIndex} is outside of the log (${log.firstIndex() - 1} to ${log.lastIndex()})`,
    )
    this.#core = new RaftCore(options, log, initial)
    options.trace?.({ kind: 'membership-switched', membership: this.#core.membership })
    becomeFollower(this.#core, this.#core.term, NO_REPLICA)
    this.#ready = new ReadyMaker(this.#core)
  }

  // ---- what a host reads in every turn -------------------------------------------------------------------------------

  get id(): ReplicaId {
    return this.#core.id
  }

  get role(): Role {
    return this.#core.role
  }

  get isLeader(): boolean {
    return this.#core.role === 'leader'
  }

  get term(): number {
    return this.#core.term
  }

  /** The leader as far as this replica knows; 0 for none. */
  get leader(): ReplicaId {
    return this.#core.leader
  }

  get commitIndex(): number {
    return this.#core.log.commitIndex
  }

  get appliedIndex(): number {
    return this.#core.log.appliedIndex
  }

  get lastIndex(): number {
    return this.#core.log.lastIndex
  }

  get membership(): MembershipState {
    return this.#core.membership
  }

  /** A copy of everything a person may want to see. Not for the hot path. */
  status(): RaftStatus {
    return statusOf(this.#core)
  }

  /** The term of an entry of the log, also of those not durable yet; undefined when it was compacted or does not exist. */
  termOf(index: number): number | undefined {
    const term = this.#core.log.term(index)
    return term < 0 ? undefined : term
  }

  // ---- what happens to it --------------------------------------------------------------------------------------------

  /** Time passes. */
  tick(): void {
    if (this.#core.role === 'leader') tickLeader(this.#core)
    else tickElection(this.#core)
  }

  /** Campaigns at once, as if the election timeout had passed; does nothing on a leader or on one that may not lead. */
  campaign(): void {
    startCampaign(this.#core, ordinaryCampaign(this.#core))
  }

  /** A message arrived, from another replica or, in asynchronous mode, from this one itself. */
  step(message: Message): StepResult {
    const address = checkAddress(this.#core, message)
    return address.ok ? step(this.#core, message) : address
  }

  /** Proposes commands, all or none. Each becomes one entry; `firstIndex` is where the first will be, if it commits in `term`. */
  propose(data: readonly Uint8Array[], type: 'normal' | 'shard' = 'normal'): ProposeResult {
    const payloads = data.map((bytes): Payload => ({ type, data: bytes }))
    const proposed = this.#propose(payloads)
    if (proposed === 'forwarded') return { ok: true, forwarded: true, leader: this.#core.leader }
    if (!proposed.ok) return { ok: false, reason: proposed.reason, leader: this.#core.leader }
    return { ok: true, forwarded: false, firstIndex: proposed.firstIndex, term: this.#core.term }
  }

  /**
   * Proposes a membership change (Raft §6, Thesis §4). It takes effect when the host applies its entry and calls
   * `applyMembership`. One change at a time; `type` 'membership-v1' carries a single operation and exists for old peers.
   */
  proposeMembership(
    change: MembershipChange,
    type: 'membership' | 'membership-v1' = 'membership',
  ): ProposeMembershipResult {
    assert(type === 'membership' || change.operations.length === 1, 'membership-v1 carries exactly one operation')
    assert(type === 'membership' || change.transition === 'auto', 'membership-v1 cannot enter a joint membership')
    const proposed = this.#propose([{ type, data: encodeMembershipChange(change) }])
    if (proposed === 'forwarded') return { ok: true, forwarded: true, leader: this.#core.leader }
    if (!proposed.ok) return { ok: false, reason: proposed.reason, leader: this.#core.leader }
    const { firstIndex: index, membershipRefusal } = proposed
    const { term } = this.#core
    if (membershipRefusal !== undefined) return { ok: false, reason: membershipRefusal, index, term }
    return { ok: true, forwarded: false, index, term }
  }

  #propose(payloads: readonly Payload[]): LeaderProposal | 'forwarded' {
    const core = this.#core
    if (payloads.length === 0 && core.role === 'leader') {
      return { ok: true, firstIndex: core.log.lastIndex + 1, membershipRefusal: undefined }
    }
    if (core.role === 'leader') return proposeAsLeader(core, payloads)
    if (!core.options.forwardProposals || core.role !== 'follower' || core.leader === NO_REPLICA) {
      return { ok: false, reason: 'not-leader' }
    }
    core.send({ type: 'Propose', from: core.id, to: core.leader, term: 0, entries: payloads })
    return 'forwarded'
  }

  /**
   * Asks for a linearizable read (Thesis §6.4): when the ReadState with this id comes and its index is applied, the read may
   * run. It comes in a Ready, or never: when `softState` or the term of `hardState` change, leadership was lost at some time
   * since, and every read that still waits has to ask again. Each call makes a new attempt with a new id; all attempts of a
   * turn share one round of heartbeats.
   */
  readIndex(): ReadIndexResult {
    return requestRead(this.#core)
  }

  /**
   * The same without a round, for a read that came with the word of a voter: since the read was asked for, `voter` was in `term`. Answers the index
   * that must be applied before the read may run, or undefined when that word proves nothing and `readIndex` has to.
   */
  vouchedReadIndex(voter: ReplicaId, term: number): number | undefined {
    return vouchedReadIndex(this.#core, voter, term)
  }

  /** What this replica may say with a read that it passes on to the leader, as `term` of `vouchedReadIndex`; to be asked anew for each read. */
  get vouchingTerm(): number {
    return vouchingTerm(this.#core)
  }

  /** Hands leadership to a voter (Thesis §3.10); a follower passes the wish on. It may fail; the status shows it. */
  transferLeader(to: ReplicaId): void {
    const core = this.#core
    if (core.role === 'leader') startTransfer(core, to)
    else if (core.role === 'follower' && core.leader !== NO_REPLICA) {
      core.send({ type: 'TransferLeader', from: core.id, to: core.leader, term: 0, transferee: to })
    }
  }

  /**
   * The host has better knowledge than a timeout that the leader is gone: votes are no longer refused for its sake. The
   * election timer runs on. Refused with reads by lease, which rely on that refusal.
   */
  forgetLeader(): void {
    const core = this.#core
    if (core.role !== 'follower' || core.leader === NO_REPLICA) return
    if (core.options.readMode === 'lease') {
      core.options.trace?.({ kind: 'forget-leader-refused' })
      return
    }
    core.options.trace?.({ kind: 'leader-forgotten', leader: core.leader })
    core.leader = NO_REPLICA
  }

  /** The transport could not deliver the last message to a replica. */
  reportUnreachable(replica: ReplicaId): void {
    reportUnreachable(this.#core, replica)
  }

  /** The contents of the snapshot sent to a replica reached it, or finally did not. Must be called for each InstallSnapshot. */
  reportSnapshot(replica: ReplicaId, ok: boolean): void {
    reportSnapshot(this.#core, replica, ok)
  }

  /** Must be called for each committed membership entry, with its decoded data, while it is being applied. */
  applyMembership(change: MembershipChange): MembershipState {
    return applyMembership(this.#core, change)
  }

  /**
   * Entries after (prevIndex, prevTerm) that are known to be committed came from elsewhere than the leader. False when they do not join this log.
   */
  adoptCommitted(prevIndex: number, prevTerm: number, entries: readonly Entry[]): boolean {
    return adoptCommitted(this.#core, prevIndex, prevTerm, entries)
  }

  // ---- what it wants done --------------------------------------------------------------------------------------------

  hasReady(): boolean {
    return this.#ready.hasReady()
  }

  /** Takes everything that is to be done. It may be empty when `hasReady` was true. */
  ready(): Ready {
    return this.#ready.make()
  }

  /** Synchronous mode: everything of the last Ready is stored, sent and applied. */
  advance(): void {
    assert(!this.#core.options.asyncStorage, 'advance belongs to synchronous storage')
    this.#ready.advance()
  }

  /** Asynchronous mode: the write with this acknowledgement is durable, and so are all before it. */
  appended(ack: AppendAck): void {
    assert(this.#core.options.asyncStorage, 'appended belongs to asynchronous storage')
    acknowledgeAppend(this.#core, ack)
  }

  /**
   * Asynchronous mode: entries up to `index` are applied. May be said piece by piece; the next page of committed entries comes
   * once enough of those handed out are finished.
   */
  applied(index: number): void {
    assert(this.#core.options.asyncStorage, 'applied belongs to asynchronous storage')
    acknowledgeApply(this.#core, index)
  }

  /** Fixes the current randomized election timeout until the next is drawn: for tests that play an exact history. */
  overrideElectionTimeout(ticks: number): void {
    this.#core.electionTimeoutTicks = ticks
  }
}
