/**
 * `bench overload`: starts three stores and a broker, finds their peak, asks for several times that in an open loop, then for half of it. The composition
 * root of that measurement.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import type { Clock, Timer } from '../../src/base/index.ts'
import { OperatingError } from '../operating-error.ts'
import { createDataSet, type DataSet, type LoadShape, type Measurement, measure, violationsText } from '../run/index.ts'
import { FlotillaSystem, type RunningSystem, withServersAndData } from '../systems/index.ts'
import { verdicts } from './judge.ts'

export interface OverloadOptions {
  /** How many times the peak is asked for. */
  readonly factor: number
  readonly durationMs: number
  readonly peakConnections: number
  /** In an open loop over HTTP no more can be asked at a time. */
  readonly connections: number
  readonly readRatio: number
  readonly keyCount: number
  readonly valueBytes: number
  readonly directory: string
  readonly jsonFile: string | undefined
  /** Whether a missed bound is exit code 1. */
  readonly enforce: boolean
}

const PEAK_MS = 10_000
const PEAK_WARM_UP_MS = 5_000
const RECOVERY_MS = 1_000
const AFTER_MS = 5_000
const AFTER_SHARE = 0.5
const TIMEOUT_MS = 10_000
const SAMPLE_MS = 1_000
const PAGE_BYTES = 4096

/** Answers the exit code: 0, or 1 when a read was wrong or, with `enforce`, a bound was missed. */
export async function overloadCommand(
  options: OverloadOptions,
  clock: Clock,
  print: (line: string) => void,
): Promise<number> {
  return await withServersAndData(options.directory, async (children, directory) => {
    const system = new FlotillaSystem(children)
    const missing = system.missing()
    if (missing !== undefined) throw new OperatingError(missing)
    const running = await system.start(directory)
    try {
      return await overload(running, options, clock, print)
    } finally {
      await running.stop()
    }
  })
}

async function overload(
  running: RunningSystem,
  options: OverloadOptions,
  clock: Clock,
  print: (line: string) => void,
): Promise<number> {
  const data = createDataSet(options.keyCount, 'bench', 'spread', options.valueBytes, 1)
  const phase = (name: string, shape: PhaseShape): Promise<Measurement> =>
    loadPhase(name, running, data, { ...shape, readRatio: options.readRatio }, clock, print)
  const peak = await phase('peak', {
    lanes: options.peakConnections,
    warmUpMs: PEAK_WARM_UP_MS,
    durationMs: PEAK_MS,
    seed: 1,
  })
  const peakRate = peak.load.operationsPerSecond
  if (peakRate === 0) throw new OperatingError(`nothing succeeded: ${JSON.stringify(peak.load.errors)}`)
  const memory = new MemorySampler(running.pids, clock)
  const lanes = options.connections
  const over = await phase(`${options.factor} x peak`, {
    lanes,
    warmUpMs: 0,
    durationMs: options.durationMs,
    ratePerSecond: peakRate * options.factor,
    seed: 2,
  })
  memory.stop()
  const after = await phase('after', {
    lanes,
    warmUpMs: RECOVERY_MS,
    durationMs: AFTER_MS,
    ratePerSecond: peakRate * AFTER_SHARE,
    seed: 3,
  })
  const figures = {
    peak: peak.load,
    overload: over.load,
    after: after.load,
    residentBytes: memory.samples,
  }
  if (memory.samples.length > 0) {
    const mebibytes = memory.samples.map((bytes) => Math.round(bytes / 1024 / 1024))
    print(`memory       ${mebibytes.join(' ')} MiB, all servers, each second`)
  }
  const judged = verdicts(figures)
  for (const { what, passed } of judged) print(`${(passed ? 'ok' : 'MISSED').padEnd(6)}  ${what}`)
  if (options.jsonFile !== undefined) {
    writeFileSync(options.jsonFile, `${JSON.stringify({ options, ...figures, verdicts: judged }, undefined, 2)}\n`)
  }
  const isWrong = [peak, over, after].some(({ load }) => load.violationCount > 0)
  return isWrong || (options.enforce && judged.some(({ passed }) => !passed)) ? 1 : 0
}

type PhaseShape = Pick<LoadShape, 'lanes' | 'warmUpMs' | 'durationMs' | 'ratePerSecond' | 'seed'>

async function loadPhase(
  name: string,
  running: RunningSystem,
  data: DataSet,
  shape: PhaseShape & { readonly readRatio: number },
  clock: Clock,
  print: (line: string) => void,
): Promise<Measurement> {
  const target = running.target('http')
  if (target === undefined) throw new OperatingError('this system has no HTTP')
  const full = { ...shape, distribution: 'uniform' as const, timeoutMs: TIMEOUT_MS }
  const measurement = await measure(target, data, full, running, clock)
  const { load } = measurement
  const asked = (load.operations + load.errorCount) / load.seconds
  print(
    `${name.padEnd(12)} ${Math.round(load.operationsPerSecond)} operations/s of ${Math.round(asked)} asked, ` +
      `p50 ${load.serviceLatency.p50Ms.toFixed(1)} p99 ${load.serviceLatency.p99Ms.toFixed(1)} ms`,
  )
  if (shape.ratePerSecond !== undefined && load.unstarted > 0)
    print(`             ${load.unstarted} more were due and found all ${shape.lanes} connections busy`)
  for (const [code, count] of Object.entries(load.errors)) print(`             ${count} x ${code}`)
  if (load.violationCount > 0) print(`             ${violationsText(load)}`)
  return measurement
}

/** Resident memory of processes together, from `/proc`. */
class MemorySampler {
  readonly samples: number[] = []
  readonly #pids: readonly number[]
  readonly #clock: Clock
  #timer: Timer | undefined

  constructor(pids: readonly number[], clock: Clock) {
    this.#pids = pids
    this.#clock = clock
    this.#arm()
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #arm(): void {
    this.#timer = this.#clock.after(SAMPLE_MS, () => {
      const bytes = residentBytes(this.#pids)
      if (bytes === undefined) return
      this.samples.push(bytes)
      this.#arm()
    })
  }
}

function residentBytes(pids: readonly number[]): number | undefined {
  try {
    return pids.reduce((sum, pid) => {
      const [, pages] = readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')
      return sum + Number(pages) * PAGE_BYTES
    }, 0)
  } catch {
    // Not Linux, or a server has just died; the load's errors tell the latter.
    return undefined
  }
}
