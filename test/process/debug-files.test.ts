/** Profiles and the support bundle of a real store, through the command line: files that their readers take, and a bundle without secrets, keys and values. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { ManagedProcess } from '../../tools/cluster/managed-process.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { freePort } from '../../tools/cluster/ports.ts'
import { run } from '../tools/run.ts'

const PROGRAM = fileURLToPath(new URL('../../tools/flotilla.ts', import.meta.url))
const START_MS_MAX = 60_000
/** Nothing of these may be in a bundle. */
const HIDDEN = {
  brokerUser: 'brokeruser77',
  brokerPassword: 'brokerpassword77',
  key: 'customer-key-77',
  value: 'value-77',
}

test('a store hands out profiles and a bundle that tells much and betrays nothing', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'flotilla-debug-'))
  const file = path.join(directory, 'flotilla.yaml')
  const listen = `127.0.0.1:${await freePort()}`
  const url = `http://${listen}`
  const made = JSON.parse((await run(['token', 'new'])).stdout) as { token: string; hash: string }
  writeFileSync(
    file,
    JSON.stringify({
      cluster: { bootstrap: { stores: ['s1'], shards: 2 } },
      store: { id: 's1', dir: path.join(directory, 's1') },
      transport: {
        servers: [`nats://127.0.0.1:${await freePort()}`],
        embedded: true,
        user: 'broker-user',
        password: HIDDEN.brokerPassword,
      },
      gateway: { listen, tokens: [{ name: 'ops', hash: made.hash, role: 'admin' }] },
    }),
  )
  const store = new ManagedProcess('s1', [process.execPath, '--import', 'tsx', PROGRAM, 'start', '-c', file])
  const env = { FLOTILLA_ENDPOINT: url, FLOTILLA_TOKEN: made.token }
  try {
    await poll('the store is ready', START_MS_MAX, async () => {
      const answer = await fetch(`${url}/readyz`).catch(() => undefined)
      return answer?.status === 200
    })
    assert.equal((await run(['put', HIDDEN.key, HIDDEN.value], { env })).exitCode, 0)
    // A bound of a shard is a key too.
    const headers = { authorization: `Bearer ${made.token}` }
    const found = await fetch(`${url}/admin/shards/lookup?key=${HIDDEN.key}`, { headers })
    const { shard } = (await found.json()) as { shard: { id: number } }
    const body = JSON.stringify({ key: HIDDEN.key })
    const split = await fetch(`${url}/admin/shards/${shard.id}/split?wait=30s`, { method: 'POST', headers, body })
    assert.equal(split.status, 200, await split.text())

    const cpu = path.join(directory, 'a.cpuprofile')
    const profiled = await run(['debug', 'profile', 'cpu', '--seconds', '1', '--file', cpu], { env })
    assert.deepEqual([profiled.exitCode, profiled.stderr], [0, ''])
    const profile = JSON.parse(readFileSync(cpu, 'utf8')) as { nodes: unknown[]; samples: unknown[]; endTime: number }
    assert(profile.nodes.length > 0 && profile.samples.length > 0)
    const heap = await run(['debug', 'profile', 'heap', '--seconds', '1', '--file', '-'], { env })
    assert.equal(heap.exitCode, 0)
    assert.equal(typeof (JSON.parse(heap.stdout) as { head: { selfSize: number } }).head.selfSize, 'number')
    for (const words of [['profile', 'disk'], ['profile', 'cpu', '--seconds', '61'], ['profile']])
      assert.equal((await run(['debug', ...words], { env })).exitCode, 2)

    const archive = path.join(directory, 'bundle.tar.gz')
    const bundled = await run(['debug', 'bundle', '--file', archive, '-o', 'json'], { env })
    assert.deepEqual([bundled.exitCode, bundled.stderr], [0, ''])
    const bytes = readFileSync(archive)
    assert.deepEqual(JSON.parse(bundled.stdout), { file: archive, bytes: bytes.length })
    const tar = gunzipSync(bytes)
    const text = tar.toString('latin1')
    for (const [what, secret] of Object.entries({ ...HIDDEN, token: made.token, hash: made.hash.slice(7) }))
      for (const spelt of [secret, Buffer.from(secret).toString('base64').replace(/=+$/, '')])
        assert(
          !text.includes(spelt),
          `${what} is in the bundle: ${text.slice(text.indexOf(spelt) - 200).slice(0, 300)}`,
        )
    for (const [name, expected] of [
      ['README.txt', 'support bundle'],
      ['process.json', '"heapSpaces"'],
      ['config.yaml', '<redacted>'],
      ['ready.json', '"reasons": []'],
      ['metrics.txt', '# TYPE raft_term_current'],
      ['store.json', '"id": "s1"'],
      ['map.json', '"replicas"'],
      ['replicas.ndjson', '"commitIndex"'],
      ['events.ndjson', '"node_started"'],
      ['files.ndjson', '"bytes"'],
    ] as const) {
      assert(text.includes(`flotilla-s1/${name}\0`), `${name} is missing`)
      assert(text.includes(expected), `${name} does not say ${expected}`)
    }
    assert(!text.includes('this could not be told'), text.slice(text.indexOf('this could not be told')).slice(0, 200))
    if (spawnSync('tar', ['--version']).status === 0)
      assert.equal(execFileSync('tar', ['-tzf', archive], { encoding: 'utf8' }).trim().split('\n').length, 10)
  } finally {
    store.signal('SIGTERM')
    await store.ended(40_000)
    rmSync(directory, { recursive: true, force: true })
  }
})
