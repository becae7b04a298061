/**
 * Who belongs to a group, and how one membership becomes the next (Raft §6, Thesis §4). Values in, values out: every exit
 * of a change passes one check of the invariants. It neither knows logs nor leaders; `membership-apply.ts` puts a result
 * into effect, `membership-codec.ts` gives changes their bytes.
 */
import { assert, unreachable } from '../base/index.ts'
import type { MembershipChange, MembershipOperation, MembershipState, ReplicaId } from './types.ts'
import { NO_REPLICA } from './types.ts'

export const EMPTY_MEMBERSHIP: MembershipState = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
}

export type MembershipError =
  | 'removed all voters'
  | 'more than one voter changed without entering joint config'
  | "can't apply simple config change in joint config"
  | 'config is already joint'
  | "can't make a zero-voter config joint"
  | "can't leave a non-joint config"

/** `fresh`: members that were not known, or were forgotten on the way; what a leader knew of them does not count. */
export type MembershipResult =
  | { readonly ok: true; readonly membership: MembershipState; readonly fresh: ReadonlySet<ReplicaId> }
  | { readonly ok: false; readonly error: MembershipError }

export function isJoint(membership: MembershipState): boolean {
  return membership.votersOutgoing.length > 0
}

export function isVoter(membership: MembershipState, replica: ReplicaId): boolean {
  return membership.voters.includes(replica) || membership.votersOutgoing.includes(replica)
}

/** Every replica that gets entries, ascending. */
export function membersOf(membership: MembershipState): readonly ReplicaId[] {
  const all = new Set([...membership.voters, ...membership.votersOutgoing, ...membership.learners])
  return ascending(all)
}

/** Applies a committed change: leaves, enters, or steps without joint consensus, as the change asks. */
export function changeMembership(membership: MembershipState, change: MembershipChange): MembershipResult {
  if (isLeaving(change)) return leaveJoint(membership)
  if (change.transition !== 'auto' || change.operations.length > 1) {
    return enterJoint(membership, change.operations, change.transition !== 'joint-explicit')
  }
  return simpleChange(membership, change.operations)
}

/** Whether the change is the one that leaves a joint membership. */
export function isLeaving(change: MembershipChange): boolean {
  return change.transition === 'auto' && change.operations.length === 0
}

/** Thesis §4.1: at most one voter differs, so old and new majorities overlap without a joint phase. */
export function simpleChange(
  membership: MembershipState,
  operations: readonly MembershipOperation[],
): MembershipResult {
  if (isJoint(membership)) return { ok: false, error: "can't apply simple config change in joint config" }
  const draft = new Draft(membership)
  for (const operation of operations) draft.perform(operation)
  if (draft.voters.size === 0) return { ok: false, error: 'removed all voters' }
  if (symmetricDifference(draft.voters, membership.voters) > 1) {
    return { ok: false, error: 'more than one voter changed without entering joint config' }
  }
  return draft.finish()
}

/** Raft §6: from now on decisions need a majority of the old voters and one of the new voters. */
export function enterJoint(
  membership: MembershipState,
  operations: readonly MembershipOperation[],
  autoLeave: boolean,
): MembershipResult {
  if (isJoint(membership)) return { ok: false, error: 'config is already joint' }
  if (membership.voters.length === 0) return { ok: false, error: "can't make a zero-voter config joint" }
  const draft = new Draft(membership)
  for (const voter of membership.voters) draft.outgoing.add(voter)
  draft.autoLeave = autoLeave
  for (const operation of operations) draft.perform(operation)
  if (draft.voters.size === 0) return { ok: false, error: 'removed all voters' }
  return draft.finish()
}

/** Raft §6: the old voters no longer count; those demoted become learners, those removed are gone. */
export function leaveJoint(membership: MembershipState): MembershipResult {
  if (!isJoint(membership)) return { ok: false, error: "can't leave a non-joint config" }
  const draft = new Draft(membership)
  for (const replica of draft.learnersNext) draft.learners.add(replica)
  draft.learnersNext.clear()
  draft.outgoing.clear()
  draft.autoLeave = false
  return draft.finish()
}

/** The membership as stored in a snapshot or on disk, in canonical order. Crashes on one that cannot exist. */
export function restoreMembership(stored: MembershipState): MembershipState {
  const membership: MembershipState = {
    voters: ascending(stored.voters),
    votersOutgoing: ascending(stored.votersOutgoing),
    learners: ascending(stored.learners),
    learnersNext: ascending(stored.learnersNext),
    autoLeave: stored.autoLeave,
  }
  checkInvariants(membership)
  return membership
}

/** A membership under construction. */
class Draft {
  readonly voters: Set<ReplicaId>
  readonly outgoing: Set<ReplicaId>
  readonly learners: Set<ReplicaId>
  readonly learnersNext: Set<ReplicaId>
  readonly fresh = new Set<ReplicaId>()
  autoLeave: boolean

  constructor(membership: MembershipState) {
    checkInvariants(membership)
    this.voters = new Set(membership.voters)
    this.outgoing = new Set(membership.votersOutgoing)
    this.learners = new Set(membership.learners)
    this.learnersNext = new Set(membership.learnersNext)
    this.autoLeave = membership.autoLeave
  }

  perform(operation: MembershipOperation): void {
    const replica = operation.replica
    if (replica === NO_REPLICA) return
    switch (operation.kind) {
      case 'add-voter':
        this.#addVoter(replica)
        break
      case 'add-learner':
        this.#addLearner(replica)
        break
      case 'remove':
        this.#remove(replica)
        break
      case 'update':
        break
      default:
        unreachable(operation.kind)
    }
  }

  #isMember(replica: ReplicaId): boolean {
    return this.voters.has(replica) || this.outgoing.has(replica) || this.learners.has(replica)
  }

  #addVoter(replica: ReplicaId): void {
    if (!this.#isMember(replica)) this.fresh.add(replica)
    this.learners.delete(replica)
    this.learnersNext.delete(replica)
    this.voters.add(replica)
  }

  #addLearner(replica: ReplicaId): void {
    if (!this.#isMember(replica)) this.fresh.add(replica)
    this.voters.delete(replica)
    // A voter of the outgoing half stays a full voter there until the joint phase ends; only then it becomes a learner.
    if (this.outgoing.has(replica)) this.learnersNext.add(replica)
    else this.learners.add(replica)
  }

  #remove(replica: ReplicaId): void {
    this.voters.delete(replica)
    this.learners.delete(replica)
    this.learnersNext.delete(replica)
  }

  finish(): MembershipResult {
    const membership: MembershipState = {
      voters: ascending(this.voters),
      votersOutgoing: ascending(this.outgoing),
      learners: ascending(this.learners),
      learnersNext: ascending(this.learnersNext),
      autoLeave: this.autoLeave,
    }
    checkInvariants(membership)
    return { ok: true, membership, fresh: this.fresh }
  }
}

function checkInvariants(membership: MembershipState): void {
  const { voters, votersOutgoing, learners, learnersNext } = membership
  for (const replica of learnersNext) {
    assert(votersOutgoing.includes(replica), `learner to be ${replica} is no outgoing voter`)
    assert(!voters.includes(replica), `learner to be ${replica} is an incoming voter`)
  }
  for (const replica of learners) {
    assert(!voters.includes(replica), `learner ${replica} is a voter`)
    assert(!votersOutgoing.includes(replica), `learner ${replica} is an outgoing voter`)
  }
  assert(votersOutgoing.length > 0 || !membership.autoLeave, 'only a joint membership can leave by itself')
}

function ascending(replicas: Iterable<ReplicaId>): readonly ReplicaId[] {
  return [...replicas].sort((a, b) => a - b)
}

function symmetricDifference(changed: ReadonlySet<ReplicaId>, before: readonly ReplicaId[]): number {
  let kept = 0
  for (const replica of before) if (changed.has(replica)) kept += 1
  return before.length - kept + (changed.size - kept)
}
