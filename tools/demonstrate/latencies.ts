/** How long operations took, phase by phase: quantiles of everything between two moments. Keeps every number, since a demonstration lasts minutes. */
export interface Quantiles {
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export class Latencies {
  #samples: number[] = []

  note(tookMs: number): void {
    this.#samples.push(tookMs)
  }

  /** Of all since this was asked last. */
  take(): Quantiles {
    const sorted = this.#samples.sort((a, b) => a - b)
    this.#samples = []
    const at = (quantile: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? 0
    return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: sorted.at(-1) ?? 0 }
  }
}

export function quantilesText({ count, p50Ms, p99Ms, maxMs }: Quantiles): string {
  return `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, longest ${maxMs.toFixed(0)} ms (${count} operations)`
}
