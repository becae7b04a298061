/**
 * Log matching (Raft, Figure 3): if two logs have an entry with the same index and term, the logs are equal up to there. Held by induction: an
 * (index, term) has one content and one term before it, for ever, on every store. Looks only at the end of a log that changed.
 */
import { type Problem, placeOf, type ReplicaView } from './views.ts'

interface Made {
  readonly hash: number
  /** The term of the entry before it, where anybody knew it. */
  previousTerm: number | undefined
}

export class LogMatching {
  /** By group, index and term. */
  readonly #made = new Map<number, Map<number, Map<number, Made>>>()
  /** The terms of each replica's log when it was last looked at. */
  readonly #logs = new Map<string, Map<number, number>>()
  readonly #ends = new Map<string, { readonly index: number; readonly term: number | undefined }>()

  observe(view: ReplicaView): Problem {
    const place = placeOf(view)
    const lastTerm = view.entry(view.lastIndex)?.term
    const end = this.#ends.get(place)
    if (end !== undefined && end.index === view.lastIndex && end.term === lastTerm) return undefined
    this.#ends.set(place, { index: view.lastIndex, term: lastTerm })
    let log = this.#logs.get(place)
    if (log === undefined) {
      log = new Map()
      this.#logs.set(place, log)
    }
    for (let index = end?.index ?? 0; index > view.lastIndex; index--) log.delete(index)
    for (let index = view.lastIndex; index >= view.firstIndex; index--) {
      const entry = view.entry(index)
      if (entry === undefined) return `group ${view.group}: the log of ${view.store} has a hole at ${index}`
      if (log.get(index) === entry.term) return undefined
      log.set(index, entry.term)
      const problem = this.#compare(view, index, entry.term, entry.hash)
      if (problem !== undefined) return problem
    }
    return undefined
  }

  /** What comes up from disk is looked at from its beginning. */
  crashed(store: string): void {
    for (const place of this.#logs.keys()) {
      if (!place.endsWith(`/${store}`)) continue
      this.#logs.delete(place)
      this.#ends.delete(place)
    }
  }

  #compare(view: ReplicaView, index: number, term: number, hash: number): Problem {
    const { group, store } = view
    let indexes = this.#made.get(group)
    if (indexes === undefined) {
      indexes = new Map()
      this.#made.set(group, indexes)
    }
    let terms = indexes.get(index)
    if (terms === undefined) {
      terms = new Map()
      indexes.set(index, terms)
    }
    const previousTerm = view.entry(index - 1)?.term
    const known = terms.get(term)
    if (known === undefined) {
      terms.set(term, { hash, previousTerm })
      return undefined
    }
    if (known.hash !== hash)
      return `group ${group}: two entries have index ${index} and term ${term}, one of them on ${store}`
    if (known.previousTerm === undefined) known.previousTerm = previousTerm
    else if (previousTerm !== undefined && known.previousTerm !== previousTerm)
      return `group ${group}: before (index ${index}, term ${term}) stands term ${known.previousTerm} in one log and ${previousTerm} on ${store}`
    return undefined
  }
}
