/**
 * Decides whether what clients saw of one key can be explained by one order of operations in which each took effect at one moment between its
 * call and its return (Herlihy and Wing, 1990). The search is that of Wing and Gong with Lowe's memory of states already tried: at each
 * step, one of the operations that began before the earliest return of all others is put next.
 *
 * Operations whose outcome nobody knows stay open for ever: each may take effect at any later moment, or never. Every put writes a value of
 * its own, so a value names the write that made it. Keys are checked one by one; linearizability is a local property.
 */

export type Condition =
  | { readonly kind: 'none' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'exists' }
  | { readonly kind: 'revision'; readonly revision: number }

export type Action =
  | { readonly kind: 'get' }
  | { readonly kind: 'put'; readonly value: string; readonly condition: Condition }
  | { readonly kind: 'delete'; readonly condition: Condition }

export type Outcome =
  | { readonly kind: 'read'; readonly found: { readonly value: string; readonly revision: number } | undefined }
  | { readonly kind: 'written'; readonly revision: number }
  | { readonly kind: 'deleted'; readonly existed: boolean }
  /** The condition did not hold; the revision is that of the key then, undefined when it was absent. */
  | { readonly kind: 'refused'; readonly revision: number | undefined }
  /** The cluster promised that it did not happen. */
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown' }

export interface Operation {
  readonly client: string
  readonly key: string
  readonly action: Action
  readonly calledMs: number
  /** Ignored where the outcome is unknown. */
  readonly returnedMs: number
  readonly outcome: Outcome
}

export type Verdict =
  | { readonly ok: true }
  /** `reason` is for people. */
  | { readonly ok: false; readonly reason: string }

/** Beyond this many steps for one key the search gives up, which counts as a failure: a test must not pass undecided. */
const STEPS_MAX = 2_000_000

/** Checks all keys of a history. */
export function checkLinearizable(history: readonly Operation[], stepsMax = STEPS_MAX): Verdict {
  const byKey = new Map<string, Operation[]>()
  for (const operation of history) {
    const list = byKey.get(operation.key)
    if (list === undefined) byKey.set(operation.key, [operation])
    else list.push(operation)
  }
  for (const [key, operations] of byKey) {
    const verdict = checkKey(key, operations, stepsMax)
    if (!verdict.ok) return verdict
  }
  return { ok: true }
}

function checkKey(key: string, operations: readonly Operation[], stepsMax: number): Verdict {
  const impossible = findImpossibleValue(operations)
  if (impossible !== undefined) return { ok: false, reason: `key ${JSON.stringify(key)}: ${impossible}` }
  const relevant = operations.filter(
    ({ outcome, action }) => outcome.kind !== 'none' && !(outcome.kind === 'unknown' && action.kind === 'get'),
  )
  return new Search(key, relevant, stepsMax).run()
}

/** What no order could explain: values from nowhere, values of writes that were refused, two revisions of one write. */
function findImpossibleValue(operations: readonly Operation[]): string | undefined {
  const writers = new Map<string, Operation>()
  for (const operation of operations) {
    if (operation.action.kind !== 'put') continue
    if (writers.has(operation.action.value))
      return `the value ${operation.action.value} is written twice by the test itself`
    writers.set(operation.action.value, operation)
  }
  const revisions = new Map<string, number>()
  for (const operation of operations) {
    const seen = seenRevision(operation)
    if (seen === undefined) continue
    const writer = writers.get(seen.value)
    if (writer === undefined) return `a value that nobody wrote was read:\n${describe(operation)}`
    if (writer.outcome.kind === 'none' || writer.outcome.kind === 'refused')
      return `a write that was refused took effect:\n${describe(writer)}\n${describe(operation)}`
    const known = revisions.get(seen.value)
    if (known !== undefined && known !== seen.revision)
      return `the write of ${seen.value} has the revisions ${known} and ${seen.revision}:\n${describe(writer)}\n${describe(operation)}`
    revisions.set(seen.value, seen.revision)
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

/** The register after a prefix of the order: the position of the put whose value it holds, or ABSENT. */
type State = number
const ABSENT: State = -1

class Search {
  readonly #key: string
  /** By call time. */
  readonly #operations: readonly Operation[]
  readonly #stepsMax: number
  /** Of each put, where it is known from its answer or from any read. */
  readonly #revisions: readonly (number | undefined)[]
  readonly #putOfValue = new Map<string, number>()
  readonly #done: boolean[]
  readonly #order: number[] = []
  readonly #tried = new Set<string>()
  #longest: readonly number[] = []
  #longestState: State = ABSENT
  #steps = 0

  constructor(key: string, operations: readonly Operation[], stepsMax: number) {
    this.#key = key
    this.#stepsMax = stepsMax
    this.#operations = [...operations].sort((left, right) => left.calledMs - right.calledMs)
    this.#done = this.#operations.map(() => false)
    const revisionOf = new Map<string, number>()
    for (const operation of this.#operations) {
      const seen = seenRevision(operation)
      if (seen !== undefined) revisionOf.set(seen.value, seen.revision)
    }
    this.#revisions = this.#operations.map(({ action }) =>
      action.kind === 'put' ? revisionOf.get(action.value) : undefined,
    )
    this.#operations.forEach(({ action }, position) => {
      if (action.kind === 'put') this.#putOfValue.set(action.value, position)
    })
  }

  run(): Verdict {
    const total = this.#operations.filter(({ outcome }) => outcome.kind !== 'unknown').length
    let completed = 0
    /** One frame per operation in the order so far: what can be put next there, and how far that was tried. */
    const stack = [{ state: ABSENT, highestRevision: 0, candidates: this.#candidates(), next: 0 }]
    while (completed < total) {
      const frame = stack.at(-1)
      if (frame === undefined) return { ok: false, reason: this.#explain() }
      const candidate = frame.candidates[frame.next++]
      if (candidate === undefined) {
        stack.pop()
        const undone = this.#order.pop()
        if (undone === undefined) continue
        this.#done[undone] = false
        if (this.#operations[undone]?.outcome.kind !== 'unknown') completed--
        continue
      }
      if (++this.#steps > this.#stepsMax)
        return { ok: false, reason: `key ${JSON.stringify(this.#key)}: undecided after ${this.#stepsMax} steps` }
      const state = this.#apply(candidate, frame.state, frame.highestRevision)
      if (state === undefined) continue
      this.#done[candidate] = true
      const memory = `${state}|${this.#frontier()}`
      if (this.#tried.has(memory)) {
        this.#done[candidate] = false
        continue
      }
      this.#tried.add(memory)
      this.#order.push(candidate)
      if (this.#operations[candidate]?.outcome.kind !== 'unknown') completed++
      if (this.#order.length > this.#longest.length) {
        this.#longest = [...this.#order]
        this.#longestState = state
      }
      const highestRevision = Math.max(frame.highestRevision, this.#revisions[candidate] ?? 0)
      stack.push({ state, highestRevision, candidates: this.#candidates(), next: 0 })
    }
    return { ok: true }
  }

  /** Operations that may come next: begun before every operation that is not in the order yet returned. Known outcomes first. */
  #candidates(): number[] {
    let earliestReturnMs = Number.POSITIVE_INFINITY
    const known: number[] = []
    const unknown: number[] = []
    for (let position = this.#firstOpen(); position < this.#operations.length; position++) {
      if (this.#done[position]) continue
      const { calledMs, returnedMs, outcome } = this.#operations[position] as Operation
      if (calledMs > earliestReturnMs) break
      if (outcome.kind === 'unknown') {
        unknown.push(position)
      } else {
        known.push(position)
        earliestReturnMs = Math.min(earliestReturnMs, returnedMs)
      }
    }
    return [...known, ...unknown]
  }

  #firstOpen(): number {
    const position = this.#done.indexOf(false)
    return position < 0 ? this.#operations.length : position
  }

  /** Exactly which operations are in the order, written briefly: all up to the last one but for the holes. */
  #frontier(): string {
    const last = this.#done.lastIndexOf(true)
    let text = `${last}:`
    for (let position = this.#firstOpen(); position < last; position++)
      if (!this.#done[position]) text += `${position},`
    return text
  }

  /** The state after the operation, or undefined when it could not have had its outcome in this state. */
  #apply(position: number, state: State, highestRevision: number): State | undefined {
    const { action, outcome } = this.#operations[position] as Operation
    if (outcome.kind === 'read') {
      if (outcome.found === undefined) return state === ABSENT ? state : undefined
      return this.#putOfValue.get(outcome.found.value) === state ? state : undefined
    }
    if (action.kind === 'get') return undefined
    const holds = this.#holds(action.condition, state)
    if (outcome.kind === 'refused') {
      if (holds) return undefined
      if (outcome.revision === undefined) return state === ABSENT ? state : undefined
      if (state === ABSENT) return undefined
      const current = this.#revisions[state]
      return current === undefined || current === outcome.revision ? state : undefined
    }
    // An unknown write whose condition does not hold changes nothing; leaving it out of the order says the same.
    if (!holds) return undefined
    if (action.kind === 'delete') {
      if (outcome.kind === 'deleted' && outcome.existed !== (state !== ABSENT)) return undefined
      // As above: an unknown delete of nothing changes nothing.
      return outcome.kind === 'unknown' && state === ABSENT ? undefined : ABSENT
    }
    const revision = this.#revisions[position]
    // Revisions of one key only grow (CONTRACT: monotonic per key).
    return revision !== undefined && revision <= highestRevision ? undefined : position
  }

  #holds(condition: Condition, state: State): boolean {
    switch (condition.kind) {
      case 'none':
        return true
      case 'absent':
        return state === ABSENT
      case 'exists':
        return state !== ABSENT
      case 'revision':
        // A client can name only a revision that it saw, so a write whose revision nobody saw does not have it.
        return state !== ABSENT && this.#revisions[state] === condition.revision
    }
  }

  #explain(): string {
    const inOrder = new Set(this.#longest)
    const tail = this.#longest.slice(-8).map((position) => describe(this.#operations[position] as Operation))
    const stuck = this.#operations.filter((_, position) => !inOrder.has(position)).slice(0, 12)
    const last = this.#longestState === ABSENT ? undefined : this.#operations[this.#longestState]
    const held = last?.action.kind === 'put' ? last.action.value : 'nothing'
    return [
      `key ${JSON.stringify(this.#key)} is not linearizable (${this.#operations.length} operations)`,
      `the longest explanation has ${this.#longest.length} of them and ends, holding ${held}, with`,
      ...tail,
      'none of the following can come next, in whatever order what came before is put:',
      ...stuck.map(describe),
    ].join('\n')
  }
}

function describe({ client, action, calledMs, returnedMs, outcome }: Operation): string {
  const returned = outcome.kind === 'unknown' ? '...' : returnedMs.toFixed(1)
  return `  [${calledMs.toFixed(1)} - ${returned}] ${client}: ${describeAction(action)} -> ${describeOutcome(outcome)}`
}

function describeAction(action: Action): string {
  if (action.kind === 'get') return 'get'
  const { condition } = action
  const when =
    condition.kind === 'none'
      ? ''
      : condition.kind === 'revision'
        ? ` if at ${condition.revision}`
        : ` if ${condition.kind}`
  return action.kind === 'put' ? `put ${action.value}${when}` : `delete${when}`
}

function describeOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'read':
      return outcome.found === undefined ? 'absent' : `${outcome.found.value} at ${outcome.found.revision}`
    case 'written':
      return `done at ${outcome.revision}`
    case 'deleted':
      return outcome.existed ? 'deleted' : 'was not there'
    case 'refused':
      return `refused, ${outcome.revision === undefined ? 'absent' : `at ${outcome.revision}`}`
    case 'none':
      return 'certainly not done'
    case 'unknown':
      return 'unknown'
  }
}
