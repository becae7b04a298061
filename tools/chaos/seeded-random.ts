/** Chance that repeats from its seed, for choosing faults and operations. What the cluster's timing makes of it does not repeat. */
import type { Random } from '../../src/base/index.ts'

export class SeededRandom implements Random {
  #state: number

  /** `seed`: a whole number; its low 32 bits count. */
  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A whole number in [0, bound). Mulberry32 (Tommy Ettinger): one addition and two rounds of mixing. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound)
  }

  /** A whole number in [least, most]. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  /** Undefined of an empty list. */
  pick<T>(list: readonly T[]): T | undefined {
    return list[this.below(list.length)]
  }

  /** A source of its own, which goes on in the same way however often the others are asked. */
  fork(): SeededRandom {
    return new SeededRandom(this.below(2 ** 32))
  }

  shuffled<T>(list: readonly T[]): T[] {
    const left = [...list]
    const shuffled: T[] = []
    while (left.length > 0) shuffled.push(...left.splice(this.below(left.length), 1))
    return shuffled
  }
}
