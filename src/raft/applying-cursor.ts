/**
 * How far a log was handed out for applying, and how far it is applied: pages of committed entries, limited by the bytes that
 * are handed out and not finished. Only RaftLog uses it.
 */
import type { EntrySlice } from './entry.ts'
import type { Entry } from './types.ts'

interface Page {
  readonly lastIndex: number
  readonly bytes: number
}

export class ApplyingCursor {
  readonly #bytesMax: number
  /** Everything up to here was handed out. Invariant: appliedIndex <= takenIndex. */
  #takenIndex: number
  #appliedIndex: number
  /** Handed out and not finished, oldest first. */
  readonly #pages: Page[] = []
  #bytes = 0
  #isPaused = false

  constructor(appliedIndex: number, bytesMax: number) {
    this.#takenIndex = appliedIndex
    this.#appliedIndex = appliedIndex
    this.#bytesMax = bytesMax
  }

  get takenIndex(): number {
    return this.#takenIndex
  }

  get appliedIndex(): number {
    return this.#appliedIndex
  }

  get bytesLeft(): number {
    return this.#bytesMax - this.#bytes
  }

  mayTake(appliableIndex: number): boolean {
    return !this.#isPaused && this.#takenIndex < appliableIndex
  }

  /** A page was handed out; the next one waits while too much is unfinished, or while this one was cut short. */
  take(page: EntrySlice, appliableIndex: number): void {
    this.#takenIndex = (page.entries[page.entries.length - 1] as Entry).index
    this.#bytes += page.bytes
    this.#pages.push({ lastIndex: this.#takenIndex, bytes: page.bytes })
    this.#isPaused = this.#bytes >= this.#bytesMax || this.#takenIndex < appliableIndex
  }

  /** Everything up to `index` is applied, by entries or by a snapshot; pages that end there or before are finished. */
  finish(index: number): void {
    this.#appliedIndex = Math.max(this.#appliedIndex, index)
    this.#takenIndex = Math.max(this.#takenIndex, this.#appliedIndex)
    let finished = 0
    while (finished < this.#pages.length && (this.#pages[finished] as Page).lastIndex <= index) {
      this.#bytes -= (this.#pages[finished] as Page).bytes
      finished += 1
    }
    if (finished > 0) this.#pages.splice(0, finished)
    this.#isPaused = this.#bytes >= this.#bytesMax
  }
}
