/**
 * How long rounds of planning take, and what of that is the planners': the processor's work of each round, scheduler by scheduler, and beside it the
 * pauses in which the process collected garbage meanwhile. The simulated cluster and all that is remembered of it lie in the same heap, so a
 * pause is mostly not the planners' doing; it is told, and not hidden. Measures with the stopwatches that it is given.
 */
import type { PlanWatch, SchedulerName } from '../../shard-map/index.ts'

export interface Stopwatches {
  /** Milliseconds on some clock. */
  readonly stopwatch: () => number
  /** Milliseconds of the processor's work for this process, on all its threads: compiling and collecting go on beside the planning. */
  readonly cpuMs: () => number
  /** The same of the thread that plans alone. */
  readonly threadMs: () => number
}

export interface RoundTime {
  readonly round: number
  /** On the stopwatch. */
  readonly fromMs: number
  readonly ms: number
  readonly cpuMs: number
  readonly threadMs: number
  /** Of the planning thread's. */
  readonly bySchedulerMs: Readonly<Partial<Record<SchedulerName, number>>>
}

/** A collection, on the same stopwatch. */
export interface Pause {
  readonly fromMs: number
  readonly ms: number
}

export interface Distribution {
  readonly mean: number
  readonly p99: number
  readonly max: number
}

export interface RoundSummary {
  readonly wallMs: Distribution
  readonly cpuMs: Distribution
  readonly threadMs: Distribution
  /** What of a round was a pause. */
  readonly pauseMs: Distribution
  /** The planning thread's work less the pauses. */
  readonly planningMs: Distribution
  /** The longest by planning, the longest first. */
  readonly longest: readonly (RoundTime & { readonly pauseMs: number })[]
}

const LONGEST = 5

export class RoundTimer {
  readonly times: RoundTime[] = []
  readonly #watches: Stopwatches

  constructor(watches: Stopwatches) {
    this.#watches = watches
  }

  measure<T>(round: number, plan: (watch: PlanWatch) => T): T {
    const { stopwatch, cpuMs, threadMs } = this.#watches
    const bySchedulerMs: Partial<Record<SchedulerName, number>> = {}
    const fromMs = stopwatch()
    const cpuFromMs = cpuMs()
    const threadFromMs = threadMs()
    let last = threadFromMs
    const planned = plan((scheduler) => {
      const now = threadMs()
      bySchedulerMs[scheduler] = now - last
      last = now
    })
    const times = { ms: stopwatch() - fromMs, cpuMs: cpuMs() - cpuFromMs, threadMs: threadMs() - threadFromMs }
    this.times.push({ round, fromMs, ...times, bySchedulerMs })
    return planned
  }
}

/** Both in the order of time. */
export function summarize(times: readonly RoundTime[], pauses: readonly Pause[]): RoundSummary {
  let next = 0
  const rounds = times.map((time) => {
    const untilMs = time.fromMs + time.ms
    let pauseMs = 0
    for (; next < pauses.length; next++) {
      const { fromMs, ms } = pauses[next] as Pause
      if (fromMs >= untilMs) break
      pauseMs += Math.max(0, Math.min(untilMs, fromMs + ms) - Math.max(time.fromMs, fromMs))
    }
    return { ...time, pauseMs, planningMs: Math.max(0, time.threadMs - pauseMs) }
  })
  return {
    wallMs: distribution(rounds.map(({ ms }) => ms)),
    cpuMs: distribution(rounds.map(({ cpuMs }) => cpuMs)),
    threadMs: distribution(rounds.map(({ threadMs }) => threadMs)),
    pauseMs: distribution(rounds.map(({ pauseMs }) => pauseMs)),
    planningMs: distribution(rounds.map(({ planningMs }) => planningMs)),
    longest: [...rounds].sort((a, b) => b.planningMs - a.planningMs).slice(0, LONGEST),
  }
}

function distribution(times: readonly number[]): Distribution {
  const ascending = [...times].sort((a, b) => a - b)
  return {
    mean: times.reduce((a, b) => a + b, 0) / Math.max(1, times.length),
    p99: ascending[Math.floor(times.length * 0.99)] ?? 0,
    max: ascending.at(-1) ?? 0,
  }
}
