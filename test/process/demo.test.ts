/** `flotilla demo`, as a newcomer runs it: three processes that serve, one that dies and comes back, an end that leaves nothing, data that is found again. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { http } from '../../tools/cluster/http.ts'
import { type Exit, ManagedProcess } from '../../tools/cluster/managed-process.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { freePort } from '../../tools/cluster/ports.ts'

const PROGRAM = [
  process.execPath,
  '--import',
  'tsx',
  fileURLToPath(new URL('../../tools/flotilla.ts', import.meta.url)),
]
/** The environment of the test must not lead the demo to another broker. */
const ENVIRONMENT = { FLOTILLA_NATS: '' }
const START_MS_MAX = 60_000
const STOP_MS_MAX = 30_000

let directory: string

before(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'flotilla-demo-'))
})
after(() => rmSync(directory, { recursive: true, force: true }))

function demo(port: number, dir = directory): ManagedProcess {
  return new ManagedProcess(`demo on ${port}`, [...PROGRAM, 'demo', '--dir', dir, '--port', String(port)], ENVIRONMENT)
}

/** Three neighbouring free ports, of which this is the first. */
async function freePorts(): Promise<number> {
  for (;;) {
    const port = await freePort()
    const isFree = await Promise.all([port + 1, port + 2].map((next) => answers(next).then((yes) => !yes)))
    if (isFree.every(Boolean)) return port
  }
}

function answers(port: number): Promise<boolean> {
  return http(`127.0.0.1:${port}`, { method: 'GET', path: '/livez' }).then(
    () => true,
    () => false,
  )
}

async function running(child: ManagedProcess): Promise<void> {
  await poll(`the welcome of ${child.name}\n${child.output()}`, START_MS_MAX, () => {
    assert.ok(child.isRunning, child.output())
    return child.lines.some((line) => line.includes('is running: 3 stores, 8 shards'))
  })
}

function pidOf(child: ManagedProcess, store: string): number {
  const line = child.lines.find((candidate) => candidate.startsWith(`  ${store} `))
  return Number(/pid (\d+)/.exec(line ?? '')?.[1])
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    // There is no such process.
    return false
  }
}

async function get(port: number, key: string): Promise<string> {
  const { status, body } = await http(`127.0.0.1:${port}`, { method: 'GET', path: `/kv/${key}` })
  return `${status} ${body.toString('utf8')}`
}

async function put(port: number, key: string, value: string): Promise<number> {
  return (await http(`127.0.0.1:${port}`, { method: 'PUT', path: `/kv/${key}`, body: value })).status
}

test('the life of a demo', async () => {
  const port = await freePorts()
  const first = demo(port)
  await running(first)
  assert.equal(await put(port, 'greeting', 'hello'), 204)
  assert.equal(await get(port + 1, 'greeting'), '200 hello')

  const second = demo(port, path.join(directory, 'other'))
  assert.deepEqual(await second.ended(START_MS_MAX), { code: 1, signal: null })
  assert.match(
    second.lines.join('\n'),
    new RegExp(`^error: UNAVAILABLE: port ${port} is in use by another process\n {2}try: flotilla demo --port`),
  )

  process.kill(pidOf(first, 's2'), 'SIGKILL')
  await poll('the notice that s2 is gone', STOP_MS_MAX, () =>
    first.lines.some((line) => line.startsWith('s2 is gone (SIGKILL). The others go on.')),
  )
  await poll('writes without s2', START_MS_MAX, async () => (await put(port, 'without', 's2')) === 204)
  assert.equal(await get(port + 2, 'greeting'), '200 hello')

  const configFile = path.join(directory, 's2', 'flotilla.yaml')
  assert.ok(
    first.lines.some((line) => line.trim().endsWith(`start -c ${configFile}`)),
    first.output(),
  )
  const revived = new ManagedProcess('s2 again', [...PROGRAM, 'start', '-c', configFile])
  await poll('s2 to be ready', START_MS_MAX, async () => {
    const { status } = await http(`127.0.0.1:${port + 1}`, { method: 'GET', path: '/readyz' })
    return status === 200
  })
  assert.equal(await get(port + 1, 'without'), '200 s2')
  revived.signal('SIGTERM')
  assert.deepEqual(await revived.ended(STOP_MS_MAX), { code: 0, signal: null }, revived.output())

  const pids = ['s1', 's3'].map((store) => pidOf(first, store))
  first.signal('SIGINT')
  assert.deepEqual(await first.ended(STOP_MS_MAX), { code: 0, signal: null }, first.output())
  assert.deepEqual(pids.map(isAlive), [false, false])
  assert.match(readFileSync(path.join(directory, 's1', 'flotilla.log'), 'utf8'), /node_stopped/)

  const again = demo(port)
  await running(again)
  assert.equal(await get(port, 'greeting'), '200 hello')
  assert.equal(await get(port + 1, 'without'), '200 s2')
  again.signal('SIGTERM')
  const exit: Exit = await again.ended(STOP_MS_MAX)
  assert.deepEqual(exit, { code: 0, signal: null }, again.output())
})

test('stores do not outlive a demo that was killed', async () => {
  const port = await freePorts()
  const child = demo(port, path.join(directory, 'killed'))
  await running(child)
  const pids = ['s1', 's2', 's3'].map((store) => pidOf(child, store))
  assert.deepEqual(pids.map(isAlive), [true, true, true])
  child.signal('SIGKILL')
  await poll('the end of the stores', STOP_MS_MAX, () => !pids.some(isAlive))
})

test('a directory that is none is one clear sentence and exit code 1', async () => {
  const file = path.join(directory, 'file')
  writeFileSync(file, '')
  const child = demo(await freePorts(), file)
  assert.deepEqual(await child.ended(START_MS_MAX), { code: 1, signal: null })
  assert.match(
    child.lines.join('\n'),
    /^error: INVALID_ARGUMENT: .*file\/s1 is not a directory\n {2}try: flotilla demo --dir PATH$/,
  )
})

test('a directory where nothing can be made is one clear sentence and exit code 1, at once', async () => {
  const child = demo(await freePorts(), '/proc/flotilla/data')
  assert.deepEqual(await child.ended(START_MS_MAX), { code: 1, signal: null })
  assert.match(
    child.lines.join('\n'),
    /^error: PERMISSION_DENIED: \/proc\/flotilla\/data\/s1 cannot be written by this user\n {2}try: flotilla demo --dir PATH$/,
  )
})

test('data of a store that runs elsewhere is one clear sentence and exit code 1', async () => {
  const port = await freePorts()
  const dir = path.join(directory, 'locked')
  const holder = demo(port, dir)
  await running(holder)
  const configFile = path.join(dir, 's1', 'flotilla.yaml')
  const config = readFileSync(configFile, 'utf8')
  const other = demo(await freePorts(), dir)
  assert.deepEqual(await other.ended(START_MS_MAX), { code: 1, signal: null }, other.output())
  assert.match(
    other.lines.join('\n'),
    /^error: NOT_READY: store s\d did not start: STORE_LOCKED: .* is in use by process/m,
  )
  assert.equal(readFileSync(configFile, 'utf8'), config)
  holder.signal('SIGTERM')
  assert.equal((await holder.ended(STOP_MS_MAX)).code, 0)
})
