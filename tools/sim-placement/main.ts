/**
 * `npm run sim:placement`: the planners on synthetic clusters, until
 * they rest. Prints what they did, against the least that could have been done, and how long a round of planning took. Exit code 1 when something
 * was moved a second time for the same reason, or planning did not come to rest; 2 for bad arguments.
 */
import { type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { cpuMs, threadStopwatch } from './processor-time.ts'
import { type RunReport, runScenario, type Spread } from './run.ts'
import { SCENARIO_NAMES, SCENARIOS } from './scenarios.ts'
import { type Distribution, type Pause, type RoundSummary, summarize } from './timing.ts'

const MiB = 1 << 20

const OPTIONS = {
  stores: { type: 'string', default: '50' },
  shards: { type: 'string', default: '5000' },
  scenario: { type: 'string', multiple: true },
  seed: { type: 'string', default: '1' },
  rounds: { type: 'string', default: '20000' },
  'operators-per-store': { type: 'string', default: '8' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const USAGE = `Usage: npm run sim:placement -- [options]

  --stores N                at least 15 (50)
  --shards N                1,000,000 take some minutes and 3 GiB (5000)
  --scenario NAME           may be repeated; all when absent: ${SCENARIO_NAMES.join(', ')}
  --seed N                  of everything drawn (1)
  --rounds N                of planning at most (20000)
  --operators-per-store N   at the same time (8)
  --json                    a line of JSON for each scenario

Exit codes: 0 all well, 1 something moved twice for one reason or did not come to rest, 2 usage.`

function readFlags(): ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'] | string {
  try {
    return parseArgs({ options: OPTIONS }).values
  } catch (error) {
    // Words that are no flags, or flags without their values: its message says which.
    return error instanceof TypeError ? error.message : String(error)
  }
}

async function main(): Promise<number> {
  const values = readFlags()
  if (typeof values === 'string') {
    console.error(`${values}\n\n${USAGE}`)
    return 2
  }
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  const numbers = {
    stores: Number(values.stores),
    shards: Number(values.shards),
    seed: Number(values.seed),
    roundsMax: Number(values.rounds),
    operatorsPerStore: Number(values['operators-per-store']),
  }
  const names = SCENARIO_NAMES.filter((name) => values.scenario === undefined || values.scenario.includes(name))
  const unknown = values.scenario?.filter((name) => !SCENARIO_NAMES.some((known) => known === name)) ?? []
  if (
    unknown.length > 0 ||
    !Object.values(numbers).every((number) => Number.isSafeInteger(number)) ||
    numbers.stores < 15 ||
    numbers.shards < 1
  ) {
    console.error(`arguments are whole numbers, at least 15 stores; scenarios are ${SCENARIO_NAMES.join(', ')}`)
    return 2
  }
  let isGood = true
  for (const name of names) {
    const stopwatches = { stopwatch: () => performance.now(), cpuMs, threadMs: threadStopwatch() ?? cpuMs }
    const pauses: Pause[] = []
    const note = (entries: readonly PerformanceEntry[]): void => {
      for (const { startTime, duration } of entries) pauses.push({ fromMs: startTime, ms: duration })
    }
    const observer = new PerformanceObserver((list) => note(list.getEntries()))
    observer.observe({ entryTypes: ['gc'] })
    const { report, times } = runScenario(SCENARIOS[name], { ...numbers, ...stopwatches })
    // What was collected during the run is told only when it gives way.
    await setImmediate()
    await setImmediate()
    observer.disconnect()
    const rounds = summarize(times, pauses)
    if (values.json) console.log(JSON.stringify({ ...numbers, ...report, rounds, rssBytes: process.memoryUsage().rss }))
    else print(report, rounds, SCENARIOS[name].says)
    isGood &&= report.movedAgain.length === 0 && report.isQuiet
  }
  return isGood ? 0 : 1
}

function print(report: RunReport, rounds: RoundSummary, says: string): void {
  const ratio = report.movesMin > 0 ? `${(report.moves / report.movesMin).toFixed(2)} times the least` : 'none needed'
  const schedulers = Object.entries(report.byScheduler).map(([name, count]) => `${name} ${count}`)
  console.log(`\n${report.scenario}: ${says}`)
  console.log(
    `  ${report.isQuiet ? 'at rest' : 'NOT at rest'} after ${report.rounds} rounds; operators: ${schedulers.join(', ') || 'none'}`,
  )
  console.log(
    `  replica moves ${report.moves}, lower bound ${report.movesMin} (${ratio}); transfers ${report.transfers}, splits ${report.splits}, merges ${report.merges}`,
  )
  console.log(
    `  moved a second time for the same reason: ${report.movedAgain.length}${report.movedAgain
      .slice(0, 3)
      .map((what) => `\n    ${what}`)
      .join('')}`,
  )
  console.log(
    `  spread: replicas ${text(report.replicas)}, MiB ${text(report.bytes, MiB)}, leaders ${text(report.leaders)}, requests/s ${text(report.ops)}`,
  )
  const { outside } = report
  console.log(
    `  stores beyond the tolerance: ${outside.replicas} by replicas, ${outside.bytes} by bytes, ${outside.leaders} by leaders; hot: ${report.hot}`,
  )
  console.log(`  planning thread in a round, processor time without pauses: ${ms(rounds.planningMs)}`)
  console.log(`    with pauses: ${ms(rounds.threadMs)}; pauses: ${ms(rounds.pauseMs)}`)
  console.log(`    all threads of the process: ${ms(rounds.cpuMs)}; by the clock: ${ms(rounds.wallMs)}`)
  for (const { round, cpuMs, threadMs, pauseMs, bySchedulerMs } of rounds.longest) {
    const most = Object.entries(bySchedulerMs)
      .sort(([, a], [, b]) => b - a)
      .slice(0, 3)
      .map(([name, taken]) => `${name} ${taken.toFixed(1)}`)
    console.log(
      `    round ${round}: ${threadMs.toFixed(1)} ms, pauses ${pauseMs.toFixed(1)}, all threads ${cpuMs.toFixed(1)}, the most by ${most.join(', ')}`,
    )
  }
  console.log(`  built in ${Math.round(report.buildMs)} ms; memory ${Math.round(process.memoryUsage().rss / MiB)} MiB`)
}

function ms({ mean, p99, max }: Distribution): string {
  return `${mean.toFixed(1)} ms on average, p99 ${p99.toFixed(1)}, max ${max.toFixed(1)}`
}

function text({ min, mean, max }: Spread, unit = 1): string {
  return `${Math.round(min / unit)} to ${Math.round(max / unit)} (mean ${(mean / unit).toFixed(1)})`
}

process.exitCode = await main()
