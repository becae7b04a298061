/** Time that only moves when a test moves it: timers fire in the order of their due times, ties in the order they were set. */
import type { Clock, Timer } from '../../src/base/index.ts'

interface Alarm {
  readonly dueMs: number
  readonly run: () => void
}

export class VirtualClock implements Clock {
  #nowMs = 0
  #alarms: Alarm[] = []

  nowMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, run: () => void): Timer {
    const alarm = { dueMs: this.#nowMs + delayMs, run }
    this.#alarms.push(alarm)
    return {
      cancel: () => {
        this.#alarms = this.#alarms.filter((other) => other !== alarm)
      },
    }
  }

  soon(run: () => void): void {
    this.after(0, run)
  }

  /** Fires alarms until `isDone` or until `limitMs` has passed. */
  runUntil(isDone: () => boolean, limitMs: number): void {
    while (!isDone()) {
      const next = this.#alarms.reduce<Alarm | undefined>(
        (first, alarm) => (first === undefined || alarm.dueMs < first.dueMs ? alarm : first),
        undefined,
      )
      if (next === undefined || next.dueMs > limitMs) throw new Error(`not done at ${this.#nowMs} ms`)
      this.#alarms = this.#alarms.filter((alarm) => alarm !== next)
      this.#nowMs = next.dueMs
      next.run()
    }
  }
}
