/**
 * A distribution counted with plain numbers: cheap enough for paths that run thousands of times a second, and read by whoever makes metrics of it. Not
 * cumulative; readers add up.
 */
export class Histogram {
  /** Upper bounds, ascending, inclusive; one more count than bounds is kept, for what lies above all of them. */
  readonly bounds: readonly number[]
  readonly counts: Float64Array
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    const { bounds, counts } = this
    let position = 0
    while (position < bounds.length && value > (bounds[position] as number)) position++
    counts[position] = (counts[position] as number) + 1
    this.sum += value
  }
}

/** For durations in seconds, from a tenth of a millisecond on. */
export const SECONDS_BOUNDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]
