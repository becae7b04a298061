/** Whose snapshot a receiver that refused is offered next. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SnapshotTurns } from '../../src/store/snapshot-turns.ts'

test('without a refusal it is everybody’s turn; after one nobody’s for a while, and then in the order of asking', () => {
  const turns = new SnapshotTurns<string>()
  assert.equal(turns.isTurnOf('s2', 'a', 0), true)
  turns.begins('s2', 'a')
  turns.refused('s2', 10)
  assert.equal(turns.isTurnOf('s3', 'a', 11), true, 'another receiver')
  for (const waiter of ['a', 'b', 'c']) assert.equal(turns.isTurnOf('s2', waiter, 11), false)
  for (const waiter of ['b', 'c']) assert.equal(turns.isTurnOf('s2', waiter, 600), false)
  assert.equal(turns.isTurnOf('s2', 'a', 600), true)
  turns.begins('s2', 'a')
  assert.equal(turns.isTurnOf('s2', 'c', 601), false)
  assert.equal(turns.isTurnOf('s2', 'b', 601), true, 'it need not wait for the end of the transfer before it')
  turns.begins('s2', 'b')
  turns.refused('s2', 602)
  assert.equal(turns.isTurnOf('s2', 'b', 700), false)
  assert.equal(turns.isTurnOf('s2', 'b', 1_200), false, 'it waits behind the one that waits longer')
  assert.equal(turns.isTurnOf('s2', 'c', 1_200), true)
})

test('who asks no more, or says so, holds nobody up', () => {
  const turns = new SnapshotTurns<string>()
  turns.refused('s2', 0)
  for (const waiter of ['gone', 'silent', 'patient']) assert.equal(turns.isTurnOf('s2', waiter, 1), false)
  turns.leaves('gone')
  assert.equal(turns.isTurnOf('s2', 'patient', 2_900), false, 'the one before it may still ask')
  assert.equal(turns.isTurnOf('s2', 'patient', 3_100), true)
  assert.equal(turns.isTurnOf('s2', 'silent', 3_100), false, 'it has lost its place')
})
