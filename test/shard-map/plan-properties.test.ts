/**
 * What holds of the planners for any cluster: planning comes to rest, no step on the way leaves a shard with too few voters (the model refuses),
 * isolation never gets worse by balance, a round does not change the index, and an index that was kept up to date equals one made anew.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type IndexedStore,
  isAccepting,
  PlacementIndex,
  type PlannedOperator,
  planRound,
  type StoreStatistics,
} from '../../shard-map/index.ts'
import type { ModelCluster } from '../../tools/sim-placement/model.ts'
import { cluster, MiB, settle, stores } from './plan-clusters.ts'

const storeWords = fc.array(
  fc.record({
    zone: fc.constantFrom('a', 'b', 'c', undefined),
    host: fc.constantFrom('h1', 'h2', 'h3', 'h4'),
    weight: fc.constantFrom(0, 0.5, 1, 1, 1, 2),
    state: fc.constantFrom(
      'up' as const,
      'up' as const,
      'up' as const,
      'up' as const,
      'draining' as const,
      'decommissioning' as const,
    ),
    liveness: fc.constantFrom(
      'up' as const,
      'up' as const,
      'up' as const,
      'up' as const,
      'suspect' as const,
      'down' as const,
    ),
  }),
  { minLength: 1, maxLength: 9 },
)

const shardWords = fc.array(
  fc.record({
    places: fc.uniqueArray(fc.nat(8), { minLength: 1, maxLength: 5 }),
    bytes: fc.constantFrom(0, 4096, 10 * MiB, 60 * MiB, 90 * MiB, 200 * MiB),
    readsPerSecond: fc.constantFrom(0, 0, 1.3, 90, 700, 2500),
    writesPerSecond: fc.constantFrom(0, 0, 0.7, 60, 400),
    lastSplitMs: fc.constantFrom(undefined, 9_999_999),
  }),
  { minLength: 1, maxLength: 24 },
)

const anyCluster = fc.record({ storeWords, shardWords, replicas: fc.constantFrom(1, 3, 3, 5) })
type Words = typeof anyCluster extends fc.Arbitrary<infer T> ? T : never

function make(words: Words): ModelCluster {
  const ids = words.storeWords.map((_, i) => `s${i + 1}`)
  const infos = words.storeWords.map(({ zone, host, ...statistics }, i): Partial<StoreStatistics> & { id: string } => ({
    id: ids[i] as string,
    labels: zone === undefined ? { host } : { zone, host },
    ...statistics,
  }))
  const shards = words.shardWords.map(({ places, ...statistics }) => {
    const on = [...new Set(places.map((place) => ids[place % ids.length] as string))]
    const live = on.filter((id) => infos.find((info) => info.id === id)?.liveness === 'up')
    const leader = live.length * 2 > on.length ? live[0] : undefined
    return { on: on.join(' '), statistics: { ...statistics, leader } }
  })
  const merge = { bytes: 20 * MiB, opsPerSecond: 100, afterSplitMs: 1_000_000, shardsMin: 3 }
  return cluster(infos, shards, { replicas: words.replicas, merge })
}

/** Pairs that share a zone, then pairs that share a host: counted without the planners' help. */
function sharing(model: ModelCluster, ids: readonly string[]): number {
  let pairs = 0
  for (const [i, a] of ids.entries()) {
    for (const b of ids.slice(0, i)) {
      const labels = [a, b].map((id) => model.index.store(id)?.statistics.labels ?? {})
      for (const [label, weight] of [
        ['zone', 1000],
        ['host', 1],
      ] as const) {
        if (labels[0]?.[label] !== undefined && labels[0][label] === labels[1]?.[label]) pairs += weight
      }
    }
  }
  return pairs
}

/** Judges an operator as it begins, before the model has it. */
function judge(model: ModelCluster, operator: PlannedOperator): void {
  const { shard, kind, scheduler, influence, reason, steps, epoch } = operator
  const before = model.shards.get(shard)
  assert.ok(before !== undefined && reason.length > 0 && steps.length > 0)
  assert.deepEqual(epoch, before.shard.epoch)
  if (kind !== 'move') return
  const after = sharing(model, influence[0]?.replicas ?? [])
  const was = sharing(
    model,
    before.shard.replicas.map(({ store }) => store),
  )
  if (scheduler === 'balance-load' || scheduler === 'balance-replicas') assert.ok(after <= was, reason)
  if (scheduler === 'isolation') assert.ok(after < was, reason)
  for (const step of steps) {
    if (step.what === 'add-learner') assert.ok(isAccepting(model.index.store(step.store) as IndexedStore))
  }
}

test('planning comes to rest, keeps every rule on the way, and leaves nothing undone that could be done', () => {
  fc.assert(
    fc.property(anyCluster, (words) => {
      const model = make(words)
      const started: PlannedOperator[] = []
      for (const operator of settle(model, 1500, (operator) => judge(model, operator))) started.push(operator)
      const accepting = [...model.index.stores()].filter(isAccepting).length
      const { replicas } = model.index.settings
      for (const { shard, statistics } of model.shards.values()) {
        if (statistics.leader === undefined) continue
        if (accepting >= replicas) assert.equal(shard.replicas.length, replicas, `shard ${shard.id}`)
        for (const replica of shard.replicas) {
          const { state, liveness } = (model.index.store(replica.store) as IndexedStore).statistics
          const mustGo = liveness === 'down' || (state === 'decommissioning' && liveness === 'up')
          if (mustGo) assert.ok(accepting < replicas, `shard ${shard.id} on ${replica.store}`)
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('the same cluster gives the same plans, and a round changes nothing', () => {
  fc.assert(
    fc.property(anyCluster, fc.nat(50), (words, round) => {
      const [a, b] = [make(words), make(words)]
      const clock = { nowMs: 10_000_000, round }
      const plan = planRound(a.index, clock)
      assert.deepEqual(planRound(a.index, clock), plan)
      assert.deepEqual(planRound(b.index, clock), plan)
      assert.deepEqual(amounts(a.index), amounts(b.index))
    }),
  )
})

test('an index kept through a history equals one made anew from its end', () => {
  fc.assert(
    fc.property(anyCluster, (words) => {
      const model = make(words)
      settle(model)
      for (const { shard } of model.shards.values()) model.index.hold(shard.id, 'all')
      const anew = new PlacementIndex(model.index.settings)
      for (const { statistics } of model.index.stores()) anew.setStore(statistics)
      for (const { shard, statistics } of model.shards.values()) anew.setShard(shard, statistics)
      assert.deepEqual(amounts(model.index), amounts(anew))
      for (const set of ['irregular', 'large', 'busy', 'small'] as const)
        assert.deepEqual(ids(model.index[set]), ids(anew[set]))
      const classes = (index: PlacementIndex) =>
        index.sharingClasses().map(({ sharing, replicas, shards }) => [sharing, replicas, ids(shards)])
      assert.deepEqual(classes(model.index), classes(anew))
      for (const { shard } of model.shards.values()) {
        assert.equal(model.index.shardFrom(shard.start), model.index.shard(shard.id))
        model.index.removeShard(shard.id)
      }
      for (const { planned, led, followed } of model.index.stores()) {
        assert.deepEqual(planned, { replicas: 0, bytes: 0, leaders: 0, ops: 0, writes: 0 })
        assert.equal(led.size + followed.size, 0)
      }
      assert.deepEqual([model.index.shardCount, model.index.dataShardCount, model.index.irregular.size], [0, 0, 0])
    }),
  )
})

test('with all stores alike, replicas and leaders end within the tolerance, and hardly anything moves twice', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 4, max: 9 }),
      fc.array(fc.uniqueArray(fc.nat(8), { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 60 }),
      (count, places) => {
        const shards = places.map((three) => {
          const on = new Set(three.map((place) => place % count))
          for (let place = 0; on.size < 3; place++) on.add(place)
          return { on: [...on].map((place) => `s${place + 1}`).join(' ') }
        })
        const model = cluster(stores(count), shards)
        settle(model)
        const held = [...model.index.stores()].map(({ planned }) => planned.replicas)
        const led = [...model.index.stores()].map(({ planned }) => planned.leaders)
        const ideal = (3 * shards.length) / count
        for (const number of held)
          assert.ok(Math.abs(number - ideal) <= Math.max(1, 0.02 * ideal), `${held} for ${ideal}`)
        assert.ok(Math.max(...led) - Math.min(...led) <= 2, `leaders ${led}`)
        // Where a store fills up with shards that the emptiest has already, one of them has to be handed on: once in thousands of clusters.
        const again = model.movedAgain.filter((name) => name.includes('replica'))
        assert.ok(again.length <= 1, again.join())
      },
    ),
    { numRuns: 150 },
  )
})

function amounts(index: PlacementIndex): unknown {
  return [...index.stores()]
    .map(({ id, planned, replicaOperators, transfers, receiving, receivingBytes, led, followed }) => ({
      id,
      planned: { ...planned },
      counters: [replicaOperators, transfers, receiving, receivingBytes],
      led: ids(led),
      followed: ids(followed),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

function ids(set: Iterable<{ readonly shard: { readonly id: number } }>): readonly number[] {
  return [...set].map(({ shard }) => shard.id).sort((a, b) => a - b)
}
