/** The conformance rules about messages that nothing goes wrong with: order, batching, sizes, requests, limits. */
import assert from 'node:assert/strict'
import { LIMITS } from '../../src/base/index.ts'
import type { RequestFailure } from '../../src/transport/index.ts'
import type { Suite } from './conformance.ts'
import { ask, assertSameBytes, echo, number32, pattern, Recorder, readNumber32, until } from './support.ts'

const FRAME = LIMITS.frameBytesMax

export function messageRules(suite: Suite): void {
  suite.test('items of a turn arrive in order, per lane, in one frame', async () => {
    const b = new Recorder()
    const a = await suite.open('a', undefined, { incarnation: 'data-of-a' })
    await suite.open('b', b)
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

  suite.test('flush sends at once: one frame for each destination and lane', async () => {
    const b = new Recorder()
    const c = new Recorder()
    const a = await suite.open('a')
    await suite.open('b', b)
    await suite.open('c', c)
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

  suite.test('requests and answers of a turn share a frame', async () => {
    const a = await suite.open('a')
    const b = await suite.open('b', echo())
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => ask(a, 'b', number32(i))))
    for (const [i, answer] of answers.entries()) assertSameBytes(answer, number32(i), `answer ${i}`)
    assert.equal(a.stats().framesSent, 1)
    assert.equal(b.stats().framesSent, 1)
    assert.equal(a.stats().requestsPending, 0)
  })

  suite.test('a request tells who asks and how long they wait', async () => {
    const b = echo()
    const client = await suite.open('client-7', undefined, { role: 'client', incarnation: '' })
    const store = await suite.open('a', undefined, { incarnation: 'data-of-a' })
    await suite.open('b', b)
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

  suite.test('a turn larger than a frame leaves as several, none too large, in order', async () => {
    const b = new Recorder()
    const a = await suite.open('a')
    await suite.open('b', b)
    const wire = await suite.fixture.openWire()
    const sizes: number[] = []
    wire.subscribe(`flotilla.${suite.clusterId}.r.spy`, (bytes) => sizes.push(bytes.length))
    // A round trip through the broker, after which the subscription is in force.
    await until('the spy listens', () => {
      wire.publish(`flotilla.${suite.clusterId}.r.spy`, new Uint8Array(1))
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

  suite.test('messages of every size arrive unchanged', async () => {
    const b = echo()
    const a = await suite.open('a')
    await suite.open('b', b)
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

  suite.test('a message beyond the limit is refused', async () => {
    const a = await suite.open('a')
    await suite.open('b', echo())
    const huge = new Uint8Array(LIMITS.messageBytesMax + 1)
    assert.equal(a.send('b', 'bulk', huge), false)
    assert.equal(await ask(a, 'b', huge), 'not-sent')
    assert.equal(a.stats().itemsDropped, 1)
  })

  suite.test('without an answer a request ends at its deadline, not before, and not twice', async () => {
    const b = new Recorder()
    const a = await suite.open('a')
    await suite.open('b', b)
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

  suite.test('done is never called before request returned', async () => {
    const a = await suite.open('a')
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

  suite.test('as many requests as the limit says are in flight, one more is refused', async () => {
    const b = new Recorder()
    const a = await suite.open('a')
    await suite.open('b', b)
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

  suite.test('much traffic both ways at once keeps order and loses nothing', async () => {
    const recorders = { a: echo(), b: echo() }
    const a = await suite.open('a', recorders.a)
    const b = await suite.open('b', recorders.b)
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
      await until('the other side keeps up', () => recorders.b.items.length >= goal && recorders.a.items.length >= goal)
    }
    await until('all items', () => recorders.a.items.length === total && recorders.b.items.length === total)
    for (const { items } of Object.values(recorders)) {
      for (const [i, { bytes }] of items.entries()) assert.equal(readNumber32(bytes), i)
    }
    for (const answer of await Promise.all(asked)) assert.ok(answer instanceof Uint8Array, String(answer))
  })
}
