/**
 * The timetable of an open loop: operation number i is due at `start + i / rate`, whatever the servers do. Latency counted from that
 * moment is free of coordinated omission (Tene, "How NOT to Measure Latency", 2013): a stall delays the operations that would have come
 * meanwhile, and their waiting counts. Pure arithmetic; the driver owns the timer.
 */
import { assert } from '../../src/base/index.ts'

export class Schedule {
  readonly #startMs: number
  readonly #intervalMs: number
  #issued = 0

  constructor(startMs: number, ratePerSecond: number) {
    assert(ratePerSecond > 0, `the rate ${ratePerSecond} must be positive`)
    this.#startMs = startMs
    this.#intervalMs = 1000 / ratePerSecond
  }

  /** When the next operation that was not yet taken is due. */
  nextDueMs(): number {
    return this.#startMs + this.#issued * this.#intervalMs
  }

  isDue(nowMs: number): boolean {
    return this.nextDueMs() <= nowMs
  }

  /** Takes the next operation and answers when it was due. */
  take(): number {
    const dueMs = this.nextDueMs()
    this.#issued++
    return dueMs
  }
}
