/**
 * The simulation of the planners in small: every scenario comes to rest, moves nothing twice, stays near the least number of moves, and does it the
 * same way again. The full size is `npm run sim:placement`.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { violations } from '../../shard-map/index.ts'
import { lowerBound } from '../../tools/sim-placement/lower-bound.ts'
import { middleKey } from '../../tools/sim-placement/middle-key.ts'
import { threadStopwatch } from '../../tools/sim-placement/processor-time.ts'
import { SimRandom } from '../../tools/sim-placement/random.ts'
import { runScenario } from '../../tools/sim-placement/run.ts'
import { SCENARIO_NAMES, SCENARIOS } from '../../tools/sim-placement/scenarios.ts'
import { syntheticCluster } from '../../tools/sim-placement/synthetic.ts'
import { summarize } from '../../tools/sim-placement/timing.ts'

const SMALL = {
  stores: 50,
  shards: 5000,
  seed: 1,
  roundsMax: 5000,
  stopwatch: () => 0,
  cpuMs: () => 0,
  threadMs: () => 0,
}

/** What is left to do by moves alone, and how many moves more than the least are fine. */
const MOVES_RATIO_MAX = 1.5

for (const name of SCENARIO_NAMES) {
  test(`${name}: 50 stores and 5,000 shards come to rest`, () => {
    const { cluster, report } = runScenario(SCENARIOS[name], SMALL)
    assert.ok(report.isQuiet, `${report.rounds} rounds were not enough`)
    assert.deepEqual(report.movedAgain, [])
    assert.ok(
      report.movesMin === 0 || report.moves >= report.movesMin,
      `${report.moves} of at least ${report.movesMin}`,
    )
    if (report.movesMin > 0) assert.ok(report.moves <= MOVES_RATIO_MAX * report.movesMin, `${report.moves} moves`)
    const shards = [...cluster.shards.values()].map(({ shard }) => shard)
    shards.sort((a, b) => (a.start < b.start ? -1 : 1))
    const stores = [...cluster.index.stores()].map(({ statistics: { id, labels, state } }) => ({
      ...{ id, labels, state, address: '', incarnation: 'i', version: '' },
    }))
    assert.deepEqual(violations({ version: 1, placement: undefined, shards, stores }), [])
    for (const { shard } of cluster.shards.values()) assert.equal(shard.replicas.length, 3)
    if (name !== 'skewed-load') {
      // Where one store is hot and another not, numbers come second.
      assert.ok(report.replicas.max - report.replicas.min <= 0.06 * report.replicas.mean + 2, 'replicas')
      assert.ok(report.leaders.max - report.leaders.min <= 0.1 * report.leaders.mean + 2, 'leaders')
    } else {
      assert.ok(report.ops.max <= 1.35 * report.ops.mean, `requests ${report.ops.max} of ${report.ops.mean}`)
    }
    for (const { id, statistics, planned } of cluster.index.stores()) {
      if (statistics.liveness === 'down' || statistics.state === 'decommissioning')
        assert.equal(planned.replicas, 0, id)
      if (statistics.state === 'draining') assert.equal(planned.leaders, 0, id)
    }
  })
}

test('the same seed gives the same run, another seed another', () => {
  const run = (seed: number) => {
    const { cluster, report } = runScenario(SCENARIOS['rack-lost'], { ...SMALL, shards: 500, seed })
    return { report, shards: [...cluster.shards.values()].map(({ shard }) => shard.replicas) }
  }
  assert.deepEqual(run(3), run(3))
  assert.notDeepEqual(run(3).shards, run(4).shards)
})

test('the lower bound counts what must move, and nothing in a cluster at rest', () => {
  const cluster = syntheticCluster({ stores: 50, shards: 1000, sizes: 'even' }, new SimRandom(1))
  assert.equal(lowerBound(cluster.index).moves, 0)
  const [first] = cluster.index.stores()
  assert.ok(first !== undefined)
  const held = first.led.size + first.followed.size
  cluster.setStore({ ...first.statistics, liveness: 'down' })
  assert.deepEqual(lowerBound(cluster.index), { forced: held, moves: held })
})

test('the middle of two keys lies between them', () => {
  const bounds = [
    ['', undefined],
    ['', 'a'],
    ['k0001', 'k0002'],
    ['z', undefined],
    ['a', 'a\u0001'],
  ] as const
  for (const [start, end] of bounds) {
    const middle = middleKey(start, end)
    assert.ok(middle > start && (end === undefined || middle < end), `${start} ${middle} ${end}`)
  }
})

test('pauses count in the rounds in which they fall, and what is left of a round is planning', () => {
  const time = (round: number, fromMs: number, threadMs: number) => ({
    ...{ round, fromMs, ms: 10, cpuMs: 2 * threadMs, threadMs, bySchedulerMs: {} },
  })
  const times = [time(0, 100, 8), time(1, 120, 9), time(2, 140, 3)]
  const pauses = [
    { fromMs: 90, ms: 5 },
    { fromMs: 98, ms: 4 },
    { fromMs: 105, ms: 1 },
    { fromMs: 112, ms: 7 },
    { fromMs: 126, ms: 10 },
    { fromMs: 150, ms: 50 },
  ]
  const { pauseMs, planningMs, threadMs, cpuMs, longest } = summarize(times, pauses)
  assert.deepEqual(
    longest.map(({ round, pauseMs }) => [round, pauseMs]),
    [
      [0, 3],
      [1, 4],
      [2, 0],
    ],
  )
  assert.deepEqual([pauseMs.max, planningMs.max, threadMs.max, cpuMs.max], [4, 5, 9, 18])
  assert.equal(planningMs.mean, (5 + 5 + 3) / 3)
})

test('the stopwatch of the planning thread goes forwards, where the system has one', () => {
  const threadMs = threadStopwatch()
  if (threadMs === undefined) return assert.notEqual(process.platform, 'linux')
  const from = threadMs()
  let sum = 0
  while (threadMs() === from) for (let i = 0; i < 100_000; i++) sum += i
  assert.ok(sum > 0 && from > 0 && threadMs() > from)
})
