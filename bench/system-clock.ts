/** The real clock. Only the composition roots of the benchmark use it; everything below takes a `Clock`. */
import type { Clock } from '../src/base/index.ts'

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
  soon(run) {
    setImmediate(run)
  },
}
