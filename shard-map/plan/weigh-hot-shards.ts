/**
 * Which shards of a hot store are worth a search for another place. One pass that keeps the few best and sorts nothing, because a round does it for many
 * stores, and a store may have thousands of shards. Moves nothing; who balances load calls it.
 */
import type { HeatDimension } from './heat.ts'
import { type IndexedShard, isMovable } from './shard-entry.ts'
import type { IndexedStore } from './store-load.ts'

/** Shards of one store that are looked at in one round; the next rounds go on with others. */
const LOOKED_AT_MAX = 1024
/** Of these, those for which a new place is searched. */
const SEARCHED_MAX = 16

/**
 * The best first: those that alone take the excess away from the smallest up, then the others from the largest down. Those that cure alone may all be
 * too big for every other store, so some of the others are always among them.
 */
export function weighHotShards(
  store: IndexedStore,
  dimension: HeatDimension,
  excess: number,
  round: number,
): readonly IndexedShard[] {
  const curing = new Best((a, b) => a[dimension] - b[dimension] || a.shard.id - b.shard.id)
  const others = new Best((a, b) => b[dimension] - a[dimension] || a.shard.id - b.shard.id)
  const offer = (entry: IndexedShard): void => {
    const load = entry[dimension]
    if (load > 0) (load >= excess ? curing : others).offer(entry)
  }
  const sets = dimension === 'writes' ? [store.followed, store.led] : [store.led]
  // As many of each set as it has part in both: were more of the led ones seen, the store would lose its leaders for what its followers write.
  const part = LOOKED_AT_MAX / sets.reduce((sum, { size }) => sum + size, 1)
  for (const set of sets) set.visitSome(Math.ceil(set.size * Math.min(1, part)), round, offer)
  return inOrder(curing.found, others.found)
}

/** The same of shards that were weighed a move ago, when there was more to take away. */
export function weighAgain(
  shards: readonly IndexedShard[],
  dimension: HeatDimension,
  excess: number,
): readonly IndexedShard[] {
  const movable = shards.filter(isMovable).sort((a, b) => b[dimension] - a[dimension] || a.shard.id - b.shard.id)
  const curing = movable.filter((entry) => entry[dimension] >= excess).reverse()
  return inOrder(curing, movable.slice(curing.length))
}

function inOrder(curing: readonly IndexedShard[], others: readonly IndexedShard[]): readonly IndexedShard[] {
  const cures = curing.slice(0, Math.max(SEARCHED_MAX / 2, SEARCHED_MAX - others.length))
  return [...cures, ...others.slice(0, SEARCHED_MAX - cures.length)]
}

/** The best movable shards of those that were offered, the best first. */
class Best {
  readonly found: IndexedShard[] = []
  readonly #compare: (a: IndexedShard, b: IndexedShard) => number

  constructor(compare: (a: IndexedShard, b: IndexedShard) => number) {
    this.#compare = compare
  }

  offer(entry: IndexedShard): void {
    const { found } = this
    const last = found[SEARCHED_MAX - 1]
    // Most are worse than those found already, which is sooner seen than whether they may move.
    if ((last !== undefined && this.#compare(entry, last) >= 0) || !isMovable(entry)) return
    if (last !== undefined) found.pop()
    let place = found.length
    while (place > 0 && this.#compare(entry, found[place - 1] as IndexedShard) < 0) place--
    found.splice(place, 0, entry)
  }
}
