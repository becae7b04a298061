import type { Key, KeySample } from '../../shard-map/index.ts'
import type { Random } from '../base/index.ts'
import type { HotKey } from '../protocol/index.ts'

/**
 * A sample of the requests of one busy shard: which keys they asked for, the last few seconds over all others. From it come the keys at which the
 * load could be cut, and the keys that are hot. It costs a counter per request and, about 64 times a second, the replacement of one slot,
 * however busy the shard is; it holds at most `SLOTS` keys. The load meter owns it; how often requests come it is told, not by a clock.
 *
 * Every sampled request replaces a slot drawn at random, so what a slot holds fades exponentially with what came after it (Aggarwal 2006,
 * "On biased reservoir sampling in the presence of stream evolution"): no window has to be kept.
 */

/** The share of a key is off by 3 % at most two times out of three. */
const SLOTS = 256
const SAMPLES_PER_SECOND = 64
/** Fewer say too little to act by themselves. */
export const SAMPLES_MIN = 64
/** Parts of equal load that a shard's samples are told as; a cut between them is off by no more than one of them. */
const PARTS = 32
/** A key is hot that has this share of its shard's requests, of one kind. */
const HOT_SHARE_MIN = 0.04
const HOT_SAMPLES_MIN = 5
const HOT_KEYS_MAX = 8

/** A scan is sampled by where it begins; that key is not hot for it. */
export type SampleKind = 'read' | 'write' | 'scan'

interface Slot {
  readonly key: Key
  readonly kind: SampleKind
}

export class KeySampler {
  readonly #random: Random
  readonly #slots: Slot[]
  /** One request in so many is taken. */
  #period = 1
  #skip = 0

  constructor(random: Random, slots: readonly Slot[] = []) {
    this.#random = random
    this.#slots = [...slots]
  }

  /** Samples there are. */
  get size(): number {
    return this.#slots.length
  }

  /** How many requests come from now on, as far as the last second tells. */
  expect(requestsPerSecond: number): void {
    this.#period = Math.max(1, Math.round(requestsPerSecond / SAMPLES_PER_SECOND))
    this.#skip = Math.min(this.#skip, 2 * this.#period)
  }

  /** Counts a request. True when it is one to be taken. */
  isDue(): boolean {
    return --this.#skip < 0
  }

  take(key: Key, kind: SampleKind): void {
    // Uniform around the period, so that requests that come in a rhythm are not all of one kind.
    this.#skip = this.#period === 1 ? 0 : this.#random.below(2 * this.#period - 1)
    if (this.#slots.length < SLOTS) this.#slots.push({ key, kind })
    else this.#slots[this.#random.below(SLOTS)] = { key, kind }
  }

  /** Any of a request's keys; undefined of none. */
  anyOf<T>(keys: readonly T[]): T | undefined {
    return keys.length <= 1 ? keys[0] : keys[this.#random.below(keys.length)]
  }

  /** The shard is cut at these keys, which ascend: each part's own samples, this one's own first. */
  divided(cuts: readonly Key[]): KeySampler[] {
    return [...cuts, undefined].map((end, place) => {
      const start = cuts[place - 1] ?? ''
      const own = this.#slots.filter(({ key }) => key >= start && (end === undefined || key < end))
      return new KeySampler(this.#random, own)
    })
  }

  /**
   * The samples in key order, neighbours added up to about 32 parts of equal load; each part is named by its first key. A key that is hot by
   * itself is a part of its own. Empty when there are fewer than `samplesMin`.
   */
  parts(samplesMin: number): readonly KeySample[] {
    if (this.#slots.length < Math.max(1, samplesMin)) return []
    const hitsMin = this.#slots.length / PARTS
    const parts: { readonly key: Key; hits: number }[] = []
    let isOpen = false
    for (const { key, hits } of countKeys(this.#slots)) {
      const last = parts.at(-1)
      if (isOpen && last !== undefined && hits < hitsMin) last.hits += hits
      else parts.push({ key, hits })
      isOpen = (parts.at(-1)?.hits ?? 0) < hitsMin
    }
    return parts
  }

  /** Keys with a large share of all reads or of all writes, the largest first; rates as the shard's own are given. */
  hotKeys(load: { readonly readsPerSecond: number; readonly writesPerSecond: number }): readonly HotKey[] {
    if (this.#slots.length < SAMPLES_MIN) return []
    const reads = this.#slots.filter(({ kind }) => kind === 'read')
    const writes = this.#slots.filter(({ kind }) => kind === 'write')
    const scans = this.#slots.length - reads.length - writes.length
    const hot = new Map<Key, { readsPerSecond: number; writesPerSecond: number }>()
    const note = (slots: readonly Slot[], all: number, what: 'readsPerSecond' | 'writesPerSecond'): void => {
      for (const { key, hits } of countKeys(slots)) {
        if (hits < HOT_SAMPLES_MIN || hits < all * HOT_SHARE_MIN) continue
        const known = hot.get(key) ?? { readsPerSecond: 0, writesPerSecond: 0 }
        known[what] = Math.round((hits / all) * load[what])
        hot.set(key, known)
      }
    }
    // Scans count as reads in the shard's load.
    note(reads, reads.length + scans, 'readsPerSecond')
    note(writes, writes.length, 'writesPerSecond')
    const keys = [...hot].map(([key, rates]): HotKey => ({ key, ...rates }))
    const busy = ({ readsPerSecond, writesPerSecond }: HotKey): number => readsPerSecond + writesPerSecond
    return keys.sort((a, b) => busy(b) - busy(a) || (a.key < b.key ? -1 : 1)).slice(0, HOT_KEYS_MAX)
  }
}

/** How often each key was sampled, in key order. */
function countKeys(slots: readonly Slot[]): KeySample[] {
  const hits = new Map<Key, number>()
  for (const { key } of slots) hits.set(key, (hits.get(key) ?? 0) + 1)
  return [...hits].map(([key, count]) => ({ key, hits: count })).sort((a, b) => (a.key < b.key ? -1 : 1))
}
