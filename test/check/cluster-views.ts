/** Views of replicas made by hand, for tests that plant a violation in an otherwise correct cluster. */
import assert from 'node:assert/strict'
import type { ClusterChecks, Problem, ReplicaView } from '../../src/testing/index.ts'

/** A log as its terms, from index 1; the hash follows from index and term unless another is given. */
export interface LogOf {
  readonly terms: readonly number[]
  readonly firstIndex?: number
  readonly hashes?: Readonly<Record<number, number>>
}

export type ViewFields = Partial<Omit<ReplicaView, 'entry' | 'firstIndex' | 'lastIndex'>> & { readonly log?: LogOf }

export const REPLICAS: Readonly<Record<string, number>> = { s1: 1, s2: 2, s3: 3 }

export function viewOf({ log = { terms: [1, 1, 1] }, ...fields }: ViewFields): ReplicaView {
  const { terms, firstIndex = 1, hashes = {} } = log
  const store = fields.store ?? 's1'
  return {
    group: 2,
    store,
    replica: REPLICAS[store] ?? 9,
    role: 'follower',
    term: terms.at(-1) ?? 1,
    votedFor: 0,
    commitIndex: 0,
    appliedIndex: 0,
    firstIndex,
    lastIndex: terms.length,
    entry: (index) => {
      const term = terms[index - 1]
      if (term === undefined || index < firstIndex) return undefined
      return { term, hash: hashes[index] ?? index * 1000 + term }
    },
    durable: undefined,
    epoch: { membership: 1, range: 1 },
    range: { start: '', end: undefined },
    voters: [1, 2, 3],
    stateHash: undefined,
    ...fields,
  }
}

export type Script = (checks: ClusterChecks) => Problem

export function observeAll(...views: readonly ViewFields[]): Script {
  return (checks) => {
    for (const fields of views) {
      const problem = checks.observe(viewOf(fields))
      if (problem !== undefined) return problem
    }
    return undefined
  }
}

/** One after the other, up to the first problem. */
export function inTurn(...scripts: readonly Script[]): Script {
  return (checks) => {
    for (const script of scripts) {
      const problem = script(checks)
      if (problem !== undefined) return problem
    }
    return undefined
  }
}

export const crash =
  (store: string): Script =>
  (checks) => {
    checks.crashed(store)
    return undefined
  }

export const wipe =
  (store: string): Script =>
  (checks) => {
    checks.wiped(store)
    return undefined
  }

export function refuses(problem: Problem, pattern: RegExp): void {
  assert(problem !== undefined, 'a planted violation was not found')
  assert.match(problem, pattern)
}
