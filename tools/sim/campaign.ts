/** Which seeds are played: one after the other, until there are enough or the time is over. */
export class Campaign {
  readonly from: number
  readonly #count: number
  readonly #endsAtMs: number
  #given = 0
  #isStopped = false

  constructor(options: { from: number; count: number | undefined; endsAtMs: number | undefined }) {
    this.from = options.from
    this.#count = options.count ?? Number.POSITIVE_INFINITY
    this.#endsAtMs = options.endsAtMs ?? Number.POSITIVE_INFINITY
  }

  /** The next seed; undefined when no more are to be begun. */
  next(nowMs: number): number | undefined {
    if (this.#isStopped || this.#given >= this.#count || nowMs >= this.#endsAtMs) return undefined
    return this.from + this.#given++
  }

  /** Begins no more. */
  stop(): void {
    this.#isStopped = true
  }
}
