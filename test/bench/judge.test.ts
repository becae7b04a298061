/** Medians, ratios and verdicts of a comparison. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  median,
  medianRows,
  RATIO_RULES,
  type RatioRule,
  ratios,
  ratioTable,
  rotated,
  type Sample,
  WORKLOADS,
} from '../../bench/compare/index.ts'
import { LatencyRecorder, ResultRecorder } from '../../bench/load/index.ts'

function sample(
  round: number,
  system: Sample['system'],
  workload: string,
  operations: number,
  latencyMs: number,
): Sample {
  const recorder = new ResultRecorder(1000)
  for (let i = 0; i < operations; i++) recorder.succeeded(false, latencyMs, 0, latencyMs)
  return {
    round,
    system,
    workload,
    measurement: {
      load: recorder.result(1, undefined),
      serverCpuUsPerOperation: 10 + round,
      operationsPerSync: undefined,
    },
  }
}

const floor: RatioRule = { workload: 'w', metric: 'throughput', peer: 'etcd', bound: { kind: 'floor', value: 1.5 } }
const ceiling: RatioRule = { workload: 'w', metric: 'p50', peer: 'etcd', bound: { kind: 'ceiling', value: 1.2 } }

test('the median is the middle', () => {
  assert.equal(median([]), undefined)
  assert.equal(median([3]), 3)
  assert.equal(median([9, 1, 4]), 4)
  assert.equal(median([9, 1, 4, 5]), 4.5)
})

test('ratios are taken within rounds, and their median is judged', () => {
  const samples = [
    sample(0, 'flotilla', 'w', 300, 1),
    sample(0, 'etcd', 'w', 100, 1),
    sample(1, 'flotilla', 'w', 160, 2),
    sample(1, 'etcd', 'w', 100, 1),
    sample(2, 'flotilla', 'w', 20, 1),
    sample(2, 'etcd', 'w', 100, 1),
  ]
  const [throughput, latency] = ratios(samples, [floor, ceiling])
  assert.ok(throughput !== undefined && latency !== undefined)
  assert.deepEqual([throughput.median, throughput.min, throughput.max, throughput.passed], [1.6, 0.2, 3, true])
  assert.ok(Math.abs(latency.median - 1) < 0.02 && latency.passed === true)
})

test('a bound that is missed fails, whichever way it points', () => {
  const slow = [sample(0, 'flotilla', 'w', 149, 13), sample(0, 'etcd', 'w', 100, 10)]
  assert.deepEqual(
    ratios(slow, [floor, ceiling]).map((ratio) => ratio.passed),
    [false, false],
  )
  assert.ok(
    ratioTable(ratios(slow, [floor]), WORKLOADS)
      .join('\n')
      .includes('FAIL'),
  )
  const { bound: _bound, ...informing } = floor
  assert.equal(ratios(slow, [informing])[0]?.passed, undefined)
})

test('a system that is missing or did nothing gives no ratio', () => {
  assert.deepEqual(ratios([sample(0, 'flotilla', 'w', 5, 1)], [floor]), [])
  assert.deepEqual(ratios([sample(0, 'flotilla', 'w', 5, 1), sample(0, 'etcd', 'w', 0, 1)], [floor]), [])
  assert.deepEqual(ratios([sample(0, 'flotilla', 'w', 0, 1), sample(0, 'etcd', 'w', 5, 1)], [floor]), [])
})

test('rows hold the medians of each system and workload', () => {
  const rows = medianRows(
    [0, 1, 2].map((round) => sample(round, 'etcd', 'w', 100 * (round + 1), round + 1)),
    ['w', 'x'],
  )
  assert.equal(rows.length, 1)
  const [row] = rows
  assert.deepEqual([row?.rounds, row?.operationsPerSecond, row?.serverCpuUsPerOperation], [3, 200, 11])
  assert.equal(row?.operationsPerSync, undefined)
})

test('the order of systems rotates', () => {
  assert.deepEqual(
    [0, 1, 2, 3].map((round) => rotated(['a', 'b', 'c'], round).join('')),
    ['abc', 'bca', 'cab', 'abc'],
  )
})

test('every rule names a workload, and the demanded bounds are these', () => {
  for (const rule of RATIO_RULES) assert.ok(WORKLOADS.some((workload) => workload.name === rule.workload))
  const demanded = RATIO_RULES.filter((rule) => rule.bound !== undefined)
  assert.deepEqual(
    demanded.map(({ workload, bound }) => `${workload} ${bound?.kind} ${bound?.value}`),
    [
      'http-put floor 1.5',
      'http-get floor 1.5',
      'http-put-leaders floor 1.5',
      'http-get-leaders floor 1.5',
      'http-put-1 ceiling 1.2',
      'http-get-1 ceiling 1.2',
      'native-put floor 1',
    ],
  )
})

test('errors are counted by code, in one order', () => {
  const recorder = new ResultRecorder(1000)
  for (const code of ['TIMEOUT', 'NO_LEADER', 'TIMEOUT']) recorder.failed(code, 1)
  const result = recorder.result(1, 5)
  assert.deepEqual(Object.entries(result.errors), [
    ['NO_LEADER', 1],
    ['TIMEOUT', 2],
  ])
  assert.equal(result.errorCount, 3)
  assert.deepEqual(result.latency, new LatencyRecorder().summary())
})
