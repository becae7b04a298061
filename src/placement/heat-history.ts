import type { Key, Shard } from '../../shard-map/index.ts'
import type { LedPicture } from './liveness.ts'

/**
 * Which keys were busy when: the last hour, in steps of 15 seconds, as the placement driver's leader heard it. Within a busy shard the samples of its
 * keys say where the load was. Bounded in memory whatever the cluster; not replicated, so a new leader of group 1 begins with an empty one.
 */
export const HEAT_STEP_MS = 15_000
const STEPS_MAX = 240
/** Per step; neighbours that are not busy become one. */
const COLUMNS_MAX = 64
const BUCKETS_MAX = 128

/** A part of the key space, from `start` up to the next one's. */
interface Column {
  readonly start: Key
  reads: number
  writes: number
}

interface Step {
  readonly endMs: number
  readonly columns: readonly Column[]
}

/** Steps in order of time, each a row; buckets are named by their first keys. Times are on the wall clock, rates per second. */
export interface HeatMap {
  readonly fromMs: number
  readonly toMs: number
  readonly buckets: readonly Key[]
  readonly reads: readonly (readonly number[])[]
  readonly writes: readonly (readonly number[])[]
}

export class HeatHistory {
  readonly #steps: Step[] = []
  #dueMs = 0

  forgetAll(nowMs: number): void {
    this.#steps.length = 0
    this.#dueMs = nowMs + HEAT_STEP_MS
  }

  /** Called often; takes the picture when a step is over. `nowMs` measures, `wallMs` is for people. */
  note(shards: readonly Shard[], led: ReadonlyMap<number, LedPicture>, nowMs: number, wallMs: number): void {
    if (nowMs < this.#dueMs) return
    this.#dueMs = nowMs + HEAT_STEP_MS
    this.#steps.push({ endMs: wallMs, columns: joined(columnsOf(shards, led), COLUMNS_MAX) })
    if (this.#steps.length > STEPS_MAX) this.#steps.shift()
  }

  map(wallMs: number): HeatMap {
    const steps = this.#steps
    const first = steps[0]?.endMs ?? wallMs + HEAT_STEP_MS
    const buckets = bucketsOf(steps)
    const rows = steps.map(({ columns }) => rowOf(columns, buckets))
    return {
      fromMs: first - HEAT_STEP_MS,
      toMs: steps.at(-1)?.endMs ?? wallMs,
      buckets,
      reads: rows.map(({ reads }) => reads),
      writes: rows.map(({ writes }) => writes),
    }
  }
}

/** The whole key space, in order. Shards that are sampled are cut at their samples. */
function columnsOf(shards: readonly Shard[], led: ReadonlyMap<number, LedPicture>): Column[] {
  const columns: Column[] = []
  for (const { id, start } of shards) {
    const picture = led.get(id)
    const { readsPerSecond: reads = 0, writesPerSecond: writes = 0 } = picture?.load ?? {}
    const last = columns.at(-1)
    if (reads + writes === 0) {
      if (last === undefined || last.reads + last.writes > 0) columns.push({ start, reads: 0, writes: 0 })
      continue
    }
    const samples = picture?.samples ?? []
    const total = samples.reduce((sum, { hits }) => sum + hits, 0)
    if (total === 0) {
      columns.push({ start, reads, writes })
      continue
    }
    for (const [i, { key, hits }] of samples.entries()) {
      const share = hits / total
      columns.push({ start: i === 0 ? start : key, reads: reads * share, writes: writes * share })
    }
  }
  return columns
}

/**
 * At most `columnsMax` columns of the same total. Two neighbours that stay apart have together more than twice the average share, which bounds how many
 * there can be.
 */
function joined(columns: readonly Column[], columnsMax: number): Column[] {
  if (columns.length <= columnsMax) return [...columns]
  const total = columns.reduce((sum, { reads, writes }) => sum + reads + writes, 0)
  const shareMax = total / (columnsMax / 2 - 1)
  const parts: Column[] = []
  for (const { start, reads, writes } of columns) {
    const last = parts.at(-1)
    if (last === undefined || last.reads + last.writes + reads + writes > shareMax) parts.push({ start, reads, writes })
    else {
      last.reads += reads
      last.writes += writes
    }
  }
  return parts
}

/** Bounds that suit all steps together. */
function bucketsOf(steps: readonly Step[]): Key[] {
  const weights = new Map<Key, number>([['', 0]])
  for (const { columns } of steps) {
    for (const { start, reads, writes } of columns) weights.set(start, (weights.get(start) ?? 0) + reads + writes)
  }
  const all = [...weights].sort(([a], [b]) => (a < b ? -1 : 1))
  return joined(
    all.map(([start, weight]) => ({ start, reads: weight, writes: 0 })),
    BUCKETS_MAX,
  ).map(({ start }) => start)
}

/** One step's columns over the buckets; a column that reaches over several is spread evenly. */
function rowOf(columns: readonly Column[], buckets: readonly Key[]): { reads: number[]; writes: number[] } {
  const reads = new Array<number>(buckets.length).fill(0)
  const writes = new Array<number>(buckets.length).fill(0)
  let first = 0
  for (const [i, column] of columns.entries()) {
    const end = columns[i + 1]?.start
    while (first + 1 < buckets.length && (buckets[first + 1] as Key) <= column.start) first++
    let last = first
    while (last + 1 < buckets.length && (end === undefined || (buckets[last + 1] as Key) < end)) last++
    const width = last - first + 1
    for (let bucket = first; bucket <= last; bucket++) {
      reads[bucket] = (reads[bucket] ?? 0) + column.reads / width
      writes[bucket] = (writes[bucket] ?? 0) + column.writes / width
    }
  }
  return { reads: reads.map(rounded), writes: writes.map(rounded) }
}

function rounded(rate: number): number {
  return Math.round(rate * 10) / 10
}
