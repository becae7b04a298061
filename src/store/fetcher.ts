import type { DataKey, DataStore } from '../storage/index.ts'

/**
 * Collects the keys that the replicas and reads of one turn need from the data engine, and fetches them with one batched read. Callers
 * are the apply step and the read step; both go on when their values arrive.
 */
export type FetchedValues = readonly (Uint8Array | undefined)[]

interface Waiter {
  readonly offset: number
  readonly run: (values: FetchedValues, offset: number) => void
}

export class Fetcher {
  readonly #data: DataStore
  readonly #onError: (error: unknown) => void
  #keys: DataKey[] = []
  #waiters: Waiter[] = []

  constructor(data: DataStore, onError: (error: unknown) => void) {
    this.#data = data
    this.#onError = onError
  }

  /** `run` gets all values of the batch; those of `keys` begin at `offset`, in order. */
  fetch(keys: readonly DataKey[], run: (values: FetchedValues, offset: number) => void): void {
    this.#waiters.push({ offset: this.#keys.length, run })
    for (const key of keys) this.#keys.push(key)
  }

  /** Starts the turn's batched read, if anybody asked for one. */
  flush(): void {
    if (this.#waiters.length === 0) return
    const waiters = this.#waiters
    const keys = this.#keys
    this.#waiters = []
    this.#keys = []
    this.#data.getMany(keys).then((values) => {
      for (const waiter of waiters) waiter.run(values, waiter.offset)
    }, this.#onError)
  }
}
