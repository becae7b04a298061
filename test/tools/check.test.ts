/** What `flotilla check` finds where something is wrong; on sound clusters it runs among the tests of real processes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differencesOf } from '../../tools/commands/check-consistency.ts'
import { finding } from '../../tools/commands/check-finding.ts'
import { judge } from '../../tools/commands/check-perf.ts'
import { coverageProblems } from '../../tools/commands/check-ranges.ts'
import { latenciesOf } from '../../tools/commands/percentiles.ts'

function shard(id: number, start: string, end: string | null): Parameters<typeof coverageProblems>[0][number] {
  return { id, start, end, epoch: { membership: 1, range: 1 }, leader: 's1', replicas: [], keys: 0 }
}

test('ranges: gaps, overlaps and ends are named', () => {
  assert.deepEqual(coverageProblems([shard(3, 'm%FF', null), shard(2, '', 'm%FF')]), [])
  assert.deepEqual(coverageProblems([]), ['there are no data shards'])
  assert.deepEqual(coverageProblems([shard(2, 'a', 'm'), shard(3, 'n', 'z')]), [
    'keys below a belong to no shard',
    'keys from m to n belong to no shard',
    'keys from z on belong to no shard',
  ])
  assert.deepEqual(coverageProblems([shard(2, '', 'n'), shard(3, 'm', null)]), ['shards 2 and 3 overlap'])
  assert.deepEqual(coverageProblems([shard(2, '', null), shard(3, 'm', null)]), ['shards 2 and 3 overlap'])
  // As bytes: %FF is one, above every letter.
  assert.deepEqual(coverageProblems([shard(2, '', 'a'), shard(4, '%FF', null), shard(3, 'a', '%FF')]), [])
  assert.deepEqual(coverageProblems([shard(2, '', 'b'), shard(3, 'b', 'b'), shard(4, 'b', null)]), [
    'shard 3 is empty: from b to b',
  ])
})

test('consistency: other values, other revisions and missing keys are differences', () => {
  const members = ['s1', 's2'].map((store) => ({ store, endpoint: '' }))
  const entry = { key: 'k', value: 'v', encoding: 'utf8', revision: 7 } as const
  assert.deepEqual(differencesOf(members, [[entry], [entry]]), [])
  assert.deepEqual(differencesOf(members, [[entry], []]), ['k: s1 has revision 7, s2 has none'])
  assert.deepEqual(differencesOf(members, [[entry], [{ ...entry, revision: 8 }]]), [
    'k: s1 has revision 7, s2 has revision 8',
  ])
  assert.equal(differencesOf(members, [[entry], [{ ...entry, value: 'w' }]]).length, 1)
  assert.equal(differencesOf(members, [[entry], [{ ...entry, keyEncoding: 'base64' }]]).length, 2)
})

test('performance: slow, too few or failed writes fail it', () => {
  const fast = Array.from({ length: 1000 }, () => 5)
  const oks = (...all: Parameters<typeof judge>): boolean[] => judge(...all).map(({ ok }) => ok)
  assert.deepEqual(oks(fast, new Map(), 100, 10_000), [true, true, true])
  assert.deepEqual(oks(fast.slice(200), new Map(), 100, 10_000), [false, true, true])
  assert.deepEqual(oks([...fast, ...Array(20).fill(900)], new Map(), 100, 10_000), [true, false, true])
  assert.deepEqual(oks(fast, new Map([['TIMEOUT', 1]]), 100, 10_000), [true, true, false])
  assert.deepEqual(oks([], new Map(), 100, 10_000), [false, false, true])
})

test('percentiles are samples that were measured, by the nearest rank', () => {
  const samples = Array.from({ length: 100 }, (_, position) => 100 - position)
  assert.deepEqual(latenciesOf(samples), { minMs: 1, avgMs: 50.5, p50Ms: 50, p90Ms: 90, p99Ms: 99, maxMs: 100 })
  assert.deepEqual(Object.values(latenciesOf([])), Array(6).fill(null))
})

test('a finding names the first of many problems and how many more there are', () => {
  const problems = Array.from({ length: 8 }, (_, number) => `p${number}`)
  assert.deepEqual(finding('x', problems, 'fine'), { what: 'x', ok: false, detail: 'p0; p1; p2; p3; p4; and 3 more' })
  assert.deepEqual(finding('x', [], 'fine'), { what: 'x', ok: true, detail: 'fine' })
})
