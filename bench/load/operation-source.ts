/**
 * What comes next: put or get, on which key. Endless; the driver decides when to stop. One source feeds all lanes, so that a sequential
 * distribution is sequential over the whole run.
 */
import { createKeyChooser, type KeyChooser, type KeyDistribution } from './key-distribution.ts'
import { SeededRandom } from './random.ts'

export interface WorkloadShape {
  /** The share of gets, 0 to 1. */
  readonly readRatio: number
  readonly distribution: KeyDistribution
  readonly keyCount: number
  readonly seed: number
}

export class OperationSource {
  readonly #keys: KeyChooser
  readonly #random: SeededRandom
  readonly #readRatio: number

  constructor(shape: WorkloadShape) {
    // Two streams: the share of gets must not change which keys are chosen.
    this.#keys = createKeyChooser(shape.distribution, shape.keyCount, new SeededRandom(shape.seed))
    this.#random = new SeededRandom(shape.seed + 1)
    this.#readRatio = shape.readRatio
  }

  nextIsGet(): boolean {
    if (this.#readRatio === 0) return false
    return this.#readRatio === 1 || this.#random.unit() < this.#readRatio
  }

  nextKey(): number {
    return this.#keys.next()
  }
}
