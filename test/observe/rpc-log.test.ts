/** The RPC log: notes and their time, the ring on disk over restarts and torn rows, filters and figures. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { RPC_KIND } from '../../src/base/index.ts'
import { newEndedCall } from '../../src/observe/rpc-log/call.ts'
import { PendingRows } from '../../src/observe/rpc-log/pending-rows.ts'
import { Recorder } from '../../src/observe/rpc-log/recorder.ts'
import { ROW_BYTES, readRow } from '../../src/observe/rpc-log/row.ts'
import { RpcLog } from '../../src/observe/rpc-log/rpc-log.ts'
import { virtualClock } from './virtual-clock.ts'

const { AppendEntries, AppendEntriesReply, Heartbeat, HeartbeatReply } = RPC_KIND
const { RequestVote, RequestVoteReply, TimeoutNow } = RPC_KIND

function folder(t: TestContext): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'flotilla-rpc-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

test('a full ring drops, counts, and asks to be emptied once', () => {
  let hastened = 0
  const recorder = new Recorder(virtualClock(), () => hastened++, 8)
  for (let i = 0; i < 12; i++) {
    recorder.note(Heartbeat, 's2', i, 1, 0, 0, 1, false)
    recorder.stamp()
  }
  assert.deepEqual([recorder.waiting, recorder.dropped, hastened], [8, 4, 1])
  const groups: number[] = []
  recorder.empty((note) => void groups.push(note.group))
  recorder.note(Heartbeat, 's3', 99, 1, 0, 0, 1, false)
  recorder.stamp()
  recorder.empty((note) => void groups.push(note.group, note.peer))
  assert.deepEqual(groups, [0, 1, 2, 3, 4, 5, 6, 7, 99, 1])
  assert.deepEqual(recorder.names, ['s2', 's3'])
})

test('what was noted has the time of the next stamp, and is handed out only with it', () => {
  const clock = virtualClock()
  const recorder = new Recorder(clock, () => {}, 8)
  const empty = (): number[] => {
    const times: number[] = []
    recorder.empty((note) => void times.push(note.atMs))
    return times
  }
  const startMs = clock.nowMs()
  for (const group of [1, 2]) recorder.note(Heartbeat, 's2', group, 1, 0, 0, 1, false)
  assert.deepEqual(empty(), [])
  clock.advance(3)
  recorder.stamp()
  clock.advance(4)
  recorder.note(Heartbeat, 's2', 3, 1, 0, 0, 1, false)
  assert.deepEqual([empty(), recorder.waiting], [[startMs + 3, startMs + 3], 1])
  // Over the end of the ring.
  for (let i = 0; i < 7; i++) recorder.note(Heartbeat, 's2', 4, 1, 0, 0, 1, false)
  recorder.stamp()
  assert.deepEqual(empty(), Array(8).fill(startMs + 7))
})

test('rows that wait grow to their bound and keep their order', () => {
  const rows = new PendingRows(11)
  const call = { ...newEndedCall(), type: 2, sentMs: 0 }
  let count = 0
  for (; count < 100_000; count++) {
    call.bytes = count
    if (!rows.add(call, count, 0, 1)) break
  }
  assert.equal(count, 65_536)
  const taken = rows.take()
  assert.ok(rows.isEmpty && rows.add(call, 1, 0, 1))
  const view = new DataView(taken.buffer, taken.byteOffset, taken.byteLength)
  for (const at of [0, 255, 256, 40_000, 65_535]) {
    const row = readRow(view, at * ROW_BYTES)
    assert.deepEqual([row?.sequence, row?.bytes, row?.wallMs, row?.latencyMs], [11 + at, at, at, undefined])
  }
})

test('zeros are no row', () => {
  assert.equal(readRow(new DataView(new ArrayBuffer(ROW_BYTES)), 0), undefined)
})

/** `count` appends to a group each a second after the other, all answered after 2 ms. */
async function fill(log: RpcLog, clock: ReturnType<typeof virtualClock>, count: number, peer = 's2', first = 1) {
  for (let i = first; i < first + count; i++) {
    log.recorder.note(AppendEntries, peer, 2 + (i % 3), 7, i, 1, 100 + i, false)
    log.recorder.stamp()
    clock.advance(2)
    log.recorder.note(AppendEntriesReply, peer, 2 + (i % 3), 7, i, 0, 0, false)
    log.recorder.stamp()
    clock.advance(998)
    await log.query({}, 1)
  }
}

test('rows survive a restart, the newest first, with every filter', async (t) => {
  const directory = path.join(folder(t), 'rpc-log')
  const clock = virtualClock()
  const open = () => RpcLog.open({ store: 's1', clock, directory, maxRows: 1000 })
  const first = await open()
  await fill(first, clock, 5)
  first.recorder.note(RequestVote, 's3', 2, 8, 0, 0, 40, false)
  first.recorder.note(Heartbeat, 's3', 2, 8, 0, 0, 40, false)
  first.recorder.note(HeartbeatReply, 's3', 2, 8, 0, 0, 0, false)
  first.recorder.note(RequestVoteReply, 's3', 2, 8, 0, 0, 0, true)
  first.recorder.stamp()
  await first.close()
  const log = await open()
  const calls = await log.query({}, 100)
  assert.deepEqual(
    calls.map(({ to, type, bytes }) => `${to} ${type} ${bytes}`),
    ['s3 RequestVote 40', ...[105, 104, 103, 102, 101].map((bytes) => `s2 AppendEntries ${bytes}`)],
  )
  assert.deepEqual(calls[1], {
    id: 'c5',
    ts: '2026-01-31T12:00:04.000Z',
    from: 's1',
    to: 's2',
    type: 'AppendEntries',
    group: 4,
    term: 7,
    entries: 1,
    bytes: 105,
    latencyMs: 2,
    heartbeat: false,
    error: null,
  })
  assert.equal(calls[0]?.error, 'refused')
  const count = async (filter: Parameters<RpcLog['query']>[0]): Promise<number> => (await log.query(filter, 100)).length
  assert.equal(await count({ types: ['RequestVote'] }), 1)
  assert.equal(await count({ group: 2 }), 2)
  assert.equal(await count({ peer: 's3' }), 1)
  assert.equal(await count({ peer: 's1' }), 6)
  assert.equal(await count({ sinceMs: Date.parse('2026-01-31T12:00:03Z') }), 3)
  assert.equal(await count({ heartbeats: true }), 7)
  assert.equal((await log.query({ heartbeats: true }, 2)).length, 2)
  const stats = await log.stats({})
  assert.deepEqual([stats.calls, stats.errors, stats.ring.rows], [6, 1, 6])
  const { p50, max } = stats.figures[0]?.latencyMs ?? { p50: 0, max: 0 }
  assert.deepEqual(
    [stats.figures[0]?.to, stats.figures[0]?.calls, stats.figures[0]?.bytes, p50, max],
    ['s2', 5, 515, 2, 2],
  )
  await log.close()
})

test('the ring keeps its bound, over restarts and when the bound changes', async (t) => {
  const directory = folder(t)
  const clock = virtualClock()
  const bytes = async (maxRows: number, first: number, count: number): Promise<number[]> => {
    const log = await RpcLog.open({ store: 's1', clock, directory, maxRows })
    await fill(log, clock, count, 's2', first)
    const calls = await log.query({}, 1000)
    await log.close()
    return calls.map((call) => call.bytes - 100)
  }
  const down = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from - i)
  assert.deepEqual(await bytes(16, 1, 40), down(40, 16))
  assert.deepEqual(await bytes(16, 41, 3), down(43, 16))
  assert.deepEqual(await bytes(32, 44, 10), down(53, 26))
  assert.deepEqual(await bytes(20, 54, 1), down(54, 20))
  assert.ok(readFileSync(path.join(directory, 'calls.ring')).length <= 64 + 20 * 64)
})

test('torn and damaged rows do not exist; a strange file is replaced', async (t) => {
  const directory = folder(t)
  const clock = virtualClock()
  const file = path.join(directory, 'calls.ring')
  const open = () => RpcLog.open({ store: 's1', clock, directory, maxRows: 100 })
  let log = await open()
  await fill(log, clock, 6)
  await log.close()
  truncateSync(file, readFileSync(file).length - 30)
  const damaged = readFileSync(file)
  damaged.writeUInt8(damaged.readUInt8(64 + 2 * 64 + 40) ^ 1, 64 + 2 * 64 + 40)
  writeFileSync(file, damaged)
  log = await open()
  assert.deepEqual(
    (await log.query({}, 100)).map((call) => call.bytes),
    [105, 104, 103, 101],
  )
  await fill(log, clock, 1, 's2', 50)
  assert.equal((await log.query({}, 100)).length, 5)
  await log.close()
  for (const nonsense of ['', 'FRPC', 'x'.repeat(500)]) {
    writeFileSync(file, nonsense)
    writeFileSync(path.join(directory, 'names.json'), nonsense)
    log = await open()
    assert.deepEqual(await log.query({}, 100), [])
    await fill(log, clock, 1)
    assert.equal((await log.query({}, 100))[0]?.to, 's2')
    await log.close()
  }
})

test('a disk that fails ends the log, not the store, and is told once', async (t) => {
  const directory = folder(t)
  const clock = virtualClock()
  const failures: string[] = []
  const log = await RpcLog.open({
    store: 's1',
    clock,
    directory,
    maxRows: 100,
    onFailure: (error) => failures.push(error.message),
  })
  rmSync(directory, { recursive: true })
  for (let i = 0; i < 3; i++) {
    log.recorder.note(TimeoutNow, `s${i}`, 2, 1, 0, 0, 1, false)
    log.recorder.stamp()
    await log.query({}, 1)
  }
  assert.equal(failures.length, 1)
  assert.ok(log.dropped > 0)
})

test('without a directory it is kept in memory', async () => {
  const clock = virtualClock()
  const log = await RpcLog.open({ store: 's1', clock, directory: undefined, maxRows: 16 })
  await fill(log, clock, 20)
  assert.deepEqual(
    (await log.query({}, 3)).map((call) => call.bytes),
    [120, 119, 118],
  )
  assert.equal(log.rows, 16)
  await log.close()
})
