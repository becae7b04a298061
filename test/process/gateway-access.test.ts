/** One real store whose gateway asks for tokens: the command line and the client bring them, and they are exchanged at SIGHUP without a restart. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import tls from 'node:tls'
import { fileURLToPath } from 'node:url'
import { connect, FlotillaError } from '../../src/index.ts'
import { ManagedProcess } from '../../tools/cluster/managed-process.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { freePort } from '../../tools/cluster/ports.ts'
import { CA, CLIENT, RENEWED, SERVER } from '../support/certificates.ts'
import { run } from '../tools/run.ts'

const PROGRAM = fileURLToPath(new URL('../../tools/flotilla.ts', import.meta.url))
const START_MS_MAX = 60_000
const PAGE = 'https://shop.example'

interface MadeToken {
  readonly token: string
  readonly hash: string
}

async function newToken(): Promise<MadeToken> {
  const { exitCode, stdout } = await run(['token', 'new'])
  assert.equal(exitCode, 0)
  return JSON.parse(stdout) as MadeToken
}

async function statusOf(url: string, token?: string): Promise<number> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return (await fetch(url, { headers })).status
}

test('a store asks for tokens, and takes new ones at SIGHUP', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'flotilla-access-'))
  const file = path.join(directory, 'flotilla.yaml')
  const [old, fresh, shop] = [await newToken(), await newToken(), await newToken()]
  const listen = `127.0.0.1:${await freePort()}`
  const brokerUrl = `nats://127.0.0.1:${await freePort()}`
  const configure = (admin: MadeToken, change: Record<string, unknown> = {}): void => {
    const tokens = [
      { name: 'ops', hash: admin.hash, role: 'admin' },
      { name: 'shop', hash: shop.hash, role: 'write', prefixes: ['shop/'] },
    ]
    const config = {
      cluster: { bootstrap: { stores: ['s1'], shards: 2 } },
      store: { id: 's1', dir: path.join(directory, 's1') },
      transport: { servers: [brokerUrl], embedded: true },
      gateway: { listen, tokens, cors: { origins: [PAGE] }, ...change },
      observability: { log: { level: 'info', format: 'json' } },
    }
    writeFileSync(file, JSON.stringify(config))
  }
  configure(old)
  const store = new ManagedProcess('s1', [process.execPath, '--import', 'tsx', PROGRAM, 'start', '-c', file])
  try {
    const url = `http://${listen}`
    await poll('the store is ready', START_MS_MAX, async () => (await statusOf(`${url}/readyz`).catch(() => 0)) === 200)
    const endpoint = { FLOTILLA_ENDPOINT: url }

    const refused = await run(['put', 'shop/a', 'v'], { env: endpoint })
    assert.equal(refused.exitCode, 1)
    assert.match(refused.stderr, /^error: UNAUTHENTICATED: /)
    assert.equal((await run(['put', 'shop/a', 'v', '--token', shop.token], { env: endpoint })).exitCode, 0)
    const withToken = { ...endpoint, FLOTILLA_TOKEN: shop.token }
    assert.equal((await run(['get', 'shop/a'], { env: withToken })).stdout, 'v')
    assert.match((await run(['get', 'other'], { env: withToken })).stderr, /^error: PERMISSION_DENIED: /)
    assert.match((await run(['status'], { env: withToken })).stderr, /^error: PERMISSION_DENIED: /)
    assert.equal((await run(['status', '--token', old.token], { env: endpoint })).exitCode, 0)

    await assertOrigins(url, shop.token)
    const client = await connect(url, { token: shop.token })
    await client.put('shop/b', 'w')
    assert.deepEqual(Buffer.from((await client.get('shop/b')) ?? []).toString(), 'w')
    const found: string[] = []
    for await (const entry of client.scan({ prefix: 'shop/' })) found.push(Buffer.from(entry.key).toString())
    assert.deepEqual(found, ['shop/a', 'shop/b'])
    await assert.rejects(
      client.get('other'),
      (error) => error instanceof FlotillaError && error.code === 'PERMISSION_DENIED',
    )
    await client.close()
    const stranger = await connect(url)
    await assert.rejects(
      stranger.put('shop/a', 'x'),
      (error) => error instanceof FlotillaError && error.code === 'UNAUTHENTICATED' && error.outcome === 'none',
    )
    await stranger.close()

    configure(fresh)
    store.signal('SIGHUP')
    await poll(
      'the new token is taken',
      START_MS_MAX,
      async () => (await statusOf(`${url}/admin/status`, fresh.token)) === 200,
    )
    assert.equal(await statusOf(`${url}/admin/status`, old.token), 401)
    assert.equal(await statusOf(`${url}/kv/shop/a`, shop.token), 200)

    // What is wrong, or would open the door while the old address listens, changes nothing.
    for (const change of [{ tokens: ['hush-hush'] }, { listen: '127.0.0.1:1', tokens: [] }]) {
      configure(fresh, change)
      const before = store.lines.length
      store.signal('SIGHUP')
      await poll('the store complains', START_MS_MAX, () =>
        store.lines.slice(before).some((line) => line.includes('the configuration was not reloaded')),
      )
      assert.equal(await statusOf(`${url}/admin/status`, fresh.token), 200)
      assert.equal(await statusOf(`${url}/admin/status`), 401)
    }
    for (const secret of [old, fresh, shop])
      assert.ok(!store.lines.join('\n').includes(secret.token), 'a token was logged')
    assert.ok(!store.lines.join('\n').includes('hush-hush'))
    store.signal('SIGTERM')
    assert.equal((await store.ended(START_MS_MAX)).code, 0)
  } finally {
    await store.kill()
    rmSync(directory, { recursive: true, force: true })
  }
})

/** A page that is named may ask and read the answers, refusals too; another may not even learn what was refused. */
async function assertOrigins(url: string, token: string): Promise<void> {
  const asked = (origin: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${url}/kv/shop/a`, { ...init, headers: { origin, 'sec-fetch-site': 'cross-site', ...init.headers } })
  const preflight = await asked(PAGE, {
    method: 'OPTIONS',
    headers: { 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization' },
  })
  const allowed = (answer: Response): string | null => answer.headers.get('access-control-allow-origin')
  assert.deepEqual([preflight.status, allowed(preflight)], [204, PAGE])
  assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /authorization/i)
  assert.match(preflight.headers.get('access-control-allow-methods') ?? '', /PUT/)
  assert.equal(preflight.headers.get('access-control-allow-credentials'), null)
  const answered = await asked(PAGE, { headers: { authorization: `Bearer ${token}` } })
  assert.deepEqual([answered.status, allowed(answered), await answered.text()], [200, PAGE, 'v'])
  const refused = await asked(PAGE, { headers: { authorization: 'Bearer wrong' } })
  assert.deepEqual([refused.status, allowed(refused)], [401, PAGE])
  const foreign = await asked('https://evil.example', {
    method: 'OPTIONS',
    headers: { 'access-control-request-method': 'PUT' },
  })
  assert.notEqual(foreign.status, 204)
  assert.equal(allowed(foreign), null)
  const written = await asked('https://evil.example', {
    method: 'POST',
    body: '{"value":"x"}',
    headers: { authorization: `Bearer ${token}` },
  })
  assert.deepEqual([written.status, allowed(written)], [403, null])
}

function serverName(listen: string): Promise<string> {
  const [host = '', port] = listen.split(':')
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host, port: Number(port), ca: CA, ...CLIENT }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

test('a store with TLS lets in who shows a certificate, and takes new certificates at SIGHUP', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'flotilla-tls-'))
  const inside = (name: string): string => path.join(directory, name)
  for (const [name, { cert, key }] of Object.entries({ gateway: SERVER, client: CLIENT })) {
    writeFileSync(inside(`${name}.crt`), cert)
    writeFileSync(inside(`${name}.key`), key)
  }
  writeFileSync(inside('ca.crt'), CA)
  const listen = `127.0.0.1:${await freePort()}`
  const config = {
    cluster: { bootstrap: { stores: ['s1'], shards: 2 } },
    store: { id: 's1', dir: inside('s1') },
    transport: { servers: [`nats://127.0.0.1:${await freePort()}`], embedded: true },
    gateway: {
      listen,
      tls: { certFile: inside('gateway.crt'), keyFile: inside('gateway.key'), caFile: inside('ca.crt') },
    },
    observability: { log: { level: 'info', format: 'json' } },
  }
  const file = inside('flotilla.yaml')
  writeFileSync(file, JSON.stringify(config))
  const command = [process.execPath, '--import', 'tsx', PROGRAM, 'start', '-c', file]
  const store = new ManagedProcess('s1', command)
  try {
    const url = `https://${listen}`
    const client = await connect(url, { tls: { ca: CA, ...CLIENT } })
    await poll('the store serves', START_MS_MAX, async () => (await client.put('a', 'v')).revision > 0)
    assert.equal(Buffer.from((await client.get('a')) ?? []).toString(), 'v')
    assert.equal(await client.get('absent'), undefined)
    assert.deepEqual(
      (await client.batch([{ op: 'get', key: 'a' }])).map(({ ok }) => ok),
      [true],
    )
    assert.equal(await client.del('a'), true)
    await client.close()

    const trust = { FLOTILLA_ENDPOINT: url, FLOTILLA_CA: inside('ca.crt') }
    const known = { ...trust, FLOTILLA_CERT: inside('client.crt'), FLOTILLA_KEY: inside('client.key') }
    assert.equal((await run(['put', 'b', 'w'], { env: known })).exitCode, 0)
    assert.equal((await run(['get', 'b'], { env: known })).stdout, 'w')
    assert.equal((await run(['get', 'b'], { env: trust })).exitCode, 5)
    const distrusting = await run(['put', 'b', 'x'], { env: { FLOTILLA_ENDPOINT: url } })
    assert.equal(distrusting.exitCode, 5, 'nothing left this process, so the outcome is known')
    assert.match(distrusting.stderr, /its certificate is not trusted; --ca names/)
    assert.equal((await run(['get', 'b', '--cert', inside('client.crt')], { env: trust })).exitCode, 2)

    assert.equal(await serverName(listen), 'server')
    writeFileSync(inside('gateway.crt'), RENEWED.cert)
    writeFileSync(inside('gateway.key'), RENEWED.key)
    store.signal('SIGHUP')
    await poll('the new certificate is shown', START_MS_MAX, async () => (await serverName(listen)) === 'renewed')
    // A key that belongs to another certificate, and a door without a lock.
    writeFileSync(inside('gateway.key'), CLIENT.key)
    for (const gateway of [config.gateway, { listen }, { listen, tls: { ...config.gateway.tls, caFile: undefined } }]) {
      writeFileSync(file, JSON.stringify({ ...config, gateway }))
      const before = store.lines.length
      store.signal('SIGHUP')
      await poll('the store complains', START_MS_MAX, () =>
        store.lines.slice(before).some((line) => line.includes('the configuration was not reloaded')),
      )
      assert.equal(await serverName(listen), 'renewed')
    }
    assert.doesNotMatch(store.lines.join('\n'), /PRIVATE KEY|BEGIN/)
    store.signal('SIGTERM')
    assert.equal((await store.ended(START_MS_MAX)).code, 0)

    writeFileSync(file, JSON.stringify(config))
    const second = new ManagedProcess('s1', command)
    assert.equal((await second.ended(START_MS_MAX)).code, 1)
    assert.match(second.lines.join('\n'), /gateway\.tls cannot be used: key values mismatch/)
  } finally {
    await store.kill()
    rmSync(directory, { recursive: true, force: true })
  }
})
