import type { Random } from '../base/index.ts'

/**
 * All chance of a simulation: a small fast generator (sfc32, Chris Doty-Humphrey's "small fast counting" generator) whose streams are told
 * apart by name, so that one more draw in one place does not shift every other place. The same seed and name give the same numbers anywhere.
 */
export class SeededRandom implements Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number, stream: string) {
    this.#a = Math.floor(seed / 2 ** 32) | 0
    this.#b = seed | 0
    this.#c = hashText(stream)
    for (let i = 0; i < 12; i++) this.bits()
  }

  /** A whole number in [0, 2^32). */
  bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  below(bound: number): number {
    return Math.floor((this.bits() / 2 ** 32) * bound)
  }

  /** A whole number in [min, max]. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1)
  }

  chance(perMille: number): boolean {
    return perMille > 0 && this.below(1000) < perMille
  }

  /** Undefined only for an empty list. */
  pick<T>(values: readonly T[]): T | undefined {
    return values[this.below(values.length)]
  }

  /** Some of the values, each with the given chance, in order. */
  sample<T>(values: readonly T[], perMille: number): T[] {
    return values.filter(() => this.chance(perMille))
  }
}

function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}
