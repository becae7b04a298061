/** What is drawn of elections and heat, before it is drawn: who asked whom when, which cells are in sight, how warm they are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { EventRow } from '../../src/console/api/shapes.ts'
import { link, routeOf } from '../../src/console/app/route.ts'
import { between, clamped, closer, HeatGrid, warmth } from '../../src/console/parts/heat.ts'
import { cellOf, cellQuery, windowOf, windowQuery } from '../../src/console/parts/heat-link.ts'
import { sequenceOf } from '../../src/console/parts/sequence.ts'
import { electionCalls, heatmapAnswer } from './answers.ts'

const START_MS = Date.parse('2026-01-01T12:00:00Z')

function event(type: string, term: number, afterMs: number): EventRow {
  const ts = new Date(START_MS + afterMs).toISOString()
  return { id: `${type}-${term}-${afterMs}`, ts, level: 'info', type, store: 's1', group: 2, term }
}

test('a sequence has the messages, decisions and causes of one election, and nothing of the one before', () => {
  const calls = electionCalls(2, 3, START_MS, ['s1', 's2', 's3'])
  const events = [
    event('election_won', 2, -1_000),
    event('leader_changed', 2, -900),
    event('leader_lost', 2, -40),
    event('leader_lost', 2, -60_000),
    event('election_started', 3, 10),
    event('election_won', 3, 20),
    event('leader_lost', 3, 60_000),
  ]
  const sequence = sequenceOf(3, events, calls, ['s1', 's2', 's4'])
  assert.ok(sequence !== undefined)
  assert.deepEqual(sequence.lanes, ['s1', 's2', 's3', 's4'])
  assert.deepEqual(
    sequence.marks.map(({ words, tone }) => [words, tone]),
    [
      ['leader lost', 'bad'],
      ['election started', 'plain'],
      ['election won', 'good'],
    ],
  )
  const lost = sequence.arrows.filter(({ isLost }) => isLost)
  assert.deepEqual(
    lost.map(({ kind, from, to }) => [kind, from, to]),
    [['ask', 's1', 's3']],
  )
  const answers = sequence.arrows.filter(({ kind }) => kind === 'answer')
  assert.equal(answers.length, 3)
  for (const { from, to, startMs, endMs } of answers) assert.ok(to === 's1' && from !== 's1' && endMs >= startMs)
  assert.equal(sequence.fromMs, START_MS - 40)
  assert.equal(sequenceOf(9, events, calls, []), undefined)
})

test('the heat map keeps within itself, however it is looked at', () => {
  const grid = new HeatGrid(heatmapAnswer(START_MS))
  assert.deepEqual(grid.whole, { fromStep: 0, toStep: 120, fromRow: 0, toRow: 48 })
  assert.equal(grid.start(0), '')
  assert.equal(grid.end(47), null)
  assert.equal(grid.end(0), grid.start(1))
  assert.equal(
    grid.value('both', { step: 3, row: 9 }),
    grid.value('reads', { step: 3, row: 9 }) + grid.value('writes', { step: 3, row: 9 }),
  )
  assert.equal(grid.stepMs(120), START_MS)
  const cell = fc.record({ step: fc.nat(119), row: fc.nat(47) })
  fc.assert(
    fc.property(cell, cell, cell, (a, b, at) => {
      const window = clamped(between(a, b), grid.whole)
      assert.deepEqual(window, between(a, b))
      const near = closer(window, at, grid.whole)
      assert.deepEqual(clamped(near, grid.whole), near)
      assert.ok(near.fromStep <= at.step && at.step < near.toStep && near.fromRow <= at.row && at.row < near.toRow)
      const highest = grid.highest('both', near)
      const warm = warmth(grid.value('both', at), highest)
      assert.ok(warm >= 0 && warm <= 1)
    }),
  )
  assert.equal(warmth(0, 10), 0)
  assert.equal(warmth(10, 10), 1)
  assert.equal(warmth(0, 0), 0)
})

test('a link to a part of the heat map finds that part again, also after the map has grown', () => {
  const grid = new HeatGrid(heatmapAnswer(START_MS))
  const later = new HeatGrid(heatmapAnswer(START_MS + 150_000))
  const query = (parts: Readonly<Record<string, string | undefined>>): URLSearchParams =>
    routeOf(link('heatmap', '', parts)).query
  const cell = fc.record({ step: fc.nat(119), row: fc.nat(47) })
  fc.assert(
    fc.property(cell, cell, cell, (a, b, chosen) => {
      const window = between(a, b)
      const named = query({ ...windowQuery(grid, window), ...cellQuery(grid, chosen) })
      const isWhole = window.toStep - window.fromStep === 120 && window.toRow - window.fromRow === 48
      assert.deepEqual(windowOf(grid, named), isWhole ? undefined : window)
      assert.deepEqual(cellOf(grid, named), { ...chosen })
      // Ten steps later all that was there is ten steps further left; an end of the map stays one.
      const left = (step: number): number => Math.max(0, step - 10)
      const { fromStep, toStep, fromRow, toRow } = window
      if (isWhole) return
      const expected = {
        fromStep: left(fromStep),
        toStep: toStep === 120 ? 120 : left(toStep),
        fromRow,
        toRow,
      }
      assert.deepEqual(windowOf(later, named), expected.fromStep < expected.toStep ? expected : 'gone')
    }),
  )
  assert.equal(windowOf(grid, query({})), undefined)
  assert.equal(windowOf(grid, query({ to: '2020-01-01T00:00:00Z' })), 'gone')
  assert.equal(cellOf(grid, query({ at: '2020-01-01T00:00:00Z' })), undefined)
  assert.deepEqual(windowOf(grid, query({ from: 'soon', end: '%zz' })), grid.whole)
  assert.deepEqual(windowOf(grid, query({ start: 'user%2F00150', end: 'user%2F00150' })), {
    ...grid.whole,
    fromRow: 1,
    toRow: 2,
  })
})

test('a heat map without steps is empty, and one with an upper bound of its own has no row for it', () => {
  const empty = new HeatGrid({ from: 0, to: 0, stepSeconds: 15, buckets: [], reads: [], writes: [] })
  assert.ok(empty.isEmpty)
  const bounded = new HeatGrid({
    from: 0,
    to: 15,
    stepSeconds: 15,
    buckets: ['', 'm', 'z'],
    reads: [[1, 2]],
    writes: [[0, 0]],
  })
  assert.equal(bounded.rows, 2)
  assert.equal(bounded.end(1), 'z')
})
