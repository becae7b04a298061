import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { acquireDataDirectory, LogStoreError, type LogStoreErrorCode } from '../../../src/storage/index.ts'
import { temporaryDirectory } from './support.ts'

/** Whose a data directory is, and that only one process has it. */
const HOLDER = fileURLToPath(new URL('./holding-process.ts', import.meta.url))

const failsWith =
  (code: LogStoreErrorCode, message: RegExp) =>
  (error: unknown): boolean =>
    error instanceof LogStoreError && error.code === code && message.test(error.message)

function lockFiles(directory: string): string[] {
  return fs.readdirSync(directory).filter((name) => name.startsWith('lock.'))
}

/** Writes a lock as some other process would have left it. */
function plantLock(directory: string, change: Record<string, unknown>): void {
  const [name] = lockFiles(directory)
  assert(name !== undefined)
  const holder = JSON.parse(fs.readFileSync(path.join(directory, name), 'utf8')) as Record<string, unknown>
  fs.writeFileSync(path.join(directory, name), JSON.stringify({ ...holder, ...change }))
}

test('a directory is created once and remembers whose it is', async (context) => {
  const directory = path.join(temporaryDirectory(context), 'deep', 'data')
  const first = await acquireDataDirectory(directory, 's1', () => 'first')
  assert.equal(first.path, directory)
  assert.equal(first.storeId, 's1')
  assert.equal(first.incarnation, 'first')
  assert.equal(first.created, true)
  await first.release()
  await first.release()
  const second = await acquireDataDirectory(directory, 's1', () => assert.fail('the incarnation is fixed'))
  assert.equal(second.incarnation, 'first')
  assert.equal(second.created, false)
  await second.release()
  assert.deepEqual(fs.readdirSync(directory).sort(), ['flotilla.json', 'lock.000002'])
})

test('a directory of another store is refused and left alone', async (context) => {
  const directory = temporaryDirectory(context)
  await (await acquireDataDirectory(directory, 's1', () => 'x')).release()
  const before = fs.readdirSync(directory)
  const refused = failsWith('STORE_MISMATCH', /belongs to store s1, not s2/)
  await assert.rejects(
    acquireDataDirectory(directory, 's2', () => 'y'),
    refused,
  )
  assert.deepEqual(fs.readdirSync(directory), before)
})

test('a newer or unreadable identity is refused', async (context) => {
  const directory = temporaryDirectory(context)
  const identity = path.join(directory, 'flotilla.json')
  fs.writeFileSync(identity, JSON.stringify({ format: 2 }))
  await assert.rejects(
    acquireDataDirectory(directory, 's1', () => 'x'),
    failsWith('UNSUPPORTED_VERSION', /format 2/),
  )
  fs.writeFileSync(identity, '{"format": 1')
  await assert.rejects(
    acquireDataDirectory(directory, 's1', () => 'x'),
    failsWith('STORE_MISMATCH', /not readable/),
  )
})

test('one process cannot take it twice', async (context) => {
  const directory = temporaryDirectory(context)
  const held = await acquireDataDirectory(directory, 's1', () => 'x')
  const refused = failsWith(
    'STORE_LOCKED',
    new RegExp(`in use by process ${process.pid} on ${os.hostname()} started \\d{4}-`),
  )
  await assert.rejects(
    acquireDataDirectory(directory, 's1', () => 'x'),
    refused,
  )
  await held.release()
  await (await acquireDataDirectory(directory, 's1', () => 'x')).release()
})

test('another process is told who holds it, and takes over when that one is killed', async (context) => {
  const directory = temporaryDirectory(context)
  const child = spawn(process.execPath, ['--import', 'tsx', HOLDER, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise((resolve) => child.on('exit', resolve))
  try {
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve())
      child.once('exit', () => reject(new Error('the holder stopped')))
    })
    await assert.rejects(
      acquireDataDirectory(directory, 's1', () => 'x'),
      failsWith('STORE_LOCKED', new RegExp(`in use by process ${child.pid} `)),
    )
  } finally {
    child.kill('SIGKILL')
    await exited
  }
  const taken = await acquireDataDirectory(directory, 's1', () => assert.fail('not new'))
  assert.deepEqual(lockFiles(directory), ['lock.000002'])
  await taken.release()
})

test('of many processes that start at once, one gets it', async (context) => {
  const directory = temporaryDirectory(context)
  // The lock of a process that is surely gone.
  const dead = spawnSync(process.execPath, ['-e', '0'])
  await acquireDataDirectory(directory, 's1', () => 'x')
  plantLock(directory, { pid: dead.pid })
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--import', 'tsx', HOLDER, directory], { stdio: ['ignore', 'pipe', 'ignore'] }),
  )
  const outcomes = await Promise.all(
    children.map(
      (child) =>
        new Promise<string>((resolve) => {
          child.stdout.once('data', () => resolve('held'))
          child.once('exit', (code) => resolve(`exit ${code}`))
        }),
    ),
  )
  for (const child of children) child.kill('SIGKILL')
  assert.deepEqual(outcomes.sort(), ['exit 3', 'exit 3', 'exit 3', 'held'])
})

test('a lock is judged by more than a process id', async (context) => {
  const linux = process.platform === 'linux'
  const cases: {
    readonly change: Record<string, unknown>
    readonly outcome: 'taken' | RegExp
    readonly needsProc?: boolean
  }[] = [
    { change: { startTicks: '1' }, outcome: 'taken', needsProc: true },
    { change: { boot: 'an earlier one' }, outcome: 'taken' },
    { change: { namespace: 'pid:[1]' }, outcome: 'taken' },
    { change: { host: 'elsewhere', boot: 'its own' }, outcome: /on elsewhere .* cannot tell .* remove .*lock\.000001/ },
    { change: { host: 'elsewhere', namespace: 'pid:[1]' }, outcome: /cannot tell/ },
    { change: { pid: 'x' }, outcome: /not readable/ },
  ]
  for (const { change, outcome, needsProc } of cases) {
    if (needsProc === true && !linux) {
      context.diagnostic('start times are known on Linux only')
      continue
    }
    const directory = temporaryDirectory(context)
    await acquireDataDirectory(directory, 's1', () => 'x')
    plantLock(directory, change)
    const next = acquireDataDirectory(directory, 's1', () => 'x')
    if (outcome === 'taken') await (await next).release()
    else await assert.rejects(next, failsWith('STORE_LOCKED', outcome))
  }
})

test('a directory that cannot be used says why', async (context) => {
  const file = path.join(temporaryDirectory(context), 'file')
  fs.writeFileSync(file, '')
  await assert.rejects(
    acquireDataDirectory(file, 's1', () => 'x'),
    failsWith('IO_ERROR', /cannot use the data directory .*file/),
  )
})
