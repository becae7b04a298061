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
import { ask, assertSameBytes, echo, pattern } from './support.ts'

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
  const refused: [string, object][] = [
    ['an authority that did not sign the server', { ...tls, caFile: of('stranger', STRANGER).certFile }],
    ['no certificate of its own', { caFile }],
    ['a certificate that nobody known signed', { caFile, ...of('stranger', STRANGER) }],
  ]
  for (const [what, options] of refused) {
    // In TLS 1.3 a server turns a client's certificate down after the handshake: then the store goes on trying, as without a broker.
    const opened = await openNatsTransport(natsOptions(server.url, { tls: options, startWaitMsMax: 2_000 })).catch(
      (error: unknown) => {
        if (error instanceof TransportError) return undefined
        throw error
      },
    )
    assert.notEqual(opened?.state, 'open', what)
    await opened?.close()
  }
})
