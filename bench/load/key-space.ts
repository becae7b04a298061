/**
 * Key numbers to key text and nothing else. Keys use only characters that need no escaping in a URL, in JSON and in a JetStream KV
 * key, so that every target stores the very same keys. Used by targets when they write a request.
 */
import { assert } from '../../src/base/index.ts'

/** `spread`: the first characters differ, as with user names or UUIDs. `prefix`: all keys are neighbours, as with one table's rows. */
export const KEY_LAYOUTS = ['spread', 'prefix'] as const
export type KeyLayout = (typeof KEY_LAYOUTS)[number]

/** Enough for any run on one machine; every key's text is kept once made. */
export const KEY_COUNT_MAX = 10_000_000
const INDEX_DIGITS = 8
const SPREAD_RADIX = 36

/** What a key prefix may contain: unreserved in URLs, legal in a JetStream KV key, the same in JSON. */
export const KEY_PREFIX_PATTERN = /^[A-Za-z0-9_-][A-Za-z0-9/_-]{0,63}$/

export class KeySpace {
  readonly count: number
  readonly #prefix: string
  readonly #layout: KeyLayout
  readonly #texts: (string | undefined)[]

  constructor(count: number, prefix: string, layout: KeyLayout) {
    assert(count >= 1 && count <= KEY_COUNT_MAX, `the key count ${count} must lie between 1 and ${KEY_COUNT_MAX}`)
    assert(KEY_PREFIX_PATTERN.test(prefix), `the key prefix ${prefix} must match ${KEY_PREFIX_PATTERN.source}`)
    this.count = count
    this.#prefix = prefix
    this.#layout = layout
    this.#texts = new Array<string | undefined>(count)
  }

  text(index: number): string {
    const known = this.#texts[index]
    if (known !== undefined) return known
    const made = this.#make(index)
    this.#texts[index] = made
    return made
  }

  #make(index: number): string {
    const row = `${this.#prefix}/${String(index).padStart(INDEX_DIGITS, '0')}`
    if (this.#layout === 'prefix') return row
    // A multiplicative hash, since neighbouring numbers must not share their first characters.
    const hash = Math.imul(index + 1, 0x9e3779b1) >>> 0
    const lead = Math.floor((hash / 0x1_0000_0000) * SPREAD_RADIX ** 2)
    return `${lead.toString(SPREAD_RADIX).padStart(2, '0')}/${row}`
  }
}
