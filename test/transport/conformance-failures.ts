/** The conformance rules about what goes wrong: no credit, no broker, restarts, garbage, closing, wrong names. */
import assert from 'node:assert/strict'
import { LIMITS } from '../../src/base/index.ts'
import { type RequestFailure, TransportError } from '../../src/transport/index.ts'
import { seededRandom } from './clocks.ts'
import type { Suite } from './conformance.ts'
import { ask, assertSameBytes, echo, number32, pattern, Recorder, readNumber32, until } from './support.ts'

const FRAME = LIMITS.frameBytesMax

export function failureRules(suite: Suite): void {
  suite.test('a restarted process with the same address never gets an answer of its predecessor', async () => {
    const b = new Recorder()
    const first = await suite.open('a')
    const server = await suite.open('b', b)
    const lost = ask(first, 'b', pattern(10, 1))
    await until('the first request', () => b.requests.length === 1)
    await first.close()
    assert.equal(await lost, 'closed')
    const second = await suite.open('a')
    const kept = ask(second, 'b', pattern(10, 2))
    await until('the second request', () => b.requests.length === 2)
    b.requests[0]?.reply(pattern(10, 3))
    b.requests[1]?.reply(pattern(10, 4))
    assertSameBytes(await kept, pattern(10, 4), 'answer')
    assert.equal(server.stats().repliesDropped, 1)
  })

  suite.test('credits run out, the queue bounds what waits, and everything flows once the peer is there', async () => {
    const a = await suite.open('a')
    const size = 100_000
    let accepted = 0
    while (a.send('b', 'raft', pattern(size, accepted))) accepted++
    const queued = LIMITS.destinationQueueBytesMax / size
    assert.ok(accepted > queued * 0.9 && accepted < queued * 1.2, `${accepted} items accepted`)
    assert.equal(a.stats().itemsDropped, 1)
    a.flush()
    assert.ok(a.stats().creditStalls >= 1)
    // Credits are per lane and peer: others are not held up.
    assert.equal(a.send('b', 'control', pattern(1)), true)
    const b = echo()
    await suite.open('c', echo())
    assertSameBytes(await ask(a, 'c', pattern(5)), pattern(5), 'answer of another peer')
    await suite.open('b', b)
    // What left on the initial credit before anybody listened is lost; all that waited comes, in order.
    await until('the last item', () => b.items.length > 0 && b.items.at(-1)?.lane === 'raft' && isItem(b, accepted - 1))
    const first = accepted - b.items.length
    assert.ok(first >= 0 && first <= 12, `${first} items lost`)
    for (const [i, { bytes }] of b.items.entries())
      assertSameBytes(bytes, pattern(size, first + i), `item ${first + i}`)
    assert.equal(a.send('b', 'raft', pattern(size, accepted)), true)
    await until('one more', () => isItem(b, accepted))

    function isItem(recorder: Recorder, number: number): boolean {
      const bytes = recorder.items.at(-1)?.bytes
      return bytes !== undefined && Buffer.compare(bytes, pattern(size, number)) === 0
    }
  })

  suite.test(
    'requests fail when their queue is full, and at their deadline as not sent while they wait for credit',
    async () => {
      const a = await suite.open('a')
      const body = pattern(400_000)
      const asks: Promise<Uint8Array | RequestFailure>[] = []
      for (let i = 0; i < 100; i++) asks.push(ask(a, 'nobody', body, 200))
      const ends = await Promise.all(asks)
      const count = (end: RequestFailure): number => ends.filter((each) => each === end).length
      assert.ok(count('no-answer') >= 1, 'some left on the initial credit')
      assert.ok(count('not-sent') >= 90, `${count('not-sent')} not sent`)
      assert.equal(count('no-answer') + count('not-sent'), 100)
      // What was called "not sent" must not arrive later.
      const b = echo()
      await suite.open('nobody', b)
      assertSameBytes(await ask(a, 'nobody', pattern(7)), pattern(7), 'afterwards')
      assert.equal(b.requests.length, 1)
    },
  )

  suite.test(
    'a broker that goes and comes back: no exception, no second answer, traffic resumes by itself',
    async () => {
      const b = echo()
      const states = new Recorder()
      const a = await suite.open('a', states)
      const server = await suite.open('b', b)
      const ends: (Uint8Array | RequestFailure)[] = []
      let asked = 0
      const traffic = setInterval(() => {
        for (let i = 0; i < 5; i++) {
          const number = asked++
          let isEnded = false
          a.send('b', 'raft', number32(number))
          a.request('b', number32(number), 500, (answer) => {
            assert.equal(isEnded, false, 'ended twice')
            isEnded = true
            if (answer instanceof Uint8Array) assert.equal(readNumber32(answer), number)
            ends.push(answer)
          })
        }
      }, 2)
      const answered = (): number => ends.filter((end) => end instanceof Uint8Array).length
      try {
        for (let round = 0; round < 2; round++) {
          const before = answered()
          await until('traffic', () => answered() > before + 50)
          await suite.fixture.stopBroker()
          await until('both noticed', () => a.state === 'reconnecting' && server.state === 'reconnecting')
          // Each connection notices for itself; then nothing is taken that cannot leave.
          await until('items are refused', () => !a.send('b', 'raft', number32(asked)))
          let end: Uint8Array | RequestFailure = 'no-answer'
          while (end !== 'not-sent') end = await ask(a, 'b', pattern(4), 500)
          await suite.fixture.startBroker()
          await until('both are back', () => a.state === 'open' && server.state === 'open')
          const after = answered()
          await until('traffic resumed', () => answered() > after + 50)
        }
      } finally {
        clearInterval(traffic)
        await suite.fixture.startBroker()
      }
      await until('all requests ended', () => ends.length === asked)
      assert.equal(a.stats().reconnects, 2)
      assert.deepEqual(states.states.slice(-4), ['reconnecting', 'open', 'reconnecting', 'open'])
      const numbers = b.items.map(({ bytes }) => readNumber32(bytes))
      assert.ok(
        numbers.every((number, i) => i === 0 || number > (numbers[i - 1] as number)),
        'in order, at most once',
      )
    },
  )

  suite.test('garbage is counted and does no harm', async () => {
    const b = echo()
    const a = await suite.open('a')
    const server = await suite.open('b', b)
    const wire = await suite.fixture.openWire()
    const random = seededRandom(7)
    const captured: Uint8Array[] = []
    wire.subscribe(`flotilla.${suite.clusterId}.q.spy`, (bytes) => captured.push(bytes))
    await until('a true frame', () => {
      a.request('spy', pattern(40), 10, () => {})
      return captured.length > 0
    })
    const model = captured[0] ?? new Uint8Array(0)
    let published = 0
    for (let i = 0; i < 2000; i++) {
      const bytes = i % 3 === 0 ? pattern(random.below(200), i) : mutate(model, random.below)
      const letter = ['c', 'r', 'b', 'q'][random.below(4)]
      if (wire.publish(`flotilla.${suite.clusterId}.${letter}.b`, bytes)) published++
      if (i % 200 === 199) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    assert.ok(published >= 1999)
    wire.publish(`flotilla.${suite.clusterId}.q.b`, new Uint8Array(FRAME + 1))
    wire.publish(`flotilla.${suite.clusterId}.q.b`, new Uint8Array(0))
    assertSameBytes(await ask(a, 'b', pattern(50)), pattern(50), 'afterwards')
    await until('the garbage was counted', () => server.stats().malformedFrames > 1000)
    await wire.close()
  })

  suite.test('closing ends what is pending, refuses what comes, and leaves the peer alone', async () => {
    const states = new Recorder()
    const b = echo()
    const a = await suite.open('a', states)
    const server = await suite.open('b', b)
    a.send('b', 'raft', pattern(9))
    const pending = ask(a, 'nobody', pattern(1))
    const closing = a.close()
    assert.equal(a.close(), closing)
    assert.equal(await pending, 'closed')
    await closing
    assert.equal(a.state, 'closed')
    assert.equal(a.send('b', 'raft', pattern(1)), false)
    assert.equal(await ask(a, 'b', pattern(1)), 'closed')
    a.flush()
    assert.equal(states.states.filter((state) => state === 'closed').length, 1)
    await until('what was queued before left', () => b.items.length === 1)
    assert.equal(server.state, 'open')
    const again = await suite.open('a')
    assertSameBytes(await ask(again, 'b', pattern(2)), pattern(2), 'a successor')
  })

  suite.test('an answer after the transport closed goes nowhere', async () => {
    const b = new Recorder()
    const a = await suite.open('a')
    const server = await suite.open('b', b)
    const answer = ask(a, 'b', pattern(1), 300)
    await until('the request', () => b.requests.length === 1)
    await server.close()
    b.requests[0]?.reply(pattern(2))
    assert.equal(await answer, 'no-answer')
  })

  suite.test('a goodbye ends at once what the leaver did not answer, and what comes after', async () => {
    const b = new Recorder()
    const a = await suite.open('a')
    const server = await suite.open('b', b)
    const taken = ask(a, 'b', pattern(1), 20_000)
    await until('the request', () => b.requests.length === 1)
    const answered = ask(a, 'b', pattern(2), 20_000)
    await until('the other request', () => b.requests.length === 2)
    b.requests[1]?.reply(pattern(3))
    const startedMs = performance.now()
    await server.close()
    assert.equal(await taken, 'no-answer', 'it was taken and may have had an effect')
    assertSameBytes(await answered, pattern(3), 'an answer on the way comes before the goodbye')
    assert.equal(a.isAbsent('b'), true)
    assert.equal(await ask(a, 'b', pattern(1), 20_000), 'not-sent')
    assert.ok(performance.now() - startedMs < 15_000, 'nobody waited for a deadline')
    await suite.open('b', echo())
    await until('the successor is noticed by itself', () => !a.isAbsent('b'))
    assertSameBytes(await ask(a, 'b', pattern(4)), pattern(4), 'answer of the successor')
  })

  suite.test('clusters do not hear each other', async () => {
    const b = echo()
    await suite.open('b', b)
    suite.clusterId = `${suite.clusterId}-other`
    const a = await suite.open('a')
    assert.equal(await ask(a, 'b', pattern(1), 100), 'no-answer')
    assert.equal(b.requests.length, 0)
  })

  suite.test('ids that cannot be part of a subject are refused with a cure', async () => {
    for (const bad of ['', 'a.b', 'a b', '*', '>', 'a\n', 'ä', 'x'.repeat(200)]) {
      await assert.rejects(
        suite.fixture.open({ clusterId: suite.clusterId, address: bad }),
        (error) =>
          error instanceof TransportError && error.code === 'BAD_ID' && error.message.includes('NATS subjects'),
      )
      await assert.rejects(suite.fixture.open({ clusterId: bad, address: 'a' }), TransportError)
    }
    const a = await suite.open('store-1_A$!~')
    await suite.open('b', echo())
    assertSameBytes(await ask(a, 'b', pattern(1)), pattern(1), 'answer')
  })
}

/** Changes, cuts or extends a true frame. */
function mutate(model: Uint8Array, below: (bound: number) => number): Uint8Array {
  const bytes = model.slice(0, below(4) === 0 ? below(model.length) : model.length)
  for (let n = below(4); n >= 0 && bytes.length > 0; n--) bytes[below(bytes.length)] = below(256)
  return below(5) === 0 ? Buffer.concat([bytes, pattern(below(30))]) : bytes
}
