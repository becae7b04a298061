/** Figures over calls: how many, how much, how fast, per type and receiver. Pure. */
import type { Call } from './call.ts'

export interface CallFigures {
  readonly type: string
  readonly to: string
  readonly heartbeat: boolean
  readonly calls: number
  readonly errors: number
  readonly entries: number
  readonly bytes: number
  /** Of those that were answered; null where none was. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number } | null
}

export interface CallStats {
  readonly calls: number
  readonly errors: number
  /** What the ring holds and can hold, and what found no room on its way there. */
  readonly ring: { readonly rows: number; readonly rowsMax: number; readonly dropped: number }
  readonly figures: readonly CallFigures[]
}

interface Sums {
  readonly type: string
  readonly to: string
  readonly heartbeat: boolean
  calls: number
  errors: number
  entries: number
  bytes: number
  readonly latencies: number[]
}

export class StatsBuilder {
  readonly #sums = new Map<string, Sums>()

  add({ type, to, heartbeat, error, entries, bytes, latencyMs }: Call): void {
    const key = `${type} ${heartbeat} ${to}`
    let sums = this.#sums.get(key)
    if (sums === undefined) {
      sums = { type, to, heartbeat, calls: 0, errors: 0, entries: 0, bytes: 0, latencies: [] }
      this.#sums.set(key, sums)
    }
    sums.calls++
    if (error !== null) sums.errors++
    sums.entries += entries
    sums.bytes += bytes
    if (latencyMs !== null) sums.latencies.push(latencyMs)
  }

  finish(ring: CallStats['ring']): CallStats {
    const all = [...this.#sums.values()]
    return {
      calls: all.reduce((total, { calls }) => total + calls, 0),
      errors: all.reduce((total, { errors }) => total + errors, 0),
      ring,
      figures: all
        .map(({ latencies, ...sums }) => ({ ...sums, latencyMs: quantiles(latencies) }))
        .sort((left, right) => right.calls - left.calls),
    }
  }
}

function quantiles(values: number[]): CallFigures['latencyMs'] {
  if (values.length === 0) return null
  const sorted = Float64Array.from(values).sort()
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) }
}
