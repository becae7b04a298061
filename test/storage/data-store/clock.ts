/** The clock of the data store's tests: the real one, on this process's loop. */
import type { Clock } from '../../../src/base/index.ts'

export const testClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
  soon: (run) => {
    setImmediate(run)
  },
}
