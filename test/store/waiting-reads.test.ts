/** Which round of ReadIndex confirms which read: one that began after the read came, and none that began before. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '../../src/store/call.ts'
import { WaitingReads } from '../../src/store/waiting-reads.ts'

/** Only who it is matters here. */
function makeCall(): Call {
  return {} as Call
}

test('a read that comes while a round is under way waits for the next one', () => {
  const reads = new WaitingReads()
  const [early, late] = [makeCall(), makeCall()]
  reads.enqueue(early)
  assert(reads.wantsRound)
  reads.roundStarted(1)
  // The heartbeats of round 1 may have been answered before this read came: they prove nothing about it.
  reads.enqueue(late)
  assert(!reads.wantsRound, 'one round at a time')
  reads.roundConfirmed(1, 7)
  assert.deepEqual(reads.takeServable(7), [early])
  assert.equal(reads.takeServable(7), undefined)
  assert(reads.wantsRound)
  reads.roundStarted(2)
  reads.roundConfirmed(2, 9)
  assert.equal(reads.takeServable(8), undefined, 'its index is not applied yet')
  assert.deepEqual(reads.takeServable(9), [late])
})

test('only the round that is under way confirms anything', () => {
  const reads = new WaitingReads()
  const call = makeCall()
  reads.enqueue(call)
  reads.roundStarted(5)
  for (const other of [4, 6]) reads.roundConfirmed(other, 1)
  assert.equal(reads.takeServable(100), undefined)
  assert.deepEqual(reads.takeUnconfirmed(), [call])
  reads.roundConfirmed(5, 1)
  assert.equal(reads.takeServable(100), undefined, 'a read that was handed back is served no more')
})

test('who loses leadership hands back what is queued and what is asked, and serves what is confirmed', () => {
  const reads = new WaitingReads()
  const [confirmed, asked, queued] = [makeCall(), makeCall(), makeCall()]
  reads.enqueue(confirmed)
  reads.roundStarted(1)
  reads.roundConfirmed(1, 3)
  reads.enqueue(asked)
  reads.roundStarted(2)
  reads.enqueue(queued)
  assert.equal(reads.size, 3)
  assert.deepEqual(reads.takeUnconfirmed(), [asked, queued])
  assert.deepEqual(reads.takeServable(3), [confirmed])
  assert.equal(reads.size, 0)
})

test('a read that came with the word of a voter waits for no round, only for its index', () => {
  const reads = new WaitingReads()
  const [asked, vouched, second, later] = [makeCall(), makeCall(), makeCall(), makeCall()]
  reads.enqueue(asked)
  reads.roundStarted(1)
  reads.vouched(5, vouched)
  reads.vouched(5, second)
  reads.vouched(6, later)
  assert.equal(reads.size, 4)
  assert.equal(reads.takeServable(4), undefined)
  assert.deepEqual(reads.takeServable(5), [vouched, second])
  reads.roundConfirmed(1, 5)
  assert.deepEqual(reads.takeServable(6), [later, asked])
  assert.deepEqual(reads.takeUnconfirmed(), [])
})
