/** Encryption between stores and a real nats-server: certificates of both sides, and what is said where they do not fit. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { openNatsTransport, TransportError } from '../../src/transport/index.ts'
import { findNatsServer, NATS_SERVER_ABSENT, startNatsServer } from '../../tools/cluster/nats-server.ts'
import { CA, type Certificate, CLIENT, SERVER, STRANGER } from '../support/certificates.ts'
import { natsOptions } from './nats-fixture.ts'
import { ask, assertSameBytes, echo, LogText, pattern, until } from './support.ts'

const realServer = { skip: findNatsServer() === undefined ? NATS_SERVER_ABSENT : false }
if (realServer.skip !== false) console.log(NATS_SERVER_ABSENT)

function certificateFiles(t: TestContext) {
  const folder = mkdtempSync(path.join(tmpdir(), 'flotilla-tls-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = (name: string, text: string): string => {
    const at = path.join(folder, name)
    writeFileSync(at, text)
    return at
  }
  return {
    caFile: file('ca.pem', CA),
    of: (name: string, { cert, key }: Certificate) => ({
      certFile: file(`${name}.pem`, cert),
      keyFile: file(`${name}.key`, key),
    }),
  }
}

test('stores speak TLS with the broker, and show a certificate where it wants one', realServer, async (t) => {
  const alive = setInterval(() => {}, 1_000)
  t.after(() => clearInterval(alive))
  const { caFile, of } = certificateFiles(t)
  const { certFile, keyFile } = of('server', SERVER)
  const server = await startNatsServer({
    config: [`tls { cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${caFile}", verify: true }`],
  })
  assert.ok(server !== undefined)
  t.after(() => server.stop())
  const tls = { caFile, ...of('client', CLIENT) }
  const a = await openNatsTransport(natsOptions(server.url, { address: 'a', tls }))
  const b = await openNatsTransport(natsOptions(server.url, { address: 'b', tls, handlers: echo() }))
  assertSameBytes(await ask(a, 'b', pattern(100_000)), pattern(100_000), 'answer')
  await a.close()
  await b.close()
  const refused: [string, object, RegExp][] = [
    ['an authority that did not sign the server', { ...tls, caFile: of('stranger', STRANGER).certFile }, /verify|self/],
    [
      'no certificate of its own',
      { caFile },
      /wants a certificate of ours, and there is none \(.+\); set transport\.tls/,
    ],
    [
      'a certificate that nobody known signed',
      { caFile, ...of('stranger', STRANGER) },
      /does not accept our certificate \(.+\); set transport\.tls/,
    ],
  ]
  for (const [what, options, reason] of refused) {
    const logger = new LogText()
    // In TLS 1.3 a server turns a client's certificate down after the handshake, which the nats client does not see.
    await assert.rejects(
      openNatsTransport(natsOptions(server.url, { tls: options, logger })),
      (error) => error instanceof TransportError && error.code === 'TLS_FAILED' && reason.test(error.message),
      what,
    )
    // Three connections, one sentence.
    const told = logger.text.split('\n').filter((line) => /no connection to the broker/.test(line))
    assert.equal(told.length, 1, `${what}: ${logger.text}`)
    assert.match(logger.text, reason)
  }
})

test('a store whose certificate is turned down later says so, and comes back by itself', realServer, async (t) => {
  const alive = setInterval(() => {}, 1_000)
  t.after(() => clearInterval(alive))
  const { caFile, of } = certificateFiles(t)
  const { certFile, keyFile } = of('server', SERVER)
  const encrypted = `cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${caFile}"`
  const lenient = await startNatsServer({ config: [`tls { ${encrypted} }`] })
  assert.ok(lenient !== undefined)
  t.after(() => lenient.stop())
  const logger = new LogText()
  const a = await openNatsTransport(natsOptions(lenient.url, { address: 'a', tls: { caFile }, logger }))
  assert.equal(a.state, 'open')
  await lenient.kill()
  const strict = await startNatsServer({ port: lenient.port, config: [`tls { ${encrypted}, verify: true }`] })
  assert.ok(strict !== undefined)
  t.after(() => strict.stop())
  await until('the reason is told', () => /wants a certificate of ours, and there is none/.test(logger.text))
  await strict.kill()
  await lenient.restart()
  await until('it is connected again', () => a.state === 'open')
  await a.close()
})
