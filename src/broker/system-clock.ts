/**
 * The real clock, for a broker started on its own: it then is the top of the program, with nobody above to inject one. A server or a test
 * passes its own clock instead.
 */
import type { Clock } from '../base/index.ts'

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
