/** Operations in words, for people who read a counterexample. One line each; nothing parses them. */
import { unreachable } from '../../base/index.ts'
import type { Action, Condition, Operation, Outcome } from './history.ts'

export function describeOperation({ client, action, calledMs, returnedMs, outcome }: Operation): string {
  const returned = outcome.kind === 'unknown' ? '...' : describeMoment(returnedMs)
  return `  [${describeMoment(calledMs)} - ${returned}] ${client}: ${describeDeed(action, outcome)}`
}

/** What was asked and what came of it. */
export function describeDeed(action: Action, outcome: Outcome): string {
  return `${describeAction(action)} -> ${describeOutcome(outcome)}`
}

/** A moment in milliseconds, with no more digits than it has. */
function describeMoment(ms: number): string {
  return Number.isInteger(ms) ? `${ms}` : ms.toFixed(1)
}

function describeAction(action: Action): string {
  if (action.kind === 'get') return 'get'
  const when = describeCondition(action.condition)
  return action.kind === 'put' ? `put ${action.value}${when}` : `delete${when}`
}

function describeCondition(condition: Condition): string {
  switch (condition.kind) {
    case 'none':
      return ''
    case 'absent':
    case 'exists':
      return ` if ${condition.kind}`
    case 'revision':
      return ` if at ${condition.revision}`
    default:
      return unreachable(condition)
  }
}

function describeOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'read':
      return outcome.found === undefined ? 'absent' : `${outcome.found.value} at ${outcome.found.revision}`
    case 'listed':
      return `there at ${outcome.revision}`
    case 'written':
      return `done at ${outcome.revision}`
    case 'deleted':
      if (!outcome.existed) return 'was not there'
      return outcome.revision === undefined ? 'deleted' : `deleted at ${outcome.revision}`
    case 'refused':
      return `refused, ${outcome.revision === undefined ? 'absent' : `at ${outcome.revision}`}`
    case 'none':
      return 'certainly not done'
    case 'unknown':
      return 'unknown'
    default:
      return unreachable(outcome)
  }
}
