/** The checker itself: it accepts what one register could have answered and finds what is planted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Action,
  type Condition,
  checkLinearizable,
  type Operation,
  type Outcome,
} from '../../src/testing/index.ts'

const ALWAYS: Condition = { kind: 'none' }
let clients = 0

function operation(calledMs: number, returnedMs: number, action: Action, outcome: Outcome): Operation {
  return { client: `c${++clients}`, key: 'k', action, calledMs, returnedMs, outcome }
}

function put(calledMs: number, returnedMs: number, value: string, outcome: Outcome, condition = ALWAYS): Operation {
  return operation(calledMs, returnedMs, { kind: 'put', value, condition }, outcome)
}

function get(calledMs: number, returnedMs: number, value?: string, revision = 0): Operation {
  const found = value === undefined ? undefined : { value, revision }
  return operation(calledMs, returnedMs, { kind: 'get' }, { kind: 'read', found })
}

const written = (revision: number): Outcome => ({ kind: 'written', revision })
const UNKNOWN: Outcome = { kind: 'unknown' }
const NONE: Outcome = { kind: 'none' }

function accepts(...history: Operation[]): void {
  const verdict = checkLinearizable(history)
  assert(verdict.ok, verdict.ok ? '' : verdict.reason)
}

function refuses(pattern: RegExp, ...history: Operation[]): void {
  const verdict = checkLinearizable(history)
  assert(!verdict.ok, 'a violation was not found')
  assert.match(verdict.reason, pattern)
}

test('accepts operations one after the other and overlapping ones in any order', () => {
  accepts(get(0, 1), put(2, 3, 'a', written(1)), get(4, 5, 'a', 1))
  accepts(put(0, 10, 'a', written(1)), get(1, 2), get(3, 4, 'a', 1), get(5, 6, 'a', 1))
  accepts(put(0, 10, 'a', written(2)), put(0, 10, 'b', written(1)), get(11, 12, 'a', 2))
})

test('finds a stale read', () => {
  refuses(/not linearizable/, put(0, 1, 'a', written(1)), put(2, 3, 'b', written(2)), get(4, 5, 'a', 1))
})

test('finds a lost acknowledged write', () => {
  refuses(/not linearizable/, put(0, 1, 'a', written(1)), get(2, 3))
})

test('finds reads that go back and forth during one write', () => {
  refuses(
    /not linearizable/,
    put(0, 1, 'a', written(1)),
    put(2, 20, 'b', written(2)),
    get(3, 4, 'b', 2),
    get(5, 6, 'a', 1),
  )
})

test('an unknown write may take effect late, or never, but not before its call and not twice', () => {
  const unknown = put(0, 1, 'a', UNKNOWN)
  accepts(unknown, get(2, 3), get(4, 5))
  accepts(unknown, get(2, 3), get(100, 101, 'a', 7))
  refuses(/not linearizable/, get(-2, -1, 'a', 1), unknown)
  refuses(/not linearizable/, unknown, get(2, 3, 'a', 1), put(4, 5, 'b', written(2)), get(6, 7, 'a', 1))
})

test('a write with outcome none must never show', () => {
  refuses(/refused took effect/, put(0, 1, 'a', NONE), get(2, 3, 'a', 1))
})

test('a value from nowhere and two revisions of one write are named', () => {
  refuses(/nobody wrote/, get(0, 1, 'x', 1))
  refuses(/the revisions 1 and 2/, put(0, 1, 'a', written(1)), get(2, 3, 'a', 2))
})

test('revisions grow in the order of the writes', () => {
  refuses(/not linearizable/, put(0, 1, 'a', written(5)), put(2, 3, 'b', written(4)), get(4, 5, 'b', 4))
})

test('conditional writes succeed and fail as the state says', () => {
  const first = put(0, 1, 'a', written(1), { kind: 'absent' })
  accepts(first, put(2, 3, 'b', { kind: 'refused', revision: 1 }, { kind: 'absent' }))
  accepts(first, put(2, 3, 'b', written(2), { kind: 'revision', revision: 1 }), get(4, 5, 'b', 2))
  refuses(/not linearizable/, first, put(2, 3, 'b', written(2), { kind: 'absent' }))
  refuses(
    /not linearizable/,
    first,
    put(2, 3, 'b', { kind: 'refused', revision: 1 }, { kind: 'revision', revision: 1 }),
  )
  refuses(
    /not linearizable/,
    first,
    put(2, 3, 'b', written(2)),
    put(4, 5, 'c', written(3), { kind: 'revision', revision: 1 }),
  )
  refuses(
    /refused took effect/,
    first,
    put(2, 3, 'b', { kind: 'refused', revision: 1 }, { kind: 'absent' }),
    get(4, 5, 'b', 2),
  )
})

test('deletes tell whether something was there', () => {
  const remove = (calledMs: number, existed: boolean): Operation =>
    operation(calledMs, calledMs + 1, { kind: 'delete', condition: ALWAYS }, { kind: 'deleted', existed })
  accepts(put(0, 1, 'a', written(1)), remove(2, true), get(4, 5), remove(6, false))
  refuses(/not linearizable/, put(0, 1, 'a', written(1)), remove(2, false))
  // Explained by an unknown write that nobody read.
  accepts(put(0, 1, 'a', UNKNOWN), remove(2, true))
  refuses(/not linearizable/, put(0, 1, 'a', written(1)), remove(2, true), get(4, 5, 'a', 1))
})

test('a counterexample shows the operation that does not fit and what the key held', () => {
  refuses(
    /held b at 2[\s\S]*have no place:[\s\S]*get -> a at 1/,
    put(0, 1, 'a', written(1)),
    put(2, 3, 'b', written(2)),
    get(4, 5, 'a', 1),
  )
})

test('a search that is too long fails instead of passing', () => {
  const verdict = checkLinearizable([put(0, 1, 'a', written(1)), get(2, 3, 'a', 1)], { stepsMax: 1 })
  assert(!verdict.ok)
  assert.equal(verdict.kind, 'undecided')
})

test('a time box that is over ends a long search undecided', () => {
  const history: Operation[] = []
  for (let i = 0; i < 3000; i++) history.push(put(i, i, `v${i}`, written(i + 1)))
  const verdict = checkLinearizable(history, { isOver: () => true })
  assert(!verdict.ok)
  assert.equal(verdict.kind, 'undecided')
})

test('many clients, many unknown outcomes: decided quickly', () => {
  const history: Operation[] = []
  let value = ''
  let revision = 0
  for (let i = 0; i < 600; i++) {
    const at = i * 10
    if (i % 20 === 0) history.push(put(at, at, `lost${i}`, UNKNOWN))
    value = `v${i}`
    revision++
    history.push(put(at, at + 15, value, written(revision)))
    history.push(get(at + 8, at + 18, value, revision))
  }
  accepts(...history)
})
