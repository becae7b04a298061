/** Which entry answers which write: the one of its index and its term, and no other that came to stand in its place. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '../../src/store/call.ts'
import { WaitingWrites } from '../../src/store/waiting-writes.ts'

function makeCall(): Call {
  return {} as Call
}

function setUp() {
  const writes = new WaitingWrites()
  const lost: Call[] = []
  const calls = Array.from({ length: 3 }, makeCall)
  calls.forEach((call, position) => {
    writes.proposed(10 + position, 4, call)
  })
  return {
    writes,
    calls,
    lost,
    apply: (index: number, term: number) => writes.applied(index, term, (call) => lost.push(call)),
  }
}

test('writes are answered by their own entries, in order', () => {
  const { writes, calls, lost, apply } = setUp()
  assert.equal(apply(9, 4), undefined)
  assert.deepEqual([apply(10, 4), apply(11, 4), apply(12, 4)], calls)
  assert.deepEqual([lost, writes.size], [[], 0])
})

test('an entry of another leader in the same place means that the write did not happen, and neither did those after it', () => {
  const { writes, calls, lost, apply } = setUp()
  assert.equal(apply(10, 4), calls[0])
  assert.equal(apply(11, 5), undefined)
  assert.deepEqual(lost, calls.slice(1))
  assert.equal(writes.size, 0)
})

test('an entry of a newer term below them means that they cannot follow any more', () => {
  const { calls, lost, apply } = setUp()
  assert.equal(apply(9, 6), undefined)
  assert.deepEqual(lost, calls)
})

test('entries that go unanswered are a bug, not a reason to answer the next write in their place', () => {
  const { apply } = setUp()
  assert.throws(() => apply(11, 4), /applied 11 while the write at 10 still waits/)
})

test('who is taken out is told whether the log may have it', () => {
  const { writes, calls } = setUp()
  const queued = makeCall()
  writes.enqueue(queued)
  const removed = writes.remove((call) => call !== calls[1])
  assert.deepEqual(
    new Map(removed.map(({ call, proposed }) => [call, proposed])),
    new Map([
      [queued, false],
      [calls[0] as Call, true],
      [calls[2] as Call, true],
    ]),
  )
  assert.equal(writes.size, 1)
})
