/** What an application sees that uses the unmodified `nats` client. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { connect, Empty, headers, type Msg, type NatsConnection } from 'nats'
import type { StartTarget, Target } from './target.ts'

const text = (message: Msg): string => new TextDecoder().decode(message.data)

export function npmClientConformance(name: string, start: StartTarget): void {
  describe(`${name}: with the npm client`, () => {
    let target: Target
    let one: NatsConnection
    let two: NatsConnection
    before(async () => {
      target = await start()
      one = await connect({ servers: target.url })
      two = await connect({ servers: target.url })
    })
    after(async () => {
      await one?.close()
      await two?.close()
      await target?.stop()
    })

    /** Subscribes, and returns what has arrived once the other side has flushed. */
    async function gather(subject: string, publish: () => void, queue?: string): Promise<Msg[]> {
      const messages: Msg[] = []
      const subscription = two.subscribe(subject, {
        ...(queue === undefined ? {} : { queue }),
        callback: (error, message) => {
          assert.equal(error, null)
          messages.push(message)
        },
      })
      await two.flush()
      publish()
      await one.flush()
      await two.flush()
      subscription.unsubscribe()
      return messages
    }

    test('delivers in order, with subject and payload', async () => {
      const messages = await gather('order.a', () => {
        for (let i = 0; i < 1000; i++) one.publish('order.a', `m${i}`)
      })
      assert.deepEqual(
        messages.map(text),
        Array.from({ length: 1000 }, (_, i) => `m${i}`),
      )
      assert.ok(messages.every((message) => message.subject === 'order.a'))
    })

    test('matches * as one token and > as one or more', async () => {
      const subjects = ['w', 'w.a', 'w.a.b', 'w.b.a', 'w.a.b.c', 'x.a.b']
      const publish = (): void => {
        for (const subject of subjects) one.publish(subject)
      }
      const received = async (pattern: string): Promise<string[]> =>
        (await gather(pattern, publish)).map((message) => message.subject)
      assert.deepEqual(await received('w.*'), ['w.a'])
      assert.deepEqual(await received('w.*.*'), ['w.a.b', 'w.b.a'])
      assert.deepEqual(await received('w.>'), ['w.a', 'w.a.b', 'w.b.a', 'w.a.b.c'])
      assert.deepEqual(await received('*.a.b'), ['w.a.b', 'x.a.b'])
      assert.deepEqual(await received('w.*.b.>'), ['w.a.b.c'])
    })

    test('new and ended subscriptions take effect for a subject already in use', async () => {
      const publish = (): void => one.publish('cache.a.b')
      for (const pattern of ['cache.a.b', 'cache.*.b', 'cache.>', 'cache.a.b']) {
        assert.equal((await gather(pattern, publish)).length, 1)
        // Nobody listens now; the broker must not remember the subscription that ended.
        publish()
        await one.flush()
      }
    })

    test('a queue group gets each message once, and all members take part', async () => {
      const counts = [0, 0, 0]
      const subscriptions = counts.map((_, i) =>
        (i === 0 ? one : two).subscribe('queue.work', {
          queue: 'workers',
          callback: () => {
            counts[i] = (counts[i] ?? 0) + 1
          },
        }),
      )
      await one.flush()
      const outside = await gather('queue.*', () => {
        for (let i = 0; i < 300; i++) one.publish('queue.work')
      })
      await one.flush()
      for (const subscription of subscriptions) subscription.unsubscribe()
      assert.equal(outside.length, 300)
      assert.equal(
        counts.reduce((sum, count) => sum + count),
        300,
      )
      assert.ok(
        counts.every((count) => count > 0),
        `every member works: ${counts}`,
      )
    })

    test('members of a group that subscribe by different patterns share its messages', async () => {
      const first: Msg[] = []
      one.subscribe('mixed.a', { queue: 'q', max: 1000, callback: (_, message) => void first.push(message) })
      await one.flush()
      const second = await gather(
        'mixed.*',
        () => {
          for (let i = 0; i < 100; i++) one.publish('mixed.a')
        },
        'q',
      )
      assert.equal(first.length + second.length, 100)
    })

    test('requests are answered, many at a time', async () => {
      const service = two.subscribe('echo', { callback: (_, message) => void message.respond(message.data) })
      await two.flush()
      const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => one.request('echo', `r${i}`)))
      assert.deepEqual(
        answers.map(text),
        Array.from({ length: 200 }, (_, i) => `r${i}`),
      )
      service.unsubscribe()
    })

    test('a request that nobody serves fails at once with 503', async () => {
      await assert.rejects(one.request('nobody.here', Empty, { timeout: 20_000 }), { code: '503' })
    })

    test('headers arrive, also with an empty body', async () => {
      const sent = headers()
      sent.append('X-Key', 'one')
      sent.append('X-Key', 'two')
      const messages = await gather('head', () => {
        one.publish('head', 'body', { headers: sent })
        one.publish('head', Empty, { headers: sent })
        one.publish('head', 'plain')
      })
      assert.deepEqual(
        messages.map((message) => message.headers?.values('X-Key')),
        [['one', 'two'], ['one', 'two'], undefined],
      )
      assert.deepEqual(messages.map(text), ['body', '', 'plain'])
    })

    test('payloads of every size arrive unchanged', async () => {
      const sizes = [
        0, 1, 47, 48, 49, 4096, 16_381, 16_382, 16_383, 16_384, 65_535, 65_536, 200_000, 524_288, 1_048_576,
      ]
      const payloads = sizes.map((size) => randomBytes(size))
      const messages = await gather('size', () => {
        for (const payload of payloads) one.publish('size', payload)
      })
      assert.equal(messages.length, payloads.length)
      for (const [i, message] of messages.entries()) {
        assert.ok(payloads[i]?.equals(message.data), `payload of ${sizes[i]} bytes`)
      }
    })

    test('small and large messages keep their order when mixed', async () => {
      const large = randomBytes(100_000)
      const messages = await gather('mix', () => {
        for (let i = 0; i < 200; i++) one.publish('mix', i % 3 === 0 ? large.subarray(i) : `small ${i}`)
      })
      for (const [i, message] of messages.entries()) {
        if (i % 3 === 0) assert.ok(large.subarray(i).equals(message.data))
        else assert.equal(text(message), `small ${i}`)
      }
      assert.equal(messages.length, 200)
    })

    test('a subscription with a maximum ends by itself', async () => {
      const received: string[] = []
      const subscription = two.subscribe('limited', {
        max: 3,
        callback: (_, message) => void received.push(text(message)),
      })
      await two.flush()
      for (let i = 0; i < 10; i++) one.publish('limited', `${i}`)
      await one.flush()
      await two.flush()
      assert.deepEqual(received, ['0', '1', '2'])
      assert.ok(subscription.isClosed())
    })

    test('noEcho keeps own publications away', async () => {
      const quiet = await connect({ servers: target.url, noEcho: true })
      const received: string[] = []
      quiet.subscribe('echo.off', { callback: (_, message) => void received.push(text(message)) })
      await quiet.flush()
      quiet.publish('echo.off', 'own')
      one.publish('echo.off', 'other')
      await one.flush()
      await quiet.flush()
      await quiet.close()
      assert.deepEqual(received, ['other'])
    })

    test('drain delivers what is on the way', async () => {
      const drained = await connect({ servers: target.url })
      let count = 0
      drained.subscribe('drain', { callback: () => void count++ })
      await drained.flush()
      for (let i = 0; i < 500; i++) one.publish('drain')
      await one.flush()
      await drained.drain()
      assert.equal(count, 500)
    })

    test('a verbose and pedantic client works', async () => {
      const verbose = await connect({ servers: target.url, verbose: true, pedantic: true })
      const answered = verbose.request('verbose.echo', 'x', { timeout: 20_000 })
      await assert.rejects(answered, { code: '503' })
      const service = two.subscribe('verbose.echo', { callback: (_, message) => void message.respond(message.data) })
      await two.flush()
      assert.equal(text(await verbose.request('verbose.echo', 'x', { timeout: 20_000 })), 'x')
      service.unsubscribe()
      await verbose.close()
    })
  })
}
