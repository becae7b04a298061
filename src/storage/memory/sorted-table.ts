/**
 * An immutable ordered map from engine key to value: a change makes a new table that shares all untouched leaves with the old one, so that a
 * snapshot is a reference. Pure; used by the memory engine only.
 */
import type { EngineEntry, EngineKey, EngineRange } from '../kv-store.ts'

/** Small enough to copy on each touch, large enough to keep the list of leaves short. */
const LEAF_ENTRIES_MAX = 128

/** A change per key; null deletes. */
export type TableChanges = ReadonlyMap<EngineKey, Uint8Array | null>

/** Entries in ascending order, never empty. */
type Leaf = readonly EngineEntry[]

export class SortedTable {
  static readonly EMPTY = new SortedTable([])
  readonly #leaves: readonly Leaf[]

  private constructor(leaves: readonly Leaf[]) {
    this.#leaves = leaves
  }

  get(key: EngineKey): Uint8Array | undefined {
    const leaf = this.#leaves[this.#leafOf(key)] ?? []
    const entry = leaf[lowerBound(leaf, key)]
    return entry !== undefined && entry[0] === key ? entry[1] : undefined
  }

  with(changes: TableChanges): SortedTable {
    if (changes.size === 0) return this
    const keys = [...changes.keys()].sort()
    const leaves: Leaf[] = []
    let position = 0
    const leafCount = Math.max(1, this.#leaves.length)
    for (let i = 0; i < leafCount; i++) {
      const leaf = this.#leaves[i] ?? []
      const next = this.#leaves[i + 1]?.[0]?.[0]
      const from = position
      while (position < keys.length && (next === undefined || (keys[position] as EngineKey) < next)) position++
      if (from === position) {
        leaves.push(leaf)
        continue
      }
      const merged = mergeLeaf(leaf, keys.slice(from, position), changes)
      for (let at = 0; at < merged.length; at += LEAF_ENTRIES_MAX) leaves.push(merged.slice(at, at + LEAF_ENTRIES_MAX))
    }
    return new SortedTable(leaves.filter((leaf) => leaf.length > 0))
  }

  /** The entries of the range, lazily, in either direction. */
  *entries(range: EngineRange, reverse: boolean): Generator<EngineEntry, undefined> {
    let i = reverse ? this.#leafOf(range.end) : this.#leafOf(range.start)
    for (;;) {
      const leaf = this.#leaves[i]
      if (leaf === undefined) return
      const from = lowerBound(leaf, range.start)
      const to = lowerBound(leaf, range.end)
      for (let n = 0; n < to - from; n++) yield leaf[reverse ? to - 1 - n : from + n] as EngineEntry
      if (reverse ? from > 0 : to < leaf.length) return
      i += reverse ? -1 : 1
    }
  }

  /** The last leaf that starts at or below `key`; 0 when none does. */
  #leafOf(key: EngineKey): number {
    let low = 0
    let high = this.#leaves.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#leaves[middle]?.[0]?.[0] as EngineKey) <= key) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }
}

function mergeLeaf(leaf: Leaf, keys: readonly EngineKey[], changes: TableChanges): EngineEntry[] {
  const merged: EngineEntry[] = []
  let i = 0
  for (const key of keys) {
    for (let entry = leaf[i]; entry !== undefined && entry[0] <= key; entry = leaf[++i]) {
      if (entry[0] !== key) merged.push(entry)
    }
    const value = changes.get(key)
    if (value !== null && value !== undefined) merged.push([key, value])
  }
  for (; i < leaf.length; i++) merged.push(leaf[i] as EngineEntry)
  return merged
}

function lowerBound(leaf: Leaf, key: EngineKey): number {
  let low = 0
  let high = leaf.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((leaf[middle] as EngineEntry)[0] < key) low = middle + 1
    else high = middle
  }
  return low
}
