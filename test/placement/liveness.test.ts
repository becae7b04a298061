/** What the placement driver makes of heartbeats: who leads what is what the newest term says, and a store that says less knows less. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Shard } from '../../shard-map/index.ts'
import { Liveness } from '../../src/placement/liveness.ts'
import type { StoreHeartbeat } from '../../src/protocol/index.ts'

const LOAD = { readsPerSecond: 0, writesPerSecond: 0 }

function heartbeat(id: string, sequence: number, led: Readonly<Record<number, number>>, full = false): StoreHeartbeat {
  const some = {
    info: { id },
    sequence,
    full,
    noLongerLed: [],
    replicas: 1,
    bytes: 0,
    uptimeSeconds: 1,
    damaged: [],
    led: Object.entries(led).map(([shard, term]) => ({
      shard: { id: Number(shard) } as Shard,
      term,
      bytes: 0,
      keys: 0,
      load: LOAD,
      silent: [],
      behind: [],
      samples: [],
      hotKeys: [],
    })),
  }
  return some as unknown as StoreHeartbeat
}

test('of two stores that both say they lead, the one with the newer term does, whoever is heard first', () => {
  for (const order of [
    ['s1', 's2'],
    ['s2', 's1'],
  ]) {
    const liveness = new Liveness()
    for (const id of order) liveness.heard(heartbeat(id, 1, { 5: id === 's1' ? 3 : 4 }, true), 0)
    assert.deepEqual(liveness.leaders(), { 5: 's2' })
  }
})

test('a leader may say the same again, and more', () => {
  const liveness = new Liveness()
  assert(liveness.heard(heartbeat('s1', 1, { 5: 3 }, true), 0))
  assert(liveness.heard(heartbeat('s1', 2, { 5: 3, 6: 1 }), 10))
  assert.deepEqual(liveness.leaders(), { 5: 's1', 6: 's1' })
})

test('after a gap a store has to say everything again, and lives all the same', () => {
  const liveness = new Liveness()
  liveness.heard(heartbeat('s1', 1, { 5: 3 }, true), 0)
  assert.equal(liveness.heard(heartbeat('s1', 3, { 6: 1 }), 2_900), false)
  assert.deepEqual(liveness.leaders(), { 5: 's1' })
  assert.equal(liveness.state('s1', 5_000, 60_000), 'up')
  assert(liveness.heard(heartbeat('s1', 4, { 6: 1 }, true), 3_000))
  assert.deepEqual(liveness.leaders(), { 6: 's1' })
})

test('a shard that was merged away is nobody’s any more, also when its leader died with it', () => {
  const liveness = new Liveness()
  assert(liveness.heard(heartbeat('s1', 1, { 5: 3, 6: 1 }, true), 0))
  liveness.ended(5)
  assert.deepEqual(liveness.leaders(), { 6: 's1' })
  assert.equal(liveness.leadersOn('s1'), 1)
})

test('a leader that has not applied yet that its shard was merged away is not taken for one, late as it may say so', () => {
  const liveness = new Liveness()
  assert(liveness.heard(heartbeat('s1', 1, { 5: 3, 6: 1 }, true), 0))
  liveness.ended(5)
  const isMergedAway = ({ id }: { readonly id: number }): boolean => id === 5
  assert(liveness.heard(heartbeat('s1', 2, { 5: 3 }), 10, isMergedAway))
  assert(liveness.heard(heartbeat('s1', 3, { 5: 3, 6: 1 }, true), 20, isMergedAway))
  assert.deepEqual(liveness.leaders(), { 6: 's1' })
  assert.equal(liveness.leadersOn('s1'), 1)
})

test('a driver that stood still takes that for its own silence, not for that of others', () => {
  const liveness = new Liveness()
  liveness.forgetAll(0)
  liveness.heard(heartbeat('s1', 1, { 5: 3 }, true), 100)
  liveness.listen(500)
  liveness.listen(1_000)
  // The machine stands still for a minute and a half.
  liveness.listen(91_000)
  assert.deepEqual([liveness.silentMs('s1', 91_000), liveness.state('s1', 91_000, 15_000)], [900, 'up'])
  assert.equal(liveness.silentMs('s2', 91_000), 1_000, 'nobody was silent for longer than somebody listened')
  // From here on it listens, and s1 is silent.
  for (let nowMs = 91_500; nowMs <= 106_000; nowMs += 500) liveness.listen(nowMs)
  assert.deepEqual([liveness.silentMs('s1', 106_000), liveness.state('s1', 106_000, 15_000)], [15_900, 'down'])
  // What was heard in the gap is not from the future.
  liveness.heard(heartbeat('s1', 2, {}), 111_000)
  liveness.listen(112_000)
  assert.equal(liveness.silentMs('s1', 112_000), 0)
})
