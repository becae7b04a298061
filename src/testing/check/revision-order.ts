/**
 * Revisions of one key strictly grow in the order of effects: of two writes of which one had returned before the other was called, the later has
 * the higher revision, and no two have the same. Linearizability says so too, but this costs one pass over a history of any length.
 */
import type { Operation } from './history.ts'
import { byKey } from './linearizability.ts'
import { describeOperation } from './operation-text.ts'
import { PASSED, type Verdict, violation } from './verdict.ts'

interface Effect {
  readonly operation: Operation
  readonly revision: number
}

export function checkRevisionOrder(history: readonly Operation[]): Verdict {
  for (const [key, operations] of byKey(history)) {
    const problem = checkKey(operations)
    if (problem !== undefined) return violation(`key ${JSON.stringify(key)}: ${problem}`)
  }
  return PASSED
}

function checkKey(operations: readonly Operation[]): string | undefined {
  const effects: Effect[] = []
  const takenBy = new Map<number, Operation>()
  for (const operation of operations) {
    const { outcome } = operation
    const isEffect = outcome.kind === 'written' || (outcome.kind === 'deleted' && outcome.existed)
    if (!isEffect || outcome.revision === undefined) continue
    const other = takenBy.get(outcome.revision)
    if (other !== undefined)
      return `two writes have revision ${outcome.revision}:\n${describeOperation(other)}\n${describeOperation(operation)}`
    takenBy.set(outcome.revision, operation)
    effects.push({ operation, revision: outcome.revision })
  }
  const byReturn = [...effects].sort((a, b) => a.operation.returnedMs - b.operation.returnedMs)
  const byCall = [...effects].sort((a, b) => a.operation.calledMs - b.operation.calledMs)
  let highest: Effect | undefined
  let returned = 0
  for (const effect of byCall) {
    for (; returned < byReturn.length; returned++) {
      const ended = byReturn[returned] as Effect
      if (ended.operation.returnedMs >= effect.operation.calledMs) break
      if (highest === undefined || ended.revision > highest.revision) highest = ended
    }
    if (highest !== undefined && effect.revision < highest.revision)
      return `a later write has a lower revision:\n${describeOperation(highest.operation)}\n${describeOperation(effect.operation)}`
  }
  return undefined
}
