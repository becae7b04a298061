/**
 * How a broker behaves towards clients, written once and run on every broker: the embedded one and a real nats-server. Only behaviour that is
 * meant to be equal is here; what differs on purpose is tested with the embedded broker and says so.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { connect, Empty, headers, type Msg, type NatsConnection } from 'nats'
import { RawClient } from './raw-client.ts'

export type TargetAuth = { readonly user: string; readonly password: string } | { readonly token: string }

export interface TargetOptions {
  readonly auth?: TargetAuth
  readonly authTimeoutMs?: number
  readonly payloadBytesMax?: number
  readonly connectionsMax?: number
  readonly subscriptionsMax?: number
  readonly pingIntervalMs?: number
  readonly pingsOutMax?: number
  readonly pendingBytesMax?: number
}

export interface Target {
  readonly url: string
  stop(): Promise<void>
}

export type StartTarget = (options?: TargetOptions) => Promise<Target>

const QUIET = 'CONNECT {"verbose":false,"pedantic":false}\r\n'
const QUIET_HEADERS = 'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n'
const AUTH = { user: 'ann', password: 'säcret' } as const

const text = (message: Msg): string => new TextDecoder().decode(message.data)

export function brokerConformance(name: string, start: StartTarget): void {
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

  describe(`${name}: word by word`, () => {
    let target: Target
    before(async () => {
      target = await start()
    })
    after(async () => {
      await target?.stop()
    })

    /** Sends a script to a new connection; returns what the broker said, and whether it closed. */
    async function converse(script: string): Promise<string> {
      const client = await RawClient.connect(target.url)
      client.send(script)
      const said = await client.settle()
      client.close()
      return said
    }

    async function converseToTheEnd(script: string): Promise<string> {
      const client = await RawClient.connect(target.url)
      client.send(script)
      return client.untilClosed()
    }

    test('INFO says what a client must know', async () => {
      const client = await RawClient.connect(target.url)
      const { info } = client
      client.close()
      assert.equal(info.proto, 1)
      assert.equal(info.headers, true)
      assert.equal(info.max_payload, 1024 * 1024)
      assert.equal(info.auth_required ?? false, false)
      assert.equal(typeof info.server_id, 'string')
      assert.match(String(info.version), /^\d+\.\d+\.\d+/)
      assert.ok(Number(info.client_id) > 0)
      assert.equal(info.port, Number(new URL(target.url).port))
    })

    test('client ids differ', async () => {
      const clients = await Promise.all([1, 2, 3].map(() => RawClient.connect(target.url)))
      assert.equal(new Set(clients.map((client) => client.info.client_id)).size, 3)
      for (const client of clients) client.close()
    })

    const dialogues: readonly [what: string, script: string, said: string][] = [
      [
        'acknowledges unless told not to',
        'CONNECT {}\r\nPUB v1 1\r\nx\r\nSUB v1 1\r\nUNSUB 1\r\nUNSUB 9\r\n',
        '+OK\r\n'.repeat(5),
      ],
      ['serves clients that do not CONNECT', 'SUB v2 1\r\nPUB v2 1\r\nx\r\n', '+OK\r\n+OK\r\nMSG v2 1 1\r\nx\r\n'],
      ['takes CONNECT twice', `${QUIET}CONNECT {"verbose":true}\r\nPUB v3 0\r\n\r\n`, '+OK\r\n+OK\r\n'],
      ['takes any case', `${QUIET}sub l1 1\r\nPub l1 1\r\nx\r\n`, 'MSG l1 1 1\r\nx\r\n'],
      ['takes tabs and blanks', `${QUIET}SUB\tt1 \t 1 \r\nPUB   t1   1 \r\nx\r\n`, 'MSG t1 1 1\r\nx\r\n'],
      ['takes a bare line feed', `${QUIET}SUB n1 1\nPUB n1 1\nx\r\n`, 'MSG n1 1 1\r\nx\r\n'],
      ['ignores +OK and INFO', `${QUIET}+OK\r\nINFO {}\r\n`, ''],
      ['hands on the reply subject', `${QUIET}SUB p1 1\r\nPUB p1 back.to 0\r\n\r\n`, 'MSG p1 1 back.to 0\r\n\r\n'],
      [
        'keeps the first subject of a name',
        `${QUIET}SUB d1 1\r\nSUB d2 1\r\nPUB d1 1\r\nx\r\nPUB d2 1\r\ny\r\n`,
        'MSG d1 1 1\r\nx\r\n',
      ],
      [
        'serves every subscription of a client',
        `${QUIET}SUB e1 1\r\nSUB e1 2\r\nPUB e1 1\r\nx\r\n`,
        'MSG e1 1 1\r\nx\r\nMSG e1 2 1\r\nx\r\n',
      ],
      [
        'ends a subscription after its maximum',
        `${QUIET}SUB u1 1\r\nUNSUB 1 2\r\nPUB u1 1\r\n1\r\nPUB u1 1\r\n2\r\nPUB u1 1\r\n3\r\n`,
        'MSG u1 1 1\r\n1\r\nMSG u1 1 1\r\n2\r\n',
      ],
      [
        'ends a subscription at once when its maximum has passed',
        `${QUIET}SUB u2 1\r\nPUB u2 1\r\n1\r\nPUB u2 1\r\n2\r\nUNSUB 1 1\r\nPUB u2 1\r\n3\r\n`,
        'MSG u2 1 1\r\n1\r\nMSG u2 1 1\r\n2\r\n',
      ],
      [
        'counts earlier messages towards the maximum',
        `${QUIET}SUB u3 1\r\nPUB u3 1\r\n1\r\nUNSUB 1 2\r\nPUB u3 1\r\n2\r\nPUB u3 1\r\n3\r\n`,
        'MSG u3 1 1\r\n1\r\nMSG u3 1 1\r\n2\r\n',
      ],
      [
        'lets the name of an ended subscription be used again',
        `${QUIET}SUB r1 1\r\nUNSUB 1\r\nSUB r2 1\r\nPUB r1 0\r\n\r\nPUB r2 0\r\n\r\n`,
        'MSG r2 1 0\r\n\r\n',
      ],
      [
        'refuses malformed subjects and goes on',
        `${QUIET}SUB i..b 1\r\nSUB .i 2\r\nSUB i. 3\r\nSUB i.>.b 4\r\nSUB >. 5\r\nSUB i*.b> 6\r\nPUB i*.b> 1\r\nx\r\n`,
        `${"-ERR 'Invalid Subject'\r\n".repeat(5)}MSG i*.b> 6 1\r\nx\r\n`,
      ],
      ['delivers malformed subjects to nobody', `${QUIET}SUB j.> 1\r\nPUB j..b 1\r\nx\r\nPUB j. 1\r\nx\r\n`, ''],
      [
        'takes wildcards of a publication literally',
        `${QUIET}SUB k.* 1\r\nSUB k.a 2\r\nPUB k.* 1\r\nx\r\n`,
        'MSG k.* 1 1\r\nx\r\n',
      ],
      [
        'warns a pedantic client of malformed publications',
        'CONNECT {"verbose":false}\r\nPUB m..b 1\r\nx\r\nPUB m.> 1\r\nx\r\n',
        "-ERR 'Invalid Publish Subject'\r\n".repeat(2),
      ],
      [
        'hands on headers',
        `${QUIET_HEADERS}SUB h1 1\r\nHPUB h1 back 12 13\r\nNATS/1.0\r\n\r\nx\r\n`,
        'HMSG h1 1 back 12 13\r\nNATS/1.0\r\n\r\nx\r\n',
      ],
      ['turns an empty header into none', `${QUIET_HEADERS}SUB h2 1\r\nHPUB h2 0 1\r\nz\r\n`, 'MSG h2 1 1\r\nz\r\n'],
      [
        'says 503 where nobody receives',
        `${QUIET_HEADERS}SUB n2.r.* 7\r\nPUB n2.q n2.r.1 1\r\nx\r\n`,
        'HMSG n2.r.1 7 16 16\r\nNATS/1.0 503\r\n\r\n\r\n',
      ],
      ['says no 503 where the client does not listen', `${QUIET_HEADERS}PUB n3.q n3.r.1 1\r\nx\r\n`, ''],
      ['says no 503 unless asked to', `${QUIET}SUB n4.r.* 7\r\nPUB n4.q n4.r.1 1\r\nx\r\n`, ''],
      ['says no 503 without a reply subject', `${QUIET_HEADERS}SUB n5.> 7\r\nUNSUB 7\r\nPUB n5.q 1\r\nx\r\n`, ''],
      [
        'keeps own publications away without echo',
        'CONNECT {"verbose":false,"echo":false}\r\nSUB o1 1\r\nPUB o1 1\r\nx\r\n',
        '',
      ],
      ['takes a control line of 4096 bytes', `${QUIET}SUB ${'a'.repeat(4090)} 1\r\n`, ''],
      [
        'hands on bytes that are not ASCII',
        `${QUIET}SUB \xff\xfe.\xe9 1\r\nPUB \xff\xfe.\xe9 1\r\nx\r\n`,
        'MSG \xff\xfe.\xe9 1 1\r\nx\r\n',
      ],
      [
        'hands on payloads that look like operations',
        `${QUIET}SUB f1 1\r\nPUB f1 17\r\nPUB f1 1\r\nx\r\nPING\r\n`,
        'MSG f1 1 17\r\nPUB f1 1\r\nx\r\nPING\r\n',
      ],
    ]
    for (const [what, script, said] of dialogues) {
      test(what, async () => assert.equal(await converse(script), said))
    }

    const ends: readonly [what: string, script: string, said: string][] = [
      ['an unknown operation', `${QUIET}FOO bar\r\n`, "-ERR 'Unknown Protocol Operation'\r\n"],
      ['an unknown operation that has no end yet', `${QUIET}FOO`, "-ERR 'Unknown Protocol Operation'\r\n"],
      ['an empty line', `${QUIET}\r\n`, "-ERR 'Unknown Protocol Operation'\r\n"],
      ['an operation of the server', `${QUIET}MSG a 1 1\r\nx\r\n`, "-ERR 'Unknown Protocol Operation'\r\n"],
      ['HTTP', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', "-ERR 'Unknown Protocol Operation'\r\n"],
      ['a payload longer than announced', `${QUIET}PUB a 1\r\nxyz\r\n`, "-ERR 'Unknown Protocol Operation'\r\n"],
      ['a payload without its line end', `${QUIET}PUB a 1\r\nx\nPING\r\n`, "-ERR 'Unknown Protocol Operation'\r\n"],
      ['a payload above the maximum', `${QUIET}PUB a 1048577\r\n`, "-ERR 'Maximum Payload Violation'\r\n"],
      ['a long control line', `${QUIET}SUB ${'a'.repeat(5000)} 1\r\n`, "-ERR 'maximum control line exceeded'\r\n"],
      [
        'a long control line without end',
        `${QUIET}SUB ${'a'.repeat(5000)}`,
        "-ERR 'maximum control line exceeded'\r\n",
      ],
      ['a protocol nobody knows', 'CONNECT {"protocol":5,"verbose":false}\r\n', "-ERR 'invalid client protocol'\r\n"],
      [
        'no_responders without headers',
        'CONNECT {"verbose":false,"no_responders":true}\r\n',
        "-ERR 'no responders requires headers support'\r\n",
      ],
    ]
    for (const [what, script, said] of ends) {
      test(`refuses ${what} and closes`, async () => assert.equal(await converseToTheEnd(script), said))
    }

    const malformed = [
      'PUB a x\r\nx\r\n',
      'PUB a -1\r\nx\r\n',
      'PUB a\r\n',
      'PUB a b c 1\r\nx\r\n',
      'PUB a 99999999999999\r\n',
      'PUB\r\n',
      'SUB a\r\n',
      'SUB a b c d\r\n',
      'UNSUB \r\n',
      'HPUB a 14 13\r\n',
      'HPUB a 14\r\n',
      'CONNECT\r\n',
      'CONNECT {x\r\n',
      'CONNECT {"verbose":"yes"}\r\n',
    ]
    for (const script of malformed) {
      // nats-server closes some of these without a word, so only the end is compared.
      test(`closes after ${JSON.stringify(script)}`, async () => {
        const said = await converseToTheEnd(`${QUIET_HEADERS}${script}`)
        assert.match(said, /^(-ERR '.*'\r\n)?$/)
      })
    }

    test('closes after HPUB from a client that did not announce headers', async () => {
      const said = await converseToTheEnd(`${QUIET}HPUB a 12 13\r\nNATS/1.0\r\n\r\nx\r\n`)
      assert.match(said, /^(-ERR '.*'\r\n)?$/)
    })

    test('a client without headers gets the body alone', async () => {
      const old = await RawClient.connect(target.url)
      old.send(`${QUIET}SUB strip 1\r\n`)
      await old.settle()
      await converse(
        `${QUIET_HEADERS}HPUB strip back 12 14\r\nNATS/1.0\r\n\r\nxy\r\nHPUB strip 12 12\r\nNATS/1.0\r\n\r\n\r\n`,
      )
      assert.equal(await old.settle(), 'MSG strip 1 back 2\r\nxy\r\nMSG strip 1 0\r\n\r\n')
      old.close()
    })

    test('a script means the same byte by byte', async () => {
      const client = await RawClient.connect(target.url)
      for (const byte of `${QUIET_HEADERS}SUB b.* g 1\r\nPUB b.1 r 3\r\nabc\r\nHPUB b.2 12 13\r\nNATS/1.0\r\n\r\nx\r\n`) {
        client.send(byte)
        await new Promise((resolve) => setImmediate(resolve))
      }
      assert.equal(await client.settle(), 'MSG b.1 1 r 3\r\nabc\r\nHMSG b.2 1 12 13\r\nNATS/1.0\r\n\r\nx\r\n')
      client.close()
    })

    test('the subscriptions of a client end with it', async () => {
      const gone = await RawClient.connect(target.url)
      gone.send(`${QUIET}SUB left.behind 1\r\n`)
      await gone.settle()
      gone.close()
      const asker = await RawClient.connect(target.url)
      asker.send(`${QUIET_HEADERS}SUB answers.* 7\r\n`)
      // The broker learns of the end when it gets to it; from then on every request says 503.
      while (!asker.said.includes('503')) {
        asker.send('PUB left.behind answers.1 0\r\n\r\n')
        await asker.settle()
      }
      asker.close()
    })
  })

  describe(`${name}: credentials and limits`, () => {
    async function withTarget(options: TargetOptions, run: (target: Target) => Promise<void>): Promise<void> {
      const target = await start(options)
      try {
        await run(target)
      } finally {
        await target.stop()
      }
    }

    async function lastWords(url: string, script: string): Promise<string> {
      const client = await RawClient.connect(url)
      client.send(script)
      return client.untilClosed()
    }

    const VIOLATION = "-ERR 'Authorization Violation'\r\n"

    test('user and password', () =>
      withTarget({ auth: AUTH }, async ({ url }) => {
        const connection = await connect({ servers: url, user: AUTH.user, pass: AUTH.password })
        await connection.flush()
        assert.equal(connection.info?.auth_required, true)
        await connection.close()
        await assert.rejects(connect({ servers: url, user: AUTH.user, pass: 'wrong' }), {
          code: 'AUTHORIZATION_VIOLATION',
        })
        await assert.rejects(connect({ servers: url, user: 'bob', pass: AUTH.password }), {
          code: 'AUTHORIZATION_VIOLATION',
        })
        await assert.rejects(connect({ servers: url, token: AUTH.password }), { code: 'AUTHORIZATION_VIOLATION' })
        await assert.rejects(connect({ servers: url }), { code: 'AUTHORIZATION_VIOLATION' })
        assert.equal(await lastWords(url, 'PING\r\n'), VIOLATION)
        assert.equal(await lastWords(url, 'SUB a 1\r\n'), VIOLATION)
        assert.equal(await lastWords(url, 'PUB a 1\r\nx\r\n'), VIOLATION)
        assert.equal(await lastWords(url, 'nonsense'), VIOLATION)
        assert.equal(await lastWords(url, 'CONNECT {}\r\nPING\r\n'), VIOLATION)
      }))

    test('token', () =>
      withTarget({ auth: { token: 't0ken' } }, async ({ url }) => {
        const connection = await connect({ servers: url, token: 't0ken' })
        await connection.flush()
        await connection.close()
        await assert.rejects(connect({ servers: url, token: 't0ken2' }), { code: 'AUTHORIZATION_VIOLATION' })
        await assert.rejects(connect({ servers: url, token: '' }), { code: 'AUTHORIZATION_VIOLATION' })
        await assert.rejects(connect({ servers: url }), { code: 'AUTHORIZATION_VIOLATION' })
      }))

    test('no CONNECT in time', () =>
      withTarget({ auth: AUTH, authTimeoutMs: 100 }, async ({ url }) => {
        assert.equal(await lastWords(url, ''), "-ERR 'Authentication Timeout'\r\n")
      }))

    test('payloads', () =>
      withTarget({ payloadBytesMax: 1000 }, async ({ url }) => {
        const client = await RawClient.connect(url)
        assert.equal(client.info.max_payload, 1000)
        client.send(`${QUIET}SUB a 1\r\nPUB a 1000\r\n${'x'.repeat(1000)}\r\n`)
        assert.equal(await client.settle(), `MSG a 1 1000\r\n${'x'.repeat(1000)}\r\n`)
        client.send('PUB a 1001\r\n')
        assert.match(await client.untilClosed(), /-ERR 'Maximum Payload Violation'\r\n$/)
      }))

    test('connections', () =>
      withTarget({ connectionsMax: 2 }, async ({ url }) => {
        const clients = [await RawClient.connect(url), await RawClient.connect(url)]
        for (const client of clients) {
          client.send(QUIET)
          await client.settle()
        }
        const third = await RawClient.connect(url)
        assert.equal(await third.untilClosed(), "-ERR 'maximum connections exceeded'\r\n")
        assert.equal(await clients[0]?.settle(), '')
        for (const client of clients) client.close()
      }))

    test('subscriptions', () =>
      withTarget({ subscriptionsMax: 2 }, async ({ url }) => {
        const client = await RawClient.connect(url)
        client.send(`${QUIET}SUB a 1\r\nSUB b 2\r\nSUB c 3\r\nPUB c 0\r\n\r\nPUB b 0\r\n\r\n`)
        assert.equal(await client.settle(), "-ERR 'maximum subscriptions exceeded'\r\nMSG b 2 0\r\n\r\n")
        client.send('UNSUB 1\r\nSUB c 3\r\nPUB c 0\r\n\r\n')
        assert.match(await client.settle(), /MSG c 3 0\r\n\r\n$/)
        client.close()
      }))

    test('silent clients are pinged, and closed when they stay silent', () =>
      withTarget({ pingIntervalMs: 50, pingsOutMax: 2 }, async ({ url }) => {
        const client = await RawClient.connect(url)
        client.send(QUIET)
        const said = await client.untilClosed()
        assert.match(said, /^(PING\r\n){2,}-ERR 'Stale Connection'\r\n$/)
      }))

    test('clients that answer pings stay', () =>
      withTarget({ pingIntervalMs: 50, pingsOutMax: 2 }, async ({ url }) => {
        const client = await RawClient.connect(url)
        client.send(QUIET)
        for (let answered = 0; answered < 6; answered++) {
          await client.until(new RegExp(`(PING\r\n[^]*){${answered + 1}}`))
          client.send('PONG\r\n')
        }
        assert.equal(client.isClosed, false)
        client.close()
      }))

    test('a client that does not read is closed, and nobody else suffers', () =>
      withTarget({ pendingBytesMax: 2 * 1024 * 1024 }, async ({ url }) => {
        const slow = await RawClient.connect(url)
        slow.send(`${QUIET}SUB flood 1\r\n`)
        await slow.settle()
        slow.socket.pause()
        const publisher = await connect({ servers: url })
        const witness = await connect({ servers: url })
        let seen = 0
        witness.subscribe('flood', { callback: () => void seen++ })
        await witness.flush()
        const payload = new Uint8Array(64 * 1024)
        // The kernel buffers some megabytes; what is beyond them and the limit makes the consumer slow.
        for (let round = 0; round < 100; round++) {
          for (let i = 0; i < 10; i++) publisher.publish('flood', payload)
          await publisher.flush()
          await witness.flush()
        }
        assert.equal(seen, 1000)
        slow.socket.resume()
        await slow.untilClosed()
        await publisher.close()
        await witness.close()
      }))
  })
}
