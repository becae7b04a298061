/**
 * The chance of a simulation, from a seed: the same seed gives the same cluster and the same drift. A multiply-and-shift generator after Steele,
 * Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014), on 32 bits.
 */
export class SimRandom {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** In [0, 1). */
  unit(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 0x1_0000_0000
  }

  below(bound: number): number {
    return Math.floor(this.unit() * bound)
  }

  /** About normal, mean 0 and deviation 1: a sum of uniform draws. */
  bell(): number {
    let sum = -6
    for (let i = 0; i < 12; i++) sum += this.unit()
    return sum
  }
}
