/**
 * How far apart the replicas of a shard are. Sharing is counted in pairs: two replicas in one zone share the zone, two on one host the host;
 * pairs at a more important label outweigh all pairs below it. A store without the label shares it with nobody. Less is better, 0 is best.
 */
import type { IndexedStore } from './store-load.ts'

/** More pairs than a shard can have: 64 pairs are 11 replicas in one place. */
const LEVEL = 64

/** The sharing among `stores`, as one number that compares by the most important label first. */
export function sharingOf(stores: readonly IndexedStore[]): number {
  let sharing = 0
  for (let i = 1; i < stores.length; i++) sharing += sharingWith(stores[i] as IndexedStore, stores, i)
  return sharing
}

/** What one more store adds to the sharing among the first `count` of `stores`. */
export function sharingWith(store: IndexedStore, stores: readonly IndexedStore[], count = stores.length): number {
  const { labelValues } = store
  let sharing = 0
  for (let level = 0; level < labelValues.length; level++) {
    sharing *= LEVEL
    const value = labelValues[level] as number
    if (value === 0) continue
    for (let i = 0; i < count; i++) if ((stores[i] as IndexedStore).labelValues[level] === value) sharing++
  }
  return sharing
}

/**
 * No placement of `replicas` on these stores shares less: with r replicas over v values of a label, even distribution makes the fewest pairs.
 * Each label is looked at alone, so the true minimum may be higher.
 */
export function sharingMin(stores: Iterable<IndexedStore>, replicas: number, levels: number): number {
  const values = Array.from({ length: levels }, () => new Set<number>())
  const unlabelled = new Array<number>(levels).fill(0)
  for (const store of stores) {
    for (let level = 0; level < levels; level++) {
      const value = store.labelValues[level] ?? 0
      if (value === 0) unlabelled[level] = (unlabelled[level] ?? 0) + 1
      else values[level]?.add(value)
    }
  }
  let sharing = 0
  for (let level = 0; level < levels; level++) {
    const places = (values[level]?.size ?? 0) + (unlabelled[level] ?? 0)
    sharing = sharing * LEVEL + pairsMin(replicas, places)
  }
  return sharing
}

function pairsMin(replicas: number, places: number): number {
  if (places === 0) return 0
  const each = Math.floor(replicas / places)
  const more = replicas % places
  return (more * (each + 1) * each + (places - more) * each * (each - 1)) / 2
}
