/** When two neighbours are not merged although they are small. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cluster, MiB, planned, stores } from './plan-clusters.ts'

test('nothing is merged while a store with a replica of it does not answer', () => {
  const merge = { bytes: 20 * MiB, opsPerSecond: 100, afterSplitMs: 0, shardsMin: 1 }
  const words = Array.from({ length: 4 }, () => ({ on: 's1 s2 s3', statistics: { bytes: MiB } }))
  const merges = (liveness: 'up' | 'suspect' | 'down') =>
    planned(
      cluster(
        stores(4, (i) => (i === 2 ? { liveness } : {})),
        words,
        { merge },
      ),
      'merge',
    ).length
  assert.ok(merges('up') > 0)
  assert.equal(merges('suspect'), 0)
  assert.equal(merges('down'), 0)
})
