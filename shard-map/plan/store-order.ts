/**
 * Stores in the order of some number, kept while the number changes: a planner that gives one store a replica puts that one in its new place and
 * sorts nothing again. Ties go by id, so that the order is the same for everybody.
 */
import type { IndexedStore } from './store-load.ts'

export class StoreOrder {
  readonly #rank: (store: IndexedStore) => number
  readonly #rankOf = new Map<IndexedStore, number>()
  /** In order. Invariant: `#ranks` has the rank of the store at the same place of `#stores`. */
  readonly #stores: IndexedStore[]
  readonly #ranks: number[]

  constructor(stores: Iterable<IndexedStore>, rank: (store: IndexedStore) => number) {
    this.#rank = rank
    const ranked = Array.from(stores, (store) => ({ store, rank: rank(store) }))
    ranked.sort((a, b) => compare(a.rank, a.store, b.rank, b.store))
    this.#stores = ranked.map(({ store }) => store)
    this.#ranks = ranked.map((each) => each.rank)
    for (const each of ranked) this.#rankOf.set(each.store, each.rank)
  }

  /** From the lowest rank to the highest. */
  get ascending(): readonly IndexedStore[] {
    return this.#stores
  }

  /** The store's number may have changed. Stores that are not in the order are passed over. */
  update(store: IndexedStore): void {
    const before = this.#rankOf.get(store)
    if (before === undefined) return
    const rank = this.#rank(store)
    if (before === rank) return
    const from = this.#placeOf(store, before)
    this.#stores.splice(from, 1)
    this.#ranks.splice(from, 1)
    const to = this.#placeOf(store, rank)
    this.#stores.splice(to, 0, store)
    this.#ranks.splice(to, 0, rank)
    this.#rankOf.set(store, rank)
  }

  /** Where the store stands with this rank, or belongs. */
  #placeOf(store: IndexedStore, rank: number): number {
    let low = 0
    let high = this.#stores.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compare(this.#ranks[middle] as number, this.#stores[middle] as IndexedStore, rank, store) < 0)
        low = middle + 1
      else high = middle
    }
    return low
  }
}

function compare(rank: number, store: IndexedStore, otherRank: number, other: IndexedStore): number {
  const difference = rank - otherRank
  // Two infinite ranks are equal, and their difference is no number.
  if (difference !== 0 && !Number.isNaN(difference)) return difference
  return store.id < other.id ? -1 : store.id > other.id ? 1 : 0
}
