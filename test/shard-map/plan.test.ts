/**
 * The planners: what they promise, they keep, and what they plan settles.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  applyChange,
  EMPTY_MAP,
  type LedShard,
  locate,
  planBootstrap,
  planBoundaries,
  planLeaderBalance,
  planPlacementShard,
  violations,
} from '../../shard-map/index.ts'
import { bootstrapped, counter, store } from './arbitraries.ts'

test('boundaries ascend for every number of shards, and few shards get short ones', () => {
  for (let count = 1; count <= 600; count++) {
    const boundaries = planBoundaries(count)
    assert.equal(boundaries.length, count - 1)
    for (const [i, boundary] of boundaries.entries()) assert.ok(boundary > (boundaries[i - 1] ?? ''))
    if (count <= 8) for (const boundary of boundaries) assert.equal(boundary.length, 1)
  }
})

test('usual keys meet many of the eight shards', () => {
  const map = bootstrapped(3, 8)
  const shardsMet = (alphabet: string) => new Set([...alphabet].map((first) => locate(map, `${first}5k`)?.id)).size
  assert.equal(shardsMet('0123456789abcdef'), 6)
  assert.equal(shardsMet('abcdefghijklmnopqrstuvwxyz'), 5)
  assert.equal(shardsMet('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'), 8)
})

test('a bootstrap is sound, even over the stores and independent of their order', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 40 }),
      (storeCount, replicas, shards) => {
        const stores = Array.from({ length: storeCount }, (_, i) => store(`s${i}`))
        const plan = planBootstrap({ stores, replicas, shards })
        assert.deepEqual(planBootstrap({ stores: [...stores].reverse(), replicas, shards }), plan)
        const applied = applyChange(EMPTY_MAP, plan.change)
        assert.ok(applied.ok)
        assert.deepEqual(violations(applied.map), [])
        assert.equal(applied.map.shards.length, shards)
        const firsts = new Map<string, number>()
        const all = new Map<string, number>()
        for (const shard of applied.map.shards) {
          assert.equal(shard.replicas.length, Math.min(replicas, storeCount))
          for (const [i, replica] of shard.replicas.entries()) {
            assert.ok(replica.id < plan.nextId && shard.id < plan.nextId)
            all.set(replica.store, (all.get(replica.store) ?? 0) + 1)
            if (i === 0) firsts.set(replica.store, (firsts.get(replica.store) ?? 0) + 1)
          }
        }
        const spread = (counts: Map<string, number>) =>
          Math.max(...counts.values()) - (counts.size < storeCount ? 0 : Math.min(...counts.values()))
        assert.ok(spread(firsts) <= 1)
        assert.ok(spread(all) <= 2, JSON.stringify([...all]))
      },
    ),
  )
})

test('replicas of a shard are in different zones, then on different hosts, where that is possible', () => {
  const stores = ['a', 'a', 'b', 'b', 'c', 'c'].map((zone, i) => store(`s${i}`, { zone, host: `h${i % 4}` }))
  const { change } = planBootstrap({ stores, replicas: 3, shards: 24 })
  for (const shard of change.shards) {
    const zones = shard.replicas.map((replica) => stores.find((s) => s.id === replica.store)?.labels.zone)
    assert.equal(new Set(zones).size, 3)
  }
})

test('every store computes the same placement shard', () => {
  const shard = planPlacementShard(['s3', 's1', 's2', 's1', 's4'], 3)
  assert.deepEqual(shard, planPlacementShard(['s4', 's2', 's1', 's3'], 3))
  assert.deepEqual(
    shard.replicas.map(({ id, store }) => [id, store]),
    [
      [1, 's1'],
      [2, 's2'],
      [3, 's3'],
    ],
  )
})

const world = fc
  .record({
    stores: fc.array(fc.record({ weight: fc.constantFrom(0, 0.5, 1, 2), accepts: fc.boolean(), evict: fc.boolean() }), {
      minLength: 1,
      maxLength: 6,
    }),
    shards: fc.array(fc.array(fc.nat(5), { minLength: 1, maxLength: 4 }), { maxLength: 40 }),
    tolerance: fc.constantFrom(0, 0.5, 1),
  })
  .map(({ stores, shards, tolerance }) => {
    const ids = stores.map((_, i) => `s${i}`)
    const led = shards.map((places, i): LedShard => {
      const candidates = [...new Set(places.map((place) => ids[place % ids.length] as string))]
      return { shard: i + 2, leader: candidates[0] as string, candidates }
    })
    return { stores: stores.map((s, i) => ({ ...s, id: ids[i] as string })), shards: led, tolerance }
  })

test('a leader plan settles: carried out in any portions, it is followed by an empty one and never goes back', () => {
  fc.assert(
    fc.property(world, fc.integer({ min: 1, max: 5 }), (input, transfersMax) => {
      let shards: readonly LedShard[] = input.shards
      const seen = new Set<string>()
      const turns = counter(0)
      for (;;) {
        const plan = planLeaderBalance({ ...input, shards, inFlight: [], transfersMax })
        assert.ok(plan.length <= transfersMax)
        if (plan.length === 0) break
        assert.ok(turns() <= 200, 'it does not settle')
        for (const transfer of plan) {
          const shard = shards.find((s) => s.shard === transfer.shard)
          const to = input.stores.find((s) => s.id === transfer.to)
          assert.equal(shard?.leader, transfer.from)
          assert.ok(shard?.candidates.includes(transfer.to))
          assert.ok(to?.accepts && !to.evict)
          shards = shards.map((s) => (s.shard === transfer.shard ? { ...s, leader: transfer.to } : s))
        }
        const picture = shards.map((s) => s.leader).join()
        assert.ok(!seen.has(picture), 'it has been here before')
        seen.add(picture)
      }
      // A store that should lead nothing leads only what nobody else can.
      const able = new Set(input.stores.filter((s) => s.accepts && !s.evict && s.weight > 0).map((s) => s.id))
      for (const store of input.stores.filter((s) => s.evict)) {
        for (const shard of shards.filter((s) => s.leader === store.id)) {
          assert.ok(!shard.candidates.some((candidate) => able.has(candidate)))
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('with all stores alike and able, leaders end within one of each other plus the tolerance on both sides', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 5 }),
      fc.array(fc.nat(4), { maxLength: 60 }),
      fc.constantFrom(0, 0.5, 1),
      (count, leaders, tolerance) => {
        const ids = Array.from({ length: count }, (_, i) => `s${i}`)
        const stores = ids.map((id) => ({ id, weight: 1, accepts: true, evict: false }))
        const shards = leaders.map((at, i) => ({ shard: i + 2, leader: ids[at % count] as string, candidates: ids }))
        const plan = planLeaderBalance({ stores, shards, inFlight: [], tolerance, transfersMax: 1000 })
        const led = new Map(ids.map((id) => [id, shards.filter((s) => s.leader === id).length]))
        for (const { from, to } of plan) {
          led.set(from, (led.get(from) ?? 0) - 1)
          led.set(to, (led.get(to) ?? 0) + 1)
        }
        assert.ok(Math.max(...led.values()) - Math.min(...led.values()) <= 1 + 2 * tolerance)
      },
    ),
  )
})

test('transfers under way count as done, and their shards are left alone', () => {
  const stores = ['s1', 's2'].map((id) => ({ id, weight: 1, accepts: true, evict: false }))
  const shards = [2, 3, 4, 5].map((shard) => ({ shard, leader: 's1', candidates: ['s1', 's2'] }))
  const input = { stores, shards, tolerance: 0.5, transfersMax: 10 }
  const first = planLeaderBalance({ ...input, inFlight: [] })
  assert.deepEqual(
    first.map(({ shard, from, to }) => [shard, from, to]),
    [[2, 's1', 's2']],
  )
  assert.deepEqual(first[0]?.numbers, { fromLeaders: 4, toLeaders: 0, fromIdeal: 2, toIdeal: 2 })
  assert.deepEqual(planLeaderBalance({ ...input, inFlight: first }), [])
})
