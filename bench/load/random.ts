/**
 * A small seeded generator for workloads, so that a run can be repeated key for key. Not for secrets and not for the servers' own
 * randomness. The step is xorshift32 (Marsaglia, "Xorshift RNGs", 2003): four operations on one integer.
 */
import { assert, type Random } from '../../src/base/index.ts'

export class SeededRandom implements Random {
  #state: number

  constructor(seed: number) {
    // Zero is the one fixed point of xorshift; any other start walks through all 2^32 - 1 states.
    this.#state = (Math.imul(seed | 0, 0x9e3779b1) ^ 0x6d2b79f5) | 0 || 1
  }

  /** A fraction in [0, 1) with 32 bits of resolution. */
  unit(): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x
    return (x >>> 0) / 0x1_0000_0000
  }

  below(bound: number): number {
    assert(bound >= 1, `the bound ${bound} must be at least 1`)
    return Math.floor(this.unit() * bound)
  }
}
