/** What an overloaded cluster must still do, as bounds on figures. Pure. */
import type { LoadResult } from '../load/index.ts'

export interface OverloadFigures {
  /** As fast as answers come, with few enough connections that nobody queues for long. */
  readonly peak: LoadResult
  readonly overload: LoadResult
  /** Half of the peak, from one second after the overload on. */
  readonly after: LoadResult
  /** Resident bytes of all stores together, one sample a second while overloaded; empty where the system does not tell. */
  readonly residentBytes: readonly number[]
}

export interface Verdict {
  readonly what: string
  readonly passed: boolean
}

const GOODPUT_MIN = 0.8
/** Somebody who is refused is told so before this. */
const REFUSAL_P99_MS_MAX = 500
const ACCEPTED_P99_MS_MAX = 1000
/** Between the first and the second half of the overload; what a heap does between two collections is less. */
const MEMORY_GROWTH_MAX = 1.15

export function verdicts({ peak, overload, after, residentBytes }: OverloadFigures): Verdict[] {
  const goodput = peak.operationsPerSecond === 0 ? 0 : overload.operationsPerSecond / peak.operationsPerSecond
  const refusals = overload.failureLatency
  const accepted = overload.serviceLatency
  const strange = Object.keys(overload.errors).filter((code) => code !== 'OVERLOADED')
  const growth = growthOf(residentBytes)
  const lost = after.errorCount
  return [
    {
      what: `goodput ${(goodput * 100).toFixed(0)} % of the peak (at least ${GOODPUT_MIN * 100} %)`,
      passed: goodput >= GOODPUT_MIN,
    },
    {
      what: `accepted requests: p99 ${accepted.p99Ms.toFixed(1)} ms (at most ${ACCEPTED_P99_MS_MAX})`,
      passed: accepted.count > 0 && accepted.p99Ms <= ACCEPTED_P99_MS_MAX,
    },
    {
      what: `refused requests: ${refusals.count}, p99 ${refusals.p99Ms.toFixed(1)} ms (at most ${REFUSAL_P99_MS_MAX})`,
      passed: refusals.p99Ms <= REFUSAL_P99_MS_MAX,
    },
    {
      what: strange.length === 0 ? 'every failure was a refusal' : `failures beside refusals: ${strange.join(', ')}`,
      passed: strange.length === 0,
    },
    growth === undefined
      ? { what: 'memory: not known on this system', passed: true }
      : {
          what: `memory: ${((growth - 1) * 100).toFixed(0)} % more in the second half (at most ${((MEMORY_GROWTH_MAX - 1) * 100).toFixed(0)} %)`,
          passed: growth <= MEMORY_GROWTH_MAX,
        },
    {
      what: `one second after: ${lost} failures, p99 ${after.latency.p99Ms.toFixed(1)} ms (none, at most ${ACCEPTED_P99_MS_MAX})`,
      passed: lost === 0 && after.operations > 0 && after.latency.p99Ms <= ACCEPTED_P99_MS_MAX,
    },
  ]
}

/** The median of the second half over that of the first, from which the first seconds are left out. */
function growthOf(samples: readonly number[]): number | undefined {
  const settled = samples.slice(Math.floor(samples.length / 6))
  const middle = Math.floor(settled.length / 2)
  const before = median(settled.slice(0, middle))
  const since = median(settled.slice(middle))
  return before === undefined || since === undefined ? undefined : since / before
}

function median(samples: readonly number[]): number | undefined {
  return [...samples].sort((left, right) => left - right)[Math.floor(samples.length / 2)]
}
