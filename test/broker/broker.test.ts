/** What belongs to the embedded broker alone: how it starts and stops, its counters, its clock, its extra words. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { connect } from 'nats'
import type { Clock } from '../../src/base/index.ts'
import { type Broker, BrokerListenError, startBroker } from '../../src/broker/index.ts'
import { RawClient } from './raw-client.ts'

const QUIET = 'CONNECT {"verbose":false,"pedantic":false}\r\n'
const LOCAL = { host: '127.0.0.1', port: 0 }

async function withBroker(options: Partial<Parameters<typeof startBroker>[0]>, run: (broker: Broker) => Promise<void>) {
  const broker = await startBroker({ ...LOCAL, ...options, limits: { closeGraceMs: 200, ...options.limits } })
  try {
    await run(broker)
  } finally {
    await broker.stop()
  }
}

/** Time stands still until told otherwise; turns of the event loop are real, since sockets are. */
class ManualClock implements Clock {
  #nowMs = 0
  #waiting: { dueMs: number; run: () => void }[] = []

  nowMs(): number {
    return this.#nowMs
  }
  wallMs(): number {
    return this.#nowMs
  }
  after(delayMs: number, run: () => void) {
    const entry = { dueMs: this.#nowMs + delayMs, run }
    this.#waiting.push(entry)
    return {
      cancel: () => {
        this.#waiting = this.#waiting.filter((each) => each !== entry)
      },
    }
  }
  soon(run: () => void): void {
    setImmediate(run)
  }
  advance(ms: number): void {
    this.#nowMs += ms
    const due = this.#waiting.filter(({ dueMs }) => dueMs <= this.#nowMs)
    this.#waiting = this.#waiting.filter(({ dueMs }) => dueMs > this.#nowMs)
    for (const { run } of due) run()
  }
}

describe('listening', () => {
  test('takes a free port and says where', () =>
    withBroker({}, async (broker) => {
      assert.ok(broker.port > 0)
      assert.equal(broker.address, '127.0.0.1')
      assert.equal(broker.url, `nats://127.0.0.1:${broker.port}`)
    }))

  test('says that the address is in use, with the cure', () =>
    withBroker({}, async ({ port }) => {
      await assert.rejects(startBroker({ host: '127.0.0.1', port }), (error) => {
        assert.ok(error instanceof BrokerListenError)
        assert.equal(error.code, 'ADDRESS_IN_USE')
        assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}`))
        assert.match(error.cure, /already listens/)
        return true
      })
    }))

  test('says that the address is not of this machine', async () => {
    // 192.0.2.0/24 is reserved for documentation, so no machine has it.
    await assert.rejects(startBroker({ host: '192.0.2.1', port: 0 }), { code: 'ADDRESS_NOT_AVAILABLE' })
  })

  test('the port is free again after stop', async () => {
    const first = await startBroker(LOCAL)
    const client = await RawClient.connect(first.url)
    client.send(QUIET)
    await client.settle()
    await first.stop()
    const second = await startBroker({ host: '127.0.0.1', port: first.port })
    assert.equal(second.port, first.port)
    await second.stop()
  })

  const hasIPv6 = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === '::1'))
  const skip = hasIPv6 ? false : 'SKIPPED: this machine has no IPv6 loopback'
  test('listens on IPv6', { skip }, () =>
    withBroker({ host: '::1' }, async (broker) => {
      assert.equal(broker.url, `nats://[::1]:${broker.port}`)
      const connection = await connect({ servers: broker.url })
      await connection.flush()
      await connection.close()
    }),
  )

  test('refuses limits that are none', async () => {
    await assert.rejects(startBroker({ ...LOCAL, limits: { pendingBytesMax: 0 } }), { name: 'AssertionFailure' })
    await assert.rejects(startBroker({ ...LOCAL, limits: { controlLineBytesMax: 1 << 20 } }), {
      name: 'AssertionFailure',
    })
  })
})

describe('stopping', () => {
  test('sends what clients are owed, then closes', async () => {
    const broker = await startBroker(LOCAL)
    const listener = await RawClient.connect(broker.url)
    listener.send(`${QUIET}SUB last.words 1\r\n`)
    await listener.settle()
    const publisher = await RawClient.connect(broker.url)
    const payload = 'x'.repeat(100_000)
    publisher.send(`${QUIET}PUB last.words ${payload.length}\r\n${payload}\r\nPUB last.words 1\r\ny\r\n`)
    await publisher.settle()
    const stopped = broker.stop()
    const said = await listener.untilClosed()
    await publisher.untilClosed()
    await stopped
    assert.ok(said.endsWith(`MSG last.words 1 ${payload.length}\r\n${payload}\r\nMSG last.words 1 1\r\ny\r\n`))
    assert.equal(broker.stats().connections, 0)
    assert.equal(broker.stats().subscriptions, 0)
  })

  test('twice is once', async () => {
    const broker = await startBroker(LOCAL)
    assert.equal(broker.stop(), broker.stop())
    await broker.stop()
  })

  test('does not wait for ever for a client that does not read', async () => {
    const broker = await startBroker({ ...LOCAL, limits: { closeGraceMs: 50 } })
    const client = await RawClient.connect(broker.url)
    client.send(`${QUIET}SUB a 1\r\n`)
    await client.settle()
    client.socket.pause()
    const payload = 'x'.repeat(1_000_000)
    const publisher = await RawClient.connect(broker.url)
    publisher.send(QUIET)
    while (broker.stats().pendingBytes < 5_000_000) {
      publisher.send(`PUB a ${payload.length}\r\n${payload}\r\n`)
      await publisher.settle()
    }
    await broker.stop()
    client.close()
  })

  test('the npm client reconnects to a broker that comes back', async () => {
    const first = await startBroker(LOCAL)
    const connection = await connect({ servers: first.url, reconnectTimeWait: 20, maxReconnectAttempts: -1 })
    let received = 0
    connection.subscribe('again', { callback: () => void received++ })
    await connection.flush()
    await first.stop()
    const second = await startBroker({ host: '127.0.0.1', port: first.port })
    for await (const { type } of connection.status()) if (type === 'reconnect') break
    connection.publish('again')
    await connection.flush()
    assert.equal(received, 1)
    await connection.close()
    await second.stop()
  })
})

describe('counters', () => {
  test('count messages, bytes, connections and subscriptions', () =>
    withBroker({}, async (broker) => {
      const client = await RawClient.connect(broker.url)
      client.send(`${QUIET}SUB a 1\r\nSUB * 2\r\nPUB a 3\r\nabc\r\nPUB b 1\r\nx\r\nPUB c.d 5\r\nxxxxx\r\n`)
      await client.settle()
      const stats = broker.stats()
      assert.deepEqual(stats, {
        connections: 1,
        connectionsTotal: 1,
        subscriptions: 2,
        messagesIn: 3,
        messagesOut: 3,
        bytesIn: 9,
        bytesOut: 7,
        slowConsumers: 0,
        pendingBytes: 0,
      })
      client.close()
      while (broker.stats().connections > 0) await new Promise((resolve) => setImmediate(resolve))
      assert.equal(broker.stats().subscriptions, 0)
      assert.equal(broker.stats().connectionsTotal, 1)
    }))

  test('count slow consumers, who are told', () =>
    withBroker({ limits: { pendingBytesMax: 1_000_000, closeGraceMs: 20_000 } }, async (broker) => {
      const slow = await RawClient.connect(broker.url)
      // Several subscriptions: the limit is reached while one message is being handed to them, and the rest must not get it.
      slow.send(`${QUIET}${[1, 2, 3, 4, 5, 6, 7, 8].map((sid) => `SUB a ${sid}\r\n`).join('')}`)
      await slow.settle()
      slow.socket.pause()
      const publisher = await RawClient.connect(broker.url)
      publisher.send(QUIET)
      const message = `PUB a 100000\r\n${'x'.repeat(100_000)}\r\n`
      while (broker.stats().slowConsumers === 0) {
        publisher.send(message)
        await publisher.settle()
        // What a turn adds may exceed the limit by one read of a publisher, never by more.
        assert.ok(broker.stats().pendingBytes < 4_000_000)
      }
      assert.equal(broker.stats().connections, 1)
      slow.socket.resume()
      const said = await slow.untilClosed()
      // The stream is cut between messages, so the last words can be read.
      assert.ok(said.endsWith("x\r\n-ERR 'Slow Consumer'\r\n"), said.slice(-50))
      assert.ok((said.match(/MSG a /g)?.length ?? 0) < broker.stats().messagesOut, 'what waited was dropped')
      assert.equal(broker.stats().slowConsumers, 1)
      assert.equal(broker.stats().pendingBytes, 0)
      publisher.close()
    }))
})

describe('time', () => {
  test('credentials are awaited as long as the limit says', () => {
    const clock = new ManualClock()
    return withBroker(
      { clock, auth: { token: 't' }, limits: { authTimeoutMs: 500, closeGraceMs: 10 } },
      async (broker) => {
        const late = await RawClient.connect(broker.url)
        const inTime = await RawClient.connect(broker.url)
        clock.advance(499)
        inTime.send('CONNECT {"auth_token":"t","verbose":false}\r\n')
        await inTime.settle()
        assert.equal(late.isClosed, false)
        clock.advance(1)
        assert.equal(await late.untilClosed(), "-ERR 'Authentication Timeout'\r\n")
        assert.equal(await inTime.settle(), '')
        inTime.close()
      },
    )
  })

  test('a client that says anything in time is neither pinged nor stale', () => {
    const clock = new ManualClock()
    return withBroker({ clock, limits: { pingIntervalMs: 1000, pingsOutMax: 1 } }, async (broker) => {
      const busy = await RawClient.connect(broker.url)
      const silent = await RawClient.connect(broker.url)
      for (let i = 0; i < 2; i++) {
        busy.send(`${i === 0 ? QUIET : ''}SUB a${i} ${i}\r\n`)
        await busy.settle()
        clock.advance(1000)
      }
      // Silent since it connected: left alone in the interval of its connection, then pinged.
      await silent.until(/PING\r\n$/)
      assert.equal(await busy.settle(), '')
      clock.advance(1000)
      assert.equal(await silent.untilClosed(), "PING\r\n-ERR 'Stale Connection'\r\n")
      assert.equal(await busy.settle(), '')
      busy.close()
    })
  })
})

describe('words', () => {
  // nats-server closes without a word here; a person who types deserves one.
  for (const script of ['PUB a x\r\n', 'PUB a\r\n', 'SUB a\r\n', 'UNSUB 1 x\r\n', 'CONNECT {x\r\n', 'HPUB a 3 2\r\n']) {
    test(`says what is wrong with ${JSON.stringify(script)}`, () =>
      withBroker({}, async (broker) => {
        const client = await RawClient.connect(broker.url)
        client.send('CONNECT {"verbose":false,"headers":true}\r\n')
        client.send(script)
        assert.equal(await client.untilClosed(), "-ERR 'Unknown Protocol Operation'\r\n")
      }))
  }

  test('says that headers were not announced', () =>
    withBroker({}, async (broker) => {
      const client = await RawClient.connect(broker.url)
      client.send(`${QUIET}HPUB a 12 12\r\nNATS/1.0\r\n\r\n\r\n`)
      assert.equal(await client.untilClosed(), "-ERR 'message headers not supported'\r\n")
    }))
})

describe('hostile bytes', () => {
  let broker: Broker
  let witness: RawClient
  before(async () => {
    broker = await startBroker({ ...LOCAL, limits: { closeGraceMs: 200 } })
    witness = await RawClient.connect(broker.url)
    witness.send(`${QUIET}SUB witness 1\r\n`)
    await witness.settle()
  })
  after(async () => {
    witness?.close()
    await broker?.stop()
  })

  const fragment = fc.oneof(
    fc.constantFrom(
      ...[
        QUIET,
        'PUB fuzz 5\r\n',
        'hello\r\n',
        'SUB > 1\r\n',
        'UNSUB 1\r\n',
        'PING\r\n',
        'HPUB fuzz 2 4\r\n',
        'abcd\r\n',
      ],
      ...['CONNECT {"headers":true}\r\n', 'CONNECT {', 'PUB fuzz 1000000\r\n', 'SUB a..b 1\r\n', '\r\n', '\n', 'PUB '],
    ),
    fc.uint8Array({ minLength: 1, maxLength: 64 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  )

  test('neither crash the broker nor disturb other clients', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fragment, { maxLength: 10 }), fc.boolean(), async (fragments, isAbrupt) => {
        const client = await RawClient.connect(broker.url)
        for (const each of fragments) {
          if (client.isClosed) break
          client.send(each)
          await new Promise((resolve) => setImmediate(resolve))
        }
        if (isAbrupt) client.socket.resetAndDestroy()
        else client.socket.end()
        const from = witness.said.length
        witness.send('PUB witness 2\r\nok\r\n')
        await witness.settle()
        assert.ok(witness.said.slice(from).includes('MSG witness 1 2\r\nok\r\n'))
        if (!client.socket.closed) await once(client.socket, 'close')
      }),
      { numRuns: 150 },
    )
    while (broker.stats().connections > 1) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(broker.stats().subscriptions, 1, 'nothing is left behind')
  })

  test('a client that says all and closes its half is answered', async () => {
    const client = await RawClient.connect(broker.url)
    client.socket.end(`${QUIET}SUB half 1\r\nPUB half 2\r\nok\r\nPING\r\n`)
    assert.equal(await client.untilClosed(), 'MSG half 1 2\r\nok\r\nPONG\r\n')
  })
})
