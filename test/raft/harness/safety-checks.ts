/** What must hold between any two directives, or events of a random run, whatever the transcript says. */
import { assert } from '../../../src/base/index.ts'
import type { RaftNode } from '../../../src/raft/index.ts'

export interface CheckedReplica {
  readonly id: number
  readonly raft: RaftNode
}

interface Seen {
  term: number
  votedFor: number
  commitIndex: number
  appliedIndex: number
}

export class SafetyChecks {
  readonly #seen = new Map<number, Seen>()
  readonly #leaderOfTerm = new Map<number, number>()

  /** A replica restarts: what it kept only in memory may be gone. */
  restarted(id: number): void {
    this.#seen.delete(id)
  }

  check(replicas: readonly CheckedReplica[]): void {
    for (const replica of replicas) this.#checkOne(replica)
    for (let i = 1; i < replicas.length; i++) {
      this.#compareCommitted((replicas[i - 1] as CheckedReplica).raft, (replicas[i] as CheckedReplica).raft)
    }
  }

  #checkOne({ id, raft }: CheckedReplica): void {
    const { term, votedFor, commitIndex, appliedIndex, lastIndex, role } = raft.status()
    const before = this.#seen.get(id)
    if (before !== undefined) {
      assert(term >= before.term, `${id}: term fell from ${before.term} to ${term}`)
      assert(commitIndex >= before.commitIndex, `${id}: commit fell from ${before.commitIndex} to ${commitIndex}`)
      assert(appliedIndex >= before.appliedIndex, `${id}: applied fell from ${before.appliedIndex} to ${appliedIndex}`)
      const kept = term !== before.term || before.votedFor === 0 || votedFor === before.votedFor
      assert(kept, `${id}: vote of term ${term} changed from ${before.votedFor} to ${votedFor}`)
    }
    this.#seen.set(id, { term, votedFor, commitIndex, appliedIndex })
    assert(appliedIndex <= commitIndex, `${id}: applied ${appliedIndex} beyond commit ${commitIndex}`)
    assert(commitIndex <= lastIndex, `${id}: commit ${commitIndex} beyond last ${lastIndex}`)
    if (role === 'leader') {
      const known = this.#leaderOfTerm.get(term) ?? id
      assert(known === id, `term ${term} has two leaders: ${known} and ${id}`)
      this.#leaderOfTerm.set(term, id)
    }
  }

  #compareCommitted(a: RaftNode, b: RaftNode): void {
    const common = Math.min(a.commitIndex, b.commitIndex)
    for (let index = common; index > 0 && index > common - 50; index--) {
      const termA = a.termOf(index)
      const termB = b.termOf(index)
      if (termA === undefined || termB === undefined) return
      assert(termA === termB, `committed entry ${index} has term ${termA} on ${a.id} and ${termB} on ${b.id}`)
    }
  }
}
