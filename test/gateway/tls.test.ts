/** The gateway with TLS: what is encrypted, who is let in, certificates that change, and peers that do not speak it. */
import assert from 'node:assert/strict'
import https from 'node:https'
import net from 'node:net'
import { type TestContext, test } from 'node:test'
import tls from 'node:tls'
import type { GatewayTls } from '../../src/gateway/index.ts'
import { CA, type Certificate, CLIENT, RENEWED, SERVER, STRANGER } from '../support/certificates.ts'
import { type Harness, startHarness } from './harness.ts'

async function start(t: TestContext, settings: GatewayTls = SERVER): Promise<Harness> {
  return await startHarness(t, { tls: settings, limits: { stallMsMax: 1000 } })
}

/** Status and subject of the server, or the code of the failure. */
function ask(
  h: Harness,
  options: https.RequestOptions = {},
): Promise<{ status?: number; name?: string; code?: string }> {
  return new Promise((resolve) => {
    const request = https.request(
      { host: '127.0.0.1', port: h.gateway.port, path: '/livez', ca: CA, agent: false, ...options },
      (response) => {
        const { subject } = (response.socket as tls.TLSSocket).getPeerCertificate()
        response.resume()
        response.on('end', () => resolve({ status: response.statusCode ?? 0, name: String(subject.CN) }))
      },
    )
    request.on('error', (error: NodeJS.ErrnoException) => resolve({ code: error.code ?? error.message }))
    request.end()
  })
}

/** Everything that comes back until the other side closes. */
function raw(h: Harness, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let received = ''
    const socket = net.connect(h.gateway.port, '127.0.0.1', () => socket.write(bytes))
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(received))
  })
}

test('answers over TLS, and to nobody who does not speak it', async (t) => {
  const h = await start(t)
  assert.deepEqual(await ask(h), { status: 200, name: 'server' })
  assert.equal((await ask(h, { ca: [] })).code, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  assert.doesNotMatch(await raw(h, 'GET /livez HTTP/1.1\r\nHost: a\r\n\r\n'), /HTTP|alive/)
  assert.doesNotMatch(await raw(h, '\x16\x03\x01\xff\xff\x01garbage'.repeat(10)), /HTTP/)
  assert.deepEqual(
    await ask(h, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }).then(
      ({ status }) => status,
    ),
    undefined,
  )
  assert.equal((await ask(h)).status, 200)
})

test('a handshake that stalls is ended', async (t) => {
  const h = await start(t)
  const began = performance.now()
  assert.doesNotMatch(await raw(h, ''), /HTTP/)
  assert.ok(performance.now() - began >= 900)
})

test('with an authority, only clients that it signed come in', async (t) => {
  const h = await start(t, { ...SERVER, ca: CA })
  const shown = (certificate: Certificate): https.RequestOptions => ({ ...certificate })
  assert.equal((await ask(h, shown(CLIENT))).status, 200)
  for (const options of [{}, shown(STRANGER)]) {
    const answer = await ask(h, options)
    assert.equal(answer.status, undefined)
    assert.notEqual(answer.code, undefined)
  }
  assert.equal(h.router.calls.length, 0)
})

test('certificates change for new connections and stay for old ones; unusable ones change nothing', async (t) => {
  const h = await start(t)
  const old = tls.connect({ port: h.gateway.port, host: '127.0.0.1', ca: CA })
  await new Promise((resolve) => old.once('secureConnect', resolve))
  h.gateway.setTls(RENEWED)
  assert.equal((await ask(h)).name, 'renewed')
  assert.throws(() => h.gateway.setTls({ cert: SERVER.cert, key: CLIENT.key }))
  assert.equal((await ask(h)).name, 'renewed')
  const answer = new Promise<string>((resolve) =>
    old.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1'))),
  )
  old.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.match(await answer, /^HTTP\/1\.1 200/)
  old.destroy()
})
