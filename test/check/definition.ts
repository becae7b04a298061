/**
 * Linearizability by its definition: every order is tried, nothing is left out and nothing remembered. Only for histories of a handful of
 * operations; it is what the search is compared with. Written without looking at the search: it knows whole registers with a revision
 * that is always some number, and guesses the ones that nobody said.
 */
import type { Condition, Operation } from '../../src/testing/index.ts'

/** Small enough that all effects of a history fit between two revisions. */
const TRIFLE = 0.01

interface Register {
  readonly value: string | undefined
  readonly revision: number
  readonly highest: number
}

/** `revisions` are all that anything in the history says: a revision that nobody said is one of them, or a trifle above the last. */
export function isLinearizableByDefinition(history: readonly Operation[], revisions: readonly number[]): boolean {
  const search = (left: readonly Operation[], register: Register): boolean => {
    if (left.every(({ outcome }) => outcome.kind === 'unknown' || outcome.kind === 'none')) return true
    return left.some((next) => {
      const rest = left.filter((other) => other !== next)
      const isTooLate = rest.some(
        ({ outcome, returnedMs }) =>
          outcome.kind !== 'unknown' && outcome.kind !== 'none' && returnedMs < next.calledMs,
      )
      if (isTooLate || next.outcome.kind === 'none') return false
      const { batch } = next
      if (
        batch !== undefined &&
        rest.some(
          (other) => other.batch !== undefined && other.batch.id === batch.id && other.batch.position < batch.position,
        )
      )
        return false
      const states = effects(next, register, revisions)
      if (states.length === 0) return false
      const follower = rest.find(({ batch: other }) => batch?.atomic === true && other?.id === batch.id)
      if (follower === undefined) return states.some((state) => search(rest, state))
      // The rest of an atomic batch comes at once.
      return states.some((state) => searchAtomic(rest, state, batch?.id ?? ''))
    })
  }
  const searchAtomic = (left: readonly Operation[], register: Register, id: string): boolean => {
    const [next] = left
      .filter(({ batch }) => batch?.id === id)
      .sort((a, b) => (a.batch?.position ?? 0) - (b.batch?.position ?? 0))
    if (next === undefined) return search(left, register)
    const rest = left.filter((other) => other !== next)
    return effects(next, register, revisions).some((state) => searchAtomic(rest, state, id))
  }
  return search(history, { value: undefined, revision: 0, highest: 0 })
}

/** Every state that the operation may leave; none when its answer is impossible here. */
function effects({ action, outcome }: Operation, register: Register, revisions: readonly number[]): Register[] {
  const isThere = register.value !== undefined
  if (outcome.kind === 'listed') return isThere && register.revision === outcome.revision ? [register] : []
  if (action.kind === 'get') {
    if (outcome.kind !== 'read') return []
    if (outcome.found === undefined) return isThere ? [] : [register]
    return register.value === outcome.found.value && register.revision === outcome.found.revision ? [register] : []
  }
  const holds = conditionHolds(action.condition, register)
  if (outcome.kind === 'refused') {
    const seen = isThere ? register.revision : undefined
    return !holds && seen === outcome.revision ? [register] : []
  }
  if (!holds) return outcome.kind === 'unknown' ? [register] : []
  const free = [...revisions.filter((revision) => revision > register.highest), register.highest + TRIFLE]
  if (action.kind === 'put') {
    const taken = outcome.kind === 'written' ? free.filter((revision) => revision === outcome.revision) : free
    return taken.map((revision) => ({ value: action.value, revision, highest: revision }))
  }
  if (outcome.kind === 'deleted' && outcome.existed !== isThere) return []
  if (!isThere) return [register]
  return free.map((highest) => ({ value: undefined, revision: 0, highest }))
}

function conditionHolds(condition: Condition, { value, revision }: Register): boolean {
  switch (condition.kind) {
    case 'none':
      return true
    case 'absent':
      return value === undefined
    case 'exists':
      return value !== undefined
    case 'revision':
      return value !== undefined && revision === condition.revision
  }
}
