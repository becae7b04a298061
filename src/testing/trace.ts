/**
 * The last things that happened, kept in a ring and put into words only when somebody asks, because most runs end well. Frames are kept as
 * bytes and read then.
 */
import type { Key } from '../../shard-map/index.ts'

export interface TraceLine {
  readonly timeUs: number
  readonly actor: string
  /** What it is about, where that is known: lines about other groups and keys can then be left out. */
  readonly groups: readonly number[] | undefined
  readonly keys: readonly Key[] | undefined
  readonly text: string
}

/** A line, or what makes lines of it when asked. */
export type TraceItem = TraceLine | (() => readonly TraceLine[])

export interface TraceFilter {
  readonly group?: number | undefined
  readonly keys?: readonly Key[] | undefined
  /** Virtual milliseconds. */
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
}

const RING_SIZE = 1 << 14

export class Trace {
  readonly #ring: (TraceItem | undefined)[] = new Array(RING_SIZE)
  #next = 0
  /** Where lines go as they happen, if anywhere. */
  readonly #live: ((line: TraceLine) => void) | undefined

  constructor(live: ((line: TraceLine) => void) | undefined) {
    this.#live = live
  }

  add(item: TraceItem): void {
    this.#ring[this.#next++ % RING_SIZE] = item
    if (this.#live === undefined) return
    for (const line of typeof item === 'function' ? item() : [item]) this.#live(line)
  }

  /** At most `linesMax` of the last lines, oldest first, without those that are certainly about something else. */
  last(linesMax: number, filter: TraceFilter): TraceLine[] {
    const lines: TraceLine[] = []
    for (let back = 1; back <= Math.min(RING_SIZE, this.#next) && lines.length < linesMax; back++) {
      const item = this.#ring[(this.#next - back) % RING_SIZE]
      if (item === undefined) continue
      const expanded = typeof item === 'function' ? item() : [item]
      for (const line of [...expanded].reverse()) if (concerns(line, filter)) lines.push(line)
    }
    return lines.slice(0, linesMax).reverse()
  }
}

/** Not certainly about something else, or from another time. */
export function concerns(line: TraceLine, { group, keys, fromMs, toMs }: TraceFilter): boolean {
  if (fromMs !== undefined && line.timeUs < fromMs * 1000) return false
  if (toMs !== undefined && line.timeUs > toMs * 1000) return false
  if (group !== undefined && line.groups !== undefined && !line.groups.includes(group)) return false
  if (keys !== undefined && line.keys !== undefined && !line.keys.some((key) => keys.includes(key))) return false
  return true
}

export function lineText({ timeUs, actor, text }: TraceLine): string {
  return `${(timeUs / 1000).toFixed(3).padStart(12)} ms  ${actor.padEnd(9)} ${text}`
}
