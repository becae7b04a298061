/**
 * What each store should hold when nothing is in the way. Shares follow weights, but no zone, host or store can hold more of a shard's replicas
 * than keeps them apart: a zone of one store beside two zones of many gets one replica of each shard and not more, and what it cannot take is
 * shared by the others. Without this, balance would strive for what isolation forbids.
 */
import { isBalanced } from './eligibility.ts'
import type { PlacementIndex } from './placement-index.ts'
import { type Dimension, type IndexedStore, isAccepting } from './store-load.ts'

/** Replicas per shard that each store should hold, of stores that take part; they sum to the replication factor where that is possible. */
export function replicaShares(index: PlacementIndex): ReadonlyMap<IndexedStore, number> {
  const { settings } = index
  const stores = [...index.stores()].filter((store) => isBalanced(store, settings))
  const shares = new Map<IndexedStore, number>()
  share(stores, settings.replicas, settings.replicas, 0, settings.isolationLabels.length, shares)
  return shares
}

/** What each taking part should hold of a dimension that follows replicas, when all that they hold together is shared anew. */
export function replicaIdeals(
  shares: ReadonlyMap<IndexedStore, number>,
  dimension: Dimension,
): Map<IndexedStore, number> {
  return spread(shares, dimension)
}

/** Leaders and requests follow the weights alone. */
export function leaderIdeals(index: PlacementIndex, dimension: Dimension): Map<IndexedStore, number> {
  const weights = new Map<IndexedStore, number>()
  for (const store of index.stores()) if (isAccepting(store)) weights.set(store, store.statistics.weight)
  return spread(weights, dimension)
}

function spread(shares: ReadonlyMap<IndexedStore, number>, dimension: Dimension): Map<IndexedStore, number> {
  let amount = 0
  let sum = 0
  for (const [store, share] of shares) {
    amount += store.planned[dimension]
    sum += share
  }
  const ideals = new Map<IndexedStore, number>()
  for (const [store, share] of shares) ideals.set(store, sum > 0 ? (amount * share) / sum : 0)
  return ideals
}

/** Gives `amount` replicas per shard to the stores, at most `together` of one shard to all of them, level by level of labels. */
function share(
  stores: readonly IndexedStore[],
  amount: number,
  together: number,
  level: number,
  levels: number,
  shares: Map<IndexedStore, number>,
): void {
  const groups = groupsAt(stores, level, levels)
  // As even as possible: of `together` replicas in so many places, none has more than this.
  const each = Math.max(1, Math.ceil(together / groups.length))
  const caps = groups.map((group) => Math.min(each, group.length))
  const parts = pour(
    amount,
    groups.map((group) => group.reduce((sum, store) => sum + store.statistics.weight, 0)),
    caps,
  )
  for (const [i, group] of groups.entries()) {
    const part = parts[i] as number
    if (level >= levels) shares.set(group[0] as IndexedStore, part)
    else share(group, part, caps[i] as number, level + 1, levels, shares)
  }
}

/** Stores with the same value of a label; below the last label each store is a group of its own. */
function groupsAt(stores: readonly IndexedStore[], level: number, levels: number): IndexedStore[][] {
  if (level >= levels) return stores.map((store) => [store])
  const groups = new Map<number, IndexedStore[]>()
  const alone: IndexedStore[][] = []
  for (const store of stores) {
    const value = store.labelValues[level] as number
    const group = groups.get(value)
    if (value === 0) alone.push([store])
    else if (group === undefined) groups.set(value, [store])
    else group.push(store)
  }
  return [...groups.values(), ...alone]
}

/** Divides an amount by weights; what a full one cannot take goes to the others. */
function pour(amount: number, weights: readonly number[], caps: readonly number[]): number[] {
  const parts = weights.map(() => 0)
  let open = weights.map((_, i) => i)
  let rest = amount
  while (open.length > 0 && rest > 0) {
    const sum = open.reduce((total, i) => total + (weights[i] as number), 0)
    const level = rest / sum
    const full = open.filter((i) => level * (weights[i] as number) >= (caps[i] as number))
    if (full.length === 0) {
      for (const i of open) parts[i] = level * (weights[i] as number)
      break
    }
    for (const i of full) {
      parts[i] = caps[i] as number
      rest -= caps[i] as number
    }
    open = open.filter((i) => !full.includes(i))
  }
  return parts
}
