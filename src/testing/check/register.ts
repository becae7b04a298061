/**
 * One key as a sequential object: what it holds, and what each operation may answer and leaves behind. It knows nothing of time or order; the
 * search beside it tries orders, and asks here whether a step fits.
 *
 * Revisions strictly grow in the order of effects. Where the revision of a write is not known (its answer was lost), the state is *unbound*: the
 * first operation that saw a revision in that state settles it.
 */
import { unreachable } from '../../base/index.ts'
import type { Condition, Operation } from './history.ts'

export interface RegisterState {
  /** Undefined when the key is absent. */
  readonly value: string | undefined
  /** Undefined when the key is absent, or nobody has said yet which revision it has. */
  readonly revision: number | undefined
  /** The highest revision that an effect so far is known to have taken; all later ones are greater. */
  readonly highest: number
}

export const EMPTY_REGISTER: RegisterState = { value: undefined, revision: undefined, highest: 0 }

/**
 * The state after `operation`, or undefined when it could not have had its outcome in `state`. The very same object where it changes
 * nothing. An unknown write that would change nothing is refused: leaving it out of the order says the same.
 *
 * @param knownRevision of a put whose answer was lost, where a read told it.
 */
export function applyOperation(
  operation: Operation,
  state: RegisterState,
  knownRevision: number | undefined,
): RegisterState | undefined {
  const { action, outcome } = operation
  switch (outcome.kind) {
    case 'none':
      return state
    case 'read':
      if (outcome.found === undefined) return state.value === undefined ? state : undefined
      return state.value === outcome.found.value ? bind(state, outcome.found.revision) : undefined
    case 'listed':
      return state.value === undefined ? undefined : bind(state, outcome.revision)
    case 'refused':
      return action.kind === 'get' ? undefined : refuse(action.condition, outcome.revision, state)
    case 'written':
    case 'deleted':
    case 'unknown':
      break
    default:
      return unreachable(outcome)
  }
  if (action.kind === 'get') return undefined
  const before = satisfy(action.condition, state)
  if (before === undefined) return undefined
  if (action.kind === 'put') {
    if (outcome.kind === 'deleted') return undefined
    const revision = outcome.kind === 'written' ? outcome.revision : knownRevision
    if (revision !== undefined && revision <= before.highest) return undefined
    return { value: action.value, revision, highest: revision ?? before.highest }
  }
  if (outcome.kind === 'written') return undefined
  const existed = before.value !== undefined
  if (outcome.kind === 'unknown') {
    if (existed) return absentAfter(before.highest)
    // The others of a batch wait for it, so there it has its place even when it finds nothing.
    return operation.batch === undefined ? undefined : before
  }
  if (outcome.existed !== existed) return undefined
  if (!existed) return outcome.revision === undefined || outcome.revision >= before.highest ? state : undefined
  if (outcome.revision === undefined) return absentAfter(before.highest)
  return outcome.revision > before.highest ? absentAfter(outcome.revision) : undefined
}

function absentAfter(highest: number): RegisterState {
  return { value: undefined, revision: undefined, highest }
}

/** The state when its revision is `revision`, or undefined when it is another. */
function bind(state: RegisterState, revision: number): RegisterState | undefined {
  if (state.revision !== undefined) return state.revision === revision ? state : undefined
  return revision > state.highest ? { value: state.value, revision, highest: revision } : undefined
}

function refuse(condition: Condition, seen: number | undefined, state: RegisterState): RegisterState | undefined {
  if (seen === undefined) {
    const holdsForNothing = condition.kind === 'none' || condition.kind === 'absent'
    return state.value === undefined && !holdsForNothing ? state : undefined
  }
  const holdsForSeen =
    condition.kind === 'none' ||
    condition.kind === 'exists' ||
    (condition.kind === 'revision' && condition.revision === seen)
  return state.value === undefined || holdsForSeen ? undefined : bind(state, seen)
}

/** The state in which the condition holds: the same, or with its revision settled. */
function satisfy(condition: Condition, state: RegisterState): RegisterState | undefined {
  switch (condition.kind) {
    case 'none':
      return state
    case 'absent':
      return state.value === undefined ? state : undefined
    case 'exists':
      return state.value === undefined ? undefined : state
    case 'revision':
      return state.value === undefined ? undefined : bind(state, condition.revision)
    default:
      return unreachable(condition)
  }
}
