/** What only the memory adapter can show: exact faults on a virtual clock, and runs that repeat. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LIMITS } from '../../src/base/index.ts'
import type { RequestFailure, Transport } from '../../src/transport/index.ts'
import { seededRandom } from './clocks.ts'
import { askNow, world } from './memory-world.ts'
import { assertSameBytes, echo, number32, pattern, Recorder, readNumber32 } from './support.ts'

describe('memory transport', () => {
  it('ends requests to a peer that died long before their deadline, and keeps those to one that merely thinks', () => {
    const { clock, hub, open } = world()
    const a = open('a')
    const atB = new Recorder()
    open('b', atB)
    const slow = askNow(a, 'b', pattern(1), 10_000)
    clock.advance(5_000)
    assert.equal(slow.end, undefined, 'b answers probes: it lives')
    hub.cut('b', 'a')
    const lost = askNow(a, 'b', pattern(2), 10_000)
    clock.advance(1_000)
    assert.equal(lost.end, undefined)
    clock.advance(1_500)
    assert.equal(lost.end, 'no-answer')
    assert.equal(slow.end, 'no-answer')
  })

  it('ends requests that a process took with it, once its successor is heard', () => {
    const { clock, open } = world()
    const a = open('a')
    const first = open('b', new Recorder())
    const asked = askNow(a, 'b', pattern(1), 10_000)
    clock.advance(100)
    void first.close()
    const second = open('b', new Recorder())
    second.send('a', 'control', number32(1))
    clock.advance(50)
    assert.equal(asked.end, 'no-answer')
  })

  it('loses one direction of a partition and keeps the other', () => {
    const { clock, hub, open } = world()
    const atA = new Recorder()
    const atB = new Recorder()
    const a = open('a', atA)
    const b = open('b', atB)
    hub.cut('a', 'b')
    a.send('b', 'raft', number32(1))
    b.send('a', 'raft', number32(2))
    const asked = askNow(b, 'a', pattern(1), 300)
    clock.advance(200)
    assert.deepEqual([atA.items.length, atB.items.length, atA.requests.length], [1, 0, 1])
    atA.requests[0]?.reply(pattern(2))
    clock.advance(200)
    assert.equal(asked.end, 'no-answer')
    hub.mend('a', 'b')
    a.send('b', 'raft', number32(3))
    clock.settle()
    assert.deepEqual(
      atB.items.map(({ bytes }) => readNumber32(bytes)),
      [3],
    )
  })

  it('partitions groups and heals', () => {
    const { clock, hub, open } = world()
    const recorders = ['a', 'b', 'c'].map((address) => ({ address, recorder: echo() }))
    const [a, , c] = recorders.map(({ address, recorder }) => open(address, recorder)) as [
      Transport,
      Transport,
      Transport,
    ]
    hub.partition(['a', 'b'], ['c'])
    const within = askNow(a, 'b', pattern(1), 100)
    const across = [askNow(a, 'c', pattern(1), 100), askNow(c, 'a', pattern(1), 100)]
    clock.advance(200)
    assertSameBytes(within.end, pattern(1), 'within')
    assert.deepEqual(
      across.map(({ end }) => end),
      ['no-answer', 'no-answer'],
    )
    hub.heal()
    const healed = askNow(c, 'a', pattern(2))
    clock.settle()
    assertSameBytes(healed.end, pattern(2), 'healed')
  })

  it('recovers from the loss of every grant and of everything sent meanwhile', () => {
    const { clock, hub, open } = world()
    const atB = new Recorder()
    const a = open('a')
    open('b', atB)
    // All frames from b to a, which carry nothing but grants, are lost, and from some time on those from a as well.
    hub.cut('b', 'a')
    const size = 200_000
    for (let i = 0; i < 20; i++) a.send('b', 'bulk', pattern(size, i))
    clock.advance(100)
    assert.ok(atB.items.length > 0 && atB.items.length < 20, `${atB.items.length} items on the initial credit`)
    hub.cut('a', 'b')
    clock.advance(5_000)
    hub.heal()
    clock.advance(500)
    assert.equal(atB.items.length, 20)
    for (const [i, { bytes }] of atB.items.entries()) assertSameBytes(bytes, pattern(size, i), `item ${i}`)
  })

  it('does not leak credit when frames are lost', () => {
    const { clock, hub, open } = world()
    const atB = new Recorder()
    const a = open('a')
    open('b', atB)
    // A hundred windows, every frame of which but probes is lost.
    hub.policy = ({ bytes }) => (bytes.length > 1000 ? [] : undefined)
    for (let i = 0; i < 2000; i++) {
      a.send('b', 'raft', pattern(200_000, i))
      if (i % 10 === 9) clock.advance(300)
    }
    clock.advance(20_000)
    assert.equal(atB.items.length, 0)
    hub.policy = undefined
    a.send('b', 'raft', pattern(10))
    clock.settle()
    assert.equal(atB.items.length, 1)
    assert.equal(a.stats().itemsDropped, 0)
  })

  it('a fragment that is lost costs its message and no other', () => {
    const { clock, hub, open } = world()
    const atB = echo()
    const a = open('a')
    const b = open('b', atB)
    let frames = 0
    hub.policy = ({ from, bytes }) => (from === 'a' && bytes.length > 400_000 && ++frames === 2 ? [] : undefined)
    a.send('b', 'bulk', pattern(2_000_000, 1))
    a.send('b', 'bulk', pattern(2_000_000, 2))
    a.send('b', 'bulk', pattern(10, 3))
    clock.advance(1_000)
    assert.equal(atB.items.length, 2)
    assertSameBytes(atB.items[0]?.bytes, pattern(2_000_000, 2), 'the second')
    assertSameBytes(atB.items[1]?.bytes, pattern(10, 3), 'the third')
    assert.equal(b.stats().fragmentsDropped, 1)
  })

  it('never joins the beginning of one message to the end of another', () => {
    const { clock, hub, open } = world()
    const atB = new Recorder()
    const a = open('a')
    const b = open('b', atB)
    let frames = 0
    // Two messages of two fragments each; the inner two are lost.
    hub.policy = ({ from }) => (from === 'a' && (++frames === 2 || frames === 3) ? [] : undefined)
    a.send('b', 'bulk', pattern(600_000, 1))
    a.flush()
    a.send('b', 'bulk', pattern(600_000, 2))
    clock.advance(1_000)
    assert.ok(frames >= 4, `${frames} frames`)
    assert.equal(atB.items.length, 0)
    assert.equal(b.stats().fragmentsDropped, 1)
  })

  it('gives up a message whose end never comes', () => {
    const { clock, hub, open } = world()
    const a = open('a')
    const b = open('b', new Recorder())
    let frames = 0
    hub.policy = ({ from, bytes }) => (from === 'a' && bytes.length > 100_000 && ++frames > 1 ? [] : undefined)
    a.send('b', 'bulk', pattern(900_000))
    clock.advance(5_000)
    assert.equal(b.stats().fragmentsDropped, 0)
    clock.advance(10_000)
    assert.equal(b.stats().fragmentsDropped, 1)
  })

  it('answers wait while the broker is away, and what arrived for nobody is not repeated', () => {
    const { clock, hub, open } = world()
    const atB = new Recorder()
    const a = open('a')
    const b = open('b', atB)
    const asked = askNow(a, 'b', pattern(1), 5_000)
    clock.settle()
    hub.stop()
    assert.equal(a.state, 'reconnecting')
    atB.requests[0]?.reply(pattern(2))
    assert.equal(b.send('a', 'raft', pattern(3)), false)
    clock.advance(1_000)
    assert.equal(asked.end, undefined)
    hub.start()
    clock.advance(10)
    assertSameBytes(asked.end, pattern(2), 'answer')
    assert.deepEqual([a.state, a.stats().reconnects, b.stats().itemsDropped], ['open', 1, 1])
  })

  it('what waits for credit when the broker goes is dropped and said so', () => {
    const { clock, hub, open } = world()
    const a = open('a')
    const atB = echo()
    for (let i = 0; i < 30; i++) a.send('b', 'raft', pattern(100_000, i))
    const asks = Array.from({ length: 30 }, (_, i) => askNow(a, 'b', pattern(100_000, i), 5_000))
    clock.settle()
    hub.stop()
    clock.settle()
    const unsent = asks.filter(({ end }) => end === 'not-sent').length
    assert.ok(unsent >= 18 && unsent < 30, `${unsent} requests not sent`)
    assert.ok(a.stats().itemsDropped >= 18)
    open('b', atB)
    hub.start()
    clock.advance(10_000)
    assert.ok(asks.every(({ end }) => end !== undefined))
    const again = askNow(a, 'b', pattern(3))
    clock.settle()
    assertSameBytes(again.end, pattern(3), 'afterwards')
    assert.equal(atB.requests.length, 1)
  })

  it('a peer that restarts gets full credit and none of the old answers', () => {
    const { clock, hub, open } = world()
    const atB = new Recorder()
    const a = open('a', new Recorder())
    let b = open('b', atB)
    for (let i = 0; i < 3; i++) askNow(b, 'a', number32(i))
    a.send('b', 'raft', pattern(1))
    clock.settle()
    void b.close()
    b = open('b', atB)
    // As a crash leaves it: a learns of the restart only by what b says next.
    b.send('a', 'raft', pattern(2))
    clock.settle()
    for (let i = 0; i < 5; i++) assert.equal(a.send('b', 'raft', pattern(300_000, i)), true)
    clock.advance(1)
    assert.equal(atB.items.length, 6)
    assert.equal(hub.isUp, true)
  })

  it('an answer that is still under way ends no request of the process that came after', () => {
    const { clock, hub, open } = world()
    const atB = new Recorder()
    open('b', atB)
    const first = open('a')
    askNow(first, 'b', pattern(1), 10_000)
    clock.advance(20)
    hub.faults = { delayMsMin: 100, delayMsMax: 100 }
    atB.requests[0]?.reply(number32(1))
    clock.advance(10)
    void first.close()
    // Its first request has the number that the first request of its predecessor had.
    const second = open('a')
    hub.faults = {}
    const asked = askNow(second, 'b', pattern(2), 10_000)
    clock.advance(500)
    assert.equal(asked.end, undefined, 'it took the answer to another request')
    atB.requests[1]?.reply(number32(2))
    clock.advance(50)
    assert.deepEqual(asked.end === undefined ? undefined : Buffer.from(asked.end), Buffer.from(number32(2)))
  })

  it('forgets peers that are silent, and goes on counting where it was', () => {
    const { clock, open } = world()
    const atB = new Recorder()
    const a = open('a')
    open('b', atB)
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 40; i++) assert.equal(a.send('b', 'raft', pattern(100_000, i)), true)
      clock.advance(1_000)
      assert.equal(atB.items.length, 40 * (round + 1))
      assert.equal(a.stats().peers, 1)
      clock.advance(LIMITS.requestTimeoutMsMax + 30_000)
      assert.equal(a.stats().peers, 0)
    }
  })

  it('gives up what waits for a peer that never comes', () => {
    const { clock, open } = world()
    const a = open('a')
    for (let i = 0; i < 30; i++) a.send('b', 'raft', pattern(100_000, i))
    const asked = askNow(a, 'b', pattern(600_000), 60_000)
    const more = askNow(a, 'b', pattern(600_000), 60_000)
    clock.advance(LIMITS.requestTimeoutMsMax + 100)
    assert.equal(asked.end, 'no-answer')
    assert.equal(more.end, 'not-sent')
    clock.advance(30_000)
    assert.ok(a.stats().itemsDropped >= 18, `${a.stats().itemsDropped} dropped`)
    assert.equal(a.stats().peers, 0)
  })

  it('who wakes late takes in what arrived before deadlines are looked at', () => {
    const { clock, open } = world()
    const a = open('a')
    open('b', echo())
    const asked = askNow(a, 'b', pattern(1), 100)
    // The process stands still before its frame has left, far beyond the deadline.
    clock.pause(1_000)
    clock.advance(1)
    assertSameBytes(asked.end, pattern(1), 'answer')
    // A second request is served by a wheel that was not advanced for long.
    const later = askNow(a, 'nobody', pattern(1), 50)
    clock.advance(49)
    assert.equal(later.end, undefined)
    clock.advance(40)
    assert.equal(later.end, 'no-answer')
  })

  it('no timer runs on when there is nobody to talk with', () => {
    const { clock, open } = world()
    let timers = 0
    const after = clock.after.bind(clock)
    clock.after = (delayMs, run) => {
      timers++
      return after(delayMs, run)
    }
    open('a')
    clock.advance(60_000)
    assert.equal(timers, 0)
  })

  it('delivers in order and at most once, whatever is lost, late or repeated; and repeats a run exactly', () => {
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.integer({ min: 1, max: 1_000_000 }),
          lostPerMille: fc.integer({ min: 0, max: 400 }),
          repeatedPerMille: fc.integer({ min: 0, max: 400 }),
          delayMsMax: fc.integer({ min: 0, max: 50 }),
        }),
        (faults) => assert.equal(faultyRun(faults), faultyRun(faults)),
      ),
      { numRuns: 25 },
    )
  })
})

interface Chances {
  readonly seed: number
  readonly lostPerMille: number
  readonly repeatedPerMille: number
  readonly delayMsMax: number
}

/** Traffic both ways under faults, then without; answers a trace of all that was delivered. */
function faultyRun({ seed, ...faults }: Chances): string {
  const { clock, hub, open } = world(seed)
  const random = seededRandom(seed + 1)
  const names = ['a', 'b', 'c']
  const recorders = new Map(names.map((name) => [name, echo()]))
  const transports = names.map((name) => open(name, recorders.get(name)))
  hub.faults = faults
  const asked: { end?: Uint8Array | RequestFailure }[] = []
  for (let step = 0; step < 300; step++) {
    const from = transports[random.below(3)] as Transport
    const to = names[random.below(3)] as string
    const body = pattern(random.below(20) === 0 ? 600_000 : 4 + random.below(300), step)
    body.set(number32(step))
    if (random.below(3) === 0) asked.push(askNow(from, to, body, 200))
    else from.send(to, random.below(2) === 0 ? 'raft' : 'control', body)
    if (random.below(4) === 0) clock.advance(random.below(40))
  }
  clock.advance(2_000)
  assert.ok(
    asked.every(({ end }) => end !== undefined),
    'every request ends',
  )
  const traces: string[] = []
  for (const [name, { items }] of recorders) {
    const lanes = new Map<string, number>()
    for (const { from, lane, bytes } of items) {
      const number = readNumber32(bytes)
      assertSameBytes(bytes.subarray(4), pattern(bytes.length, number).subarray(4), 'item')
      assert.ok(number > (lanes.get(from + lane) ?? -1), 'in order, at most once')
      lanes.set(from + lane, number)
      traces.push(`${name}<${from} ${lane} ${number}`)
    }
  }
  hub.faults = {}
  const [a] = transports as [Transport]
  const healthy = askNow(a, 'b', pattern(9), 5_000)
  clock.advance(1_000)
  assertSameBytes(healthy.end, pattern(9), 'after the faults')
  return traces.join('\n')
}
