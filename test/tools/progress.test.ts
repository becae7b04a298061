/** What long work shows on a terminal: how far it is, in one line that fits; nothing in a pipe; how to go on after an interruption. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import type { Context } from '../../tools/cli/index.ts'
import { type FakeGateway, sendJson, startFakeGateway } from './fake-gateway.ts'
import { type RunOptions, run } from './run.ts'

let gateway: FakeGateway
let folder: string

before(async () => {
  gateway = await startFakeGateway()
  folder = mkdtempSync(path.join(tmpdir(), 'flotilla-progress-'))
  for (let i = 0; i < 300; i++) gateway.put(`k${String(i).padStart(5, '0')}`, 'v')
})
after(async () => {
  await gateway.close()
  rmSync(folder, { recursive: true, force: true })
})

function flotilla(words: readonly string[], options: RunOptions = {}) {
  return run(['-e', gateway.endpoint, ...words], options)
}

/** What was on the line, one text for each time that it was drawn anew. */
function drawn(stderr: string): string[] {
  return stderr.split('\r\u001b[K').filter((line) => line !== '')
}

test('an export into a file shows its progress on a terminal, in one line that fits', async () => {
  for (const columns of [30, 60, 200]) {
    const file = path.join(folder, `of-${columns}`)
    const { exitCode, stdout, stderr } = await flotilla(['export', '--file', file], { isTerminal: true, columns })
    assert.deepEqual([exitCode, stdout], [0, `exported 300 keys to ${file}\n`])
    const lines = drawn(stderr)
    assert.ok(lines.length > 0, 'there is no progress')
    for (const line of lines) assert.ok(line.length < columns, `${JSON.stringify(line)} on ${columns} columns`)
    if (columns > 30) assert.match(lines[0] ?? '', /exported \d+ keys/)
    assert.ok(stderr.endsWith('\r\u001b[K'), 'the line stays')
  }
})

test('in a pipe there is none', async () => {
  const { stdout, stderr } = await flotilla(['export', '--file', path.join(folder, 'piped')])
  assert.deepEqual([stderr, (JSON.parse(stdout) as { keys: number }).keys], ['', 300])
})

test('an interrupted export says how to go on, and goes on', async () => {
  const file = path.join(folder, 'interrupted')
  let interrupt: Parameters<Context['onSignal']>[0] | undefined
  const onSignal: Context['onSignal'] = (handler) => {
    interrupt = handler
  }
  gateway.misbehaviour = (asked) => {
    if (asked.url.startsWith('/kv?')) interrupt?.('SIGINT')
    return false
  }
  const { exitCode, stderr, stdout } = await flotilla(['export', 'k', '--file', file], { onSignal })
  gateway.misbehaviour = undefined
  assert.deepEqual([exitCode, stdout], [130, ''])
  assert.match(stderr, /^error: ABORTED: interrupted after 2 keys\n {2}try: flotilla export k --file .* --resume\n$/)
  assert.equal((await flotilla(['export', 'k', '--file', file, '--resume'])).exitCode, 0)
  const keys = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { key: string }).key)
  assert.equal(keys.length, 300)
  assert.equal(new Set(keys).size, 300)
})

test('waiting for an operator that is interrupted says that the operator goes on', async () => {
  let interrupt: Parameters<Context['onSignal']>[0] | undefined
  const operator = { id: '7', kind: 'move', shard: 3, state: 'running', reason: 'asked', error: null }
  const document = { ...operator, createdAt: '2026-01-01T00:00:00Z', endedAt: null, steps: [] }
  let looks = 0
  gateway.misbehaviour = (asked, response) => {
    if (!asked.url.startsWith('/admin/operators/7')) return false
    looks++
    if (looks === 1) interrupt?.('SIGINT')
    sendJson(response, 200, looks > 1 ? { ...document, state: 'finished' } : document)
    return true
  }
  const { stderr } = await flotilla(['operator', 'wait', '7'], {
    onSignal: (handler) => {
      interrupt = handler
    },
    exit: () => {},
  })
  gateway.misbehaviour = undefined
  assert.match(stderr, /operator 7 goes on without this command\n {2}try: flotilla operator wait 7\n/)
})
