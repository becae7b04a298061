/** Waiting in tests: for a condition with a generous deadline, never for a guess of how long something takes. */
import { AssertionError } from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'

const INTERVAL_MS = 25

/** Of one look, how much counts at most: while the whole machine stands still, nothing could have happened. */
const COUNTED_MS_MAX = 5_000

/** A deadline that does not pass while the machine sleeps. */
export class Patience {
  #leftMs: number
  #lookedMs = performance.now()

  constructor(deadlineMs: number) {
    this.#leftMs = deadlineMs
  }

  isOver(): boolean {
    const nowMs = performance.now()
    this.#leftMs -= Math.min(COUNTED_MS_MAX, nowMs - this.#lookedMs)
    this.#lookedMs = nowMs
    return this.#leftMs < 0
  }
}

/** Thrown by a probe that knows that waiting is for nothing. */
export class Hopeless extends Error {}

/**
 * Asks `probe` until it answers something other than undefined or false, and returns that. A probe that throws counts as "not yet"; when the
 * deadline passes, its last complaint is the reason of the failure.
 */
export async function poll<T>(
  what: string,
  deadlineMs: number,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const patience = new Patience(deadlineMs)
  let last: unknown
  for (;;) {
    try {
      const answer = await probe()
      if (answer !== undefined && answer !== false) return answer
      last = answer
    } catch (error) {
      if (error instanceof Hopeless) throw error
      // Not yet: whoever cannot be asked now may be there at the next look. The last reason is reported.
      last = error
    }
    if (patience.isOver()) {
      const reason = last instanceof Error ? `: ${last.message}` : ''
      throw new AssertionError({ message: `${what}: not within ${deadlineMs} ms${reason}` })
    }
    await delay(INTERVAL_MS)
  }
}

export { delay }
