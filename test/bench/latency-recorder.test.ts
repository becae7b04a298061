/** Percentiles against exact ones. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LatencyRecorder } from '../../bench/load/index.ts'

const RELATIVE_ERROR_MAX = 0.008
/** Half of the resolution of 0.1 microseconds. */
const ABSOLUTE_ERROR_MS_MAX = 0.00005

function assertNear(found: number, exact: number): void {
  const allowed = exact * RELATIVE_ERROR_MAX + ABSOLUTE_ERROR_MS_MAX
  assert.ok(Math.abs(found - exact) <= allowed, `${found} is not within ${allowed} of ${exact}`)
}

test('every percentile is within 0.8 % of the exact one', () => {
  const latency = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 100_000, noNaN: true }))
  fc.assert(
    fc.property(fc.array(latency, { minLength: 1, maxLength: 300 }), (latencies) => {
      const recorder = new LatencyRecorder()
      for (const value of latencies) recorder.record(value)
      const sorted = latencies.toSorted((left, right) => left - right)
      for (const fraction of [0.001, 0.5, 0.9, 0.99, 0.999, 1]) {
        const exact = sorted[Math.max(1, Math.ceil(fraction * sorted.length)) - 1] ?? 0
        assertNear(recorder.percentileMs(fraction), exact)
      }
      assert.equal(recorder.summary().maxMs, sorted.at(-1))
      assert.equal(recorder.count, latencies.length)
    }),
    { numRuns: 300 },
  )
})

test('a recorder that was added to another counts there', () => {
  const one = new LatencyRecorder()
  const two = new LatencyRecorder()
  for (let i = 0; i < 99; i++) one.record(1)
  two.record(50)
  one.add(two)
  assert.equal(one.count, 100)
  assertNear(one.percentileMs(0.99), 1)
  assertNear(one.percentileMs(0.999), 50)
  assertNear(one.summary().meanMs, 1.49)
})

test('the empty recorder and absurd latencies have answers', () => {
  const recorder = new LatencyRecorder()
  assert.deepEqual(recorder.summary(), { count: 0, meanMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, p999Ms: 0, maxMs: 0 })
  recorder.record(-0.001)
  recorder.record(1e9)
  assert.equal(recorder.percentileMs(0.5), 0)
  assert.equal(recorder.summary().maxMs, 1e9)
})
