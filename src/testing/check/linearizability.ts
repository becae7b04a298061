/**
 * Decides whether what clients saw can be explained by one order of operations in which each took effect at one moment between its call and its
 * return (Herlihy and Wing, 1990). Keys are checked one by one: linearizability is a local property. Usable on any recorded history.
 *
 * A put whose answer was lost is easier to place when its value is its own; values written more than once are allowed and cost time.
 */
import { counterexample } from './counterexample.ts'
import type { Operation } from './history.ts'
import { describeOperation } from './operation-text.ts'
import { type SearchBudget, searchOrder } from './register-search.ts'
import { undecided, type Verdict, violation, worstOf } from './verdict.ts'

/** Enough for thousands of operations on one key with hundreds of unknown outcomes; under a second. */
const STEPS_MAX = 1_000_000

export interface LinearizabilityOptions {
  /** Operations that the search may try for one key before it gives up. */
  readonly stepsMax?: number
  /** A time box: asked now and then, and true ends the search. */
  readonly isOver?: () => boolean
}

/** Checks all keys. A key that the budget does not suffice for is `undecided`, never passed. */
export function checkLinearizable(history: readonly Operation[], options: LinearizabilityOptions = {}): Verdict {
  const { stepsMax = STEPS_MAX, isOver } = options
  const budget: SearchBudget = isOver === undefined ? { stepsMax } : { stepsMax, isOver }
  const verdicts: Verdict[] = []
  for (const [key, operations] of byKey(history)) verdicts.push(checkKey(key, operations, budget))
  return worstOf(verdicts)
}

/** The operations of each key, in the order of the history. */
export function byKey(history: readonly Operation[]): ReadonlyMap<string, readonly Operation[]> {
  const keys = new Map<string, Operation[]>()
  for (const operation of history) {
    const list = keys.get(operation.key)
    if (list === undefined) keys.set(operation.key, [operation])
    else list.push(operation)
  }
  return keys
}

function checkKey(key: string, operations: readonly Operation[], budget: SearchBudget): Verdict {
  const impossible = findImpossibleValue(operations)
  if (impossible !== undefined) return violation(`key ${JSON.stringify(key)}: ${impossible}`)
  const relevant = operations.filter(isRelevant)
  const result = searchOrder(relevant, budget)
  switch (result.kind) {
    case 'explained':
      return { ok: true }
    case 'undecided':
      return undecided(
        `key ${JSON.stringify(key)}: undecided after ${budget.stepsMax} steps or the time allowed (${relevant.length} operations)`,
      )
    case 'impossible':
      return counterexample(key, relevant, budget)
  }
}

/** What did not happen, and reads that nobody heard the answer of, say nothing. */
function isRelevant({ outcome, action }: Operation): boolean {
  return outcome.kind !== 'none' && !(outcome.kind === 'unknown' && action.kind === 'get')
}

interface Written {
  readonly writers: Operation[]
  /** The revision of the only writer, and who said so. */
  revision: number | undefined
}

/** What no order could explain, said plainly: values from nowhere, values of writes that were refused, two revisions of one write. */
function findImpossibleValue(operations: readonly Operation[]): string | undefined {
  const values = new Map<string, Written>()
  for (const operation of operations) {
    if (operation.action.kind !== 'put') continue
    const written = values.get(operation.action.value)
    if (written === undefined) values.set(operation.action.value, { writers: [operation], revision: undefined })
    else written.writers.push(operation)
  }
  for (const operation of operations) {
    const seen = seenRevision(operation)
    if (seen === undefined) continue
    const written = values.get(seen.value)
    if (written === undefined) return `a value that nobody wrote was read:\n${describeOperation(operation)}`
    const [writer] = written.writers
    if (written.writers.every(({ outcome }) => outcome.kind === 'none' || outcome.kind === 'refused'))
      return `a write that was refused took effect:\n${written.writers.map(describeOperation).join('\n')}\n${describeOperation(operation)}`
    if (written.writers.length > 1 || writer === undefined) continue
    if (written.revision !== undefined && written.revision !== seen.revision)
      return `the write of ${seen.value} has the revisions ${written.revision} and ${seen.revision}:\n${describeOperation(writer)}\n${describeOperation(operation)}`
    written.revision = seen.revision
  }
  return undefined
}

function seenRevision({
  action,
  outcome,
}: Operation): { readonly value: string; readonly revision: number } | undefined {
  if (outcome.kind === 'read') return outcome.found
  return action.kind === 'put' && outcome.kind === 'written'
    ? { value: action.value, revision: outcome.revision }
    : undefined
}
