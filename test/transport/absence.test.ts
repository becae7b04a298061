/** Who counts as absent, and what becomes of the requests to them: silence, one deaf direction, our own pauses, goodbyes. Virtual time. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { askNow, world } from './memory-world.ts'
import { assertSameBytes, echo, number32, pattern, Recorder } from './support.ts'

const LONG_MS = 30_000

describe('absent peers', () => {
  it('one that died is absent within two seconds, and present again once it is heard of, though nobody sends it anything', () => {
    const { clock, hub, open } = world()
    const a = open('a')
    open('b', echo())
    hub.partition(['a'], ['b'])
    const asked = askNow(a, 'b', pattern(1), LONG_MS)
    clock.advance(1_000)
    assert.equal(a.isAbsent('b'), false)
    clock.advance(1_000)
    assert.equal(asked.end, 'no-answer')
    assert.equal(a.isAbsent('b'), true)
    assert.equal(a.isAbsent('c'), false, 'nothing is known of others')
    clock.advance(20_000)
    assert.equal(a.isAbsent('b'), true)
    hub.heal()
    clock.advance(1_000)
    assert.equal(a.isAbsent('b'), false)
  })

  it('one that is heard but does not hear counts as absent', () => {
    const { clock, hub, open } = world()
    const a = open('a', new Recorder())
    const b = open('b', echo())
    hub.cut('a', 'b')
    const asked = askNow(a, 'b', pattern(1), LONG_MS)
    for (let beat = 0; beat < 40; beat++) {
      b.send('a', 'raft', number32(beat))
      clock.advance(50)
    }
    assert.equal(asked.end, 'no-answer')
    assert.equal(a.isAbsent('b'), true)
    hub.heal()
    clock.advance(1_000)
    assert.equal(a.isAbsent('b'), false)
  })

  it('a pause of our own process makes nobody absent', () => {
    const { clock, open } = world()
    const a = open('a')
    const atB = new Recorder()
    open('b', atB)
    const asked = askNow(a, 'b', pattern(1), 60_000)
    for (let round = 0; round < 5; round++) {
      clock.advance(300)
      clock.pause(5_000)
      clock.advance(20)
      assert.equal(asked.end, undefined)
      assert.equal(a.isAbsent('b'), false)
    }
    atB.requests[0]?.reply(pattern(2))
    clock.advance(20)
    assertSameBytes(asked.end, pattern(2), 'answer')
  })

  it('without a broker nothing is said of anybody', () => {
    const { clock, hub, open } = world()
    const a = open('a')
    open('b', new Recorder())
    const asked = askNow(a, 'b', pattern(1), LONG_MS)
    clock.advance(100)
    hub.stop()
    clock.advance(10_000)
    assert.equal(a.isAbsent('b'), false)
    hub.start()
    clock.advance(1_000)
    assert.equal(asked.end, undefined, 'it lives and may still answer')
    assert.equal(a.isAbsent('b'), false)
  })
})

describe('goodbyes', () => {
  it('what was sent too late to be taken certainly had no effect', () => {
    const { clock, hub, open } = world()
    hub.faults = { delayMsMin: 20 }
    const a = open('a')
    const b = open('b', echo())
    const first = askNow(a, 'b', pattern(1), LONG_MS)
    clock.advance(100)
    assertSameBytes(first.end, pattern(1), 'an answer while it runs')
    const late = askNow(a, 'b', pattern(2), LONG_MS)
    clock.advance(10)
    void b.close()
    clock.advance(10)
    assert.equal(late.end, undefined)
    clock.advance(15)
    assert.equal(late.end, 'not-sent')
  })

  it('what was taken and not answered is not known to have had none', () => {
    const { clock, open } = world()
    const a = open('a')
    const atB = new Recorder()
    const b = open('b', atB)
    const taken = askNow(a, 'b', pattern(1), LONG_MS)
    clock.advance(10)
    void b.close()
    clock.advance(1)
    assert.equal(taken.end, 'no-answer')
  })

  it('a lost answer is not mistaken for a request that was never taken', () => {
    for (const lost of ['last', 'middle'] as const) {
      const { clock, hub, open } = world()
      const a = open('a')
      const atB = new Recorder()
      const b = open('b', atB)
      const asked = [1, 2, 3].map((size) => askNow(a, 'b', pattern(size), LONG_MS))
      clock.advance(10)
      hub.cut('b', 'a')
      atB.requests[0]?.reply(pattern(4))
      clock.advance(10)
      hub.heal()
      if (lost === 'middle') {
        atB.requests[1]?.reply(pattern(5))
        clock.advance(10)
        assertSameBytes(asked[1]?.end, pattern(5), 'the second answer')
        atB.requests[2]?.reply(pattern(6))
      } else {
        hub.cut('b', 'a')
        for (const request of atB.requests.slice(1)) request.reply(pattern(5))
        clock.advance(10)
        hub.heal()
      }
      clock.advance(10)
      void b.close()
      clock.advance(1)
      assert.equal(asked[0]?.end, 'no-answer', lost)
    }
  })

  it('late frames of the instance that left do not bring it back, its successor does', () => {
    const { clock, hub, open } = world()
    const a = open('a', new Recorder())
    const b = open('b', echo())
    askNow(a, 'b', pattern(1))
    clock.advance(10)
    // Only Raft's frames are slow.
    hub.policy = ({ channel }) => (channel === 'raft' ? [50] : [0])
    b.send('a', 'raft', number32(1))
    clock.advance(1)
    void b.close()
    clock.advance(100)
    assert.equal(a.isAbsent('b'), true)
    assert.equal(askNow(a, 'b', pattern(1)).end, undefined)
    open('b', echo())
    clock.advance(1_000)
    assert.equal(a.isAbsent('b'), false)
  })

  it('a goodbye of somebody who was never asked costs nothing later', () => {
    const { clock, open } = world()
    const b = open('b', echo())
    const client = open('client-1')
    const asked = askNow(client, 'b', pattern(1))
    clock.advance(10)
    assertSameBytes(asked.end, pattern(1), 'answer')
    void client.close()
    clock.advance(10)
    const before = b.stats().framesSent
    clock.advance(60_000)
    assert.equal(b.stats().framesSent, before, 'nobody looks for a client')
  })
})
