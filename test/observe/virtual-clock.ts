/** A clock that moves when it is told to, for the parts of `observe`. */
import type { Clock } from '../../src/base/index.ts'

export interface VirtualClock extends Clock {
  /** Lets time pass, and runs what falls due. */
  advance(milliseconds: number): void
}

export function virtualClock(startWallMs = Date.parse('2026-01-31T12:00:00Z')): VirtualClock {
  let nowMs = 0
  let timers: { readonly atMs: number; readonly run: () => void }[] = []
  return {
    nowMs: () => nowMs,
    wallMs: () => startWallMs + nowMs,
    after(delayMs, run) {
      const timer = { atMs: nowMs + delayMs, run }
      timers.push(timer)
      return {
        cancel: () => {
          timers = timers.filter((other) => other !== timer)
        },
      }
    },
    soon: (run) => void setImmediate(run),
    advance(milliseconds) {
      nowMs += milliseconds
      const due = timers.filter((timer) => timer.atMs <= nowMs)
      timers = timers.filter((timer) => timer.atMs > nowMs)
      for (const timer of due) timer.run()
    },
  }
}
