/** `bench compare`: finds what is installed, runs the rounds, prints and judges. The composition root of a comparison. */
import { writeFileSync } from 'node:fs'
import type { Clock } from '../../src/base/index.ts'
import { violationsText } from '../run/index.ts'
import {
  type ChildProcesses,
  EtcdSystem,
  FlotillaSystem,
  JetStreamSystem,
  type System,
  withServersAndData,
} from '../systems/index.ts'
import { runComparison } from './comparison.ts'
import { medianRows, type Ratio, ratios, type Sample } from './judge.ts'
import { machineFacts } from './machine.ts'
import { describeMachine, medianTable, ratioTable } from './table.ts'
import { RATIO_RULES, WORKLOADS, type Workload } from './workloads.ts'

export interface CompareOptions {
  readonly rounds: number
  readonly durationMs: number
  readonly warmUpMs: number
  readonly runInMs: number
  readonly keyCount: number
  readonly valueBytes: number
  /** Undefined is all that are installed. */
  readonly systems: readonly string[] | undefined
  /** Undefined is all. */
  readonly workloads: readonly string[] | undefined
  readonly directory: string
  readonly jsonFile: string | undefined
  /** Whether a missed bound is exit code 1. */
  readonly enforce: boolean
  /** What was typed, for the record. */
  readonly command: string
}

const TIMEOUT_MS = 10_000
const NOTES = [
  'Every system runs alone, with three members on loopback and fresh data on the same disk in each round; the order rotates.',
  'After its start every system serves the same mix of puts and gets for the time of --run-in before anything is measured.',
  'Flotilla and etcd acknowledge a write when a quorum has fsynced it. JetStream acknowledges from memory and syncs every',
  'two minutes. Ratios are taken within each round; the median of them is judged.',
]

/** Answers the exit code: 0, or 1 when Flotilla returned a wrong value or, with `enforce`, a bound was missed. */
export async function compareCommand(
  options: CompareOptions,
  clock: Clock,
  print: (line: string) => void,
): Promise<number> {
  return await withServersAndData(options.directory, async (children, directory) => {
    const systems = installedSystems(children, options, print)
    const workloads = WORKLOADS.filter((workload) => options.workloads?.includes(workload.name) ?? true)
    if (systems.length === 0) return 1
    const machine = await machineFacts(directory, clock.wallMs())
    const versions = await Promise.all(systems.map((system) => system.version()))
    for (const line of describeMachine(machine, versions, options.command)) print(line)
    const samples = await runComparison({
      ...options,
      systems,
      workloads,
      timeoutMs: TIMEOUT_MS,
      directory,
      clock,
      onStart: (round, system) => print(`round ${round + 1} of ${options.rounds}: ${system.name}`),
      onSample: (sample) => print(sampleLine(sample, workloads)),
    })
    const judged = ratios(samples, RATIO_RULES)
    printTables(samples, judged, workloads, print)
    if (options.jsonFile !== undefined) {
      const rows = medianRows(
        samples,
        workloads.map((workload) => workload.name),
      )
      const report = { machine, versions, options, medians: rows, ratios: judged, samples }
      writeFileSync(options.jsonFile, `${JSON.stringify(report, undefined, 2)}\n`)
    }
    return exitCode(samples, judged, options.enforce)
  })
}

function installedSystems(
  children: ChildProcesses,
  options: CompareOptions,
  print: (line: string) => void,
): readonly System[] {
  const all = [new FlotillaSystem(children), new EtcdSystem(children), new JetStreamSystem(children)]
  const wanted = all.filter((system) => options.systems?.includes(system.name) ?? true)
  return wanted.filter((system) => {
    const missing = system.missing()
    if (missing !== undefined) print(`skipping ${system.name}: ${missing}`)
    return missing === undefined
  })
}

function sampleLine(sample: Sample, workloads: readonly Workload[]): string {
  const title = workloads.find((workload) => workload.name === sample.workload)?.title ?? sample.workload
  const { load } = sample.measurement
  const errors = load.errorCount === 0 ? '' : `, ${load.errorCount} errors`
  const wrong = load.violationCount === 0 ? '' : `, ${violationsText(load)}`
  return `  ${title.padEnd(20)} ${Math.round(load.operationsPerSecond)} ops/s, p50 ${load.latency.p50Ms.toFixed(3)} ms${errors}${wrong}`
}

function printTables(
  samples: readonly Sample[],
  judged: readonly Ratio[],
  workloads: readonly Workload[],
  print: (line: string) => void,
): void {
  const names = workloads.map((workload) => workload.name)
  print('')
  for (const line of medianTable(medianRows(samples, names), workloads)) print(line)
  if (judged.length > 0) print('')
  if (judged.length > 0) for (const line of ratioTable(judged, workloads)) print(line)
  print('')
  for (const line of NOTES) print(line)
}

function exitCode(samples: readonly Sample[], judged: readonly Ratio[], enforce: boolean): number {
  const own = samples.filter((sample) => sample.system === 'flotilla')
  if (own.some((sample) => sample.measurement.load.violationCount > 0)) return 1
  return enforce && judged.some((ratio) => ratio.passed === false) ? 1 : 0
}
