import { assert } from '../base/index.ts'
import type { Call } from './call.ts'

/**
 * The writes of one replica that wait for an answer: first in a queue until the loop proposes them together, then by the log
 * index they were given. Answers come in index order, because entries are applied in index order.
 */
interface Proposed {
  readonly index: number
  readonly term: number
  readonly call: Call
}

export class WaitingWrites {
  #queued: Call[] = []
  #proposed: Proposed[] = []
  /** Position of the oldest proposed write; the array is cut now and then, not at each answer. */
  #head = 0

  get size(): number {
    return this.#queued.length + this.#proposed.length - this.#head
  }

  get hasQueued(): boolean {
    return this.#queued.length > 0
  }

  enqueue(call: Call): void {
    this.#queued.push(call)
  }

  takeQueued(): Call[] {
    const queued = this.#queued
    this.#queued = []
    return queued
  }

  /** Invariant: indexes grow from call to call; a smaller one means that an older suffix was overwritten and is gone. */
  proposed(index: number, term: number, call: Call): void {
    const last = this.#proposed[this.#proposed.length - 1]
    if (last !== undefined && this.#head < this.#proposed.length && term <= last.term && index <= last.index) {
      assert(false, `write proposed at (${index}, ${term}) after (${last.index}, ${last.term})`)
    }
    this.#proposed.push({ index, term, call })
  }

  /**
   * The entry (index, term) has been applied. Returns the call that proposed it, if it was proposed here; calls whose entry is thereby
   * known to have been overwritten by another leader's go to `lost`: their writes never happened and never will. (When a snapshot skips
   * entries, the caller first takes the waiting calls out with `remove`, because then nobody can know.)
   */
  applied(index: number, term: number, lost: (call: Call) => void): Call | undefined {
    while (this.#head < this.#proposed.length) {
      const oldest = this.#proposed[this.#head] as Proposed
      if (oldest.index > index && oldest.term >= term) return undefined
      if (oldest.index < index) assert(false, `applied ${index} while the write at ${oldest.index} still waits`)
      this.#advance()
      if (oldest.index === index && oldest.term === term) return oldest.call
      // Its index is taken by an entry of another term, or a newer term has begun below it: the log can no longer contain it.
      lost(oldest.call)
    }
    return undefined
  }

  /** Takes out every call for which `take` is true; `proposed` tells whether it may be in the log. */
  remove(take: (call: Call) => boolean): { readonly call: Call; readonly proposed: boolean }[] {
    const removed: { call: Call; proposed: boolean }[] = []
    this.#queued = this.#queued.filter((call) => {
      if (!take(call)) return true
      removed.push({ call, proposed: false })
      return false
    })
    if (this.#head > 0) this.#proposed.splice(0, this.#head)
    this.#head = 0
    this.#proposed = this.#proposed.filter(({ call }) => {
      if (!take(call)) return true
      removed.push({ call, proposed: true })
      return false
    })
    return removed
  }

  #advance(): void {
    this.#head++
    if (this.#head === this.#proposed.length) {
      this.#proposed.length = 0
      this.#head = 0
    } else if (this.#head >= 1024) {
      this.#proposed.splice(0, this.#head)
      this.#head = 0
    }
  }
}
