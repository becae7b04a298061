/**
 * The search for one order of the operations of one key that explains all of them: that of Wing and Gong (1993), with the memory of
 * states already tried of Lowe (2017). At each point of the order the next operation is one that was called before every other
 * operation still missing had returned. Called by `linearizability.ts` and by what cuts counterexamples small.
 *
 * A search over all orders would drown in operations whose outcome is unknown, so orders are left out that prove nothing new:
 * - A write with a known revision waits for those with lower ones: revisions grow in the order of effects.
 * - An operation that is known to change nothing is put next at once where it fits: whatever order works later works with it here too.
 * - An unknown write is followed by one that looks at what it left; if nobody looks, leaving it out says the same.
 * - Of unknown writes that differ in nothing anybody could see, the one called first stands for all.
 */
import { present } from '../../base/index.ts'
import type { Operation } from './history.ts'
import { applyOperation, EMPTY_REGISTER, type RegisterState } from './register.ts'
import { TriedStates } from './tried-states.ts'

export interface SearchBudget {
  /** Operations tried in all, per key. */
  readonly stepsMax: number
  /** Asked now and then; true ends the search undecided. */
  readonly isOver?: () => boolean
}

export interface SearchResult {
  readonly kind: 'explained' | 'impossible' | 'undecided'
  /** Positions in the list handed in, the longest order found, and what the key holds after it. */
  readonly order: readonly number[]
  readonly state: RegisterState
}

interface Step {
  readonly position: number
  readonly operation: Operation
  /** Infinity where the outcome is unknown. */
  readonly returnedMs: number
  readonly isOptional: boolean
  /** Its revision, where it is known and the operation must have taken effect; otherwise undefined. */
  readonly revision: number | undefined
  /** Steps of the same batch that come directly before and after it. */
  readonly previous: number
  readonly next: number
  /** Equal for unknown writes that nobody can tell apart. */
  readonly twin: string | undefined
  /** Names it in a set of unknown writes; 0 where it is none, or where others of its batch wait for it. */
  readonly bit: bigint
}

interface Frame {
  readonly state: RegisterState
  /** The last step was an unknown write, and nobody has looked yet. */
  readonly isUnseen: boolean
  readonly candidates: readonly number[]
  next: number
}

const NOBODY = -1
const CLOCK_EVERY_STEPS = 1024

/** `operations` are all of one key, in any order, without those that certainly did not happen and without reads that were never answered. */
export function searchOrder(
  operations: readonly Operation[],
  budget: SearchBudget,
  before: RegisterState = EMPTY_REGISTER,
): SearchResult {
  return new Search(operations, budget, before).run()
}

class Search {
  /** By call time. */
  readonly #steps: readonly Step[]
  readonly #budget: SearchBudget
  readonly #before: RegisterState
  readonly #done: boolean[]
  readonly #required: readonly number[]
  readonly #optional: readonly number[]
  /** Unknown writes that others of their batch wait for: having them in the order is no mere loss. */
  readonly #linked: readonly number[]
  /** Required writes with known revisions, lowest first. */
  readonly #byRevision: readonly number[]
  readonly #order: number[] = []
  readonly #tried = new TriedStates()
  /** Values that somebody read; all others look the same. */
  readonly #seenValues: ReadonlySet<string>
  /** The unknown writes in the order, by their bits. */
  #used = 0n
  #longest: readonly number[] = []
  #longestState: RegisterState
  #firstRequired = 0
  #firstRevision = 0
  #left: number
  #count = 0

  constructor(operations: readonly Operation[], budget: SearchBudget, before: RegisterState) {
    this.#budget = budget
    this.#before = before
    this.#longestState = before
    this.#steps = stepsOf(operations)
    this.#done = this.#steps.map(() => false)
    this.#seenValues = new Set(seenRevisions(operations).keys())
    const indexes = this.#steps.map((_, index) => index)
    this.#required = indexes.filter((index) => !this.#step(index).isOptional)
    this.#optional = indexes.filter((index) => this.#step(index).isOptional)
    this.#linked = this.#optional.filter((index) => this.#step(index).bit === 0n)
    const revisionOf = (index: number): number => this.#step(index).revision ?? 0
    this.#byRevision = indexes
      .filter((index) => this.#step(index).revision !== undefined)
      .sort((a, b) => revisionOf(a) - revisionOf(b))
    this.#left = this.#required.length
  }

  run(): SearchResult {
    const stack: Frame[] = [this.#frame(this.#before, false)]
    while (this.#left > 0) {
      const frame = stack.at(-1)
      if (frame === undefined) return this.#result('impossible')
      const candidate = frame.candidates[frame.next++]
      if (candidate === undefined) {
        stack.pop()
        this.#undo()
        continue
      }
      if (this.#isOver()) return this.#result('undecided')
      const { operation, isOptional, revision } = this.#step(candidate)
      const state = applyOperation(operation, frame.state, revision)
      if (state === undefined) continue
      const isAlone = this.#step(candidate).previous === NOBODY && this.#step(candidate).next === NOBODY
      const isUnseen = isOptional && isAlone && revision === undefined
      this.#put(candidate)
      if (this.#wasTried(state, isUnseen)) {
        this.#undo()
        continue
      }
      if (this.#order.length > this.#longest.length) {
        this.#longest = [...this.#order]
        this.#longestState = state
      }
      stack.push(this.#frame(state, isUnseen))
    }
    return this.#result('explained')
  }

  #step(index: number): Step {
    return present(this.#steps[index], `step ${index}`)
  }

  #result(kind: SearchResult['kind']): SearchResult {
    const order = this.#longest.map((index) => this.#step(index).position)
    return { kind, order, state: this.#longestState }
  }

  #isOver(): boolean {
    this.#count++
    if (this.#count > this.#budget.stepsMax) return true
    return this.#count % CLOCK_EVERY_STEPS === 0 && this.#budget.isOver?.() === true
  }

  #put(index: number): void {
    this.#order.push(index)
    this.#done[index] = true
    const { isOptional, bit } = this.#step(index)
    this.#used |= bit
    if (!isOptional) this.#left--
    this.#advance()
  }

  #undo(): void {
    const index = this.#order.pop()
    if (index === undefined) return
    this.#done[index] = false
    const { isOptional, bit } = this.#step(index)
    this.#used &= ~bit
    if (!isOptional) this.#left++
    const required = lowerBound(this.#required, index)
    if (this.#required[required] === index) this.#firstRequired = Math.min(this.#firstRequired, required)
    if (this.#step(index).revision !== undefined) {
      // Known revisions are put in their order, so the one taken back is the last one put.
      this.#firstRevision--
    }
  }

  #advance(): void {
    while (this.#firstRequired < this.#required.length && this.#done[this.#required[this.#firstRequired] as number])
      this.#firstRequired++
    while (this.#firstRevision < this.#byRevision.length && this.#done[this.#byRevision[this.#firstRevision] as number])
      this.#firstRevision++
  }

  #frame(state: RegisterState, isUnseen: boolean): Frame {
    return { state, isUnseen, candidates: this.#candidates(state, isUnseen), next: 0 }
  }

  /** What may come next. Those whose outcome is known come first. */
  #candidates(state: RegisterState, isUnseen: boolean): readonly number[] {
    const inside = this.#openBatch()
    if (inside !== undefined) return this.#isInTurn(inside, this.#step(inside)) ? [inside] : []
    let earliestReturnMs = Number.POSITIVE_INFINITY
    const candidates: number[] = []
    for (let i = this.#firstRequired; i < this.#required.length; i++) {
      const index = this.#required[i] as number
      if (this.#done[index]) continue
      const step = this.#step(index)
      if (step.operation.calledMs > earliestReturnMs) break
      earliestReturnMs = Math.min(earliestReturnMs, step.returnedMs)
      candidates.push(index)
    }
    const twins = new Set<string>()
    for (const index of this.#optional) {
      if (this.#done[index]) continue
      const { operation, twin } = this.#step(index)
      if (operation.calledMs > earliestReturnMs) break
      if (twin !== undefined) {
        if (twins.has(twin)) continue
        twins.add(twin)
      }
      candidates.push(index)
    }
    const possible: number[] = []
    for (const index of candidates) {
      const step = this.#step(index)
      if (!this.#mayCome(index, step)) continue
      if (isUnseen && !looks(step.operation)) continue
      const changesNothing =
        step.previous === NOBODY &&
        step.next === NOBODY &&
        // What became of an unknown one, whoever proves that it happened, may be what a later read needs.
        step.operation.outcome.kind !== 'unknown' &&
        applyOperation(step.operation, state, step.revision) === state
      if (changesNothing) return [index]
      possible.push(index)
    }
    return possible
  }

  #mayCome(index: number, step: Step): boolean {
    if (step.previous !== NOBODY && !this.#done[step.previous]) return false
    return this.#isInTurn(index, step)
  }

  #isInTurn(index: number, step: Step): boolean {
    return step.revision === undefined || this.#byRevision[this.#firstRevision] === index
  }

  /** The next operation of an atomic batch that has begun. */
  #openBatch(): number | undefined {
    const last = this.#order.at(-1)
    if (last === undefined) return undefined
    const { operation, next } = this.#step(last)
    return next === NOBODY || operation.batch?.atomic !== true ? undefined : next
  }

  #wasTried({ value, revision, highest }: RegisterState, isUnseen: boolean): boolean {
    const held = value === undefined ? 'nothing' : this.#seenValues.has(value) ? `seen ${value}` : 'unseen'
    return this.#tried.wasTried(`${held}|${revision}|${highest}|${isUnseen}|${this.#frontier()}`, this.#used)
  }

  /** Which operations are in the order, written briefly, but for the unknown writes that have a bit. */
  #frontier(): string {
    let text = `${this.#firstRequired}:`
    let missing = this.#required.length - this.#firstRequired - this.#left
    for (let i = this.#firstRequired; missing > 0; i++) {
      const index = this.#required[i] as number
      if (!this.#done[index]) continue
      text += `${index},`
      missing--
    }
    for (const index of this.#linked) if (this.#done[index]) text += `;${index}`
    return text
  }
}

/** Whether an operation can tell what the key held before it. */
function looks({ action, outcome }: Operation): boolean {
  switch (action.kind) {
    case 'get':
      return true
    case 'put':
      return action.condition.kind !== 'none' || outcome.kind === 'refused'
    case 'delete':
      return outcome.kind !== 'unknown' || action.condition.kind !== 'none'
  }
}

/** The values that were read, each with its revision. */
function seenRevisions(operations: readonly Operation[]): ReadonlyMap<string, number> {
  const seen = new Map<string, number>()
  for (const { outcome } of operations)
    if (outcome.kind === 'read' && outcome.found !== undefined) seen.set(outcome.found.value, outcome.found.revision)
  return seen
}

function stepsOf(operations: readonly Operation[]): readonly Step[] {
  const seen = seenRevisions(operations)
  const written = new Map<string, number>()
  for (const { action } of operations) {
    if (action.kind === 'put') written.set(action.value, (written.get(action.value) ?? 0) + 1)
  }
  const sorted = operations
    .map((operation, position) => ({ operation, position }))
    .sort((a, b) => a.operation.calledMs - b.operation.calledMs || placeIn(a.operation) - placeIn(b.operation))
  const { previous, next } = neighbours(sorted.map(({ operation }) => operation))
  let bits = 0
  return sorted.map(({ operation, position }, index) => {
    const { action, outcome } = operation
    const isUnknown = outcome.kind === 'unknown'
    let revision: number | undefined
    if (outcome.kind === 'written' || (outcome.kind === 'deleted' && outcome.existed)) revision = outcome.revision
    // A value that was read, and that one put alone wrote, names that put: it did take effect.
    else if (isUnknown && action.kind === 'put' && written.get(action.value) === 1) revision = seen.get(action.value)
    const happenedByMs = outcome.kind === 'unknown' ? outcome.happenedByMs : undefined
    const isOptional = isUnknown && revision === undefined && happenedByMs === undefined
    const isAlone = previous[index] === NOBODY && next[index] === NOBODY
    return {
      position,
      operation,
      returnedMs: isUnknown ? (happenedByMs ?? Number.POSITIVE_INFINITY) : operation.returnedMs,
      isOptional,
      revision,
      previous: previous[index] ?? NOBODY,
      next: next[index] ?? NOBODY,
      twin: isOptional && isAlone ? twinName(operation, seen) : undefined,
      bit: isOptional && isAlone ? 1n << BigInt(bits++) : 0n,
    }
  })
}

function twinName({ action }: Operation, seen: ReadonlyMap<string, number>): string | undefined {
  if (action.kind === 'get' || (action.kind === 'put' && seen.has(action.value))) return undefined
  const { condition } = action
  return `${action.kind} ${condition.kind} ${condition.kind === 'revision' ? condition.revision : ''}`
}

function placeIn({ batch }: Operation): number {
  return batch?.position ?? 0
}

/** For each operation the one directly before and after it in its batch. */
function neighbours(operations: readonly Operation[]): { readonly previous: number[]; readonly next: number[] } {
  const previous = operations.map(() => NOBODY)
  const next = operations.map(() => NOBODY)
  const lastOf = new Map<string, number>()
  operations.forEach(({ batch, action, outcome }, index) => {
    if (batch === undefined) return
    // Where nobody knows whether its condition held, it may be missing from the order although the rest of the batch is there.
    const isConditional = action.kind !== 'get' && action.condition.kind !== 'none'
    if (outcome.kind === 'unknown' && !batch.atomic && isConditional) return
    const last = lastOf.get(batch.id)
    if (last !== undefined) {
      previous[index] = last
      next[last] = index
    }
    lastOf.set(batch.id, index)
  })
  return { previous, next }
}

/** The first place whose element is not below `value`. */
function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}
