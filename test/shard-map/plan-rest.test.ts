/** That planners leave a cluster in peace whose loads only waver: what one of them does for load another must not undo for numbers, not even slowly. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModelCluster } from '../../tools/sim-placement/model.ts'
import { SimRandom } from '../../tools/sim-placement/random.ts'
import { cluster, planned, round, stores } from './plan-clusters.ts'

const ROUNDS = 600
/** Of the rounds, those in which nothing may be planned any more. */
const QUIET_ROUNDS = 300
const WAVERING = 0.05

/** s1 leads ten busy shards; s2 and s3 lead `count` each, which serve 1,200 requests a second together. */
function fewBusy(busyOps: number, count: number): ModelCluster {
  const led = (on: string, count: number, readsPerSecond: number) =>
    Array.from({ length: count }, () => ({ on, statistics: { readsPerSecond } }))
  return cluster(stores(3), [
    ...led('s1 s2 s3', 10, busyOps),
    ...led('s2 s3 s1', count, 1_200 / count),
    ...led('s3 s1 s2', count, 1_200 / count),
  ])
}

test('a store that serves much more than its share, and is not hot yet, is given no leaders for their number', () => {
  // Of 4,100 requests a second 1,367 are its share; at 1,777 it is hot.
  assert.deepEqual(planned(fewBusy(170, 30), 'balance-leaders'), [])
  // At its share it is.
  const given = planned(fewBusy(120, 30), 'balance-leaders').map(({ influence }) => influence[0]?.leader)
  assert.ok(given.length > 0 && given.every((leader) => leader === 's1'), given.join(' '))
})

test('planning comes to rest where loads waver and a hot store leads few shards', () => {
  for (let seed = 1; seed <= 3; seed++) {
    const random = new SimRandom(seed)
    const model = fewBusy(200, 300)
    const base = new Map([...model.shards].map(([id, { statistics }]) => [id, statistics.readsPerSecond]))
    let last = 0
    let planned = 0
    for (let now = 0; now < ROUNDS; now++) {
      for (const operator of round(model, now).operators) {
        model.start(operator)
        planned++
        last = now
      }
      model.advance()
      for (const [id, { shard, statistics }] of [...model.shards]) {
        const readsPerSecond = (base.get(id) ?? 0) * (1 - WAVERING + 2 * WAVERING * random.unit())
        model.put(shard, { ...statistics, readsPerSecond })
      }
    }
    assert.ok(planned > 0, `seed ${seed}: the hot store is cooled`)
    assert.ok(
      last < ROUNDS - QUIET_ROUNDS,
      `seed ${seed}: ${planned} operators, the last in round ${last} of ${ROUNDS}`,
    )
  }
})
