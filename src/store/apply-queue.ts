import type { Entry } from '../raft/index.ts'

/**
 * Committed entries of one replica that wait to be applied, in order. `epoch` changes when the queue is thrown away, so that a
 * fetch which ends later knows that it was for nothing.
 */
export class ApplyQueue {
  #entries: Entry[] = []
  #head = 0
  #committedMs = 0
  /** A fetch for the entries at the head is under way. */
  fetching = false
  epoch = 0

  push(entries: readonly Entry[], nowMs: number): void {
    if (this.#head === this.#entries.length) {
      this.#entries = entries as Entry[]
      this.#head = 0
    } else {
      this.#entries = this.#entries.slice(this.#head).concat(entries)
      this.#head = 0
    }
    this.#committedMs = nowMs
  }

  get isEmpty(): boolean {
    return this.#head === this.#entries.length
  }

  get length(): number {
    return this.#entries.length - this.#head
  }

  /** When the newest entries were handed out as committed. */
  get committedMs(): number {
    return this.#committedMs
  }

  at(position: number): Entry {
    return this.#entries[this.#head + position] as Entry
  }

  drop(count: number): void {
    this.#head += count
  }

  clear(): void {
    this.#entries = []
    this.#head = 0
    this.fetching = false
    this.epoch++
  }
}
