/**
 * Entries go through a state machine in the order of the log, each exactly once, and none that is not committed. Fed by whoever can see the machine at
 * work; a start or a snapshot says from where it goes on.
 */
import type { CommittedLedger } from './committed-ledger.ts'
import { type Problem, placeOf } from './views.ts'

export interface AppliedEntry {
  readonly group: number
  readonly replica: number
  readonly store: string
  readonly index: number
  readonly term: number
  /** As in an `EntryView`, of the command that went through the machine; undefined where none did. */
  readonly hash: number | undefined
}

export class AppliedOrder {
  readonly #applied = new Map<string, number>()
  readonly #ledger: CommittedLedger

  constructor(ledger: CommittedLedger) {
    this.#ledger = ledger
  }

  /** The machine on this store holds the state as of `index`: it was started from its data, or from a snapshot. */
  startsFrom({ group, replica, store, index }: Omit<AppliedEntry, 'term' | 'hash'>): Problem {
    const place = placeOf({ group, replica, store })
    const before = this.#applied.get(place)
    this.#applied.set(place, index)
    if (before !== undefined && index < before)
      return `group ${group}: a snapshot takes ${store} back from ${before} to ${index}`
    return undefined
  }

  applied({ group, replica, store, index, term, hash }: AppliedEntry): Problem {
    const place = placeOf({ group, replica, store })
    const before = this.#applied.get(place)
    this.#applied.set(place, index)
    if (before !== undefined && index <= before)
      return `group ${group}: ${store} applies ${index} again, after ${before}`
    if (before !== undefined && index !== before + 1)
      return `group ${group}: ${store} applies ${index} right after ${before}`
    const committed = this.#ledger.entry(group, index)
    if (committed !== undefined && (committed.term !== term || (hash ?? committed.hash) !== committed.hash))
      return `group ${group}: ${store} applies another entry at ${index} (term ${term}) than was committed (term ${committed.term})`
    return undefined
  }

  crashed(store: string): void {
    for (const place of this.#applied.keys()) if (place.endsWith(`/${store}`)) this.#applied.delete(place)
  }
}
