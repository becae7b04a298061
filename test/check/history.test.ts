/** Whole histories: scans, stale reads, batches, revisions and the form on disk. Each check is shown what it must refuse and the nearest that it must accept. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  checkHistory,
  formatHistory,
  type History,
  type Operation,
  type Outcome,
  parseHistory,
  type ScanPage,
  type StaleRead,
} from '../../src/testing/index.ts'

let clients = 0

function put(key: string, value: string, calledMs: number, returnedMs: number, outcome: Outcome): Operation {
  const action = { kind: 'put', value, condition: { kind: 'none' } } as const
  return { client: `c${++clients}`, key, action, calledMs, returnedMs, outcome }
}

function get(key: string, calledMs: number, value?: string, revision = 0): Operation {
  const found = value === undefined ? undefined : { value, revision }
  return {
    client: `c${++clients}`,
    key,
    action: { kind: 'get' },
    calledMs,
    returnedMs: calledMs + 1,
    outcome: { kind: 'read', found },
  }
}

const written = (revision: number): Outcome => ({ kind: 'written', revision })
const UNKNOWN: Outcome = { kind: 'unknown' }

function page(fields: Partial<ScanPage>): ScanPage {
  return {
    client: 'scanner',
    start: '',
    end: undefined,
    reverse: false,
    itemsMax: 100,
    calledMs: 10,
    returnedMs: 11,
    items: [],
    next: undefined,
    stalenessMs: 0,
    ...fields,
  }
}

function history(fields: Partial<History>): History {
  return { operations: [], staleReads: [], pages: [], ...fields }
}

function accepts(fields: Partial<History>, stalenessSlackMs = 0): void {
  const verdict = checkHistory(history(fields), { stalenessSlackMs })
  assert(verdict.ok, verdict.ok ? '' : verdict.reason)
}

function refuses(pattern: RegExp, fields: Partial<History>, stalenessSlackMs = 0): void {
  const verdict = checkHistory(history(fields), { stalenessSlackMs })
  assert(!verdict.ok, 'a planted violation was not found')
  assert.equal(verdict.kind, 'violation')
  assert.match(verdict.reason, pattern)
}

const A = put('a', 'a1', 0, 1, written(1))
const B = put('b', 'b1', 2, 3, written(2))
const itemA = { key: 'a', value: 'a1', revision: 1 }
const itemB = { key: 'b', value: 'b1', revision: 2 }

test('a page holds what was there, in order, once', () => {
  const operations = [A, B]
  accepts({ operations, pages: [page({ items: [itemA, itemB] })] })
  accepts({ operations, pages: [page({ items: [itemB, itemA], reverse: true })] })
  accepts({
    operations,
    pages: [page({ items: [itemA], itemsMax: 1, next: 'b' }), page({ start: 'b', items: [itemB] })],
  })
  accepts({ operations, pages: [page({ items: [{ ...itemA, value: undefined }, itemB] })] })
  refuses(/key "b" is not linearizable/, { operations, pages: [page({ items: [itemA] })] })
  refuses(/comes twice/, { operations, pages: [page({ items: [itemA, itemA, itemB] })] })
  refuses(/comes after/, { operations, pages: [page({ items: [itemB, itemA] })] })
  refuses(/lies outside/, { operations, pages: [page({ items: [itemA, itemB], end: 'b' })] })
  refuses(/were the most/, { operations, pages: [page({ items: [itemA, itemB], itemsMax: 1 })] })
  refuses(/belongs to the next page/, { operations, pages: [page({ items: [itemA, itemB], next: 'b' })] })
  refuses(/begins outside/, { operations, pages: [page({ start: 'b', next: 'a' })] })
  refuses(/key "a" is not linearizable/, {
    operations,
    pages: [page({ items: [{ ...itemA, value: undefined, revision: 9 }, itemB] })],
  })
})

test('a page may miss what is only being written, and must not show what is gone', () => {
  const late = put('b', 'b1', 9, 20, written(2))
  accepts({ operations: [A, late], pages: [page({ items: [itemA] }), page({ items: [itemA, itemB] })] })
  refuses(/key "b" is not linearizable/, {
    operations: [A, late],
    pages: [page({ items: [itemA, itemB] }), page({ items: [itemA], calledMs: 12, returnedMs: 13 })],
  })
})

test('the part of a scan that a page leaves to the next one says nothing', () => {
  accepts({ operations: [A, B], pages: [page({ items: [itemA], next: 'b' })] })
  accepts({ operations: [A, B], pages: [page({ items: [itemB], next: 'b', reverse: true })] })
  refuses(/key "a" is not linearizable/, { operations: [A, B], pages: [page({ items: [itemB], reverse: true })] })
})

test('a stale read is as old as it admits, and never from the future', () => {
  const operations = [A, put('a', 'a2', 100, 101, written(2)), put('a', 'a3', 300, 301, written(3))]
  const read = (calledMs: number, stalenessMs: number, value: string, revision: number): StaleRead => ({
    client: 'r',
    key: 'a',
    calledMs,
    returnedMs: calledMs + 1,
    found: { value, revision },
    stalenessMs,
  })
  accepts({ operations, staleReads: [read(200, 100, 'a1', 1)] })
  refuses(/not linearizable/, { operations, staleReads: [read(200, 50, 'a1', 1)] })
  accepts({ operations, staleReads: [read(200, 50, 'a1', 1)] }, 60)
  refuses(/not linearizable/, { operations, staleReads: [read(200, 100, 'a3', 3)] })
  // Two replicas, of which the second is further behind than the first.
  accepts({ operations, staleReads: [read(200, 0, 'a2', 2), read(210, 150, 'a1', 1)] })
  refuses(/not linearizable/, { operations, staleReads: [{ ...read(200, 0, 'a2', 2), found: undefined }] })
  accepts({ operations, pages: [page({ calledMs: 200, returnedMs: 201, stalenessMs: 120, items: [itemA] })] })
  refuses(/not linearizable/, {
    operations,
    pages: [page({ calledMs: 200, returnedMs: 201, stalenessMs: 20, items: [itemA] })],
  })
})

test('revisions grow in the order of effects', () => {
  accepts({ operations: [put('a', '1', 0, 5, written(2)), put('a', '2', 4, 6, written(1))] })
  refuses(/a later write has a lower revision/, {
    operations: [put('a', '1', 0, 5, written(2)), put('a', '2', 6, 7, written(1))],
  })
  refuses(/two writes have revision 1/, {
    operations: [put('a', '1', 0, 5, written(1)), put('a', '2', 0, 7, written(1))],
  })
  accepts({ operations: [put('a', '1', 0, 5, written(1)), put('b', '2', 0, 7, written(1))] })
})

test('operations of one batch on one key take effect in their order', () => {
  const batch = (position: number, operation: Operation, atomic = false): Operation => ({
    ...operation,
    batch: { id: 'x', position, atomic },
  })
  const both = (first: number, second: number, read: Operation): History =>
    history({
      operations: [batch(first, put('a', '1', 0, 9, written(1))), batch(second, put('a', '2', 0, 9, written(2))), read],
    })
  accepts(both(0, 1, get('a', 10, '2', 2)))
  refuses(/not linearizable/, both(1, 0, get('a', 10, '2', 2)))
  refuses(/not linearizable/, both(0, 1, get('a', 10, '1', 1)))
  // Between the two of a batch that is not atomic somebody may look; between those of an atomic one nobody.
  const between = (atomic: boolean): History =>
    history({
      operations: [
        batch(0, put('a', '1', 0, 9, written(1)), atomic),
        batch(1, put('a', '2', 0, 9, written(2)), atomic),
        get('a', 4, '1', 1),
      ],
    })
  accepts(between(false))
  refuses(/not linearizable/, between(true))
})

test('an atomic batch whose answer was lost took effect everywhere or nowhere', () => {
  const batch = (position: number, operation: Operation, atomic: boolean): Operation => ({
    ...operation,
    batch: { id: 'x', position, atomic },
  })
  const lost = (atomic: boolean, ...reads: Operation[]): History =>
    history({
      operations: [
        batch(0, put('a', '1', 0, 0, UNKNOWN), atomic),
        batch(1, put('b', '2', 0, 0, UNKNOWN), atomic),
        ...reads,
      ],
    })
  accepts(lost(true, get('a', 5), get('b', 7)))
  accepts(lost(true, get('b', 3), get('a', 5, '1', 1), get('b', 7, '2', 2)))
  refuses(/key "b" is not linearizable/, lost(true, get('a', 5, '1', 1), get('b', 7)))
  accepts(lost(false, get('a', 5, '1', 1), get('b', 7)))
  // What was overwritten since is no excuse for what is read before that.
  accepts(lost(true, get('a', 5, '1', 1), put('b', 'later', 6, 7, written(9)), get('b', 8, 'later', 9)))
})

test('a lost delete that is known to have happened may have found what was put while it ran', () => {
  const remove: Operation = { ...put('b', '', 2, 3, UNKNOWN), action: { kind: 'delete', condition: { kind: 'none' } } }
  const batch = (position: number, operation: Operation): Operation => ({
    ...operation,
    batch: { id: 'x', position, atomic: true },
  })
  const lost = (...reads: Operation[]): History =>
    history({
      operations: [
        put('b', 'earlier', 0, 4, written(1)),
        batch(0, put('a', '1', 2, 3, UNKNOWN)),
        batch(1, remove),
        get('a', 6, '1', 2),
        ...reads,
      ],
    })
  // It also fits before the put, where it finds nothing; but then nothing explains this.
  accepts(lost(get('b', 8)))
  accepts(lost(get('b', 8, 'earlier', 1)))
  refuses(/key "b" is not linearizable/, lost(get('b', 8), get('b', 10, 'earlier', 1)))
})

test('a history survives its form as lines', () => {
  const operations: Operation[] = [
    A,
    { ...B, batch: { id: 'x', position: 1, atomic: true } },
    put('c', 'c1', 4, 4, UNKNOWN),
    get('a', 5, 'a1', 1),
    get('a', 6),
    {
      ...A,
      action: { kind: 'delete', condition: { kind: 'revision', revision: 1 } },
      outcome: { kind: 'deleted', existed: true, revision: 4 },
    },
    {
      ...A,
      action: { kind: 'put', value: 'z', condition: { kind: 'absent' } },
      outcome: { kind: 'refused', revision: 3 },
    },
    {
      ...A,
      action: { kind: 'put', value: 'z', condition: { kind: 'exists' } },
      outcome: { kind: 'refused', revision: undefined },
    },
    { ...A, outcome: { kind: 'none' } },
    { ...get('a', 9), outcome: { kind: 'listed', revision: 4 } },
  ]
  const parsed = parseHistory(formatHistory(operations))
  assert(parsed.kind === 'history', parsed.kind)
  assert.deepEqual(JSON.parse(JSON.stringify(parsed.operations)), JSON.parse(JSON.stringify(operations)))
})

test('a line that is no operation is named with its number', () => {
  const good = formatHistory([A])
  for (const bad of [
    'x',
    '[]',
    'null',
    '{}',
    JSON.stringify({ ...A, key: 1 }),
    JSON.stringify({ ...A, action: { kind: 'put', value: 'x' } }),
    JSON.stringify({ ...A, outcome: { kind: 'written' } }),
    JSON.stringify({ ...A, outcome: { kind: 'read', found: { value: 1 } } }),
    JSON.stringify({ ...A, calledMs: 'soon' }),
    JSON.stringify({ ...A, batch: { id: 1 } }),
  ]) {
    const parsed = parseHistory(`${good}\n${bad}\n${good}`)
    assert(parsed.kind === 'malformed', bad)
    assert.equal(parsed.line, 3, bad)
  }
})
