/** Stale reads on a replica that does not know how fresh it is: they wait for its leader's word, for a moment, and never beyond their own deadline. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '../../src/store/call.ts'
import type { Replica } from '../../src/store/replica.ts'
import { StaleReads } from '../../src/store/stale-reads.ts'
import { VirtualClock } from '../transport/clocks.ts'

/** A follower whose leader does not answer, and when each of the calls submitted to it was served. */
function waiting(deadlines: readonly number[]): { clock: VirtualClock; served: Map<number, number> } {
  const clock = new VirtualClock()
  const served = new Map<number, number>()
  const reads = new StaleReads(
    clock,
    (_, calls) => {
      for (const call of calls) served.set(call.deadlineMs, clock.nowMs())
    },
    () => {},
  )
  const replica = {
    leaderStore: 's1',
    isRetired: false,
    freshness: { asOfMs: Number.NEGATIVE_INFINITY, wantsRound: () => false },
  } as unknown as Replica
  const startMs = clock.nowMs()
  for (const afterMs of deadlines) reads.submit(replica, { deadlineMs: startMs + afterMs } as unknown as Call)
  return { clock, served }
}

test('without an answer of the leader a read is served from what there is after a quarter of a second', () => {
  const { clock, served } = waiting([10_000])
  const startMs = clock.nowMs()
  clock.advance(249)
  assert.equal(served.size, 0)
  clock.advance(1)
  assert.deepEqual([...served.values()], [startMs + 250])
})

test('a read whose deadline comes before that is served by then, and those that wait with it', () => {
  const { clock, served } = waiting([10_000, 100, 200])
  const startMs = clock.nowMs()
  clock.advance(99)
  assert.equal(served.size, 0)
  clock.advance(1)
  assert.deepEqual([...served.values()], [startMs + 100, startMs + 100, startMs + 100])
  clock.advance(1_000)
  assert.equal(served.size, 3)
})

test('a read whose deadline has passed waits for nobody', () => {
  const { clock, served } = waiting([-50])
  clock.advance(0)
  clock.settle()
  assert.equal(served.size, 1)
})
