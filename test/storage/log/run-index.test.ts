/** Where runs stand, against a list of single entries; and that putting moved runs back costs what they are, not what the log is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Run, RunIndex } from '../../../src/storage/segment-log/run-index.ts'

const INDEXES = 40

type Step =
  | { readonly kind: 'push' | 'overlay'; readonly first: number; readonly length: number }
  | { readonly kind: 'cut-from' | 'cut-through'; readonly index: number }

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('push' as const, 'overlay' as const, 'overlay' as const),
    first: fc.integer({ min: 1, max: INDEXES }),
    length: fc.integer({ min: 1, max: 6 }),
  }),
  fc.record({
    kind: fc.constantFrom('cut-from' as const, 'cut-through' as const),
    index: fc.integer({ min: 0, max: INDEXES + 6 }),
  }),
)

function runOf(first: number, length: number, place: number): Run {
  return {
    first,
    last: first + length - 1,
    term: 1,
    segment: place,
    offset: place,
    recordBytes: 100,
    dataBytes: length,
  }
}

function rowsOf(index: RunIndex): Run[] {
  return Array.from({ length: index.length }, (_, i) => index.at(i))
}

test('runs that are pushed, overlaid and cut hold for each entry what was put there last', () => {
  fc.assert(
    fc.property(fc.array(stepArbitrary, { maxLength: 40 }), (steps) => {
      const index = new RunIndex()
      const placeOf = new Map<number, number>()
      for (const [place, step] of steps.entries()) {
        switch (step.kind) {
          case 'push': {
            // Behind everything, perhaps with a gap.
            const first = Math.max(0, ...placeOf.keys()) + step.first
            const run = runOf(first, step.length, place)
            index.push(run.first, run.last, 1, place, place, 100, step.length)
            for (let entry = run.first; entry <= run.last; entry++) placeOf.set(entry, place)
            break
          }
          case 'overlay': {
            const run = runOf(step.first, step.length, place)
            index.overlay(run)
            for (let entry = run.first; entry <= run.last; entry++) placeOf.set(entry, place)
            break
          }
          case 'cut-from':
            index.cutFrom(step.index, () => {})
            for (const entry of [...placeOf.keys()]) if (entry >= step.index) placeOf.delete(entry)
            break
          case 'cut-through':
            index.cutThrough(step.index, () => {})
            for (const entry of [...placeOf.keys()]) if (entry <= step.index) placeOf.delete(entry)
            break
        }
        const rows = rowsOf(index)
        const held = new Map<number, number>()
        for (const [i, row] of rows.entries()) {
          assert(row.first <= row.last && row.first > (rows[i - 1]?.last ?? -1), 'rows ascend and do not touch')
          for (let entry = row.first; entry <= row.last; entry++) held.set(entry, row.segment)
        }
        assert.deepEqual(
          [...held].sort(([a], [b]) => a - b),
          [...placeOf].sort(([a], [b]) => a - b),
        )
        for (const [entry, segment] of held) assert.equal(index.at(index.find(entry)).segment, segment)
      }
    }),
    { numRuns: 500 },
  )
})

test('a run that is put over itself is replaced, and one over parts of others leaves the rest of them to be measured', () => {
  const index = new RunIndex()
  for (const first of [1, 11, 21]) index.push(first, first + 9, 1, 1, first, 100, 10)
  index.overlay(runOf(11, 10, 2))
  assert.deepEqual(
    rowsOf(index).map(({ first, last, segment, dataBytes }) => [first, last, segment, dataBytes]),
    [
      [1, 10, 1, 10],
      [11, 20, 2, 10],
      [21, 30, 1, 10],
    ],
  )
  index.overlay(runOf(8, 6, 3))
  assert.deepEqual(
    rowsOf(index).map(({ first, last, segment, dataBytes }) => [first, last, segment, dataBytes]),
    [
      [1, 7, 1, Number.NaN],
      [8, 13, 3, 6],
      [14, 20, 2, Number.NaN],
      [21, 30, 1, 10],
    ],
  )
})

test('putting back many moved runs looks at their own places only', () => {
  const runs = 20_000
  const index = new RunIndex()
  let looks = 0
  const at = index.at.bind(index)
  index.at = (i) => {
    looks++
    return at(i)
  }
  for (let first = 1; first <= runs; first++) index.push(first, first, 1, 1, first, 100, 1)
  for (let first = 1; first <= runs; first++) index.overlay(runOf(first, 1, 2))
  assert(looks <= 3 * runs, `${looks} rows were read for ${runs} runs`)
  assert.equal(index.length, runs)
  assert.equal(index.segmentAt(runs - 1), 2)
})
