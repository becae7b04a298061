/**
 * A lane over a client that makes a promise per operation: one operation at a time, and the late answer to one that was abandoned counts for nothing. What
 * the client's answers and errors mean is the target's affair.
 */
import type { Lane, LaneObserver, WriteOutcome } from '../load/index.ts'

/** A client as a lane uses it; `Found` is what its `get` answers with. */
export interface PromisedStore<Found> {
  put(key: string, value: Buffer): Promise<unknown>
  get(key: string): Promise<Found>
  valueOf(found: Found): Uint8Array | undefined
  failureOf(error: unknown, isWrite: boolean): { readonly code: string; readonly outcome: WriteOutcome }
}

export class PromiseLane<Found> implements Lane {
  readonly #index: number
  readonly #store: PromisedStore<Found>
  readonly #observer: LaneObserver
  /** Counts operations, so that a late answer is recognised. */
  #operation = 0

  constructor(index: number, store: PromisedStore<Found>, observer: LaneObserver) {
    this.#index = index
    this.#store = store
    this.#observer = observer
  }

  put(key: string, value: Buffer): void {
    const operation = ++this.#operation
    this.#store.put(key, value).then(
      () => {
        if (operation === this.#operation) this.#observer.putDone(this.#index)
      },
      (error: unknown) => this.#failed(operation, error, true),
    )
  }

  get(key: string): void {
    const operation = ++this.#operation
    this.#store.get(key).then(
      (found) => {
        if (operation === this.#operation) this.#observer.getDone(this.#index, this.#store.valueOf(found))
      },
      (error: unknown) => this.#failed(operation, error, false),
    )
  }

  abandon(): void {
    this.#operation++
    this.#observer.failed(this.#index, 'TIMEOUT', 'unknown')
  }

  #failed(operation: number, error: unknown, isWrite: boolean): void {
    if (operation !== this.#operation) return
    const { code, outcome } = this.#store.failureOf(error, isWrite)
    this.#observer.failed(this.#index, code, outcome)
  }
}
