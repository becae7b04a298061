/**
 * The world of a real browser. Time, timers and what is remembered are taken only here.
 */
import type { World } from './world.ts'

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
