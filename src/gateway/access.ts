/**
 * Who asks, and what they may do: bearer tokens, each with a role and, where wanted, the key prefixes it is confined to. Of a token only its digest is
 * known here. Admission finds the grant of a request; handlers ask it about keys. Decides nothing about routes.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Key } from '../../shard-map/index.ts'
import { bytesToLatin1, latin1ToBytes, prefixEnd } from '../base/index.ts'
import { refusal } from './failures.ts'

/** Each may do what those before it may. */
export type Role = 'read' | 'write' | 'admin'

export interface AccessToken {
  /** For audit events and refusals; not secret. */
  readonly name: string
  /** SHA-256 of the token: 32 bytes. No slow hash is needed, because tokens are random and too long to be guessed. */
  readonly digest: Uint8Array
  readonly role: Role
  /** The keys it may touch; empty stands for all. */
  readonly prefixes: readonly Key[]
}

const RANK: Readonly<Record<Role, number>> = { read: 0, write: 1, admin: 2 }

interface KeyRange {
  readonly start: Key
  /** Undefined: no upper bound. */
  readonly end: Key | undefined
}

/** What one token allows. */
export class Grant {
  readonly name: string
  readonly #rank: number
  /** Sorted, apart from one another; undefined where every key is allowed. */
  readonly #ranges: readonly KeyRange[] | undefined

  constructor(token: AccessToken) {
    this.name = token.name
    this.#rank = RANK[token.role]
    this.#ranges = token.prefixes.length === 0 ? undefined : mergedRanges(token.prefixes)
  }

  get isScoped(): boolean {
    return this.#ranges !== undefined
  }

  includes(role: Role): boolean {
    return this.#rank >= RANK[role]
  }

  covers(key: Key): boolean {
    return this.#ranges === undefined || this.#ranges.some(({ start, end }) => key >= start && isBelow(key, end))
  }

  /** Throws PERMISSION_DENIED. */
  requireKey(key: Key): void {
    if (!this.covers(key)) throw outOfScope('the token does not cover this key')
  }

  /** Throws PERMISSION_DENIED unless every key of `[start, end)` is covered; `end` undefined means that there is no upper bound. */
  requireRange(start: Key, end: Key | undefined): void {
    if (this.#ranges === undefined) return
    const isCovered = this.#ranges.some(
      (range) => start >= range.start && (range.end === undefined || (end !== undefined && end <= range.end)),
    )
    if (!isCovered) throw outOfScope('the token does not cover this range of keys')
  }
}

export function outOfScope(message: string): Error {
  return refusal('PERMISSION_DENIED', message, 'Stay within the prefixes of the token, or use another token.')
}

function isBelow(key: Key, end: Key | undefined): boolean {
  return end === undefined || key < end
}

/** Prefixes that touch become one range, so that a range over both is covered. */
function mergedRanges(prefixes: readonly Key[]): KeyRange[] {
  const merged: KeyRange[] = []
  for (const range of prefixes.map(rangeOfPrefix).sort((a, b) => (a.start < b.start ? -1 : 1))) {
    const last = merged.at(-1)
    if (last === undefined || (last.end !== undefined && range.start > last.end)) merged.push(range)
    else merged[merged.length - 1] = { start: last.start, end: higherEnd(last.end, range.end) }
  }
  return merged
}

function rangeOfPrefix(prefix: Key): KeyRange {
  const end = prefixEnd(latin1ToBytes(prefix))
  return { start: prefix, end: end === undefined ? undefined : bytesToLatin1(end) }
}

function higherEnd(a: Key | undefined, b: Key | undefined): Key | undefined {
  if (a === undefined || b === undefined) return undefined
  return a > b ? a : b
}

/** The tokens of one moment. Replaced as a whole, never changed. */
export class TokenSet {
  readonly #entries: readonly { readonly digest: Uint8Array; readonly grant: Grant }[]

  constructor(tokens: readonly AccessToken[]) {
    this.#entries = tokens.map((token) => ({ digest: token.digest, grant: new Grant(token) }))
  }

  /** The grant that an Authorization header carries; undefined when it carries none that is known. */
  grantOf(authorization: string | undefined): Grant | undefined {
    const token = /^Bearer +([^ ]+)$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) return undefined
    const offered = createHash('sha256').update(token, 'latin1').digest()
    let found: Grant | undefined
    // All of them, always: neither the time of one comparison nor their number says which token was close.
    for (const { digest, grant } of this.#entries) if (timingSafeEqual(digest, offered)) found = grant
    return found
  }
}
