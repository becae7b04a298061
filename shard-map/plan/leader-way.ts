/**
 * A chain of transfers from a store that leads too much to one that leads too little, where no shard connects the two: each store between them hands one
 * leader on and is given one. Searched from both ends, because from one end alone a search among a thousand stores has to look at most of them
 * before it meets one of the few that are short. Decides nothing; who balances leaders calls it.
 */
import type { IndexedShard } from './shard-entry.ts'
import type { IndexedStore } from './store-load.ts'

export interface Transfer {
  readonly entry: IndexedShard
  readonly from: IndexedStore
  readonly to: IndexedStore
}

export interface WaySearch {
  readonly giver: IndexedStore
  /** Any of them will do. */
  readonly takers: readonly IndexedStore[]
  /** What the store could hand over to stores that are wanted. */
  readonly outOf: (store: IndexedStore, isWanted: (to: IndexedStore) => boolean) => Iterable<Transfer>
  /** What stores that are wanted could hand over to it. */
  readonly into: (store: IndexedStore, isWanted: (from: IndexedStore) => boolean) => Iterable<Transfer>
}

/** Transfers that one leader less on a store may cost. */
const HOPS_MAX = 4
/** Stores that one search asks for what they could hand over or take, on each side. */
const ASKED_MAX = 12

/** One of the shortest ways, in order from the giver; undefined when none was found in the time that a round has. */
export function shortestWay(search: WaySearch): readonly Transfer[] | undefined {
  const begins: Side = { byWay: new Map([[search.giver, undefined]]), edge: [search.giver], asked: 0 }
  const ends: Side = { byWay: new Map(search.takers.map((taker) => [taker, undefined])), edge: search.takers, asked: 0 }
  for (let hops = 0; hops < HOPS_MAX; hops++) {
    const isForwards = hops % 2 === 0
    const met = isForwards ? widen(begins, ends, search.outOf, headOf) : widen(ends, begins, search.into, tailOf)
    if (met === undefined) continue
    return [...wayTo(met, begins, tailOf).reverse(), ...wayTo(met, ends, headOf)]
  }
  return undefined
}

/** What a search has reached from one of its ends. */
interface Side {
  /** Stores by the transfer that connects them to this end, undefined for the end itself. */
  readonly byWay: Map<IndexedStore, Transfer | undefined>
  /** The stores that were reached last. */
  edge: readonly IndexedStore[]
  asked: number
}

function headOf({ to }: Transfer): IndexedStore {
  return to
}

function tailOf({ from }: Transfer): IndexedStore {
  return from
}

/** One hop further; the store at which the other side was met. */
function widen(
  side: Side,
  other: Side,
  transfers: WaySearch['outOf'],
  next: (transfer: Transfer) => IndexedStore,
): IndexedStore | undefined {
  const edge: IndexedStore[] = []
  for (const store of side.edge) {
    if (side.asked >= ASKED_MAX) break
    side.asked++
    for (const transfer of transfers(store, (reached) => !side.byWay.has(reached))) {
      const reached = next(transfer)
      side.byWay.set(reached, transfer)
      if (other.byWay.has(reached)) return reached
      edge.push(reached)
    }
  }
  side.edge = edge
  return undefined
}

/** The transfers between the store and the side's end, the nearest to the store first. */
function wayTo(store: IndexedStore, side: Side, back: (transfer: Transfer) => IndexedStore): Transfer[] {
  const way: Transfer[] = []
  for (let step = side.byWay.get(store); step !== undefined; step = side.byWay.get(back(step))) way.push(step)
  return way
}
