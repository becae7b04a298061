/**
 * How snapshots share a store with everything else: bytes per second in each direction, few transfers at a time, and an end to those that nobody wants any
 * more. Sender and receiver are the real ones, on a clock that moves when told; what they send is carried by hand.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Shard } from '../../shard-map/index.ts'
import { type EventRecord, type EventSink, LIMITS } from '../../src/base/index.ts'
import { decodeSnapshotItem, type SnapshotItem } from '../../src/protocol/index.ts'
import type { DataStore } from '../../src/storage/index.ts'
import { ByteBudget } from '../../src/store/byte-budget.ts'
import type { Replica } from '../../src/store/replica.ts'
import { type ReceivedSnapshot, SnapshotReceiver } from '../../src/store/snapshot-receiver.ts'
import { SnapshotSender } from '../../src/store/snapshot-sender.ts'
import { encodeDescriptor, encodeStateRecord } from '../../src/store/state-record.ts'
import type { Transport } from '../../src/transport/index.ts'
import { bootstrapped } from '../shard-map/arbitraries.ts'
import { VirtualClock } from '../transport/clocks.ts'

const CHUNK = LIMITS.snapshotChunkBytesMax
const membership = { voters: [1, 2, 3], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false }

/** Lets promises run that wait for nothing but each other. */
async function quiet(clock: VirtualClock): Promise<void> {
  for (let i = 0; i < 50; i++) {
    clock.settle()
    await Promise.resolve()
  }
}

/** Moves time on in small steps, so that what waits for a timer by a promise goes on in between. */
async function pass(clock: VirtualClock, ms: number, stepMs = 10): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.advance(stepMs)
    await quiet(clock)
  }
}

function shardAt(group: number): Shard {
  const shard = bootstrapped(3, 4).shards[group]
  assert(shard !== undefined)
  return shard
}

function stateOf(shard: Shard): Uint8Array {
  return encodeStateRecord(
    50,
    2,
    encodeDescriptor({ replica: 1, shard, membership, merging: undefined, absorbed: [] }),
    new Uint8Array(0),
  )
}

/** A replica as far as transfers look at it. */
function replicaOf(group: number): Replica & { members: Map<number, string>; reports: boolean[] } {
  const shard = shardAt(group)
  const members = new Map([1, 2, 3, 4].map((id) => [id, `s${id}`]))
  const reports: boolean[] = []
  return {
    group: shard.id,
    id: 2,
    shard,
    members,
    reports,
    installing: false,
    storeOf: (id: number) => members.get(id),
    raft: { term: 1, commitIndex: 0, reportSnapshot: (_: number, ok: boolean) => reports.push(ok) },
  } as unknown as Replica & { members: Map<number, string>; reports: boolean[] }
}

interface Sent {
  readonly atMs: number
  readonly to: string
  readonly item: SnapshotItem
}

class Wire {
  readonly clock = new VirtualClock()
  readonly sent: Sent[] = []
  readonly events: EventRecord[] = []
  readonly sink: EventSink = { emit: (event) => this.events.push(event as EventRecord), wants: () => false }
  onSend: (to: string, item: SnapshotItem) => void = () => {}

  readonly transport = {
    send: (to: string, _: string, bytes: Uint8Array) => {
      const item = decodeSnapshotItem(bytes)
      assert(item !== undefined)
      this.sent.push({ atMs: this.clock.nowMs(), to, item })
      this.onSend(to, item)
      return true
    },
    flush: () => {},
  } as unknown as Transport

  chunks(): Sent[] {
    return this.sent.filter(({ item }) => item.kind === 'chunk')
  }
}

function exporting(chunks: number): { data: DataStore; cancelled: () => number } {
  let cancelled = 0
  const data = {
    exportSnapshot: (group: number) => {
      let left = chunks
      const shard = [0, 1, 2, 3].map(shardAt).find(({ id }) => id === group)
      assert(shard !== undefined)
      return {
        state: Promise.resolve(stateOf(shard)),
        next: () => Promise.resolve(left-- > 0 ? new Uint8Array(CHUNK) : undefined),
        cancel: () => cancelled++,
      }
    },
  } as unknown as DataStore
  return { data, cancelled: () => cancelled }
}

function install(to: number) {
  return {
    type: 'InstallSnapshot',
    from: 1,
    to,
    term: 1,
    snapshot: { index: 50, term: 2, membership },
  } as Parameters<SnapshotSender['start']>[1]
}

function senderOn(wire: Wire, data: DataStore, bytesPerSecond: number): SnapshotSender {
  const budget = new ByteBudget(wire.clock)
  budget.bytesPerSecond = bytesPerSecond
  return new SnapshotSender(data, wire.transport, wire.clock, wire.sink, () => {}, budget, 7)
}

test('a budget gives each its turn, and time that nobody used is not saved up', () => {
  const clock = new VirtualClock()
  const budget = new ByteBudget(clock)
  assert.deepEqual([budget.reserve(1 << 30), budget.reserve(1 << 30)], [0, 0], 'without a limit nobody waits')
  budget.bytesPerSecond = 1000
  assert.deepEqual([budget.reserve(500), budget.reserve(500), budget.reserve(1)], [0, 500, 1000])
  clock.advance(10_000)
  assert.deepEqual([budget.reserve(2000), budget.reserve(1)], [0, 2000])
  budget.bytesPerSecond = 1_000_000
  clock.advance(2001)
  assert.deepEqual([budget.reserve(1000), budget.reserve(1)], [0, 1])
})

test('all transfers of a sender together keep to its bytes per second, and never outrun their credit', async () => {
  const wire = new Wire()
  const { data } = exporting(20)
  const sender = senderOn(wire, data, 4 * CHUNK)
  wire.onSend = (to, item) => {
    if (item.kind === 'chunk') wire.clock.after(5, () => sender.acknowledged(to, item.transfer, item.sequence))
  }
  for (const group of [0, 1]) sender.start(replicaOf(group), install(2))
  await pass(wire.clock, 5_000)
  const count = wire.chunks().length
  assert.ok(count >= 19 && count <= 22, `${count} chunks in 5 s at 4 a second`)
  for (let second = 0; second < 5; second++) {
    const within = wire.chunks().filter(({ atMs }) => atMs > second * 1000 && atMs <= (second + 1) * 1000)
    assert.ok(within.length <= 5, `${within.length} chunks in second ${second}`)
  }
  const perTransfer = new Set(wire.chunks().map(({ item }) => ('transfer' in item ? item.transfer : 0)))
  assert.equal(perTransfer.size, 2, 'both make progress')
})

test('a slow budget is not taken for a lack of progress; a receiver that gives no credit is', async () => {
  const wire = new Wire()
  const { data, cancelled } = exporting(6)
  const sender = senderOn(wire, data, 64 * 1024)
  const replica = replicaOf(0)
  wire.onSend = (to, item) => {
    if (item.kind === 'chunk') sender.acknowledged(to, item.transfer, item.sequence)
  }
  sender.start(replica, install(2))
  await pass(wire.clock, 45_000, 100)
  assert.equal(wire.chunks().length, 6)
  assert.equal(cancelled(), 0)
  wire.onSend = () => {}
  await pass(wire.clock, 300_000, 1_000)
  assert.equal(cancelled(), 1)
  assert.deepEqual(replica.reports, [false])
})

test('a receiver that has left the group is sent nothing more, and hears that it is over', async () => {
  const wire = new Wire()
  const { data, cancelled } = exporting(1_000)
  const sender = senderOn(wire, data, 8 * CHUNK)
  const replica = replicaOf(0)
  wire.onSend = (to, item) => {
    if (item.kind === 'chunk') sender.acknowledged(to, item.transfer, item.sequence)
  }
  sender.start(replica, install(4))
  await pass(wire.clock, 2_000)
  assert.ok(wire.chunks().length > 5)
  sender.membersChanged(replica)
  assert.equal(sender.active, 1, 'it is still a member')
  replica.members.delete(4)
  sender.membersChanged(replica)
  assert.deepEqual([sender.active, cancelled()], [0, 1])
  const before = wire.chunks().length
  await pass(wire.clock, 5_000)
  assert.equal(wire.chunks().length, before)
  const last = wire.sent.at(-1)
  assert.ok(last?.item.kind === 'aborted' && last.to === 's4')
  assert.match(last.item.reason, /has left the group/)
  assert.deepEqual(replica.reports, [false])
})

test('of a transfer that a newer one replaces the core hears nothing, and the log is kept from where the core believes it ends', async () => {
  const wire = new Wire()
  const { data, cancelled } = exporting(3)
  const sender = senderOn(wire, data, 64 * CHUNK)
  const replica = replicaOf(0)
  const { snapshot, ...rest } = install(4)
  const earlier = { ...rest, snapshot: { ...snapshot, index: 20 } }
  sender.start(replica, earlier)
  await quiet(wire.clock)
  const begun = (): SnapshotItem[] => wire.sent.flatMap(({ item }) => (item.kind === 'begin' ? [item] : []))
  const [first] = begun()
  assert.ok(first?.kind === 'begin' && first.index === 50, 'the data reach further than the core knows')
  assert.equal(sender.holdIndex(replica), 20)
  sender.start(replica, install(4))
  await pass(wire.clock, 1_000)
  assert.deepEqual([sender.active, cancelled(), replica.reports], [1, 1, []])
  const second = begun()[1]
  assert(second?.kind === 'begin')
  for (let sequence = 0; sequence <= 3; sequence++) {
    sender.acknowledged('s4', second.transfer, sequence)
    await pass(wire.clock, 1_000)
  }
  assert.deepEqual([sender.active, replica.reports], [0, [true]])
})

test('two transfers at a time; a receiver that refused is left in peace for a while', async () => {
  const wire = new Wire()
  const { data } = exporting(1_000)
  const sender = senderOn(wire, data, CHUNK)
  const replicas = [0, 1, 2].map(replicaOf)
  for (const replica of replicas) sender.start(replica, install(2))
  await quiet(wire.clock)
  assert.equal(sender.active, 2)
  assert.deepEqual(
    replicas.map(({ reports }) => reports),
    [[], [], [false]],
  )
  const begun = wire.sent.flatMap(({ item }) => (item.kind === 'begin' ? [item.transfer] : []))
  sender.aborted('s2', begun[0] ?? 0, '2 snapshots are arriving here already')
  assert.equal(sender.active, 1)
  const [, , third] = replicas
  assert(third !== undefined)
  sender.start(third, install(2))
  assert.equal(sender.active, 1, 'not yet')
  sender.start(third, install(3))
  assert.equal(sender.active, 2, 'another receiver')
  sender.stop(third)
  await pass(wire.clock, 600)
  sender.start(third, install(2))
  assert.equal(sender.active, 2)
  sender.close()
})

test('a receiver gives credit no faster than its budget, takes few at a time, and forgets what was given up', async () => {
  const wire = new Wire()
  const replicas = new Map([0, 1, 2].map((at) => [shardAt(at).id, replicaOf(at)]))
  const cancelled: number[] = []
  const data = {
    importSnapshot: (group: number) => ({
      write: () => Promise.resolve(),
      finish: () => Promise.resolve(new Uint8Array(0)),
      cancel: () => {
        cancelled.push(group)
        return Promise.resolve()
      },
    }),
  } as unknown as DataStore
  const budget = new ByteBudget(wire.clock)
  budget.bytesPerSecond = 2 * CHUNK
  const receiver = new SnapshotReceiver(
    data,
    wire.transport,
    wire.sink,
    (group) => replicas.get(group),
    (_replica: Replica, _snapshot: ReceivedSnapshot) => {},
    () => {},
    () => undefined,
    () => Promise.resolve(() => {}),
    wire.clock,
    budget,
  )
  const begin = (at: number, store: string, transfer: number): void =>
    receiver.handle(store, {
      kind: 'begin',
      transfer,
      group: shardAt(at).id,
      from: 1,
      to: 2,
      term: 1,
      index: 50,
      indexTerm: 2,
      state: stateOf(shardAt(at)),
    })
  begin(0, 's1', 1)
  begin(1, 's3', 2)
  begin(2, 's1', 3)
  const [refusal] = wire.sent
  assert.ok(refusal?.item.kind === 'aborted' && refusal.item.transfer === 3 && refusal.to === 's1')
  assert.match(refusal.item.reason, /2 snapshots are arriving here already/)
  for (let sequence = 0; sequence < 4; sequence++) {
    receiver.handle('s1', { kind: 'chunk', transfer: 1, sequence, bytes: new Uint8Array(CHUNK) })
    receiver.handle('s3', { kind: 'chunk', transfer: 2, sequence, bytes: new Uint8Array(CHUNK) })
  }
  await quiet(wire.clock)
  const credits = (): number[] =>
    wire.sent.flatMap(({ item, atMs }) => (item.kind === 'acknowledged' ? [Math.round(atMs)] : []))
  assert.deepEqual(credits(), [0])
  await pass(wire.clock, 1_600)
  assert.deepEqual(credits(), [0, 500, 1000, 1500])
  receiver.handle('s1', { kind: 'aborted', transfer: 1, reason: 'replica 2 has left the group' })
  await quiet(wire.clock)
  assert.deepEqual(cancelled, [shardAt(0).id])
  assert.equal(receiver.active, 1)
  const before = wire.sent.length
  await pass(wire.clock, 5_000)
  // The other transfer gets the rest of its credit; the one that was given up gets none.
  const late = wire.sent.slice(before)
  assert.ok(late.length > 0 && late.every(({ to, item }) => to === 's3' && item.kind === 'acknowledged'))
  begin(2, 's1', 4)
  assert.equal(receiver.active, 2)
  receiver.close()
})

test('a receiver that refuses is offered all groups in turn, not always the one that asks first', async () => {
  const wire = new Wire()
  const { data } = exporting(1)
  const sender = senderOn(wire, data, 64 * CHUNK)
  const replicas = [0, 1, 2].map(replicaOf)
  const offered: number[] = []
  wire.onSend = (to, item) => {
    if (item.kind !== 'begin') return
    offered.push(item.group)
    // As a receiver does that holds the keys of this group in a shard that is behind.
    wire.clock.after(2, () => sender.aborted(to, item.transfer, 'another shard holds keys of this range here'))
  }
  // With each heartbeat all of them ask again, and always the same one first.
  for (let beat = 0; beat < 60; beat++) {
    for (const replica of replicas) sender.start(replica, install(2))
    await pass(wire.clock, 100)
  }
  const counts = replicas.map(({ group }) => offered.filter((each) => each === group).length)
  assert.ok(Math.min(...counts) >= 4, `offered ${counts.join(', ')} times`)
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 2, `offered ${counts.join(', ')} times`)
  assert.ok(offered.length <= 2 * 12 + 2, `${offered.length} offers in 6 s: it is not left in peace`)
  sender.close()
})
