/**
 * What part of the heat map a link shows, as times and keys: steps and rows are others as soon as the map has grown. Spells and reads links, draws nothing.
 */
import type { Cell, HeatGrid, Window } from './heat.ts'
import { compareKeys, percentBytes } from './keys.ts'

type Query = Readonly<Record<string, string | undefined>>

/** `from`, `to` (ISO 8601), `start` and `end` (percent-encoded keys); what reaches to an end of the map is left out. */
export function windowQuery(grid: HeatGrid, window: Window | undefined): Query {
  if (window === undefined || grid.isEmpty) return {}
  const { whole } = grid
  return {
    from: window.fromStep === whole.fromStep ? undefined : timeText(grid, window.fromStep),
    to: window.toStep === whole.toStep ? undefined : timeText(grid, window.toStep),
    start: grid.start(window.fromRow),
    end: window.toRow === whole.toRow ? undefined : (grid.end(window.toRow - 1) ?? undefined),
  }
}

/** `at`, and the first key of the cell under `key`. */
export function cellQuery(grid: HeatGrid, cell: Cell | undefined): Query {
  if (cell === undefined || grid.isEmpty) return {}
  return { at: timeText(grid, cell.step), key: grid.start(cell.row) }
}

/** Undefined: the link names no part. Gone: what it names is older than the map. */
export function windowOf(grid: HeatGrid, query: URLSearchParams): Window | 'gone' | undefined {
  if (!['from', 'to', 'start', 'end'].some((name) => query.has(name)) || grid.isEmpty) return undefined
  const { whole } = grid
  const from = stepOf(grid, query.get('from'))
  const to = stepOf(grid, query.get('to'))
  const window = {
    fromStep: from === undefined ? whole.fromStep : Math.max(whole.fromStep, Math.floor(from)),
    toStep: to === undefined ? whole.toStep : Math.min(whole.toStep, Math.ceil(to)),
    fromRow: rowOf(grid, query.get('start')) ?? whole.fromRow,
    toRow: endRowOf(grid, query.get('end')) ?? whole.toRow,
  }
  return window.fromStep < window.toStep && window.fromRow < window.toRow ? window : 'gone'
}

export function cellOf(grid: HeatGrid, query: URLSearchParams): Cell | undefined {
  const at = stepOf(grid, query.get('at'))
  if (at === undefined || grid.isEmpty) return undefined
  const step = Math.floor(at)
  if (step < 0 || step >= grid.steps) return undefined
  return { step, row: rowOf(grid, query.get('key')) ?? 0 }
}

function timeText(grid: HeatGrid, step: number): string {
  return new Date(grid.stepMs(step)).toISOString()
}

/** Not whole where the time lies within a step. */
function stepOf(grid: HeatGrid, text: string | null): number | undefined {
  const timeMs = text === null ? Number.NaN : Date.parse(text)
  return Number.isNaN(timeMs) ? undefined : (timeMs - grid.stepMs(0)) / (grid.stepMs(1) - grid.stepMs(0))
}

/** The row that holds the key. */
function rowOf(grid: HeatGrid, text: string | null): number | undefined {
  const after = firstRow(grid, text, (order) => order > 0)
  return after === undefined ? undefined : Math.max(0, after - 1)
}

/** The first row that begins at the key or above it. */
function endRowOf(grid: HeatGrid, text: string | null): number | undefined {
  return firstRow(grid, text, (order) => order >= 0)
}

function firstRow(grid: HeatGrid, text: string | null, isFound: (order: number) => boolean): number | undefined {
  const key = text === null ? undefined : percentBytes(text)
  if (key === undefined) return undefined
  for (let row = 0; row < grid.rows; row++) {
    const start = percentBytes(grid.start(row))
    if (start !== undefined && isFound(compareKeys(start, key))) return row
  }
  return grid.rows
}
