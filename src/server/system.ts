import { randomBytes, randomInt } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Clock, Random, Timer } from '../base/index.ts'

/** The real world: this machine's clock, event loop and randomness. Composition roots hand it to everybody below. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs: number, run: () => void): Timer {
    const timeout = setTimeout(run, delayMs)
    timeout.unref()
    return { cancel: () => clearTimeout(timeout) }
  },
  soon(run: () => void): void {
    setImmediate(run)
  },
}

export const systemRandom: Random = {
  below: (bound) => randomInt(bound),
}

/** A name that nobody else chooses: for data directories and for clients' addresses. */
export function uniqueName(): string {
  return randomBytes(9).toString('base64url').replaceAll('-', 'x').replaceAll('_', 'y')
}
