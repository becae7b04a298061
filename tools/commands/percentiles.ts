/** Latencies as commands show them: collected whole, because a command measures thousands and not millions. */
import type { Column } from '../cli/index.ts'

export interface Latencies {
  readonly minMs: number | null
  readonly avgMs: number | null
  readonly p50Ms: number | null
  readonly p90Ms: number | null
  readonly p99Ms: number | null
  readonly maxMs: number | null
}

const NOTHING: Latencies = { minMs: null, avgMs: null, p50Ms: null, p90Ms: null, p99Ms: null, maxMs: null }

/** Nulls where nothing was measured. A percentile is the smallest sample that so many are not above (nearest rank). */
export function latenciesOf(samplesMs: readonly number[]): Latencies {
  const sorted = [...samplesMs].sort((left, right) => left - right)
  const [first] = sorted
  if (first === undefined) return NOTHING
  const rank = (fraction: number): number => rounded(sorted[Math.ceil(fraction * sorted.length) - 1] ?? first)
  return {
    minMs: rounded(first),
    avgMs: rounded(sorted.reduce((sum, sample) => sum + sample, 0) / sorted.length),
    p50Ms: rank(0.5),
    p90Ms: rank(0.9),
    p99Ms: rank(0.99),
    maxMs: rank(1),
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

/** Columns in milliseconds for those of `names`. */
export function latencyColumns<Item extends Latencies>(names: readonly (keyof Latencies)[]): readonly Column<Item>[] {
  return names.map((name) => ({
    name,
    title: name.replace(/Ms$/, ' ms'),
    value: (item) => item[name],
    show: (item) => item[name]?.toFixed(2) ?? '-',
    align: 'right',
  }))
}
