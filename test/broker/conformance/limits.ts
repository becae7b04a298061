/** Who may connect, how much is allowed, and what becomes of those who stay silent or do not read. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { connect } from 'nats'
import { RawClient } from '../raw-client.ts'
import { QUIET, type StartTarget, type Target, type TargetOptions } from './target.ts'

const AUTH = { user: 'ann', password: 'säcret' } as const

export function limitConformance(name: string, start: StartTarget): void {
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
