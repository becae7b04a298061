/** What the driver proposes so that the map knows what groups say of themselves, also of stores that the map does not know. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyChange, applyChanges, type Shard, violations } from '../../shard-map/index.ts'
import { changesFor, isMergedAway, ShardReports } from '../../src/placement/shard-reports.ts'
import { bootstrapped } from '../shard-map/arbitraries.ts'

const MAP = bootstrapped(3, 2)
const [FIRST] = MAP.shards as unknown as [Shard]

function reported(...strangers: string[]): Shard {
  const learners = strangers.map((store, place) => ({ id: 900 + place, store, role: 'learner' as const }))
  const epoch = { membership: FIRST.epoch.membership + 1, range: FIRST.epoch.range + 1 }
  return { ...FIRST, epoch, replicas: [...FIRST.replicas, ...learners] }
}

test('a shard is merged away when it is gone and its keys have an owner that was changed after it', () => {
  const [left, right] = MAP.shards
  assert(left !== undefined && right !== undefined)
  const merged = { ...left, end: right.end, epoch: { ...left.epoch, range: right.epoch.range + 1 } }
  const after = { ...MAP, shards: [merged] }
  assert.equal(isMergedAway(right, after), true)
  assert.equal(isMergedAway(left, after), false, 'it is behind, and is there')
  assert.equal(isMergedAway(right, MAP), false)
  // The right part of a split that the map has not heard of is younger than the whole.
  const part = { ...right, id: 77, start: `${right.start}x`, epoch: { ...right.epoch, range: right.epoch.range + 1 } }
  assert.equal(isMergedAway(part, MAP), false)
  assert.equal(new ShardReports().heard(part, MAP), true)
  assert.equal(new ShardReports().heard(right, after), false)
  assert.equal(new ShardReports().heard(merged, MAP), true)
  assert(MAP.placement !== undefined)
  assert.equal(isMergedAway(MAP.placement, after), false)
  // Moved aside: it is there, its first key is somebody else's.
  const aside = {
    ...MAP,
    shards: [
      { ...left, end: `${right.start}x`, epoch: part.epoch },
      { ...right, start: `${right.start}x` },
    ],
  }
  assert.equal(isMergedAway(right, aside), false)
})

test('a report of known stores is proposed as it is', () => {
  assert.deepEqual(changesFor([reported()], MAP), [{ kind: 'update-shards', shards: [reported()] }])
})

test('stores that the map does not know are named to it first, once each; then it takes the report in and is sound', () => {
  const report = reported('j1', 'j2')
  const alone = applyChange(MAP, { kind: 'update-shards', shards: [report] })
  assert.equal(alone.ok ? 'ok' : alone.reason, 'store-unknown')
  const changes = changesFor([report, { ...report, id: 3 }], MAP)
  assert.deepEqual(
    changes.map((change) => (change.kind === 'register-store' ? change.store.id : change.kind)),
    ['j1', 'j2', 'update-shards'],
  )
  const applied = applyChanges(changesFor([report], MAP), MAP)
  assert(applied.ok)
  assert.deepEqual(applied.map.shards[0], report)
  assert.deepEqual(violations(applied.map), [])
  assert.deepEqual(
    applied.map.stores.filter(({ state }) => state === 'registered').map(({ id }) => id),
    ['j1', 'j2'],
  )
  // It comes after all, and is what it says it is.
  const info = { id: 'j1', address: 'j1:7000', labels: {}, incarnation: 'disk', version: '1', state: 'up' } as const
  const joined = applyChange(applied.map, { kind: 'register-store', store: info })
  assert(joined.ok)
  assert.deepEqual(
    joined.map.stores.find(({ id }) => id === 'j1'),
    info,
  )
  // Or it is forgotten again, once repair has taken the replica away.
  const forget = { kind: 'forget-store', store: 'j2' } as const
  assert.equal(applyChange(applied.map, forget).ok, false)
  const repaired = changesFor([{ ...FIRST, epoch: { ...report.epoch, membership: 9 } }], applied.map)
  assert.equal(applyChanges([...repaired, forget], applied.map).ok, true)
})
