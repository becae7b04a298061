/**
 * Writes down what clients did and saw, for the checkers. Times are virtual milliseconds. What is still open when its process dies, or when
 * the run ends, has an unknown outcome.
 */
import type { History, Operation, ScanPage, StaleRead } from './check/index.ts'

export class Recorder {
  readonly #operations: Operation[] = []
  readonly #staleReads: StaleRead[] = []
  readonly #pages: ScanPage[] = []
  readonly counts = { done: 0, refused: 0, none: 0, unknown: 0 }
  /** How many of each kind were done. */
  readonly kinds = new Map<string, number>()

  get history(): History {
    return { operations: this.#operations, staleReads: this.#staleReads, pages: this.#pages }
  }

  /** Client operations that ended, in whatever way. */
  get total(): number {
    const { done, refused, none, unknown } = this.counts
    return done + refused + none + unknown
  }

  operation(operation: Operation): void {
    this.#operations.push(operation)
  }

  staleRead(read: StaleRead): void {
    this.#staleReads.push(read)
  }

  page(page: ScanPage): void {
    this.#pages.push(page)
  }
}
