/** The history of events on disk: bounded, newest first, unharmed by restarts and torn tails; and the rotated file. */
import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Event, EventHistory, fileOutput } from '../../src/observe/index.ts'

const START_MS = Date.parse('2026-01-31T12:00:00Z')

function folder(t: TestContext): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'flotilla-history-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

function event(count: number, more: Partial<Event> = {}): Event {
  const ts = new Date(START_MS + count * 1000).toISOString()
  return { id: `x-${count}`, ts, level: 'info', type: 'election_won', store: 's1', group: 2 + (count % 3), ...more }
}

const ids = (events: readonly Event[]): string[] => events.map(({ id }) => id)

test('newest first, filtered, limited, and still there after a restart', async (t) => {
  const directory = path.join(folder(t), 'events')
  const first = await EventHistory.open({ directory })
  await first.write([event(1), event(2), event(3, { type: 'leader_changed', peer: 's2', level: 'warn' })])
  await first.close()
  const history = await EventHistory.open({ directory })
  await history.write([event(4), event(5)])
  assert.deepEqual(ids(await history.query({}, 10)), ['x-5', 'x-4', 'x-3', 'x-2', 'x-1'])
  assert.deepEqual(ids(await history.query({}, 2)), ['x-5', 'x-4'])
  assert.deepEqual(ids(await history.query({ types: ['leader_changed'] }, 10)), ['x-3'])
  assert.deepEqual(ids(await history.query({ level: 'warn' }, 10)), ['x-3'])
  assert.deepEqual(ids(await history.query({ peer: 's2' }, 10)), ['x-3'])
  assert.deepEqual(ids(await history.query({ group: 3 }, 10)), ['x-4', 'x-1'])
  assert.deepEqual(ids(await history.query({ sinceMs: START_MS + 4000 }, 10)), ['x-5', 'x-4'])
  assert.deepEqual((await history.query({}, 1))[0], event(5))
})

test('old segments go, and the bound holds over restarts', async (t) => {
  const directory = folder(t)
  const options = { directory, segmentBytes: 400, segmentsMax: 3 }
  let history = await EventHistory.open(options)
  for (let count = 1; count <= 40; count++) {
    await history.write([event(count)])
    if (count % 7 === 0) history = await EventHistory.open(options)
  }
  assert.ok(readdirSync(directory).length <= 3)
  const kept = await history.query({}, 1000)
  assert.ok(kept.length >= 6 && kept.length < 40, `${kept.length}`)
  assert.deepEqual(
    ids(kept),
    Array.from(kept, (_, i) => `x-${40 - i}`),
  )
})

test('a torn line is cut at the start, damage in the middle is passed by', async (t) => {
  const directory = folder(t)
  const history = await EventHistory.open({ directory })
  await history.write([event(1), event(2)])
  const [name = ''] = readdirSync(directory)
  const file = path.join(directory, name)
  appendFileSync(file, '{"id":"x-3","ts":"2026')
  const again = await EventHistory.open({ directory })
  await again.write([event(4)])
  assert.deepEqual(ids(await again.query({}, 10)), ['x-4', 'x-2', 'x-1'])
  writeFileSync(file, readFileSync(file, 'utf8').replace('"x-2"', '"x-2'))
  assert.deepEqual(ids(await again.query({}, 10)), ['x-4', 'x-1'])
  writeFileSync(file, 'null\n[]\n17\n{"type":1}\n')
  assert.deepEqual(await again.query({}, 10), [])
})

test('a directory that was removed comes back; the bus hears of what was lost', async (t) => {
  const directory = path.join(folder(t), 'events')
  const history = await EventHistory.open({ directory })
  await history.write([event(1)])
  rmSync(directory, { recursive: true })
  await assert.rejects(async () => history.write([event(2)]), { code: 'ENOENT' })
  await history.write([event(3)])
  assert.deepEqual(ids(await history.query({}, 10)), ['x-3'])
})

test('without a directory memory holds the newest', async () => {
  const history = await EventHistory.open({ directory: undefined, memoryMax: 3 })
  for (let count = 1; count <= 5; count++) await history.write([event(count)])
  assert.deepEqual(ids(await history.query({}, 10)), ['x-5', 'x-4', 'x-3'])
  assert.deepEqual(ids(await history.query({}, 1)), ['x-5'])
})

test('a file of events starts anew when it is full and keeps a few of the full ones', async (t) => {
  const file = path.join(folder(t), 'logs', 'events.jsonl')
  const open = () => fileOutput({ path: file, bytesMax: 300, keep: 2 })
  let output = open()
  for (let count = 1; count <= 12; count++) {
    await output.write([event(count)])
    if (count === 5) output = open()
  }
  assert.deepEqual(readdirSync(path.dirname(file)).sort(), ['events.jsonl', 'events.jsonl.1', 'events.jsonl.2'])
  const lines = ['events.jsonl.2', 'events.jsonl.1', 'events.jsonl'].flatMap((name) =>
    readFileSync(path.join(path.dirname(file), name), 'utf8')
      .trim()
      .split('\n'),
  )
  const counts = lines.map((line) => Number((JSON.parse(line) as Event).id.slice(2)))
  assert.deepEqual(
    counts,
    Array.from(counts, (_, i) => 12 - counts.length + 1 + i),
  )
})
