/**
 * The browser as the console uses it: time, timers, what is remembered, the address. The only file that takes these directly, so that everything else
 * can be tried with others.
 */

export interface World {
  nowMs(): number
  /** Calls back once; the answer cancels it. */
  after(delayMs: number, run: () => void): () => void
  /** Once before the next frame is painted. */
  beforePaint(run: () => void): void
  /** Remembered until the tab closes. */
  readonly session: Storage
  /** Remembered for good. */
  readonly memory: Storage
}

export const browserWorld: World = {
  nowMs: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
  beforePaint(run) {
    requestAnimationFrame(run)
  },
  session: sessionStorage,
  memory: localStorage,
}
