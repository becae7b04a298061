/** Clocks and random sources for the transport's tests: the real ones, and virtual ones with which a run repeats exactly. */
import type { Clock, Random, Timer } from '../../src/base/index.ts'

export const realClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, run): Timer {
    const timer = setTimeout(run, delayMs).unref()
    return { cancel: () => clearTimeout(timer) }
  },
  soon(run) {
    setImmediate(run)
  },
}

/** A small linear congruential generator: good enough to choose faults, the same on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return {
    below(bound) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((state / 2 ** 32) * bound)
    },
  }
}

export const testRandom: Random = { below: (bound) => Math.floor(Math.random() * bound) }

/** Time that moves only when told; what is due runs in order of time, then of arrival. */
export class VirtualClock implements Clock {
  #nowMs = 0
  #soon: (() => void)[] = []
  #timers: { readonly dueMs: number; readonly run: () => void; isCancelled: boolean }[] = []

  nowMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = { dueMs: this.#nowMs + delayMs, run, isCancelled: false }
    this.#timers.push(timer)
    return {
      cancel: () => {
        timer.isCancelled = true
      },
    }
  }

  soon(run: () => void): void {
    this.#soon.push(run)
  }

  /** Runs all that is due soon, and what that causes, without moving time. */
  settle(): void {
    while (this.#soon.length > 0) {
      const batch = this.#soon
      this.#soon = []
      for (const run of batch) run()
    }
  }

  /** Moves time on in the steps that the timers ask for. */
  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs
    this.settle()
    for (;;) {
      this.#timers = this.#timers.filter((timer) => !timer.isCancelled)
      const next = this.#timers.reduce((a, b) => (b.dueMs < a.dueMs ? b : a), {
        dueMs: Number.POSITIVE_INFINITY,
      } as never)
      if (!(next.dueMs <= untilMs)) break
      this.#timers.splice(this.#timers.indexOf(next), 1)
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      next.run()
      this.settle()
    }
    this.#nowMs = untilMs
  }

  /** As a process that did not run for a while: everything that became due fires late, at the same moment. */
  pause(forMs: number): void {
    this.#nowMs += forMs
  }
}
