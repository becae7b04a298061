/** The rounds of a comparison on a virtual clock: who is loaded when, and what of it is measured. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ComparisonOptions, runComparison, type Sample } from '../../bench/compare/index.ts'
import type { Access, System } from '../../bench/systems/index.ts'
import { FakeTarget } from './fake-target.ts'
import { VirtualClock } from './virtual-clock.ts'

const KEYS = 10
const STEP_MS = 100
const MICROTASKS = 20
/** Every operation takes ten milliseconds, and 64 lanes run at a time. */
const OPERATIONS_PER_SECOND = 6_400

async function compare(runInMs: number): Promise<{ samples: Sample[]; operations: Record<Access, number> }> {
  const clock = new VirtualClock()
  const targets = {
    http: new FakeTarget(clock, { serviceMs: 10 }),
    'http-leaders': new FakeTarget(clock, { serviceMs: 10 }),
    native: new FakeTarget(clock, { serviceMs: 10 }),
  }
  const system: System = {
    name: 'flotilla',
    missing: () => undefined,
    version: async () => 'a fake',
    start: async () => ({
      target: (access) => (access === 'http-leaders' ? undefined : targets[access]),
      pids: [],
      metricsUrls: [],
      stop: async () => {},
    }),
  }
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-comparison-'))
  const options: ComparisonOptions = {
    systems: [system],
    workloads: [{ name: 'put', title: 'put', access: 'http', lanes: 64, readRatio: 0 }],
    rounds: 1,
    durationMs: 2000,
    warmUpMs: 1000,
    runInMs,
    keyCount: KEYS,
    valueBytes: 64,
    timeoutMs: 5000,
    directory,
    clock,
    onSample: () => {},
    onStart: () => {},
  }
  let samples: Sample[] | undefined
  const running = runComparison(options).then((all) => {
    samples = all
  })
  while (samples === undefined) {
    for (let turn = 0; turn < MICROTASKS; turn++) await Promise.resolve()
    await new Promise(setImmediate)
    let passed = false
    clock.after(STEP_MS, () => {
      passed = true
    })
    clock.runUntil(() => passed, Number.POSITIVE_INFINITY)
  }
  await running
  rmSync(directory, { recursive: true })
  const operations = { http: 0, 'http-leaders': 0, native: 0 }
  for (const access of ['http', 'http-leaders', 'native'] as const) operations[access] = targets[access].operations
  return { samples, operations }
}

/** Half a second at most is lost between the phases, where the clock moves by steps. */
function isAbout(operations: number, seconds: number): boolean {
  return Math.abs(operations - seconds * OPERATIONS_PER_SECOND) < OPERATIONS_PER_SECOND / 2
}

test('a run-in loads a system in every way there is to reach it, and is not measured', async () => {
  const { samples, operations } = await compare(6000)
  // Three seconds of run-in each; then a second of warm-up and two that are measured.
  assert(isAbout(operations.http, 3 + 1 + 2), String(operations.http))
  assert(isAbout(operations.native, 3), String(operations.native))
  assert.equal(samples.length, 1)
  assert(isAbout(samples[0]?.measurement.load.operations ?? 0, 2))
})

test('without a run-in only what is measured is loaded', async () => {
  const { operations } = await compare(0)
  assert(isAbout(operations.http, 1 + 2), String(operations.http))
  assert.equal(operations.native, 0)
})
