/** What only NATS has: credentials, brokers that are late or refuse, payload limits, permissions. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { nkeys } from 'nats'
import { type BrokerOptions, startBroker } from '../../src/broker/index.ts'
import { openNatsTransport, type Transport, TransportError } from '../../src/transport/index.ts'
import { shownServers } from '../../src/transport/nats/nats-options.ts'
import { findNatsServer, NATS_SERVER_ABSENT, startNatsServer } from '../../tools/cluster/nats-server.ts'
import { natsOptions } from './nats-fixture.ts'
import { ask, assertSameBytes, echo, LogText, pattern, until } from './support.ts'

const SECRET = 'open-sesame%21'

const realServer = { skip: findNatsServer() === undefined ? NATS_SERVER_ABSENT : false }
if (realServer.skip !== false) console.log(NATS_SERVER_ABSENT)

describe('NATS transport', () => {
  const reasonToLive = setInterval(() => {}, 60_000)
  after(() => clearInterval(reasonToLive))

  it('presents user and password, or a token, also from the server address', async () => {
    const port = 0
    for (const auth of [{ user: 'flo', password: SECRET }, { token: SECRET }] satisfies BrokerOptions['auth'][]) {
      const broker = await startBroker({ host: '127.0.0.1', port, auth })
      const who = 'token' in auth ? auth.token : `${auth.user}:${auth.password}`
      const inAddress = broker.url.replace('//', `//${who.replaceAll('%', '%25')}@`)
      try {
        await roundTrip(
          await openNatsTransport(natsOptions(broker.url, { credentials: auth, address: 'a' })),
          await openNatsTransport(natsOptions(inAddress, { address: 'b', handlers: echo() })),
        )
      } finally {
        await broker.stop()
      }
    }
  })

  it('says at start what to configure when credentials are refused, and never shows them', async () => {
    const broker = await startBroker({ host: '127.0.0.1', port: 0, auth: { user: 'flo', password: SECRET } })
    try {
      for (const credentials of [undefined, { user: 'flo', password: 'wrong-secret' }, { token: 'wrong-secret' }]) {
        const logger = new LogText()
        const opening = openNatsTransport(
          natsOptions(broker.url, { logger, ...(credentials === undefined ? {} : { credentials }) }),
        )
        await assert.rejects(opening, (error) => {
          assert.ok(error instanceof TransportError)
          assert.equal(error.code, 'AUTH_FAILED')
          assert.match(error.message, /transport\.user and transport\.password, transport\.token/)
          assert.doesNotMatch(error.message + logger.text, /wrong-secret/)
          return true
        })
      }
      await until('nobody stays connected', () => broker.stats().connections === 0)
    } finally {
      await broker.stop()
    }
  })

  it('refuses options that contradict themselves before it connects', async () => {
    const bad = [
      { credentials: { user: 'u', token: 't' } },
      { credentials: { password: 'p' } },
      { credentials: { nkey: 'SUNOTASEED' } },
      { credentials: { creds: '/nonexistent.creds' } },
      { servers: [] },
    ]
    for (const more of bad) {
      await assert.rejects(
        openNatsTransport(natsOptions('nats://127.0.0.1:1', more)),
        (error) =>
          error instanceof TransportError && error.code === 'BAD_OPTIONS' && !error.message.includes('SUNOTASEED'),
      )
    }
    assert.equal(shownServers(['nats://flo:secret@host:1', 'token@h:2', 'h']), 'host:1, h:2, h')
  })

  it('starts before its broker, and is there when it comes', async () => {
    const probe = await startBroker({ host: '127.0.0.1', port: 0 })
    const { port, url } = probe
    await probe.stop()
    const logger = new LogText()
    const a = await openNatsTransport(natsOptions(url, { startWaitMsMax: 50, logger, address: 'a' }))
    const b = await openNatsTransport(natsOptions(url, { startWaitMsMax: 50, address: 'b', handlers: echo() }))
    assert.equal(a.state, 'connecting')
    assert.equal(a.send('b', 'raft', pattern(1)), false)
    assert.equal(await ask(a, 'b', pattern(1)), 'not-sent')
    assert.match(logger.text, /no connection to the broker.*nothing listens there/)
    const broker = await startBroker({ host: '127.0.0.1', port })
    await until('both are open', () => a.state === 'open' && b.state === 'open')
    await roundTrip(a, b)
    assert.equal(a.stats().reconnects, 0)
    await broker.stop()
  })

  it('can be closed while it waits for a broker', async () => {
    const probe = await startBroker({ host: '127.0.0.1', port: 0 })
    await probe.stop()
    const a = await openNatsTransport(natsOptions(probe.url, { startWaitMsMax: 30 }))
    await a.close()
    assert.equal(a.state, 'closed')
  })

  it('keeps its process alive while it waits, and lets it end when closed', async () => {
    const probe = await startBroker({ host: '127.0.0.1', port: 0 })
    await probe.stop()
    const program = `
      import { openNatsTransport } from './src/transport/index.ts'
      import { natsOptions } from './test/transport/nats-fixture.ts'
      const transport = await openNatsTransport(natsOptions('${probe.url}', { startWaitMsMax: 300 }))
      process.stdout.write(transport.state)
      await transport.close()`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program])
    let output = ''
    child.stdout.on('data', (text: Buffer) => {
      output += text.toString()
    })
    const [code] = await once(child, 'exit')
    assert.equal(code, 0)
    assert.equal(output, 'connecting')
  })

  it('after a change of credentials at the broker it says so and goes on trying', async () => {
    const first = await startBroker({ host: '127.0.0.1', port: 0 })
    const { port, url } = first
    const logger = new LogText()
    const a = await openNatsTransport(natsOptions(url, { logger, address: 'a' }))
    const b = await openNatsTransport(natsOptions(url, { address: 'b', handlers: echo() }))
    await first.stop()
    const strict = await startBroker({ host: '127.0.0.1', port, auth: { token: SECRET } })
    await until('it complains', () => logger.text.includes('refuses our credentials'))
    assert.equal(a.state, 'reconnecting')
    await strict.stop()
    const open = await startBroker({ host: '127.0.0.1', port })
    await until('both are back', () => a.state === 'open' && b.state === 'open')
    await roundTrip(a, b)
    await open.stop()
  })

  it('a store has three connections, a client one', async () => {
    const broker = await startBroker({ host: '127.0.0.1', port: 0 })
    const a = await openNatsTransport(natsOptions(broker.url, { address: 'a' }))
    assert.equal(broker.stats().connections, 3)
    const b = await openNatsTransport(natsOptions(broker.url, { address: 'b', role: 'client', handlers: echo() }))
    assert.equal(broker.stats().connections, 4)
    await roundTrip(a, b)
    await until('all gone', () => broker.stats().connections === 0)
    await broker.stop()
  })

  it('keeps within a smaller payload limit of the broker', async () => {
    const broker = await startBroker({ host: '127.0.0.1', port: 0, limits: { payloadBytesMax: 8 * 1024 } })
    const a = await openNatsTransport(natsOptions(broker.url, { address: 'a' }))
    const b = await openNatsTransport(natsOptions(broker.url, { address: 'b', handlers: echo() }))
    assertSameBytes(await ask(a, 'b', pattern(300_000)), pattern(300_000), 'answer')
    await roundTrip(a, b)
    assert.equal(a.stats().reconnects, 0)
    await broker.stop()
  })

  it('presents an NKey, and a smaller limit of a real server is kept too', realServer, async () => {
    const keys = nkeys.createUser()
    const nkey = new TextDecoder().decode(keys.getSeed())
    const server = await startNatsServer({
      config: [`authorization { users: [ { nkey: ${keys.getPublicKey()} } ] }`, 'max_payload: 16384'],
    })
    assert.ok(server !== undefined)
    try {
      await assert.rejects(
        openNatsTransport(natsOptions(server.url)),
        (error) => error instanceof TransportError && error.code === 'AUTH_FAILED',
      )
      const credentials = { nkey }
      const a = await openNatsTransport(natsOptions(server.url, { address: 'a', credentials }))
      const b = await openNatsTransport(natsOptions(server.url, { address: 'b', credentials, handlers: echo() }))
      assertSameBytes(await ask(a, 'b', pattern(200_000)), pattern(200_000), 'answer')
      await roundTrip(a, b)
    } finally {
      await server.stop()
    }
  })

  it('names the subjects that the broker forbids', realServer, async () => {
    const server = await startNatsServer({
      config: [
        'authorization { users: [ { user: u, password: p, permissions: { publish: "x.>", subscribe: "x.>" } } ] }',
      ],
    })
    assert.ok(server !== undefined)
    try {
      const logger = new LogText()
      const credentials = { user: 'u', password: 'p' }
      const a = await openNatsTransport(natsOptions(server.url, { credentials, logger }))
      a.send('b', 'raft', pattern(1))
      await until(
        'it complains of both',
        () =>
          /cannot listen on flotilla\.c\.r\.a/.test(logger.text) &&
          /forbids publish on flotilla\.c\.r\.b/.test(logger.text),
      )
      assert.match(logger.text, /allow publish and subscribe on flotilla\.>/)
      await a.close()
    } finally {
      await server.stop()
    }
  })

  it('a failing handler ends the process instead of its connection', async () => {
    const program = `
      import { startBroker } from './src/broker/index.ts'
      import { openNatsTransport } from './src/transport/index.ts'
      import { natsOptions } from './test/transport/nats-fixture.ts'
      const broker = await startBroker({ host: '127.0.0.1', port: 0 })
      const handlers = { onItems() { throw new Error('handler failed') }, onRequest() {}, onState() {} }
      const transport = await openNatsTransport(natsOptions(broker.url, { handlers }))
      process.on('uncaughtException', (error) => { process.stdout.write(error.message); process.exit(3) })
      transport.send('a', 'raft', new Uint8Array(1))`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program])
    let output = ''
    child.stdout.on('data', (text: Buffer) => {
      output += text.toString()
    })
    const [code] = await once(child, 'exit')
    assert.equal(code, 3)
    assert.equal(output, 'handler failed')
  })

  it('reads a credentials file only when it is one', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'flotilla-creds-'))
    try {
      const creds = join(directory, 'user.creds')
      writeFileSync(creds, 'nothing of the kind')
      await assert.rejects(
        openNatsTransport(natsOptions('nats://127.0.0.1:1', { credentials: { creds } })),
        (error) => error instanceof TransportError && error.code === 'BAD_OPTIONS' && /creds/.test(error.message),
      )
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

/** Asks b by a, then closes both. */
async function roundTrip(a: Transport, b: Transport): Promise<void> {
  try {
    assertSameBytes(await ask(a, 'b', pattern(100)), pattern(100), 'answer')
  } finally {
    await Promise.all([a.close(), b.close()])
  }
}
