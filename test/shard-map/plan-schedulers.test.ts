/**
 * Each scheduler on clusters of a few stores: what it does, what it leaves, and what it says.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PLAN_SETTINGS_DEFAULT, planRound } from '../../shard-map/index.ts'
import { cluster, MiB, planned, round, settle, short, stores } from './plan-clusters.ts'

type Statistics = ReturnType<typeof stores>[number]

const summary = (model: ReturnType<typeof cluster>, scheduler: Parameters<typeof planned>[1]) =>
  planned(model, scheduler).map(({ kind, shard, influence }) => `${kind} ${shard}: ${influence[0]?.replicas.join(' ')}`)

test('repair replaces replicas of a store that is down or gone, not of one that is only suspect', () => {
  for (const [lost, expected] of [
    [{ liveness: 'down' }, ['move 2: s1 s2 s4']],
    [{ state: 'gone' }, ['move 2: s1 s2 s4']],
    [{ liveness: 'suspect' }, []],
  ] as const) {
    const all = stores(4).map((store) => (store.id === 's3' ? { ...store, ...lost } : store))
    assert.deepEqual(summary(cluster(all, [{ on: 's1 s2 s3' }]), 'repair'), expected)
  }
})

test('a replica goes before it is replaced only when it is lost beyond doubt and its store lives', () => {
  const down = ['s3']
  for (const [count, statistics, liveness, expected] of [
    [3, { downReplicas: down }, 'up', []],
    [3, { downReplicas: down, lostReplicas: down }, 'suspect', []],
    [3, { downReplicas: down, lostReplicas: down }, 'down', []],
    [3, { downReplicas: down, lostReplicas: down }, 'up', ['remove-replica 2: s1 s2']],
    // Where there is another store, the replica is replaced; that costs nothing but a copy.
    [4, { downReplicas: down }, 'up', ['move 2: s1 s2 s4']],
    [4, { downReplicas: down }, 'suspect', ['move 2: s1 s2 s4']],
  ] as const) {
    const all = stores(count).map((store) => (store.id === 's3' ? { ...store, liveness } : store))
    const model = cluster(all, [{ on: 's1 s2 s3', statistics }])
    assert.deepEqual(summary(model, 'repair'), expected, JSON.stringify([count, statistics, liveness]))
  }
})

test('a replica on a store that is only expected and never spoke is repaired like any other on a store that is down', () => {
  const silent = { state: 'registered', liveness: 'down' } as const
  for (const [count, on, expected] of [
    [4, 's1 s2 s3 s4:learner', ['remove-learner 2: s1 s2 s3']],
    // With another store it is replaced; without one the voter stays, rather than that fewer than asked for are left.
    [5, 's1 s2 s4', ['move 2: s1 s2 s3']],
    [3, 's1 s2 s4', ['move 2: s1 s2 s3']],
    [2, 's1 s2 s4', []],
  ] as const) {
    const all = [...stores(count).filter(({ id }) => id !== 's4'), { ...(stores(4)[3] as Statistics), ...silent }]
    assert.deepEqual(summary(cluster(all, [{ on }]), 'repair'), expected, `${count} stores, ${on}`)
  }
})

test('repair does not wait for a shard that rests because something else failed, only after it failed itself', () => {
  const all = stores(4).map((store) => (store.id === 's3' ? { ...store, liveness: 'down' as const } : store))
  const model = cluster(all, [{ on: 's1 s2 s3' }])
  model.index.hold(2, 'all-but-repair')
  assert.deepEqual(summary(model, 'repair'), ['move 2: s1 s2 s4'])
  model.index.hold(2, 'all')
  assert.deepEqual(summary(model, 'repair'), [])
  model.index.hold(2, undefined)
  assert.deepEqual(summary(model, 'repair'), ['move 2: s1 s2 s4'])
})

test('repair adds what is missing, drops what is too much, and ends what nobody finished', () => {
  const model = cluster(stores(5), [
    { on: 's1 s2' },
    { on: 's1 s2 s3 s4 s5' },
    { on: 's1 s2 s3 s4:learner' },
    { on: 's1 s2 s3:learner' },
    { on: 's1 s2 s3:outgoing s4:incoming' },
    { on: 's1 s2 s3 s4:learner', statistics: { wantedLearners: ['s4'] } },
    { on: 's1 s2 s3', statistics: { downReplicas: ['s2'] } },
  ])
  const operators = planned(model, 'repair')
  const steps = new Map(operators.map(({ shard, steps }) => [shard, short(steps)]))
  assert.equal(steps.get(2)?.[0]?.startsWith('add-learner'), true)
  assert.equal(steps.get(3)?.at(-1)?.startsWith('remove-learner'), true)
  assert.deepEqual(steps.get(4), ['remove-learner s4'])
  assert.deepEqual(steps.get(5), ['wait-caught-up s3', 'enter-joint +s3 -', 'leave-joint'])
  assert.deepEqual(steps.get(6), ['leave-joint', 'remove-learner s3'])
  assert.equal(steps.has(7), false)
  assert.equal(steps.get(8)?.at(-1), 'remove-learner s2')
  settle(model)
  for (const { shard } of model.shards.values()) {
    assert.equal(shard.replicas.filter(({ role }) => role === 'voter').length, 3, `shard ${shard.id}`)
  }
})

test('a shard without a leader is left alone, with the reason', () => {
  const all = stores(4).map((store) => ({ ...store, liveness: store.id < 's3' ? ('down' as const) : ('up' as const) }))
  const model = cluster(all, [{ on: 's1 s2 s3', statistics: { leader: undefined } }])
  const { operators, decisions } = round(model)
  assert.deepEqual(operators, [])
  assert.match(decisions.find(({ shard }) => shard === 2)?.reason ?? '', /nobody leads shard 2/)
})

test('isolation brings replicas into different zones, then onto different hosts', () => {
  const labelled = ['a', 'a', 'b', 'b', 'c', 'c'].map((zone, i) => ({
    id: `s${i + 1}`,
    labels: { zone, host: `h${i % 3}` },
  }))
  const model = cluster(labelled, [{ on: 's1 s2 s3' }, { on: 's1 s4 s5' }, { on: 's1 s3 s5' }])
  const operators = planned(model, 'isolation')
  // s1 and s4 share the host h0; s5 stands on h1.
  assert.deepEqual(
    operators.map(({ shard }) => shard),
    [2, 3],
  )
  const zones = operators[0]?.influence[0]?.replicas.map((id) => model.index.store(id)?.statistics.labels.zone)
  assert.equal(new Set(zones).size, 3)
  settle(model)
  assert.deepEqual(planned(model, 'isolation'), [])
})

test('what cannot be kept apart is not moved about', () => {
  const labelled = ['a', 'a', 'b', 'b'].map((zone, i) => ({ id: `s${i + 1}`, labels: { zone } }))
  const model = cluster(labelled, [{ on: 's1 s2 s3' }, { on: 's1 s3 s4' }])
  assert.deepEqual(planned(model, 'isolation'), [])
})

test('a draining store gives its leaders away and keeps its replicas', () => {
  const all = stores(4).map((store) => (store.id === 's1' ? { ...store, state: 'draining' as const } : store))
  const model = cluster(all, [{ on: 's1 s2 s3' }, { on: 's1 s2 s3' }, { on: 's2 s1 s3' }])
  const operators = planned(model, 'drain')
  assert.deepEqual(
    operators.map(({ kind, shard }) => [kind, shard]),
    [
      ['transfer-leader', 2],
      ['transfer-leader', 3],
    ],
  )
  settle(model)
  assert.equal(model.index.store('s1')?.planned.leaders, 0)
  assert.equal(model.index.store('s1')?.planned.replicas, 3)
})

test('a decommissioned store gives its replicas too, the placement driver’s among them', () => {
  const all = stores(4).map((store) => (store.id === 's1' ? { ...store, state: 'decommissioning' as const } : store))
  const model = cluster(all, [{ on: 's1 s2 s3' }, { on: 's2 s1 s3' }])
  const two = model.shards.get(2)
  assert.ok(two !== undefined)
  model.put({ ...two.shard, id: 1, start: '', end: undefined }, two.statistics)
  settle(model)
  assert.equal(model.index.store('s1')?.planned.replicas, 0)
  for (const { shard } of model.shards.values()) assert.equal(shard.replicas.length, 3)
})

test('without a fourth store a decommission waits and says so', () => {
  const all = stores(3).map((store) => (store.id === 's1' ? { ...store, state: 'decommissioning' as const } : store))
  const model = cluster(all, [{ on: 's2 s1 s3' }])
  const { operators, decisions } = round(model)
  assert.deepEqual(operators, [])
  assert.match(
    decisions.find(({ scheduler }) => scheduler === 'drain')?.reason ?? '',
    /no store can take a replica of shard 2/,
  )
})

test('splits are by size, then by load at the sampled middle; a single hot key is told', () => {
  const hot = { readsPerSecond: 3000 }
  const model = cluster(stores(3), [
    { on: 's1 s2 s3', statistics: { bytes: 200 * MiB } },
    { on: 's1 s2 s3', statistics: { ...hot, keySamples: [1, 2, 3, 4].map((i) => ({ key: `k0001${i}`, hits: 25 })) } },
    {
      on: 's1 s2 s3',
      statistics: {
        ...hot,
        keySamples: [
          { key: 'k0002x', hits: 90 },
          { key: 'k0002y', hits: 10 },
        ],
      },
    },
    { on: 's1 s2 s3', statistics: hot },
    { on: 's1 s2 s3', statistics: { ...hot, lastSplitMs: 9_999_000 } },
    { on: 's1 s2 s3' },
  ])
  const { operators, decisions } = round(model)
  assert.deepEqual(
    operators.filter(({ scheduler }) => scheduler === 'split').map(({ shard, steps }) => [shard, steps]),
    [
      [2, [{ what: 'split', shard: 2, at: { policy: 'size' } }]],
      [3, [{ what: 'split', shard: 3, at: { keys: ['k00013'] } }]],
    ],
  )
  const reason = (shard: number) => decisions.find((d) => d.scheduler === 'split' && d.shard === shard)?.reason ?? ''
  assert.match(reason(4), /one key of shard 4 takes 90 % .* no split divides a single key/)
  assert.match(reason(5), /no keys of shard 5 have been sampled/)
  assert.match(reason(6), /just been split/)
})

test('merges take small cold neighbours that are old enough, and stop at the least number of shards', () => {
  const small = { bytes: MiB }
  const merge = { bytes: 20 * MiB, opsPerSecond: 100, afterSplitMs: 3_600_000, shardsMin: 1 }
  const words = [
    { on: 's1 s2 s3', statistics: small },
    { on: 's2 s3 s4', statistics: small },
    { on: 's1 s2 s3', statistics: { ...small, lastSplitMs: 9_000_000 } },
    { on: 's1 s2 s3', statistics: { ...small, writesPerSecond: 300 } },
    { on: 's1 s2 s3', statistics: small },
    { on: 's1 s2 s3', statistics: { bytes: 50 * MiB } },
  ]
  assert.deepEqual(
    planned(cluster(stores(4), words, { merge }), 'merge').map(({ shard, other }) => [shard, other?.shard]),
    [[2, 3]],
  )
  assert.deepEqual(planned(cluster(stores(4), words, { merge: { ...merge, shardsMin: 6 } }), 'merge'), [])
  const many = Array.from({ length: 12 }, () => ({ on: 's1 s2 s3', statistics: small }))
  const model = cluster(stores(3), many, { merge: { ...merge, shardsMin: 5, afterSplitMs: 0 } })
  settle(model)
  assert.equal(model.shards.size, 5)
})

test('what has been merged is not split again, nor the reverse', () => {
  const merge = { bytes: 1000 * MiB, opsPerSecond: 1e6, afterSplitMs: 0, shardsMin: 1 }
  const words = Array.from({ length: 9 }, (_, i) => ({
    on: 's1 s2 s3',
    statistics: { bytes: i * 20 * MiB, readsPerSecond: i * 10 },
  }))
  const operators = settle(cluster(stores(3), words, { merge }))
  const merged = new Set(operators.filter(({ kind }) => kind === 'merge').map(({ shard }) => shard))
  assert.ok(merged.size > 0)
  const begun = (kind: string) => operators.findLastIndex((operator) => operator.kind === kind)
  assert.ok(begun('split') < operators.length)
  for (const { kind, shard } of operators) if (kind === 'split') assert.ok(!merged.has(shard), `shard ${shard}`)
})

test('a hot store hands leaders to cool ones; only without such a replica a whole one moves', () => {
  const busy = (on: string) => ({ on, statistics: { readsPerSecond: 600 } })
  const calm = (on: string) => ({ on, statistics: { readsPerSecond: 10 } })
  const model = cluster(stores(4), [
    busy('s1 s2 s3'),
    busy('s1 s2 s3'),
    busy('s1 s2 s3'),
    calm('s2 s3 s4'),
    calm('s3 s4 s2'),
  ])
  const first = planned(model, 'balance-load')
  assert.ok(first.length > 0 && first.every(({ kind }) => kind === 'transfer-leader'))
  // All three replicas of each shard stand on hot stores: the fourth and fifth store get whole replicas.
  const crowded = cluster(stores(5), ['s1 s2 s3', 's2 s3 s1', 's3 s1 s2', 's1 s2 s3', 's2 s3 s1', 's3 s1 s2'].map(busy))
  const moves = planned(crowded, 'balance-load')
  assert.ok(
    moves.length > 0 &&
      moves.every(({ kind, influence }) => kind === 'move' && ['s4', 's5'].includes(influence[0]?.leader ?? '')),
  )
})

test('a store that is hot by a single key says that nothing helps', () => {
  const keySamples = [{ key: 'k0000', hits: 100 }]
  const statistics = { readsPerSecond: 1900, keySamples }
  const model = cluster(stores(3), [{ on: 's1 s2 s3', statistics }, { on: 's2 s1 s3' }])
  const { operators, decisions } = round(model)
  assert.deepEqual(
    operators.filter(({ scheduler }) => scheduler === 'balance-load'),
    [],
  )
  const decision = decisions.find(({ scheduler }) => scheduler === 'balance-load')
  assert.match(decision?.reason ?? '', /one key of shard 2 takes 100 %/)
  assert.equal(decision?.numbers.opsPerSecond, 1900)
})

test('replicas follow weights, by number and by bytes', () => {
  const all = stores(4).map((store, i) => ({ ...store, weight: i === 3 ? 2 : 1 }))
  const words = Array.from({ length: 30 }, () => ({ on: 's1 s2 s3' }))
  const model = cluster(all, words, { replicas: 2 })
  // Two of three replicas are too many first of all; then they spread.
  settle(model)
  const held = all.map(({ id }) => model.index.store(id)?.planned.replicas ?? 0)
  for (const [i, ideal] of [12, 12, 12, 24].entries()) {
    assert.ok(Math.abs((held[i] ?? 0) - ideal) <= 2, `${held} for 12 12 12 24`)
  }
})

test('a planning round leaves the index as it was, so that a dry run and the real one are the same', () => {
  const model = cluster(
    stores(6),
    Array.from({ length: 40 }, (_, i) => ({ on: i % 2 === 0 ? 's1 s2 s3' : 's2 s3 s1' })),
  )
  const dry = planRound(model.index, { nowMs: 1, round: 7 })
  assert.ok(dry.operators.length > 5)
  assert.deepEqual(planRound(model.index, { nowMs: 1, round: 7 }), dry)
  for (const { stores, steps } of dry.operators.map(({ steps, influence }) => ({
    steps,
    stores: influence[0]?.replicas ?? [],
  }))) {
    assert.ok(steps.length > 0 && stores.length === 3)
  }
})

test('limits hold: operators per store, snapshots, and schedulers that are paused', () => {
  const words = Array.from({ length: 60 }, () => ({ on: 's1 s2 s3' }))
  const all = stores(6).map((store) => (store.id === 's6' ? { ...store, snapshots: 4 } : store))
  const model = cluster(all, words)
  const { operators } = round(model)
  const moves = operators.filter(({ kind }) => kind === 'move')
  const count = new Map<string, number>()
  for (const { steps } of moves) {
    for (const step of steps) {
      if (step.what === 'add-learner' || step.what === 'remove-learner')
        count.set(step.store, (count.get(step.store) ?? 0) + 1)
    }
  }
  assert.ok(moves.length > 0)
  for (const [store, number] of count) assert.ok(number <= 4, `${store} ${number}`)
  assert.equal(count.get('s6'), undefined)
  const paused = planRound(model.index, { nowMs: 1, round: 0, paused: new Set(['balance-replicas']) })
  assert.ok(paused.operators.every(({ scheduler }) => scheduler !== 'balance-replicas'))
  assert.ok(paused.decisions.some(({ reason }) => reason === 'scheduler balance-replicas is paused'))
})

test('what balance has just moved rests, and others move instead', () => {
  const words = (lastMoveMs: number | undefined) =>
    Array.from({ length: 12 }, (_, i) => ({
      on: 's1 s2 s3',
      statistics: i < 9 ? { lastMoveMs, lastTransferMs: lastMoveMs } : {},
    }))
  const balance = { ...PLAN_SETTINGS_DEFAULT.balance, restMs: 600_000 }
  const moved = (lastMoveMs: number | undefined) =>
    round(cluster(stores(4), words(lastMoveMs), { balance }))
      .operators.filter(({ scheduler }) => scheduler.startsWith('balance-'))
      .map(({ shard }) => shard)
  assert.ok(moved(10_000_000 - 599_000).length > 0)
  assert.ok(moved(10_000_000 - 599_000).every((shard) => shard >= 11))
  assert.ok(moved(10_000_000 - 601_000).some((shard) => shard < 11))
})

test('what balance has moved lately goes again for bytes only when a store is off by twice the tolerance', () => {
  const lately = 10_000_000 - 1_000_000
  const longAgo = 10_000_000 - 3_600_001
  const moves = (mebibytes: number, lastMoveMs: (i: number) => number | undefined): readonly number[] => {
    const shards = Array.from({ length: 20 }, (_, i) => ({
      on: i < 10 ? 's1' : 's2',
      statistics: { bytes: (i < 10 ? mebibytes : 34) * MiB, lastMoveMs: lastMoveMs(i) },
    }))
    return planned(cluster(stores(2), shards, { replicas: 1 }), 'balance-replicas').map(({ shard }) => shard)
  }
  // 80 MiB above the ideal, where 64 are the tolerance.
  assert.equal(moves(50, () => undefined).length, 1)
  assert.deepEqual(
    moves(50, () => lately),
    [],
  )
  assert.equal(moves(50, () => longAgo).length, 1)
  assert.deepEqual(
    moves(50, (i) => (i === 4 ? undefined : lately)),
    [6],
    'the one that was not moved',
  )
  // 155 MiB above it.
  assert.ok(moves(65, () => lately).length > 0)
})

test('of a hot store with many shards those are moved that cure it alone, else the largest', () => {
  const hot = (loads: readonly number[]): readonly number[] => {
    const shards = loads.map((readsPerSecond) => ({ on: 's1 s2 s3', statistics: { readsPerSecond } }))
    return planned(cluster(stores(3), shards), 'balance-load').map(({ shard }) => shard)
  }
  const small = Array.from({ length: 40 }, () => 10)
  // Hot is a store with more than 500 a second, or 1.3 times its share.
  assert.deepEqual(hot([...small, 60]), [], '460 are not')
  assert.equal(hot([...small, 90, 200, 150, 60])[0], 43, '400 too many: the largest, because none is enough')
  assert.equal(hot([...small, 60, 40, 50])[0], 44, '50 too many: the smallest that is enough')
})
