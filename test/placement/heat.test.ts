/** What the placement driver's leader keeps of heartbeats about load, room and health: the heat map, hot keys, replicas that are as good as lost. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Shard } from '../../shard-map/index.ts'
import { HeatHistory } from '../../src/placement/heat-history.ts'
import { HotKeyEvents } from '../../src/placement/hot-key-events.ts'
import { type LedPicture, Liveness } from '../../src/placement/liveness.ts'
import type { LedShard, StoreHeartbeat } from '../../src/protocol/index.ts'
import { SeededRandom } from '../raft/harness/seeded-random.ts'

const STEP_MS = 15_000

function shard(id: number, start: string, end: string | undefined): Shard {
  const replicas = ['s1', 's2', 's3'].map((store, i) => ({ id: id * 10 + i, store, role: 'voter' as const }))
  return { id, start, end, epoch: { membership: 1, range: 1 }, replicas }
}

function figures(reads: number, writes: number, samples: LedShard['samples'] = []): Omit<LedShard, 'shard' | 'term'> {
  const load = { readsPerSecond: reads, writesPerSecond: writes }
  return { bytes: 0, keys: 0, load, silent: [], behind: [], samples, hotKeys: [] }
}

function picture(reads: number, writes: number, samples: LedShard['samples'] = []): LedPicture {
  return { leader: 's1', term: 1, heardMs: 0, ...figures(reads, writes, samples) }
}

test('the heat map has a row for each step and a column for each busy range, and the sums are those of the shards', () => {
  const heat = new HeatHistory()
  heat.forgetAll(0)
  const shards = [shard(2, '', 'd'), shard(3, 'd', 'k'), shard(4, 'k', 'p'), shard(5, 'p', undefined)]
  const samples = [
    { key: 'e', hits: 10 },
    { key: 'h', hits: 30 },
  ]
  heat.note(shards, new Map([[3, picture(400, 40, samples)]]), STEP_MS - 1, 1_000_000)
  assert.deepEqual(heat.map(1_000_000).reads, [])
  heat.note(shards, new Map([[3, picture(400, 40, samples)]]), STEP_MS, 1_000_000)
  heat.note(shards, new Map([[5, picture(7, 0)]]), STEP_MS + 1, 1_000_001)
  heat.note(shards, new Map([[5, picture(7, 0)]]), 2 * STEP_MS, 1_000_000 + STEP_MS)
  const map = heat.map(2_000_000)
  assert.deepEqual(map.buckets, ['', 'd', 'h', 'k', 'p'])
  assert.deepEqual(map.reads, [
    [0, 100, 300, 0, 0],
    [0, 0, 0, 0, 7],
  ])
  assert.deepEqual(map.writes, [
    [0, 10, 30, 0, 0],
    [0, 0, 0, 0, 0],
  ])
  assert.deepEqual([map.fromMs, map.toMs], [1_000_000 - STEP_MS, 1_000_000 + STEP_MS])
  heat.forgetAll(3 * STEP_MS)
  assert.deepEqual(heat.map(5_000_000), {
    fromMs: 5_000_000,
    toMs: 5_000_000,
    buckets: [''],
    reads: [],
    writes: [],
  })
})

test('a shard that was cut keeps its place in the picture: what it had is spread over the parts', () => {
  const heat = new HeatHistory()
  heat.forgetAll(0)
  heat.note([shard(2, '', undefined)], new Map([[2, picture(100, 10)]]), STEP_MS, 0)
  const parts = [shard(2, '', 'm'), shard(3, 'm', undefined)]
  const led = new Map([
    [2, picture(80, 8)],
    [3, picture(20, 2)],
  ])
  heat.note(parts, led, 2 * STEP_MS, STEP_MS)
  assert.deepEqual(heat.map(0).reads, [
    [50, 50],
    [80, 20],
  ])
})

test('the heat map is bounded, and loses no load to that', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new SeededRandom(seed)
    const heat = new HeatHistory()
    heat.forgetAll(0)
    const shards = Array.from({ length: 3_000 }, (_, i) => shard(i + 2, i === 0 ? '' : String(i).padStart(5, '0'), 'x'))
    const totals: number[] = []
    for (let step = 1; step <= 260; step += 1) {
      const led = new Map<number, LedPicture>()
      let total = 0
      for (let i = 0; i < 300; i++) {
        const reads = random.below(1_000)
        const id = 2 + random.below(3_000)
        total += reads - (led.get(id)?.load.readsPerSecond ?? 0)
        led.set(id, picture(reads, 0))
      }
      totals.push(total)
      heat.note(shards, led, step * STEP_MS, step * STEP_MS)
    }
    const map = heat.map(0)
    assert.equal(map.reads.length, 240)
    assert.ok(map.buckets.length <= 128 && map.buckets.length > 16, `seed ${seed}: ${map.buckets.length} buckets`)
    assert.deepEqual([...map.buckets].sort(), map.buckets)
    assert.equal(map.buckets[0], '')
    for (const [i, row] of map.reads.entries()) {
      const sum = row.reduce((all, reads) => all + reads, 0)
      assert.ok(Math.abs(sum - (totals[i + 20] ?? 0)) < 10, `seed ${seed}, step ${i}: ${sum} of ${totals[i + 20]}`)
    }
  }
})

function heartbeat(id: string, sequence: number, change: Partial<StoreHeartbeat>): StoreHeartbeat {
  return {
    info: { id, address: '', labels: {}, incarnation: 'x', version: '0', state: 'up' },
    sequence,
    full: sequence === 1,
    mapVersion: 1,
    replicas: 1,
    bytes: 0,
    uptimeSeconds: 1,
    led: [],
    noLongerLed: [],
    snapshots: 0,
    capacityBytes: 0,
    availableBytes: 0,
    damaged: [],
    configVersion: 0,
    ...change,
  }
}

/** Shard 2 led by s1, whose member on s3 was silent for 12 s when that was told at 20 s; both stores are heard each second from 0 on. */
class SilentMember {
  readonly liveness = new Liveness()
  readonly shard = shard(2, '', undefined)
  readonly #led = { shard: this.shard, term: 1, ...figures(0, 0) }
  readonly #sequences = new Map<string, number>()
  nowMs = 0

  constructor() {
    this.pass(20, 's1', 's3')
    this.hear('s1', { led: [{ ...this.#led, silent: [{ store: 's3', silentMs: 12_000 }] }] })
  }

  /** Seconds pass, at the end of each of which these stores are heard. */
  pass(seconds: number, ...stores: string[]): void {
    for (let i = 0; i < seconds; i++) {
      this.nowMs += 1_000
      for (const store of stores) this.hear(store, {})
    }
  }

  hear(store: string, change: Partial<StoreHeartbeat>): boolean {
    const sequence = (this.#sequences.get(store) ?? 0) + 1
    this.#sequences.set(store, sequence)
    return this.liveness.heard(heartbeat(store, sequence, change), this.nowMs)
  }

  /** One of the store's heartbeats is lost. */
  lose(store: string): void {
    this.#sequences.set(store, (this.#sequences.get(store) ?? 0) + 1)
  }

  takeBack(): void {
    this.hear('s1', { led: [{ ...this.#led, silent: [] }] })
  }

  down(downAfterMs: number): readonly string[] {
    return this.liveness.downReplicas(this.shard, this.nowMs, downAfterMs)
  }

  lost(downAfterMs: number): readonly string[] {
    return this.liveness.lostReplicas(this.shard, this.nowMs, downAfterMs)
  }
}

test('a member is down when its leader has not heard it for long enough, though nothing new is said of it', () => {
  const told = new SilentMember()
  assert.deepEqual([...told.liveness.troubled], [2])
  assert.deepEqual(told.down(13_000), [])
  assert.deepEqual(told.down(12_000), ['s3'])
  told.pass(17, 's1', 's3')
  assert.deepEqual(told.down(30_000), [])
  told.pass(1, 's1', 's3')
  assert.deepEqual(told.down(30_000), ['s3'])
  told.takeBack()
  told.pass(60, 's1', 's3')
  assert.deepEqual(told.down(30_000), [])
  assert.deepEqual([...told.liveness.troubled], [])
})

test('a silent member is lost only after long, however short the time is after which it is replaced', () => {
  const told = new SilentMember()
  assert.deepEqual([told.down(4_000), told.lost(4_000)], [['s3'], []])
  told.pass(17, 's1', 's3')
  assert.deepEqual(told.lost(4_000), [])
  told.pass(1, 's1', 's3')
  assert.deepEqual([told.lost(4_000), told.lost(40_000)], [['s3'], []])
  told.pass(10, 's1', 's3')
  assert.deepEqual(told.lost(40_000), ['s3'])
})

test('what a leader said of a silent member grows no older when the leader is not heard, or something that it said was missed', () => {
  const away = new SilentMember()
  away.pass(60, 's3')
  assert.deepEqual([away.down(4_000), away.lost(4_000)], [[], []])

  const missed = new SilentMember()
  missed.lose('s1')
  assert.equal(missed.hear('s1', {}), false)
  for (let i = 0; i < 60; i++) {
    missed.pass(1, 's3')
    missed.lose('s1')
    assert.equal(missed.hear('s1', {}), false)
  }
  assert.deepEqual([missed.down(12_000), missed.down(12_001)], [['s3'], []])
})

test('that a store is away, or has just come back, makes none of its replicas down', () => {
  const told = new SilentMember()
  told.pass(40, 's1')
  assert.deepEqual(told.down(4_000), [])
  told.pass(1, 's1', 's3')
  assert.deepEqual(told.down(4_000), [])
  // Before its leader has looked again, the store has been here for a while.
  told.pass(4, 's1', 's3')
  assert.deepEqual([told.down(4_000), told.down(4_001)], [['s3'], []])
  told.pass(25, 's1', 's3')
  assert.deepEqual(told.lost(4_000), [])
  told.pass(1, 's1', 's3')
  assert.deepEqual(told.lost(4_000), ['s3'])
})

test('a replica that cannot run is down at once, and the shard is news when that changes', () => {
  const liveness = new Liveness()
  const one = shard(2, '', undefined)
  liveness.heard(heartbeat('s2', 1, { damaged: [2] }), 0)
  assert.deepEqual([...liveness.takeChanged()], [2])
  assert.deepEqual(liveness.downReplicas(one, 0, 30_000), ['s2'])
  assert.deepEqual(liveness.lostReplicas(one, 0, 30_000), ['s2'])
  liveness.heard(heartbeat('s2', 2, {}), 1_000)
  assert.deepEqual([...liveness.takeChanged()], [2])
  assert.deepEqual(liveness.downReplicas(one, 1_000, 30_000), [])
})

test('a hot key is told once in ten minutes for each shard', () => {
  const told: unknown[] = []
  const events = new HotKeyEvents({
    emit({ group, data }) {
      told.push([group, data])
    },
    wants: () => true,
  })
  const numbers = { hottestKeyShare: 0.9, opsPerSecond: 3_000 }
  const decision = {
    scheduler: 'split',
    shard: 7,
    action: null,
    refusal: 'single-hot-key',
    reason: '',
    numbers,
  } as const
  events.note([decision, { ...decision, refusal: 'no-samples', shard: 8 }], 0)
  events.note([decision, { ...decision, shard: 9 }], 599_999)
  events.note([decision], 600_000)
  assert.deepEqual(told, [
    [7, { keyShare: 0.9, opsPerSecond: 3_000 }],
    [9, { keyShare: 0.9, opsPerSecond: 3_000 }],
    [7, { keyShare: 0.9, opsPerSecond: 3_000 }],
  ])
})
