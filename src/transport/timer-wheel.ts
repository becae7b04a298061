/**
 * Deadlines of many requests with one timer: a ring of slots, each a doubly linked list through flat arrays, so that arming and
 * disarming cost a few stores and no allocation. It knows neither clock nor requests: its owner says what time it is and gets the
 * indices that are due. Deadlines are rounded up to whole slots, so nothing is due early.
 */
import { assert } from '../base/index.ts'

const NONE = -1

export class TimerWheel {
  readonly #slotMs: number
  /** First index of each slot's list. Invariant: an index with deadline tick t is in slot t modulo the number of slots. */
  readonly #heads: Int32Array
  readonly #next: Int32Array
  readonly #previous: Int32Array
  /** The tick at which an index is due, or NONE when it is not armed. */
  readonly #deadlines: Float64Array
  /** Everything due at this tick or before was handed out. */
  #tick = 0
  #size = 0

  /** `capacity`: indices are 0 to capacity - 1. `spanMs`: what most deadlines stay within; later ones only cost a little more. */
  constructor(capacity: number, slotMs: number, spanMs: number) {
    this.#slotMs = slotMs
    this.#heads = new Int32Array(Math.ceil(spanMs / slotMs) + 2).fill(NONE)
    this.#next = new Int32Array(capacity).fill(NONE)
    this.#previous = new Int32Array(capacity).fill(NONE)
    this.#deadlines = new Float64Array(capacity).fill(NONE)
  }

  get size(): number {
    return this.#size
  }

  /** Hands `index` out once `nowMs + delayMs` has come. */
  arm(index: number, nowMs: number, delayMs: number): void {
    assert(this.#deadlines[index] === NONE, `timer ${index} is armed already`)
    if (this.#size === 0) this.#tick = Math.floor(nowMs / this.#slotMs)
    const deadline = Math.max(this.#tick + 1, Math.ceil((nowMs + delayMs) / this.#slotMs))
    const slot = deadline % this.#heads.length
    const head = this.#heads[slot] as number
    this.#next[index] = head
    this.#previous[index] = NONE
    if (head !== NONE) this.#previous[head] = index
    this.#heads[slot] = index
    this.#deadlines[index] = deadline
    this.#size++
  }

  /** Does nothing when `index` is not armed. */
  disarm(index: number): void {
    const deadline = this.#deadlines[index] as number
    if (deadline === NONE) return
    const next = this.#next[index] as number
    const previous = this.#previous[index] as number
    if (previous === NONE) this.#heads[deadline % this.#heads.length] = next
    else this.#next[previous] = next
    if (next !== NONE) this.#previous[next] = previous
    this.#deadlines[index] = NONE
    this.#size--
  }

  /** Disarms and hands out all that is due. `due` may arm and disarm. */
  advance(nowMs: number, due: (index: number) => void): void {
    const target = Math.floor(nowMs / this.#slotMs)
    // After a long pause one round meets every slot; more rounds would only meet them again.
    let tick = Math.max(this.#tick, target - this.#heads.length)
    this.#tick = Math.max(this.#tick, target)
    while (tick < target && this.#size > 0) {
      tick++
      const slot = tick % this.#heads.length
      for (let index = this.#firstDue(slot, target); index !== NONE; index = this.#firstDue(slot, target)) {
        this.disarm(index)
        due(index)
      }
    }
  }

  /** Looked for anew each time, because the list may be another one after `due`. */
  #firstDue(slot: number, target: number): number {
    let index = this.#heads[slot] as number
    while (index !== NONE && (this.#deadlines[index] as number) > target) index = this.#next[index] as number
    return index
  }
}
