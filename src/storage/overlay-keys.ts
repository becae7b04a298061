/**
 * The keys of one overlay generation in order, kept lazily: new keys are collected, and sorted only when somebody asks for the order. It holds no values
 * and forgets nothing; a reader skips keys that the generation no longer knows. Used by `overlay-generation.ts` only.
 *
 * Sorted runs of falling size: a new run is merged with its neighbour while they are of similar size, so that a scan after every few writes
 * costs each key a logarithmic number of merges and never a rebuild, and a scan looks at a handful of runs.
 */
import type { DataKey } from './data-store.ts'

/** Once scans are seen, this many keys at a time are sorted as they come (0.2 us per key), so that no later scan pays for all at once. */
const EAGER_RUN_KEYS = 512

/** Exact up to this many unsorted keys; above, an estimate with an error of a few per cent. */
const SAMPLED_KEYS_MAX = 2000

export class OverlayKeys {
  #fresh: DataKey[] = []
  readonly #runs: DataKey[][] = []
  #eager: boolean
  #asked = false

  constructor(eager: boolean) {
    this.#eager = eager
  }

  /** Whether anybody asked for the order: the next generation should start eager then. */
  get asked(): boolean {
    return this.#asked
  }

  /** Adds a key that the generation did not know. */
  add(key: DataKey): void {
    this.#fresh.push(key)
    if (this.#eager && this.#fresh.length >= EAGER_RUN_KEYS) this.#settle()
  }

  /** All keys, as sorted runs; a key may be in two of them when it was forgotten and added again. Valid until the next `add`. */
  runs(): readonly (readonly DataKey[])[] {
    this.#asked = true
    this.#eager = true
    this.#settle()
    return this.#runs
  }

  /** About how many keys lie in `[start, end)`, without sorting anything: unsorted keys are sampled. */
  estimateCount(start: DataKey, end: DataKey | undefined): number {
    let count = 0
    for (const run of this.#runs)
      count += (end === undefined ? run.length : lowerBound(run, end)) - lowerBound(run, start)
    const fresh = this.#fresh
    const stride = Math.ceil(fresh.length / SAMPLED_KEYS_MAX)
    for (let i = 0; i < fresh.length; i += stride) {
      const key = fresh[i] as DataKey
      if (key >= start && (end === undefined || key < end)) count += stride
    }
    return count
  }

  #settle(): void {
    if (this.#fresh.length === 0) return
    // The default order of strings compares code units, which are the bytes of the key.
    let run = this.#fresh.sort()
    this.#fresh = []
    for (;;) {
      const neighbour = this.#runs.at(-1)
      if (neighbour === undefined || neighbour.length > 2 * run.length) break
      this.#runs.pop()
      run = mergeRuns(neighbour, run)
    }
    this.#runs.push(run)
  }
}

function mergeRuns(a: readonly DataKey[], b: readonly DataKey[]): DataKey[] {
  const merged: DataKey[] = new Array(a.length + b.length)
  let i = 0
  let j = 0
  for (let k = 0; k < merged.length; k++) {
    const x = a[i]
    const y = b[j]
    if (y === undefined || (x !== undefined && x <= y)) {
      merged[k] = x as DataKey
      i++
    } else {
      merged[k] = y
      j++
    }
  }
  return merged
}

/** The position of the first key that is not below `bound`. */
export function lowerBound(keys: readonly DataKey[], bound: DataKey): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((keys[middle] as DataKey) < bound) low = middle + 1
    else high = middle
  }
  return low
}
