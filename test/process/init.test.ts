/** `flotilla init` as somebody new uses it: three files as it proposes them, three `flotilla start`, and a cluster that serves through each. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { http } from '../../tools/cluster/http.ts'
import { ManagedProcess } from '../../tools/cluster/managed-process.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { freePort } from '../../tools/cluster/ports.ts'
import { run } from '../tools/run.ts'

const PROGRAM = fileURLToPath(new URL('../../tools/flotilla.ts', import.meta.url))
const READY_MS = 60_000
const STOP_MS = 40_000

async function isReady(address: string): Promise<boolean> {
  // Nobody listens yet.
  return await http(address, { method: 'GET', path: '/readyz' }).then(
    ({ status }) => status === 200,
    () => false,
  )
}

async function withStores(files: readonly string[], work: () => Promise<void>): Promise<void> {
  const stores = files.map(
    (file) => new ManagedProcess(file, [process.execPath, '--import', 'tsx', PROGRAM, 'start', '-c', file]),
  )
  try {
    await work()
    for (const store of stores) store.signal('SIGTERM')
    for (const store of stores) assert.deepEqual(await store.ended(STOP_MS), { code: 0, signal: null })
  } catch (error) {
    process.stderr.write(`${stores.map((store) => store.output()).join('\n')}\n`)
    throw error
  } finally {
    await Promise.all(stores.map((store) => store.kill()))
  }
}

async function init(...words: readonly string[]) {
  const { exitCode, stdout, stderr } = await run(['init', ...words])
  assert.deepEqual([exitCode, stderr], [0, ''])
  return JSON.parse(stdout) as { readonly file: string; readonly address: string; readonly others: readonly string[] }
}

test('the three files that it proposes make a cluster', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'flotilla-init-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const nats = `nats://127.0.0.1:${await freePort()}`
  // Of its own, whatever the proposal counts on: other tests run beside this one.
  const own = async (id: string): Promise<string[]> => [
    ...['--dir', path.join(folder, id)],
    ...['--listen', `127.0.0.1:${await freePort()}`],
  ]
  const first = await init(
    path.join(folder, 's1.yaml'),
    '--bootstrap',
    's1,s2,s3',
    '--nats',
    nats,
    ...(await own('s1')),
  )
  const made = [first]
  for (const line of first.others) {
    const [program, command, ...words] = line.split(' ')
    assert.deepEqual([program, command], ['flotilla', 'init'])
    made.push(await init(...words, ...(await own(words[2] ?? ''))))
  }
  assert.deepEqual(
    made.map(({ file }) => path.basename(file)),
    ['s1.yaml', 's2.yaml', 's3.yaml'],
  )
  await withStores(
    made.map(({ file }) => file),
    async () => {
      for (const { address } of made) await poll(`${address} is ready`, READY_MS, () => isReady(address))
      for (const [place, { address }] of made.entries()) {
        const key = `/kv/from-${place}`
        assert.equal((await http(address, { method: 'PUT', path: key, body: String(place) })).status, 204)
        for (const other of made) {
          assert.equal((await http(other.address, { method: 'GET', path: key })).body.toString(), String(place))
        }
      }
    },
  )
})

test('the file that it makes without a word about others starts one store that serves alone', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'flotilla-init-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const { file, address } = await init(
    path.join(folder, 'flotilla.yaml'),
    ...['--dir', path.join(folder, 'data')],
    ...['--listen', `127.0.0.1:${await freePort()}`],
    ...['--nats', `nats://127.0.0.1:${await freePort()}`],
  )
  await withStores([file], async () => {
    await poll('it is ready', READY_MS, () => isReady(address))
    assert.equal((await http(address, { method: 'PUT', path: '/kv/k', body: 'v' })).status, 204)
    assert.equal((await http(address, { method: 'GET', path: '/kv/k' })).body.toString(), 'v')
  })
})
