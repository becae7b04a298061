/** Stores and programs present themselves to a broker in the same words: an NKey, a credentials file, certificates. On a real nats-server. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { nkeys } from 'nats'
import { type ConnectOptions, connect, FlotillaError } from '../../src/index.ts'
import { findNatsServer, NATS_SERVER_ABSENT, startNatsServer } from '../../tools/cluster/nats-server.ts'
import { CA, CLIENT, SERVER, STRANGER } from '../support/certificates.ts'
import { issueCredentials } from '../support/nats-credentials.ts'
import { startStore } from './running-store.ts'

const realServer = { skip: findNatsServer() === undefined ? NATS_SERVER_ABSENT : false }
if (realServer.skip !== false) console.log(NATS_SERVER_ABSENT)

/** A file with this content, for as long as the test runs. */
function fileMaker(t: TestContext): (name: string, text: string) => string {
  const folder = mkdtempSync(path.join(tmpdir(), 'flotilla-credentials-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return (name, text) => {
    const at = path.join(folder, name)
    writeFileSync(at, text)
    return at
  }
}

/** A store on a server with this configuration, presenting itself with `own`; answers where the server listens. */
async function storeOn(
  t: TestContext,
  config: readonly string[],
  own: Readonly<Record<string, string>>,
): Promise<string> {
  const server = await startNatsServer({ config })
  assert.ok(server !== undefined)
  // Registered first, so that it ends last.
  t.after(() => server.stop())
  const settings = Object.entries(own).map(([name, value]) => [`transport.${name}`, value])
  await startStore(t, {
    'transport.servers': server.url,
    'transport.embedded': 'false',
    ...Object.fromEntries(settings),
  })
  return server.url
}

async function works(url: string, options: ConnectOptions): Promise<void> {
  const client = await connect(url, options)
  try {
    await client.put('who', 'a member')
    assert.equal(Buffer.from((await client.get('who')) ?? []).toString(), 'a member')
  } finally {
    await client.close()
  }
}

async function refusal(url: string, options: ConnectOptions): Promise<FlotillaError> {
  try {
    await (await connect(url, options)).close()
  } catch (error) {
    assert.ok(error instanceof FlotillaError, String(error))
    return error
  }
  assert.fail('it was let in')
}

test('a program comes in with an NKey', realServer, async (t) => {
  const keys = nkeys.createUser()
  const nkey = new TextDecoder().decode(keys.getSeed())
  const url = await storeOn(t, [`authorization { users: [ { nkey: ${keys.getPublicKey()} } ] }`], { nkey })
  await works(url, { nkey })
  assert.equal((await refusal(url, {})).code, 'UNAUTHENTICATED')
  const stranger = new TextDecoder().decode(nkeys.createUser().getSeed())
  const refused = await refusal(url, { nkey: stranger })
  assert.equal(refused.code, 'UNAUTHENTICATED')
  assert.ok(!`${refused.message}${refused.stack}`.includes(stranger), 'the refusal shows the seed')
  assert.equal((await refusal(url, { nkey, token: 't' })).code, 'INVALID_ARGUMENT')
  assert.equal((await refusal(url, { nkey: 'no seed' })).code, 'INVALID_ARGUMENT')
})

test('a program comes in with a credentials file', realServer, async (t) => {
  const file = fileMaker(t)
  const issued = issueCredentials()
  const creds = file('user.creds', issued.creds)
  const url = await storeOn(t, issued.config, { creds })
  await works(url, { creds })
  assert.equal((await refusal(url, {})).code, 'UNAUTHENTICATED')
  const stranger = file('stranger.creds', issueCredentials().creds)
  assert.equal((await refusal(url, { creds: stranger })).code, 'UNAUTHENTICATED')
  assert.equal((await refusal(url, { creds: path.join(path.dirname(creds), 'absent') })).code, 'INVALID_ARGUMENT')
})

test('a program speaks TLS, with a certificate where the broker wants one', realServer, async (t) => {
  const file = fileMaker(t)
  const [caFile, certFile, keyFile] = [file('ca', CA), file('server.crt', SERVER.cert), file('server.key', SERVER.key)]
  const own = { caFile, certFile: file('client.crt', CLIENT.cert), keyFile: file('client.key', CLIENT.key) }
  const config = [`tls { cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${caFile}", verify: true }`]
  const url = await storeOn(t, config, { tls: JSON.stringify(own) })
  await works(url, { tls: own })
  await works(url, { tls: { ca: CA, cert: CLIENT.cert, key: CLIENT.key } })
  const doubtful = await refusal(url, { tls: { ...own, caFile: file('stranger.crt', STRANGER.cert) } })
  assert.equal(doubtful.code, 'UNAVAILABLE')
  assert.match(doubtful.message, /no encrypted connection/)
  const refused: ConnectOptions[] = [
    { tls: { caFile } },
    { tls: { caFile, certFile: file('stranger.crt', STRANGER.cert), keyFile: file('stranger.key', STRANGER.key) } },
  ]
  for (const options of refused) {
    const { code, message } = await refusal(url, options)
    assert.equal(code, 'UNAVAILABLE')
    assert.match(message, /transport\.tls/)
  }
})
