/**
 * What moving something from one store to another does to how far both are off their ideals. Of one pair of stores and one amount, made once and asked
 * for each shard that could move between the two. Decides nothing; who balances replicas calls it.
 */

export type Amount = 'replicas' | 'bytes'

/** What a store should have of an amount while one round plans. */
export interface Standing {
  readonly ideal: number
  /** How far off, either way, is near enough. */
  readonly tolerance: number
  /** The store's part in all replicas, relative to an average store. */
  readonly weight: number
}

/** What a store of weight 0 has is a deviation that counts heavily, and is yet a number. */
export const WEIGHT_OF_UNWANTED = 1e-6

export class Exchange {
  /** What each has more than it should; negative when it has less. */
  readonly #giver: number
  readonly #taker: number
  readonly #from: Standing
  readonly #to: Standing
  readonly #scale: number

  /** `scale` makes falls of different amounts comparable. */
  constructor(giverHas: number, from: Standing, takerHas: number, to: Standing, scale: number) {
    this.#giver = giverHas - from.ideal
    this.#taker = takerHas - to.ideal
    this.#from = from
    this.#to = to
    this.#scale = scale
  }

  /** Whether anything at all may go between the two: one of them is beyond its tolerance. */
  get helps(): boolean {
    return this.#giver > this.#from.tolerance || this.#taker < -this.#to.tolerance
  }

  /** How much nearer to its ideal, or beyond it, the giver is than the taker. */
  get gap(): number {
    return this.#giver - this.#taker
  }

  /** Whether the giver does not end with too little, nor the taker with too much. */
  staysWithin(moved: number): boolean {
    return this.#giver - moved >= -this.#from.tolerance && this.#taker + moved <= this.#to.tolerance
  }

  /** Whether it goes from who has too much to who has too little, and neither changes sides by more than half of what is moved. */
  isDirect(moved: number): boolean {
    return this.#giver >= moved / 2 && this.#taker <= -moved / 2
  }

  /** By how much the sum of squared deviations falls. */
  fall(moved: number): number {
    const giver = (moved * (2 * this.#giver - moved)) / this.#from.weight
    const taker = (moved * (2 * this.#taker + moved)) / this.#to.weight
    return (giver - taker) * this.#scale ** 2
  }
}
