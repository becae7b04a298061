/**
 * Latencies with a bounded relative error and without allocation per operation: buckets that double in width every 128 (the layout of
 * HdrHistogram). Records milliseconds, resolves 0.1 microseconds, keeps 7 bits of precision: a reported percentile is off by less than 0.8 %.
 */
import { assert } from '../../src/base/index.ts'

const UNITS_PER_MS = 10_000
const PRECISION_BITS = 7
const SUB_BUCKETS = 1 << PRECISION_BITS
/** Units fit 31 bits: 214 seconds, beyond any request timeout the driver accepts; longer ones are counted there. */
const UNITS_MAX = 2 ** 31 - 1
const BUCKETS = (31 - PRECISION_BITS + 1) * SUB_BUCKETS

export interface LatencySummary {
  readonly count: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
}

export class LatencyRecorder {
  readonly #counts = new Float64Array(BUCKETS)
  #count = 0
  #sumMs = 0
  #maxMs = 0

  get count(): number {
    return this.#count
  }

  record(latencyMs: number): void {
    // Clocks are monotonic, but rounding of two readings may leave a trace below zero.
    const ms = Math.max(latencyMs, 0)
    const bucket = bucketOf(Math.min(Math.round(ms * UNITS_PER_MS), UNITS_MAX))
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#count++
    this.#sumMs += ms
    if (ms > this.#maxMs) this.#maxMs = ms
  }

  add(other: LatencyRecorder): void {
    for (let i = 0; i < BUCKETS; i++) this.#counts[i] = (this.#counts[i] as number) + (other.#counts[i] as number)
    this.#count += other.#count
    this.#sumMs += other.#sumMs
    if (other.#maxMs > this.#maxMs) this.#maxMs = other.#maxMs
  }

  /** The smallest latency that at least `fraction` of the operations did not exceed, in milliseconds; 0 when empty. */
  percentileMs(fraction: number): number {
    assert(fraction > 0 && fraction <= 1, `the fraction ${fraction} must lie in (0, 1]`)
    const target = Math.max(1, Math.ceil(fraction * this.#count))
    let seen = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket] as number
      if (seen >= target) return Math.min(middleOf(bucket) / UNITS_PER_MS, this.#maxMs)
    }
    return this.#maxMs
  }

  summary(): LatencySummary {
    return {
      count: this.#count,
      meanMs: this.#count === 0 ? 0 : this.#sumMs / this.#count,
      p50Ms: this.percentileMs(0.5),
      p90Ms: this.percentileMs(0.9),
      p99Ms: this.percentileMs(0.99),
      p999Ms: this.percentileMs(0.999),
      maxMs: this.#maxMs,
    }
  }
}

/** Values below 128 have a bucket each; from there every doubling is divided into 128 buckets. */
function bucketOf(units: number): number {
  if (units < SUB_BUCKETS) return units
  const shift = 31 - Math.clz32(units) - PRECISION_BITS
  return (shift + 1) * SUB_BUCKETS + ((units >>> shift) - SUB_BUCKETS)
}

function middleOf(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket
  const shift = Math.floor(bucket / SUB_BUCKETS) - 1
  const lowest = ((bucket % SUB_BUCKETS) + SUB_BUCKETS) * 2 ** shift
  return lowest + (2 ** shift - 1) / 2
}
