/**
 * The heat map as data: which cells there are, what part of them is in sight, how hot each is. Draws nothing.
 */
import type { Heatmap } from '../api/shapes.ts'

export type Heat = 'reads' | 'writes' | 'both'

/** A part of the map: steps of time and rows of keys, ends not included. */
export interface Window {
  readonly fromStep: number
  readonly toStep: number
  readonly fromRow: number
  readonly toRow: number
}

export interface Cell {
  readonly step: number
  readonly row: number
}

export class HeatGrid {
  readonly #map: Heatmap
  readonly steps: number
  readonly rows: number
  readonly #fromMs: number

  constructor(map: Heatmap) {
    this.#map = map
    this.steps = Math.min(map.reads.length, map.writes.length)
    // Where the last bucket is only the upper end, it has no row of its own.
    this.rows = Math.min(map.buckets.length, Math.max(0, ...map.reads.map((step) => step.length)))
    this.#fromMs = typeof map.from === 'number' ? map.from : Date.parse(map.from)
  }

  get whole(): Window {
    return { fromStep: 0, toStep: this.steps, fromRow: 0, toRow: this.rows }
  }

  get isEmpty(): boolean {
    return this.steps === 0 || this.rows === 0
  }

  /** Requests per second. */
  value(heat: Heat, { step, row }: Cell): number {
    const reads = this.#map.reads[step]?.[row] ?? 0
    const writes = this.#map.writes[step]?.[row] ?? 0
    return heat === 'reads' ? reads : heat === 'writes' ? writes : reads + writes
  }

  highest(heat: Heat, window: Window): number {
    let most = 0
    for (let step = window.fromStep; step < window.toStep; step++) {
      for (let row = window.fromRow; row < window.toRow; row++) most = Math.max(most, this.value(heat, { step, row }))
    }
    return most
  }

  /** Percent-encoded; the lowest key is the empty text. */
  start(row: number): string {
    return this.#map.buckets[row] ?? ''
  }

  end(row: number): string | null {
    return this.#map.buckets[row + 1] ?? null
  }

  /** When a step began. */
  stepMs(step: number): number {
    return this.#fromMs + step * this.#map.stepSeconds * 1000
  }
}

/** The larger, the more of the colours goes to what is a hundredth of the highest. */
const CONTRAST = 100

/** From 0 to 1; between linear and logarithmic, because hot ranges are a hundred times as busy as others and both should be seen. */
export function warmth(value: number, highest: number): number {
  return highest <= 0 ? 0 : Math.log1p((CONTRAST * value) / highest) / Math.log1p(CONTRAST)
}

/** Stays within the map when that has become smaller, and keeps at least one cell. */
export function clamped(window: Window, whole: Window): Window {
  const fromStep = clamp(window.fromStep, 0, Math.max(0, whole.toStep - 1))
  const fromRow = clamp(window.fromRow, 0, Math.max(0, whole.toRow - 1))
  return {
    fromStep,
    fromRow,
    toStep: clamp(window.toStep, Math.min(fromStep + 1, whole.toStep), whole.toStep),
    toRow: clamp(window.toRow, Math.min(fromRow + 1, whole.toRow), whole.toRow),
  }
}

/** Half as much around a cell. */
export function closer(window: Window, { step, row }: Cell, whole: Window): Window {
  const steps = Math.max(1, Math.floor((window.toStep - window.fromStep) / 2))
  const rows = Math.max(1, Math.floor((window.toRow - window.fromRow) / 2))
  const fromStep = clamp(step - Math.floor(steps / 2), 0, whole.toStep - steps)
  const fromRow = clamp(row - Math.floor(rows / 2), 0, whole.toRow - rows)
  return { fromStep, toStep: fromStep + steps, fromRow, toRow: fromRow + rows }
}

/** The part between two cells, both included. */
export function between(a: Cell, b: Cell): Window {
  return {
    fromStep: Math.min(a.step, b.step),
    toStep: Math.max(a.step, b.step) + 1,
    fromRow: Math.min(a.row, b.row),
    toRow: Math.max(a.row, b.row) + 1,
  }
}

function clamp(value: number, lowest: number, highest: number): number {
  return Math.max(lowest, Math.min(highest, value))
}
