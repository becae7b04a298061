/**
 * Figures of the last minutes, as this page saw them, for small curves. Kept while the page is open; the gateway keeps no such history.
 */

export interface Reading {
  readonly atMs: number
  readonly value: number
}

const KEPT_MS = 10 * 60_000

export class Readings {
  readonly #series = new Map<string, Reading[]>()

  add(name: string, atMs: number, value: number): void {
    const series = this.#series.get(name) ?? []
    series.push({ atMs, value })
    while ((series[0]?.atMs ?? atMs) < atMs - KEPT_MS) series.shift()
    this.#series.set(name, series)
  }

  of(name: string): readonly Reading[] {
    return this.#series.get(name) ?? []
  }
}
