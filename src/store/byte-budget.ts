import type { Clock } from '../base/index.ts'

/**
 * How many bytes may go per second, over everything that shares the budget: each asks before it goes and is told how long to wait. What one reserved and
 * then did not use is lost, which is a chunk at most. Snapshots are sent and taken in under one each.
 */
export class ByteBudget {
  readonly #clock: Clock
  #bytesPerSecond = Number.POSITIVE_INFINITY
  #freeMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get bytesPerSecond(): number {
    return this.#bytesPerSecond
  }

  /** From now on, above 0; what was reserved before keeps its time. */
  set bytesPerSecond(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond
  }

  /** Reserves the time that `bytes` take, after everything that was reserved before. Answers milliseconds to wait until then, 0 when they may go at once. */
  reserve(bytes: number): number {
    const nowMs = this.#clock.nowMs()
    const startMs = Math.max(nowMs, this.#freeMs)
    this.#freeMs = startMs + (bytes * 1000) / this.#bytesPerSecond
    return startMs - nowMs
  }
}

/** What all snapshots that a store sends may use, and again all that it takes in. */
export class SnapshotBudgets {
  readonly out: ByteBudget
  readonly in: ByteBudget

  constructor(clock: Clock) {
    this.out = new ByteBudget(clock)
    this.in = new ByteBudget(clock)
  }

  limit(bytesPerSecond: number): void {
    for (const budget of [this.out, this.in]) budget.bytesPerSecond = bytesPerSecond
  }
}
