/** How old stale reads say they are: certain knowledge only, by the rounds that make it certain. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ageMs, Freshness } from '../../src/store/freshness.ts'

describe('freshness', () => {
  it('counts from the beginning of a round, once what it named is applied', () => {
    const freshness = new Freshness()
    assert.equal(ageMs(freshness.asOfMs, 1_000), Number.MAX_SAFE_INTEGER, 'nothing is known at first')
    assert.equal(freshness.wantsRound(1_000), true)
    freshness.roundBegun(7, 1_000)
    assert.equal(freshness.wantsRound(1_100), false, 'one at a time')
    assert.equal(freshness.roundConfirmed(7, 50), true)
    assert.equal(freshness.settle(49), false, 'what was named is not applied yet')
    assert.equal(freshness.wantsRound(60_000), false, 'a later round would only postpone')
    assert.equal(freshness.settle(50), true)
    assert.equal(ageMs(freshness.asOfMs, 1_500.2), 501)
    assert.equal(freshness.settle(51), false, 'once')
  })

  it('takes no other answer for its own, and gives up a round that brought none', () => {
    const freshness = new Freshness()
    freshness.roundBegun(7, 0)
    assert.equal(freshness.roundConfirmed(8, 1), false)
    assert.equal(freshness.wantsRound(499), false)
    assert.equal(freshness.wantsRound(500), true)
    freshness.roundBegun(9, 500)
    assert.equal(freshness.roundConfirmed(7, 1), false, 'the answer of the round that was given up')
    assert.equal(freshness.settle(1), false)
    assert.equal(freshness.roundConfirmed(9, 1), true)
  })

  it('rounds keep a distance, however many read', () => {
    const freshness = new Freshness()
    freshness.roundBegun(1, 100)
    freshness.roundConfirmed(1, 5)
    freshness.settle(5)
    assert.equal(freshness.wantsRound(101), false)
    assert.equal(freshness.wantsRound(120), true)
  })
})
