/** The load driver on a virtual clock: loops, latencies, coordinated omission, errors, verification. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  KeySpace,
  Ledger,
  type LoadOptions,
  type LoadResult,
  OperationSource,
  runLoad,
  ValueCodec,
} from '../../bench/load/index.ts'
import { type FakeBehaviour, FakeTarget } from './fake-target.ts'
import { VirtualClock } from './virtual-clock.ts'

const KEYS = 10
const LIMIT_MS = 1_000_000
const STEP_MS = 100
const MICROTASKS = 20

async function load(
  behaviour: FakeBehaviour,
  options: Partial<LoadOptions> & { readonly readRatio?: number },
): Promise<{ result: LoadResult; target: FakeTarget; edges: string[] }> {
  const clock = new VirtualClock()
  const target = new FakeTarget(clock, behaviour)
  const edges: string[] = []
  let result: LoadResult | undefined
  const running = runLoad(target, {
    lanes: 4,
    source: new OperationSource({
      readRatio: options.readRatio ?? 0,
      distribution: 'uniform',
      keyCount: KEYS,
      seed: 1,
    }),
    keys: new KeySpace(KEYS, 'bench', 'spread'),
    values: new ValueCodec(64, 9),
    ledger: new Ledger(KEYS),
    warmUpMs: 0,
    durationMs: 10_000,
    timeoutMs: 5000,
    clock,
    onWindow: (edge) => edges.push(`${edge} at ${clock.nowMs()}`),
    ...options,
  }).then((value) => {
    result = value
  })
  while (result === undefined) {
    // The driver itself works in callbacks; only its opening and its end take microtasks.
    for (let turn = 0; turn < MICROTASKS; turn++) await Promise.resolve()
    if (result === undefined) letTimePass(clock)
  }
  await running
  return { result, target, edges }
}

function letTimePass(clock: VirtualClock): void {
  let passed = false
  clock.after(STEP_MS, () => {
    passed = true
  })
  clock.runUntil(() => passed, LIMIT_MS)
}

test('a closed loop keeps every lane busy', async () => {
  const { result, target } = await load({ serviceMs: 10 }, { lanes: 4 })
  // 4 lanes, 100 operations per second each.
  assert.ok(Math.abs(result.operationsPerSecond - 400) <= 1, `${result.operationsPerSecond}`)
  assert.equal(result.perSecond.length, 10)
  assert.ok(
    result.perSecond.every((count) => Math.abs(count - 400) <= 4),
    result.perSecond.join(' '),
  )
  assert.ok(Math.abs(result.latency.p50Ms - 10) < 0.1 && Math.abs(result.latency.maxMs - 10) < 0.1)
  assert.equal(result.errorCount + result.violationCount + result.gets, 0)
  assert.ok(target.closed)
})

test('warm-up is not measured', async () => {
  const { result, edges } = await load(
    { serviceMs: 10, stall: { fromMs: 100, toMs: 900 } },
    { warmUpMs: 1000, durationMs: 2000 },
  )
  assert.deepEqual(edges, ['start at 1000', 'end at 3000'])
  assert.ok(Math.abs(result.operationsPerSecond - 400) <= 4, `${result.operationsPerSecond}`)
  assert.ok(result.latency.maxMs < 11)
})

test('a stall in a closed loop is one slow operation per lane', async () => {
  const { result } = await load({ serviceMs: 1, stall: { fromMs: 5000, toMs: 6000 } }, { lanes: 2 })
  assert.ok(result.latency.p99Ms < 1.1, `p99 ${result.latency.p99Ms}`)
  assert.ok(result.latency.maxMs > 990)
})

test('an open loop charges a stall to every operation that was due during it', async () => {
  const { result } = await load(
    { serviceMs: 1, stall: { fromMs: 5000, toMs: 6000 } },
    { lanes: 2, ratePerSecond: 100, readRatio: 0 },
  )
  // 100 of 1,000 operations fall due in the stalled second, evenly: a tenth waits, up to a second.
  assert.ok(result.latency.p50Ms < 1.1, `p50 ${result.latency.p50Ms}`)
  assert.ok(result.latency.p99Ms > 850 && result.latency.p99Ms <= 1000, `p99 ${result.latency.p99Ms}`)
  const at95 = result.latency.p90Ms
  assert.ok(at95 < 60, `p90 ${at95}`)
  assert.ok(Math.abs(result.operations - 1000) <= 2, `${result.operations}`)
  assert.equal(result.unstarted, 0)
})

test('an open loop keeps its rate when the servers can', async () => {
  const { result } = await load({ serviceMs: 3 }, { lanes: 8, ratePerSecond: 250 })
  assert.ok(Math.abs(result.operationsPerSecond - 250) <= 1, `${result.operationsPerSecond}`)
  assert.ok(Math.abs(result.latency.p999Ms - 3) < 0.1)
})

test('an open loop charges even a short wait when no lane was free', async () => {
  // Each operation takes as long as the pause between two, so the one millisecond lost at the start is never made up.
  const { result } = await load(
    { serviceMs: 3, stall: { fromMs: 3, toMs: 4 } },
    { lanes: 1, ratePerSecond: 1000 / 3, durationMs: 3000 },
  )
  assert.ok(Math.abs(result.latency.p50Ms - 4) < 0.1, `p50 ${result.latency.p50Ms}`)
})

test('an open loop beyond what the servers can do shows the queue, to the last operation that found no lane', async () => {
  // One lane of 10 ms serves 100 per second; 200 are due: after 10 s, 1,000 wait, the next in line for 5 s.
  const { result } = await load({ serviceMs: 10 }, { lanes: 1, ratePerSecond: 200 })
  assert.ok(Math.abs(result.operationsPerSecond - 100) <= 1, `${result.operationsPerSecond}`)
  assert.ok(Math.abs(result.unstarted - 1000) <= 3, `${result.unstarted}`)
  assert.ok(Math.abs(result.latency.maxMs - 5000) < 30, `max ${result.latency.maxMs}`)
  assert.ok(result.latency.p50Ms > 2000, `p50 ${result.latency.p50Ms}`)
})

test('failures are counted by code, and a failing lane rests', async () => {
  const { result, target } = await load({ serviceMs: 1, failWith: 'NO_LEADER' }, { lanes: 1, durationMs: 2100 })
  assert.deepEqual(Object.keys(result.errors), ['NO_LEADER'])
  assert.equal(result.operations, 0)
  assert.equal(result.generatorCpuUsPerOperation, undefined)
  // 1 ms of service and 20 ms of rest each.
  assert.ok(Math.abs(target.operations - 100) <= 1, `${target.operations}`)
})

test('an operation that is never answered times out, and the run ends', async () => {
  const { result } = await load({ serviceMs: 1, silent: true }, { lanes: 3, durationMs: 1000, timeoutMs: 400 })
  assert.deepEqual(Object.keys(result.errors), ['TIMEOUT'])
  assert.ok(result.errorCount >= 6 && result.errorCount <= 9, `${result.errorCount}`)
})

test('a run of so many operations does each once', async () => {
  const { result, target } = await load(
    { serviceMs: 10 },
    {
      operationsMax: KEYS,
      source: new OperationSource({ readRatio: 0, distribution: 'sequential', keyCount: KEYS, seed: 1 }),
    },
  )
  assert.equal(result.operations, KEYS)
  assert.deepEqual(
    [...target.histories.values()].map((history) => history.length),
    new Array(KEYS).fill(1),
  )
  assert.ok(Math.abs(result.seconds - 0.03) < 0.001, `${result.seconds}`)
})

test('an honest store is not accused; absent values before the first write are counted', async () => {
  const { result } = await load({ serviceMs: 5 }, { lanes: 16, readRatio: 0.5 })
  assert.equal(result.violationCount, 0)
  assert.ok(result.absent > 0)
  assert.ok(Math.abs(result.gets / result.operations - 0.5) < 0.05)
  assert.equal(result.putLatency.count + result.getLatency.count, result.latency.count)
})

const LIES: Readonly<Record<string, FakeBehaviour['lie']>> = {
  stale: (history) => history.at(-3) ?? history.at(-1),
  lost: () => undefined,
  corrupt: (history) => {
    const value = Buffer.from(history.at(-1) ?? Buffer.alloc(64))
    value[40] = (value[40] ?? 0) ^ 1
    return value
  },
}
for (const [kind, lie] of Object.entries(LIES)) {
  test(`a store whose reads are ${kind} is caught`, async () => {
    const { result } = await load({ serviceMs: 5, ...(lie === undefined ? {} : { lie }) }, { lanes: 1, readRatio: 0.5 })
    const { violations, violationCount } = result
    assert.ok(violationCount > 0)
    assert.equal(violations[kind as keyof typeof violations], violationCount)
  })
}
