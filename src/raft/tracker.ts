/**
 * The leader's view of all members: one Progress each, in ascending order of id, and the questions that need a quorum of
 * them (what is committed, which reads are confirmed, who won). It changes no Progress except by replacing the members.
 */

import { membersOf } from './membership.ts'
import { Progress } from './progress.ts'
import { jointIndex, jointVote, majorityIndex, majorityVote, quorumSize, type VoteOutcome } from './quorum.ts'
import type { MembershipState, ReplicaId } from './types.ts'

export interface VoteTally {
  readonly granted: number
  readonly refused: number
  readonly outcome: VoteOutcome
}

export class Tracker {
  readonly #inflightCountMax: number
  readonly #inflightBytesMax: number
  #byId = new Map<ReplicaId, Progress>()
  #ids: readonly ReplicaId[] = []
  #all: readonly Progress[] = []
  #voters: readonly Progress[] = []
  #outgoing: readonly Progress[] = []
  #membership: MembershipState
  readonly #scratch: number[] = []

  constructor(membership: MembershipState, lastIndex: number, inflightCountMax: number, inflightBytesMax: number) {
    this.#inflightCountMax = inflightCountMax
    this.#inflightBytesMax = inflightBytesMax
    this.#membership = membership
    this.replaceMembers(membership, undefined, lastIndex)
  }

  get membership(): MembershipState {
    return this.#membership
  }

  /** Ids of all members, ascending; parallel to `all`. */
  get ids(): readonly ReplicaId[] {
    return this.#ids
  }

  get all(): readonly Progress[] {
    return this.#all
  }

  get(replica: ReplicaId): Progress | undefined {
    return this.#byId.get(replica)
  }

  has(replica: ReplicaId): boolean {
    return this.#byId.has(replica)
  }

  /**
   * Adopts a membership. Members keep their Progress unless they are `fresh`; undefined means that all are. A new member
   * starts at the last index: it is probed there and says what it has.
   */
  replaceMembers(membership: MembershipState, fresh: ReadonlySet<ReplicaId> | undefined, lastIndex: number): void {
    const byId = new Map<ReplicaId, Progress>()
    const ids = membersOf(membership)
    for (const id of ids) {
      const known = fresh === undefined || fresh.has(id) ? undefined : this.#byId.get(id)
      byId.set(id, known ?? new Progress(Math.max(lastIndex, 1), this.#inflightCountMax, this.#inflightBytesMax))
    }
    const pick = (replicas: readonly ReplicaId[]) => replicas.map((id) => byId.get(id) as Progress)
    this.#membership = membership
    this.#byId = byId
    this.#ids = ids
    this.#all = pick(ids)
    this.#voters = pick(membership.voters)
    this.#outgoing = pick(membership.votersOutgoing)
    for (const progress of this.#all) progress.isLearner = false
    for (const progress of pick(membership.learners)) progress.isLearner = true
  }

  /** The highest index that a quorum has stored durably (Raft §5.3), whatever its term. */
  committedIndex(): number {
    return jointIndex(this.#majorityMatch(this.#voters), this.#majorityMatch(this.#outgoing))
  }

  #majorityMatch(half: readonly Progress[]): number {
    const scratch = this.#scratch
    scratch.length = half.length
    for (let i = 0; i < half.length; i++) scratch[i] = (half[i] as Progress).matchIndex
    return majorityIndex(scratch)
  }

  /** The newest ReadIndex attempt that a quorum has confirmed. */
  confirmedReadId(): number {
    return jointIndex(this.#majorityRead(this.#voters), this.#majorityRead(this.#outgoing))
  }

  #majorityRead(half: readonly Progress[]): number {
    const scratch = this.#scratch
    scratch.length = half.length
    for (let i = 0; i < half.length; i++) scratch[i] = (half[i] as Progress).confirmedReadId
    return majorityIndex(scratch)
  }

  /**
   * The fewest other voters whose confirmation makes a quorum together with `self`: those that spoke last, so that one that died is not
   * asked again for long. Undefined where that cannot be said so simply, in a joint membership or when `self` is no voter.
   */
  fewestForQuorum(self: ReplicaId): readonly ReplicaId[] | undefined {
    const { voters, votersOutgoing } = this.#membership
    if (votersOutgoing.length > 0 || !voters.includes(self)) return undefined
    const others = voters.filter((id) => id !== self)
    const heard = (id: ReplicaId): number => this.#byId.get(id)?.heardOrder ?? 0
    others.sort((left, right) => heard(right) - heard(left))
    others.length = Math.floor(voters.length / 2)
    return others
  }

  /** Whether these two alone are a quorum, in both halves of a joint membership. */
  isQuorumOf(left: ReplicaId, right: ReplicaId): boolean {
    const { voters, votersOutgoing } = this.#membership
    if (!isPairQuorum(voters, left, right)) return false
    return votersOutgoing.length === 0 || isPairQuorum(votersOutgoing, left, right)
  }

  /** Whether a quorum was heard from since the last time this was asked. */
  isQuorumActive(): boolean {
    const active = (id: ReplicaId) => this.#byId.get(id)?.recentlyActive === true
    return this.#outcome((id) => active(id)) === 'won'
  }

  tally(votes: ReadonlyMap<ReplicaId, boolean>): VoteTally {
    let granted = 0
    let refused = 0
    for (let i = 0; i < this.#ids.length; i++) {
      if ((this.#all[i] as Progress).isLearner) continue
      const vote = votes.get(this.#ids[i] as ReplicaId)
      if (vote === true) granted += 1
      else if (vote === false) refused += 1
    }
    return { granted, refused, outcome: this.#outcome((id) => votes.get(id)) }
  }

  #outcome(voteOf: (id: ReplicaId) => boolean | undefined): VoteOutcome {
    const half = (voters: readonly ReplicaId[]): VoteOutcome => {
      let granted = 0
      let refused = 0
      for (const id of voters) {
        const vote = voteOf(id)
        if (vote === true) granted += 1
        else if (vote === false) refused += 1
      }
      return majorityVote(granted, refused, voters.length)
    }
    return jointVote(half(this.#membership.voters), half(this.#membership.votersOutgoing))
  }
}

function isPairQuorum(voters: readonly ReplicaId[], left: ReplicaId, right: ReplicaId): boolean {
  let count = voters.includes(left) ? 1 : 0
  if (right !== left && voters.includes(right)) count += 1
  return count >= quorumSize(voters.length)
}
