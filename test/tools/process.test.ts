/** The command line as a process of its own: pipes, signals, files, exit codes. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type FakeGateway, sendJson, startFakeGateway } from './fake-gateway.ts'

const PROGRAM = fileURLToPath(new URL('../../tools/flotilla.ts', import.meta.url))

let gateway: FakeGateway

before(async () => {
  gateway = await startFakeGateway()
})
after(() => gateway.close())
beforeEach(() => {
  gateway.misbehaviour = undefined
})

function start(...words: readonly string[]): ChildProcess {
  const env = { ...process.env, FLOTILLA_ENDPOINT: gateway.endpoint }
  return spawn(process.execPath, ['--import', 'tsx', PROGRAM, ...words], { env })
}

async function ended(child: ChildProcess): Promise<{ code: unknown; stdout: Buffer; stderr: string }> {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk))
  const [code] = (await once(child, 'close')) as unknown[]
  return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString('utf8') }
}

test('bytes from a pipe come out of a pipe, however many', async () => {
  const value = Buffer.alloc(1024 * 1024, 'flotilla\0\xff', 'latin1')
  const put = start('put', 'big', '-')
  put.stdin?.end(value)
  assert.equal((await ended(put)).code, 0)
  const got = await ended(start('get', 'big'))
  assert.equal(got.code, 0)
  assert.ok(got.stdout.equals(value), `${got.stdout.length} bytes`)
})

test('errors have their exit code and leave standard output empty', async () => {
  const { code, stdout, stderr } = await ended(start('get', 'nothing'))
  assert.deepEqual([code, stdout.length], [3, 0])
  assert.match(stderr, /^error: KEY_NOT_FOUND: /)
})

test('a reader that has seen enough ends it quietly', async () => {
  let pages = 0
  gateway.misbehaviour = (_asked, response) => {
    const items = Array.from({ length: 1000 }, () => ({
      key: 'k',
      value: 'v'.repeat(100),
      encoding: 'utf8',
      revision: 1,
    }))
    sendJson(response, 200, { items, next: String(++pages) })
    return true
  }
  const child = start('scan', '-o', 'ndjson')
  child.stdout?.once('data', () => child.stdout?.destroy())
  const { code, stderr } = await ended(child)
  assert.deepEqual([code, stderr], [0, ''])
})

test('Ctrl-C is exit code 130', async () => {
  const asked = new Promise<void>((resolve) => {
    gateway.misbehaviour = () => {
      resolve()
      return true
    }
  })
  const child = start('get', 'k')
  const end = ended(child)
  await asked
  child.kill('SIGINT')
  assert.deepEqual((await end).code, 130)
})
