/** `flotilla export` and `import` on a real cluster: every byte survives, and nothing is lost or repeated, wherever they are interrupted. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ANY_BROKER } from '../../tools/cluster/broker-process.ts'
import { ProcessCluster } from '../support/process-cluster.ts'
import { type Ran, type RunOptions, run } from '../tools/run.ts'

const KEYS = 4_000
const PROGRAM = fileURLToPath(new URL('../../tools/flotilla.ts', import.meta.url))

let cluster: ProcessCluster
let folder: string
let whole: string

function at(name: string): string {
  return path.join(folder, name)
}

function endpoints(): string {
  return cluster.ids.map((id) => `http://${cluster.address(id)}`).join(',')
}

function flotilla(words: readonly string[], options?: RunOptions): Promise<Ran> {
  return run(['-e', endpoints(), ...words], options)
}

async function succeeded(words: readonly string[], options?: RunOptions): Promise<Ran> {
  const ran = await flotilla(words, options)
  assert.equal(ran.exitCode, 0, ran.stderr)
  return ran
}

/** A line for each number: keys over all shards, with every kind of byte in keys and values. */
function linesOfData(count: number): string[] {
  return Array.from({ length: count }, (_, number) => {
    const key = Buffer.concat([Buffer.from([(number * 37) % 256]), Buffer.from(`k${number}`)])
    const value = Buffer.alloc(number % 700, number % 5 === 0 ? `\u0000\u00ff"\n${number}` : `text ${number} ü`)
    return JSON.stringify({
      key: key.toString('base64'),
      keyEncoding: 'base64',
      value: value.toString('base64'),
      encoding: 'base64',
    })
  })
}

interface Content {
  readonly key: string
  readonly value: string
}

/** Sorted by key, without revisions, in base64. */
function contentsOf(text: string): readonly Content[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { key, keyEncoding, value, encoding } = JSON.parse(line) as Record<'key' | 'value', string> &
        Partial<Record<'keyEncoding' | 'encoding', 'base64' | 'utf8'>>
      return {
        key: Buffer.from(key, keyEncoding ?? 'utf8').toString('base64'),
        value: Buffer.from(value, encoding ?? 'utf8').toString('base64'),
      }
    })
    .sort((left, right) => Buffer.compare(Buffer.from(left.key, 'base64'), Buffer.from(right.key, 'base64')))
}

/** Removes all keys, through the whole key space. */
async function clear(): Promise<void> {
  const answer = await cluster.http('s1', { method: 'DELETE', path: '/kv?start=%00' })
  assert.equal(answer.status, 200, answer.body.toString('utf8'))
}

/** Takes a revision in each shard: what two calls differ by is one more than the writes between them. */
async function revisions(): Promise<number[]> {
  const shards = await cluster.dataShards()
  return await Promise.all(
    shards.map(async ({ start = '' }) => {
      const answer = await cluster.http('s1', { method: 'PUT', path: `/kv/${start}%00marker`, body: 'x' })
      const revision = Number(answer.headers['flotilla-revision'])
      await cluster.http('s1', { method: 'DELETE', path: `/kv/${start}%00marker` })
      return revision
    }),
  )
}

/** Writes between two calls of `revisions`, whose own put and delete do not count. */
function writesBetween(earlier: readonly number[], later: readonly number[]): number {
  return later.reduce((sum, revision, position) => sum + revision - (earlier[position] ?? 0) - 2, 0)
}

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'flotilla-export-'))
  cluster = await ProcessCluster.create({ broker: ANY_BROKER })
  await cluster.startAll()
  await cluster.leaders()
  whole = `${linesOfData(KEYS).join('\n')}\n`
  writeFileSync(at('data.ndjson'), whole)
})
after(async () => {
  await cluster.cleanUp()
  rmSync(folder, { recursive: true })
})

test('what was imported is exported, byte for byte, in key order, each key once', async () => {
  const earlier = await revisions()
  const imported = await succeeded(['import', at('data.ndjson')])
  assert.deepEqual(JSON.parse(imported.stdout), { file: at('data.ndjson'), lines: KEYS, keys: KEYS, skipped: 0 })
  assert.equal(imported.stderr, '')
  assert.equal(existsSync(at('data.ndjson.progress')), false)
  assert.equal(writesBetween(earlier, await revisions()), KEYS)
  const { stdout, stderr } = await succeeded(['export'])
  assert.equal(stderr, '')
  const contents = contentsOf(stdout)
  assert.deepEqual(contents, contentsOf(whole))
  const keys = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { key: string; keyEncoding?: 'base64' })
    .map(({ key, keyEncoding }) => Buffer.from(key, keyEncoding ?? 'utf8').toString('base64'))
  assert.deepEqual(
    keys,
    contents.map(({ key }) => key),
    'the order of keys',
  )
})

test('a prefix exports its keys and nothing else', async () => {
  const prefix = Buffer.from([37, 0x6b]).toString('base64')
  const { stdout } = await succeeded(['export', '--key-base64', prefix])
  const expected = contentsOf(whole).filter(({ key }) =>
    Buffer.from(key, 'base64')
      .subarray(0, 2)
      .equals(Buffer.from([37, 0x6b])),
  )
  assert.ok(expected.length > 5)
  assert.deepEqual(contentsOf(stdout), expected)
})

test('an export cut off at any byte goes on to the same file', async () => {
  const file = at('cut.ndjson')
  await succeeded(['export', '--file', file])
  const complete = readFileSync(file)
  copyFileSync(file, at('complete.ndjson'))
  const places = [0, 1, complete.indexOf('\n'), complete.indexOf('\n') + 1, complete.length - 1, complete.length]
  for (let number = 1; number < 12; number++)
    places.push(Math.floor((complete.length * number * 0.618) % complete.length))
  for (const place of places) {
    copyFileSync(at('complete.ndjson'), file)
    truncateSync(file, place)
    await succeeded(['export', '--file', file, '--resume'])
    assert.ok(readFileSync(file).equals(complete), `cut at byte ${place}`)
  }
})

test('an export that is killed goes on, also while a store is away', async () => {
  const file = at('killed.ndjson')
  for (let attempt = 0; attempt < 3; attempt++) {
    const words = ['-e', endpoints(), 'export', '--file', file, '--resume']
    const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, ...words], { stdio: 'ignore' })
    const ended = once(child, 'exit')
    const sizeBefore = existsSync(file) ? statSync(file).size : 0
    while (child.exitCode === null && (!existsSync(file) || statSync(file).size <= sizeBefore)) await delay(1)
    child.kill('SIGKILL')
    await ended
    if (attempt === 0) await cluster.stop('s2')
  }
  await succeeded(['export', '--file', file, '--resume'])
  await cluster.restart('s2')
  assert.ok(readFileSync(file).equals(readFileSync(at('complete.ndjson'))))
})

test('a file that exists, or is of another export, is not touched', async () => {
  const file = at('other.ndjson')
  writeFileSync(file, 'mine\n')
  const exists = await flotilla(['export', '--file', file])
  assert.deepEqual([exists.exitCode, exists.stdout], [2, ''])
  assert.match(exists.stderr, /exists already\n {2}try: flotilla export --file \S+ --resume/)
  assert.equal((await flotilla(['export', '--file', file, '--resume'])).exitCode, 2)
  assert.equal(readFileSync(file, 'utf8'), 'mine\n')
})

test('an import that is interrupted after every batch loses and repeats nothing', async () => {
  await clear()
  const earlier = await revisions()
  const file = at('data.ndjson')
  let parts = 0
  let keys = 0
  for (;;) {
    const ran = await flotilla(['import', file, ...(parts === 0 ? [] : ['--resume'])], {
      onSignal: (handler) => handler('SIGINT'),
    })
    parts++
    if (ran.exitCode === 130) {
      assert.match(ran.stderr, /^error: ABORTED: interrupted after \d+ lines\n {2}try: flotilla import \S+ --resume\n$/)
      assert.equal((await flotilla(['import', file])).exitCode, 2, 'starting over needs to be meant')
      continue
    }
    assert.equal(ran.exitCode, 0, ran.stderr)
    keys = (JSON.parse(ran.stdout) as { keys: number }).keys
    break
  }
  assert.ok(parts > 5, `only ${parts} parts`)
  assert.ok(keys <= KEYS)
  assert.equal(writesBetween(earlier, await revisions()), KEYS)
  assert.deepEqual(contentsOf((await succeeded(['export'])).stdout), contentsOf(whole))
})

test('an import that is killed at any moment loses nothing, and repeats at most the batch that was on its way', async () => {
  await clear()
  const earlier = await revisions()
  const file = at('data.ndjson')
  const progress = `${file}.progress`
  for (let attempt = 0; attempt < 3; attempt++) {
    const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, '-e', endpoints(), 'import', file, '--resume'], {
      stdio: 'ignore',
    })
    const ended = once(child, 'exit')
    const had = existsSync(progress) ? readFileSync(progress, 'utf8') : ''
    while (child.exitCode === null && (!existsSync(progress) || readFileSync(progress, 'utf8') === had)) await delay(1)
    // Somewhere within the next batches.
    await delay(attempt * 7)
    child.kill('SIGKILL')
    await ended
  }
  await succeeded(['import', file, '--resume'])
  const writes = writesBetween(earlier, await revisions())
  // A store may still be at work on a batch while the next import compares it.
  assert.ok(writes >= KEYS && writes <= KEYS + 3 * 500, `${writes} writes for ${KEYS} keys`)
  assert.deepEqual(contentsOf((await succeeded(['export'])).stdout), contentsOf(whole))
})

test('from standard input, leaving alone what is there; lines that are none are refused by number', async () => {
  const lines = '{"key":"in/1","value":"new"}\n\n{"key":"in/2","value":"two"}\n{"key":"in/1","value":"last"}\n'
  await succeeded(['put', 'in/2', 'old'])
  const kept = await succeeded(['import', '-', '--if-absent'], { stdin: lines })
  assert.deepEqual(JSON.parse(kept.stdout), { file: '-', lines: 4, keys: 1, skipped: 2 })
  assert.equal((await succeeded(['get', 'in/2'])).stdout, 'old')
  await succeeded(['import', '-'], { stdin: lines })
  assert.equal((await succeeded(['get', 'in/1'])).stdout, 'last')
  const bad = await flotilla(['import', '-'], { stdin: `${lines}{"key":"in/3","value":7}\n` })
  assert.deepEqual([bad.exitCode, bad.stdout], [2, ''])
  assert.match(bad.stderr, /^error: INVALID_ARGUMENT: line 5 has no value/)
  const failed = await flotilla(['import', '-'], { stdin: '{"error":{"code":"TIMEOUT"}}\n' })
  assert.match(failed.stderr, /line 1 says that the export before it failed/)
})

test('progress is shown on a terminal and nowhere else', async () => {
  const shown = await run(['-e', endpoints(), 'import', at('data.ndjson')], { isTerminal: true })
  assert.match(shown.stderr, /\[#+-+\] +\d+ % imported \d+ keys, /)
  assert.match(shown.stdout, /^imported 4000 keys$/m)
})
