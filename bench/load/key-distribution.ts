/**
 * Which key an operation touches: uniform, zipfian, sequential or always the same one. Answers key numbers in [0, count); `KeySpace` turns
 * a number into a key. Called by the operation source once per operation.
 */
import { assert, unreachable } from '../../src/base/index.ts'
import type { SeededRandom } from './random.ts'

export const KEY_DISTRIBUTIONS = ['uniform', 'zipfian', 'sequential', 'single'] as const
export type KeyDistribution = (typeof KEY_DISTRIBUTIONS)[number]

export interface KeyChooser {
  next(): number
}

/** The skew that YCSB made the custom: the hottest of 10,000 keys takes about a tenth of all operations. */
export const ZIPFIAN_THETA = 0.99

export function createKeyChooser(distribution: KeyDistribution, count: number, random: SeededRandom): KeyChooser {
  assert(Number.isInteger(count) && count >= 1, `the key count ${count} must be a whole number of at least 1`)
  switch (distribution) {
    case 'uniform':
      return { next: () => random.below(count) }
    case 'zipfian':
      return new ZipfianChooser(count, ZIPFIAN_THETA, random)
    case 'sequential':
      return new SequentialChooser(count)
    case 'single':
      return { next: () => 0 }
    default:
      return unreachable(distribution)
  }
}

/** Every key in its order, then again from the first. */
class SequentialChooser implements KeyChooser {
  readonly #count: number
  #next = 0

  constructor(count: number) {
    this.#count = count
  }

  next(): number {
    const chosen = this.#next
    this.#next = chosen + 1 === this.#count ? 0 : chosen + 1
    return chosen
  }
}

/**
 * Zipf's law with a skew below 1, drawn in constant time (Gray et al., "Quickly Generating Billion-Record Synthetic Databases", 1994, §3.2).
 * The rank is then scattered over the key numbers, because hot keys are not neighbours in real data either.
 */
export class ZipfianChooser implements KeyChooser {
  readonly #count: number
  readonly #random: SeededRandom
  readonly #zetaOfCount: number
  readonly #alpha: number
  readonly #eta: number
  readonly #secondRankBound: number
  readonly #stride: number

  constructor(count: number, theta: number, random: SeededRandom) {
    assert(theta > 0 && theta < 1, `the zipfian skew ${theta} must lie between 0 and 1`)
    this.#count = count
    this.#random = random
    this.#zetaOfCount = zeta(count, theta)
    this.#alpha = 1 / (1 - theta)
    this.#eta = count <= 2 ? 0 : (1 - (2 / count) ** (1 - theta)) / (1 - zeta(2, theta) / this.#zetaOfCount)
    this.#secondRankBound = 1 + 0.5 ** theta
    this.#stride = strideFor(count)
  }

  next(): number {
    return this.scatter(this.rank())
  }

  /** A rank in [0, count); rank 0 is the most frequent. */
  rank(): number {
    const unit = this.#random.unit()
    const position = unit * this.#zetaOfCount
    if (position < 1) return 0
    if (position < this.#secondRankBound) return Math.min(1, this.#count - 1)
    const rank = Math.floor(this.#count * (this.#eta * unit - this.#eta + 1) ** this.#alpha)
    return Math.min(rank, this.#count - 1)
  }

  /** The key number of a rank: one to one, since the stride and the count share no factor. */
  scatter(rank: number): number {
    return (rank * this.#stride) % this.#count
  }
}

function zeta(count: number, theta: number): number {
  let sum = 0
  for (let rank = 1; rank <= count; rank++) sum += 1 / rank ** theta
  return sum
}

/** A number near the golden section of `count` without a common factor: its multiples fall far apart. */
function strideFor(count: number): number {
  let stride = Math.max(1, Math.floor(count * 0.6180339887))
  while (greatestCommonDivisor(stride, count) !== 1) stride++
  return stride
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
