/** A map that is as large as stores can be told: nothing is split any more, by nobody, and that is said; merges make room again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PLAN_SETTINGS_DEFAULT, planByHand } from '../../shard-map/index.ts'
import { cluster, MiB, operatorOf, planned, round, stores } from './plan-clusters.ts'

const LARGE = { on: 's1 s2 s3', statistics: { bytes: 200 * MiB } }
const SMALL = { on: 's1 s2 s3', statistics: { bytes: MiB } }

function withRoomFor(mapBytesMax: number) {
  const merge = { ...PLAN_SETTINGS_DEFAULT.merge, shardsMin: 1 }
  const limits = { ...PLAN_SETTINGS_DEFAULT.limits, mapBytesMax }
  return cluster(stores(3), [LARGE, SMALL, SMALL, LARGE], { limits, merge })
}

test('a full map refuses splits, by planners once a round and by hand, with its size', () => {
  const { mapBytes } = withRoomFor(0).index
  assert.ok(mapBytes > 100, `${mapBytes} bytes`)
  const roomy = withRoomFor(mapBytes + 1)
  assert.equal(planned(roomy, 'split').length, 2)
  assert.ok(planByHand(roomy.index, { kind: 'split', shard: 2 }).ok)

  const full = withRoomFor(mapBytes)
  const { operators, decisions } = round(full)
  const kinds = operators.map(({ kind }) => kind)
  assert.deepEqual([kinds.includes('split'), kinds.includes('merge')], [false, true])
  const told = decisions.filter(({ refusal }) => refusal === 'map-full')
  assert.equal(told.length, 1)
  assert.match(
    told[0]?.reason ?? '',
    /^the shard map is full: its 4 shards take \d+ bytes, and stores are told \d+ at most$/,
  )
  assert.deepEqual(told[0]?.numbers, { mapBytes, mapBytesMax: mapBytes, shards: 4 })
  for (const request of [{ key: 'k0000x' }, { policy: 'size' }, { policy: 'load' }] as const) {
    const plan = planByHand(full.index, { kind: 'split', shard: 2, ...request })
    assert.equal(!plan.ok && plan.code, 'map-full', JSON.stringify(request))
  }
  // What is wrong with the request is said first.
  const outside = planByHand(full.index, { kind: 'split', shard: 2, key: 'zzz' })
  assert.equal(!outside.ok && outside.code, 'bad-split-key')

  full.start(operatorOf(planByHand(full.index, { kind: 'merge', shard: 3 })))
  full.advance()
  assert.ok(full.index.mapBytes < mapBytes)
  assert.ok(planByHand(full.index, { kind: 'split', shard: 2 }).ok)
})
