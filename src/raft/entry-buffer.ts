/**
 * The newest entries of a log, held in memory: a window of consecutive entries that grows at the end, is cut at the end by
 * a conflict and is dropped at the front once nobody here needs them. It knows nothing of durability or commitment; only
 * RaftLog uses it.
 */
import { assert } from '../base/index.ts'
import { entryBytes } from './entry.ts'
import type { Entry } from './types.ts'

export class EntryBuffer {
  #entries: Entry[] = []
  /** Slots at the front of `#entries` that were dropped already. Invariant: fewer than the live ones, or zero. */
  #dropped = 0
  #start: number
  #bytes = 0

  constructor(start: number) {
    this.#start = start
  }

  /** Index of the first buffered entry; where the next one would go when there is none. */
  get start(): number {
    return this.#start
  }

  /** One past the last buffered entry. */
  get end(): number {
    return this.#start + this.#entries.length - this.#dropped
  }

  get bytes(): number {
    return this.#bytes
  }

  at(index: number): Entry {
    const entry = this.#entries[this.#dropped + index - this.#start]
    if (entry === undefined) assert(false, `entry ${index} is outside of [${this.#start}, ${this.end})`)
    return entry
  }

  /** Entries [low, high). */
  slice(low: number, high: number): readonly Entry[] {
    if (low < this.#start || high > this.end)
      assert(false, `[${low}, ${high}) is outside of [${this.#start}, ${this.end})`)
    const shift = this.#dropped - this.#start
    return this.#entries.slice(low + shift, high + shift)
  }

  /** Adds `entries` from position `from` on. */
  push(entries: readonly Entry[], from: number): void {
    for (let i = from; i < entries.length; i++) {
      const entry = entries[i] as Entry
      this.#entries.push(entry)
      this.#bytes += entryBytes(entry)
    }
  }

  /** Removes everything from `index` on; an index before the start also moves the start back to it. */
  truncate(index: number): void {
    if (index <= this.#start) {
      this.reset(index)
      return
    }
    for (let i = index; i < this.end; i++) this.#bytes -= entryBytes(this.at(i))
    this.#entries.length = index - this.#start + this.#dropped
  }

  /** Forgets everything before `index`. Each entry is moved at most once per time it is outlived, so O(1) amortised. */
  dropBefore(index: number): void {
    const start = Math.min(index, this.end)
    if (start <= this.#start) return
    for (let i = this.#start; i < start; i++) this.#bytes -= entryBytes(this.at(i))
    this.#dropped += start - this.#start
    this.#start = start
    if (this.#dropped * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#dropped)
      this.#dropped = 0
    }
  }

  reset(start: number): void {
    this.#entries = []
    this.#dropped = 0
    this.#start = start
    this.#bytes = 0
  }
}
