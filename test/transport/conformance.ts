/**
 * What every adapter of the transport must do, run by `*-conformance.test.ts` on each of them. Nothing here depends on speed: waiting is
 * patient, and only what the port promises about time ("not before") is measured.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { LIMITS } from '../../src/base/index.ts'
import type { RequestFailure, Transport } from '../../src/transport/index.ts'
import { TransportError } from '../../src/transport/index.ts'
import { seededRandom } from './clocks.ts'
import {
  ask,
  assertSameBytes,
  echo,
  type Fixture,
  number32,
  pattern,
  Recorder,
  readNumber32,
  until,
} from './support.ts'

const FRAME = LIMITS.frameBytesMax

export function describeTransport(name: string, makeFixture: () => Promise<Fixture>): void {
  describe(`transport conformance on ${name}`, () => {
    let fixture: Fixture
    let clusters = 0
    let clusterId = ''
    let opened: Transport[] = []

    // The clock's timers let a process end while it waits, as they should; a test has to stay.
    const reasonToLive = setInterval(() => {}, 60_000)

    before(async () => {
      fixture = await makeFixture()
    })

    after(async () => {
      clearInterval(reasonToLive)
      await fixture.end()
    })

    /** Each test is a cluster of its own on the shared broker. */
    function test(what: string, run: () => Promise<void>): void {
      it(what, async () => {
        clusterId = `c${++clusters}`
        opened = []
        try {
          await run()
        } finally {
          await Promise.all(opened.map((transport) => transport.close()))
        }
      })
    }

    async function open(address: string, handlers?: Recorder, more: object = {}): Promise<Transport> {
      const transport = await fixture.open({
        clusterId,
        address,
        ...(handlers === undefined ? {} : { handlers }),
        ...more,
      })
      opened.push(transport)
      assert.equal(transport.state, 'open')
      assert.equal(transport.address, address)
      return transport
    }

    test('items of a turn arrive in order, per lane, in one frame', async () => {
      const b = new Recorder()
      const a = await open('a', undefined, { incarnation: 'data-of-a' })
      await open('b', b)
      for (let i = 0; i < 1000; i++) assert.equal(a.send('b', 'raft', number32(i)), true)
      await until('1000 items', () => b.items.length === 1000)
      assert.deepEqual(
        b.items.map(({ bytes }) => readNumber32(bytes)),
        [...Array(1000).keys()],
      )
      assert.ok(
        b.items.every(({ from, lane, incarnation }) => from === 'a' && lane === 'raft' && incarnation === 'data-of-a'),
      )
      assert.deepEqual(b.batches, [1000])
      assert.equal(a.stats().framesSent, 1)
    })

    test('flush sends at once: one frame for each destination and lane', async () => {
      const b = new Recorder()
      const c = new Recorder()
      const a = await open('a')
      await open('b', b)
      await open('c', c)
      for (const to of ['b', 'c']) {
        for (const lane of ['control', 'raft', 'bulk'] as const) {
          a.send(to, lane, number32(1))
          a.send(to, lane, number32(2))
        }
      }
      assert.equal(a.stats().framesSent, 0)
      a.flush()
      assert.equal(a.stats().framesSent, 6)
      a.flush()
      assert.equal(a.stats().framesSent, 6)
      await until('all items', () => b.items.length === 6 && c.items.length === 6)
      assert.deepEqual(new Set(b.items.map(({ lane }) => lane)), new Set(['control', 'raft', 'bulk']))
      assert.deepEqual(b.batches, [2, 2, 2])
    })

    test('requests and answers of a turn share a frame', async () => {
      const a = await open('a')
      const b = await open('b', echo())
      const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => ask(a, 'b', number32(i))))
      for (const [i, answer] of answers.entries()) assertSameBytes(answer, number32(i), `answer ${i}`)
      assert.equal(a.stats().framesSent, 1)
      assert.equal(b.stats().framesSent, 1)
      assert.equal(a.stats().requestsPending, 0)
    })

    test('a request tells who asks and how long they wait', async () => {
      const b = echo()
      const client = await open('client-7', undefined, { role: 'client', incarnation: '' })
      const store = await open('a', undefined, { incarnation: 'data-of-a' })
      await open('b', b)
      assertSameBytes(await ask(client, 'b', pattern(3), 1234), pattern(3), 'answer')
      assertSameBytes(await ask(store, 'b', pattern(4), 10 ** 9), pattern(4), 'answer')
      assert.deepEqual(
        b.requests.map(({ from, incarnation, timeoutMs }) => ({ from, incarnation, timeoutMs })),
        [
          { from: 'client-7', incarnation: '', timeoutMs: 1234 },
          { from: 'a', incarnation: 'data-of-a', timeoutMs: LIMITS.requestTimeoutMsMax },
        ],
      )
    })

    test('a turn larger than a frame leaves as several, none too large, in order', async () => {
      const b = new Recorder()
      const a = await open('a')
      await open('b', b)
      const wire = await fixture.openWire()
      const sizes: number[] = []
      wire.subscribe(`flotilla.${clusterId}.r.spy`, (bytes) => sizes.push(bytes.length))
      // A round trip through the broker, after which the subscription is in force.
      await until('the spy listens', () => {
        wire.publish(`flotilla.${clusterId}.r.spy`, new Uint8Array(1))
        return sizes.length > 0
      })
      sizes.length = 0
      for (let i = 0; i < 300; i++) {
        a.send('b', 'raft', pattern(5000, i))
        if (i < 150) a.send('spy', 'raft', pattern(5000, i))
      }
      await until('all items', () => b.items.length === 300)
      await until('the spy saw frames', () => sizes.filter((size) => size > 1).length >= 2)
      for (const [i, { bytes }] of b.items.entries()) assertSameBytes(bytes, pattern(5000, i), `item ${i}`)
      assert.ok(Math.max(...sizes) <= FRAME && Math.max(...sizes) > FRAME / 2)
      await wire.close()
    })

    test('messages of every size arrive unchanged', async () => {
      const b = echo()
      const a = await open('a')
      await open('b', b)
      const sizes = [0, 1, 2, 127, 128, 255, 256, 65_535, 65_536]
      for (const delta of [-400, -300, -289, -288, -287, -256, -64, -33, -32, -1, 0, 1, 400]) sizes.push(FRAME + delta)
      sizes.push(2 * FRAME, 2 * FRAME + 1, 3_000_000, LIMITS.messageBytesMax)
      for (const [i, size] of sizes.entries()) {
        const body = pattern(size, i)
        b.items.length = 0
        assert.equal(a.send('b', i % 2 === 0 ? 'raft' : 'bulk', body), true)
        a.send('b', i % 2 === 0 ? 'raft' : 'bulk', number32(i))
        assertSameBytes(await ask(a, 'b', body), body, `answer of ${size} bytes`)
        await until(`item of ${size} bytes`, () => b.items.length === 2)
        assertSameBytes(b.items[0]?.bytes, body, `item of ${size} bytes`)
        assertSameBytes(b.items[1]?.bytes, number32(i), 'what follows it')
      }
    })

    test('a message beyond the limit is refused', async () => {
      const a = await open('a')
      await open('b', echo())
      const huge = new Uint8Array(LIMITS.messageBytesMax + 1)
      assert.equal(a.send('b', 'bulk', huge), false)
      assert.equal(await ask(a, 'b', huge), 'not-sent')
      assert.equal(a.stats().itemsDropped, 1)
    })

    test('without an answer a request ends at its deadline, not before, and not twice', async () => {
      const b = new Recorder()
      const a = await open('a')
      await open('b', b)
      const startMs = performance.now()
      assert.equal(await ask(a, 'b', pattern(1), 120), 'no-answer')
      assert.ok(performance.now() - startMs >= 119)
      assert.equal(await ask(a, 'nobody', pattern(1), 50), 'no-answer')
      // The late answer, and its repetition, reach nobody.
      b.requests[0]?.reply(pattern(2))
      b.requests[0]?.reply(pattern(3))
      await until('the late answer', () => a.stats().repliesLate === 1)
      assert.equal(a.stats().requestsPending, 0)
    })

    test('done is never called before request returned', async () => {
      const a = await open('a')
      let isIn = true
      const ended = new Promise<RequestFailure | Uint8Array>((resolve) => {
        a.request('b', new Uint8Array(LIMITS.messageBytesMax + 1), 50, (answer) => {
          assert.equal(isIn, false)
          resolve(answer)
        })
      })
      isIn = false
      assert.equal(await ended, 'not-sent')
    })

    test('as many requests as the limit says are in flight, one more is refused', async () => {
      const b = new Recorder()
      const a = await open('a')
      await open('b', b)
      const answers = Array.from({ length: LIMITS.inflightRequestsMax }, (_, i) => ask(a, 'b', number32(i), 60_000))
      await until('all requests arrived', () => b.requests.length === LIMITS.inflightRequestsMax)
      assert.equal(a.stats().requestsPending, LIMITS.inflightRequestsMax)
      assert.equal(await ask(a, 'b', pattern(1)), 'not-sent')
      for (const request of [...b.requests].reverse()) request.reply(request.body)
      for (const [i, answer] of (await Promise.all(answers)).entries())
        assertSameBytes(answer, number32(i), `answer ${i}`)
      b.respond = (request) => request.body
      assertSameBytes(await ask(a, 'b', pattern(9)), pattern(9), 'afterwards')
    })

    test('a restarted process with the same address never gets an answer of its predecessor', async () => {
      const b = new Recorder()
      const first = await open('a')
      const server = await open('b', b)
      const lost = ask(first, 'b', pattern(10, 1))
      await until('the first request', () => b.requests.length === 1)
      await first.close()
      assert.equal(await lost, 'closed')
      const second = await open('a')
      const kept = ask(second, 'b', pattern(10, 2))
      await until('the second request', () => b.requests.length === 2)
      b.requests[0]?.reply(pattern(10, 3))
      b.requests[1]?.reply(pattern(10, 4))
      assertSameBytes(await kept, pattern(10, 4), 'answer')
      assert.equal(server.stats().repliesDropped, 1)
    })

    test('credits run out, the queue bounds what waits, and everything flows once the peer is there', async () => {
      const a = await open('a')
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
      await open('c', echo())
      assertSameBytes(await ask(a, 'c', pattern(5)), pattern(5), 'answer of another peer')
      await open('b', b)
      // What left on the initial credit before anybody listened is lost; all that waited comes, in order.
      await until(
        'the last item',
        () => b.items.length > 0 && b.items.at(-1)?.lane === 'raft' && isItem(b, accepted - 1),
      )
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

    test('requests fail when their queue is full, and at their deadline as not sent while they wait for credit', async () => {
      const a = await open('a')
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
      await open('nobody', b)
      assertSameBytes(await ask(a, 'nobody', pattern(7)), pattern(7), 'afterwards')
      assert.equal(b.requests.length, 1)
    })

    test('much traffic both ways at once keeps order and loses nothing', async () => {
      const recorders = { a: echo(), b: echo() }
      const a = await open('a', recorders.a)
      const b = await open('b', recorders.b)
      const total = 3000
      let sent = 0
      const asked: Promise<unknown>[] = []
      while (sent < total) {
        for (let i = 0; i < 100; i++, sent++) {
          const item = pattern(4 + (sent % 5000), sent)
          item.set(number32(sent))
          assert.equal(a.send('b', 'raft', item), true)
          assert.equal(b.send('a', 'raft', item), true)
          if (i % 10 === 0) asked.push(ask(a, 'b', item), ask(b, 'a', item))
        }
        const goal = sent - 500
        await until(
          'the other side keeps up',
          () => recorders.b.items.length >= goal && recorders.a.items.length >= goal,
        )
      }
      await until('all items', () => recorders.a.items.length === total && recorders.b.items.length === total)
      for (const { items } of Object.values(recorders)) {
        for (const [i, { bytes }] of items.entries()) assert.equal(readNumber32(bytes), i)
      }
      for (const answer of await Promise.all(asked)) assert.ok(answer instanceof Uint8Array, String(answer))
    })

    test('a broker that goes and comes back: no exception, no second answer, traffic resumes by itself', async () => {
      const b = echo()
      const states = new Recorder()
      const a = await open('a', states)
      const server = await open('b', b)
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
          await fixture.stopBroker()
          await until('both noticed', () => a.state === 'reconnecting' && server.state === 'reconnecting')
          // Each connection notices for itself; then nothing is taken that cannot leave.
          await until('items are refused', () => !a.send('b', 'raft', number32(asked)))
          let end: Uint8Array | RequestFailure = 'no-answer'
          while (end !== 'not-sent') end = await ask(a, 'b', pattern(4), 500)
          await fixture.startBroker()
          await until('both are back', () => a.state === 'open' && server.state === 'open')
          const after = answered()
          await until('traffic resumed', () => answered() > after + 50)
        }
      } finally {
        clearInterval(traffic)
        await fixture.startBroker()
      }
      await until('all requests ended', () => ends.length === asked)
      assert.equal(a.stats().reconnects, 2)
      assert.deepEqual(states.states.slice(-4), ['reconnecting', 'open', 'reconnecting', 'open'])
      const numbers = b.items.map(({ bytes }) => readNumber32(bytes))
      assert.ok(
        numbers.every((number, i) => i === 0 || number > (numbers[i - 1] as number)),
        'in order, at most once',
      )
    })

    test('garbage is counted and does no harm', async () => {
      const b = echo()
      const a = await open('a')
      const server = await open('b', b)
      const wire = await fixture.openWire()
      const random = seededRandom(clusters)
      const captured: Uint8Array[] = []
      wire.subscribe(`flotilla.${clusterId}.q.spy`, (bytes) => captured.push(bytes))
      await until('a true frame', () => {
        a.request('spy', pattern(40), 10, () => {})
        return captured.length > 0
      })
      const model = captured[0] ?? new Uint8Array(0)
      let published = 0
      for (let i = 0; i < 2000; i++) {
        const bytes = i % 3 === 0 ? pattern(random.below(200), i) : mutate(model, random.below)
        const letter = ['c', 'r', 'b', 'q'][random.below(4)]
        if (wire.publish(`flotilla.${clusterId}.${letter}.b`, bytes)) published++
        if (i % 200 === 199) await new Promise((resolve) => setTimeout(resolve, 5))
      }
      assert.ok(published >= 1999)
      wire.publish(`flotilla.${clusterId}.q.b`, new Uint8Array(FRAME + 1))
      wire.publish(`flotilla.${clusterId}.q.b`, new Uint8Array(0))
      assertSameBytes(await ask(a, 'b', pattern(50)), pattern(50), 'afterwards')
      await until('the garbage was counted', () => server.stats().malformedFrames > 1000)
      await wire.close()
    })

    test('closing ends what is pending, refuses what comes, and leaves the peer alone', async () => {
      const states = new Recorder()
      const b = echo()
      const a = await open('a', states)
      const server = await open('b', b)
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
      const again = await open('a')
      assertSameBytes(await ask(again, 'b', pattern(2)), pattern(2), 'a successor')
    })

    test('an answer after the transport closed goes nowhere', async () => {
      const b = new Recorder()
      const a = await open('a')
      const server = await open('b', b)
      const answer = ask(a, 'b', pattern(1), 300)
      await until('the request', () => b.requests.length === 1)
      await server.close()
      b.requests[0]?.reply(pattern(2))
      assert.equal(await answer, 'no-answer')
    })

    test('clusters do not hear each other', async () => {
      const b = echo()
      await open('b', b)
      clusterId = `${clusterId}-other`
      const a = await open('a')
      assert.equal(await ask(a, 'b', pattern(1), 100), 'no-answer')
      assert.equal(b.requests.length, 0)
    })

    test('ids that cannot be part of a subject are refused with a cure', async () => {
      for (const bad of ['', 'a.b', 'a b', '*', '>', 'a\n', 'ä', 'x'.repeat(200)]) {
        await assert.rejects(
          fixture.open({ clusterId, address: bad }),
          (error) =>
            error instanceof TransportError && error.code === 'BAD_ID' && error.message.includes('NATS subjects'),
        )
        await assert.rejects(fixture.open({ clusterId: bad, address: 'a' }), TransportError)
      }
      const a = await open('store-1_A$!~')
      await open('b', echo())
      assertSameBytes(await ask(a, 'b', pattern(1)), pattern(1), 'answer')
    })
  })
}

/** Changes, cuts or extends a true frame. */
function mutate(model: Uint8Array, below: (bound: number) => number): Uint8Array {
  const bytes = model.slice(0, below(4) === 0 ? below(model.length) : model.length)
  for (let n = below(4); n >= 0 && bytes.length > 0; n--) bytes[below(bytes.length)] = below(256)
  return below(5) === 0 ? Buffer.concat([bytes, pattern(below(30))]) : bytes
}
