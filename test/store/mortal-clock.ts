/** The clock of a store that may die: nothing it had planned happens afterwards. */
import type { Clock, Timer } from '../../src/base/index.ts'
import { systemClock } from '../../src/server/system.ts'

export class MortalClock implements Clock {
  isDead = false

  nowMs(): number {
    return systemClock.nowMs()
  }

  wallMs(): number {
    return systemClock.wallMs()
  }

  after(delayMs: number, run: () => void): Timer {
    return systemClock.after(delayMs, () => {
      if (!this.isDead) run()
    })
  }

  soon(run: () => void): void {
    systemClock.soon(() => {
      if (!this.isDead) run()
    })
  }
}
