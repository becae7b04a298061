/**
 * Stores in the order of some number, kept while the number changes: a planner that gives one store a replica puts that one in its new place and
 * sorts nothing again. Ties go by id, so that the order is the same for everybody.
 */
import type { IndexedStore } from './store-load.ts'

export class StoreOrder {
  readonly #rank: (store: IndexedStore) => number
  readonly #ranks = new Map<IndexedStore, number>()
  readonly #stores: IndexedStore[]

  constructor(stores: Iterable<IndexedStore>, rank: (store: IndexedStore) => number) {
    this.#rank = rank
    this.#stores = [...stores]
    for (const store of this.#stores) this.#ranks.set(store, rank(store))
    this.#stores.sort((a, b) => this.#compare(a, b))
  }

  /** From the lowest rank to the highest. */
  get ascending(): readonly IndexedStore[] {
    return this.#stores
  }

  /** The store's number may have changed. Stores that are not in the order are passed over. */
  update(store: IndexedStore): void {
    const rank = this.#rank(store)
    const before = this.#ranks.get(store)
    if (before === undefined || before === rank) return
    this.#stores.splice(this.#placeOf(store), 1)
    this.#ranks.set(store, rank)
    this.#stores.splice(this.#placeOf(store), 0, store)
  }

  /** Where the store stands, or belongs. */
  #placeOf(store: IndexedStore): number {
    let low = 0
    let high = this.#stores.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(this.#stores[middle] as IndexedStore, store) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #compare(a: IndexedStore, b: IndexedStore): number {
    const difference = (this.#ranks.get(a) as number) - (this.#ranks.get(b) as number)
    if (difference !== 0 && !Number.isNaN(difference)) return difference
    return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
  }
}
