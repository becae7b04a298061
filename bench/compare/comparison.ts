/**
 * Runs the rounds: every system in turn, alone on the machine, started fresh on empty data, with the order rotated from round to round so
 * that none always comes first or after the same neighbour. Reports progress through a callback and prints nothing itself.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { assert, type Clock } from '../../src/base/index.ts'
import type { KeyDistribution } from '../load/index.ts'
import { OperatingError } from '../operating-error.ts'
import { createDataSet, type DataSet, measure, preload } from '../run/index.ts'
import type { Access, RunningSystem, System } from '../systems/index.ts'
import type { Sample } from './judge.ts'
import type { Workload } from './workloads.ts'

export interface ComparisonOptions {
  readonly systems: readonly System[]
  readonly workloads: readonly Workload[]
  readonly rounds: number
  readonly durationMs: number
  readonly warmUpMs: number
  /** How long every system serves a mix of reads and writes after its start before anything is measured, shared by the ways to reach it. */
  readonly runInMs: number
  readonly keyCount: number
  readonly valueBytes: number
  readonly timeoutMs: number
  /** Must exist; every start gets an empty directory in it, removed afterwards. */
  readonly directory: string
  readonly clock: Clock
  readonly onSample: (sample: Sample) => void
  readonly onStart: (round: number, system: System) => void
}

/** Leaves the kernel a moment to write back what the last system left behind. */
const SETTLE_MS = 1000
const KEY_PREFIX = 'bench'
const DISTRIBUTION: KeyDistribution = 'uniform'
const RUN_IN_LANES = 64
const RUN_IN_ACCESSES: readonly Access[] = ['http', 'http-leaders', 'native']

/** Rejects when a system cannot be started or dies; a comparison with a hole in it would be misread. */
export async function runComparison(options: ComparisonOptions): Promise<Sample[]> {
  const samples: Sample[] = []
  for (let round = 0; round < options.rounds; round++) {
    for (const system of rotated(options.systems, round)) {
      options.onStart(round, system)
      samples.push(...(await runSystem(system, round, options)))
    }
  }
  return samples
}

export function rotated<T>(items: readonly T[], by: number): T[] {
  const start = items.length === 0 ? 0 : by % items.length
  return [...items.slice(start), ...items.slice(0, start)]
}

async function runSystem(system: System, round: number, options: ComparisonOptions): Promise<Sample[]> {
  const directory = join(options.directory, `round-${round + 1}-${system.name}`)
  mkdirSync(directory)
  const running = await system.start(directory)
  const samples: Sample[] = []
  try {
    // All accesses reach the same keys, so one memory judges them all.
    const data = createDataSet(options.keyCount, KEY_PREFIX, 'spread', options.valueBytes, round + 1)
    await preloadKeys(running, data, options)
    if (options.runInMs > 0) await runIn(running, data, round, options)
    for (const workload of options.workloads) {
      const target = running.target(workload.access)
      if (target === undefined) continue
      const shape = { ...workload, ...options, distribution: DISTRIBUTION, seed: seedOf(round) }
      const measurement = await measure(target, data, shape, running, options.clock)
      const sample = { round, system: system.name, workload: workload.name, measurement }
      samples.push(sample)
      options.onSample(sample)
    }
  } finally {
    await running.stop()
    rmSync(directory, { recursive: true, force: true })
  }
  await sleep(SETTLE_MS)
  return samples
}

/**
 * A server that will run for months is not judged by its first seconds, in which code is still compiled, caches are empty and files are
 * small; and the workload that happens to be measured first must not pay for all that.
 */
async function runIn(running: RunningSystem, data: DataSet, round: number, options: ComparisonOptions): Promise<void> {
  const targets = RUN_IN_ACCESSES.map((access) => running.target(access)).filter((target) => target !== undefined)
  const shape = { lanes: RUN_IN_LANES, readRatio: 0.5, distribution: DISTRIBUTION, seed: seedOf(round) }
  for (const target of targets) {
    const durationMs = options.runInMs / targets.length
    await measure(target, data, { ...shape, ...options, warmUpMs: 0, durationMs }, running, options.clock)
  }
}

/** The same keys in the same order for every system of a round, others in the next. */
function seedOf(round: number): number {
  return round * 2 + 1
}

async function preloadKeys(running: RunningSystem, data: DataSet, options: ComparisonOptions): Promise<void> {
  const accesses: readonly Access[] = ['http', 'native']
  const target = accesses.map((access) => running.target(access)).find((candidate) => candidate !== undefined)
  assert(target !== undefined, 'a system without any access')
  const loaded = await preload(target, data, options.timeoutMs, options.clock)
  if (loaded.operations < options.keyCount) {
    throw new OperatingError(
      `only ${loaded.operations} of ${options.keyCount} keys preloaded: ${JSON.stringify(loaded.errors)}`,
    )
  }
}
