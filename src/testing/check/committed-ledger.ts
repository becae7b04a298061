/**
 * The memory of everything that any replica ever called committed, independent of all stores: (group, index) -> (term, hash). State-machine safety
 * (Raft, Figure 3) says that no replica ever commits something else there, and leader completeness that every later leader has it. A store
 * that starts again is compared anew over all that its log still has.
 */
import { type EntryView, type Problem, placeOf, type ReplicaView } from './views.ts'

interface Committed extends EntryView {
  /** The lowest term in which somebody is known to have called it committed. */
  readonly seenInTerm: number
}

export class CommittedLedger {
  readonly #groups = new Map<number, Map<number, Committed>>()
  readonly #highest = new Map<number, number>()
  /** Up to where each replica of this run was compared. */
  readonly #compared = new Map<string, number>()
  /** Elections that were judged, by place: the term. */
  readonly #judged = new Map<string, number>()

  observe(view: ReplicaView): Problem {
    return this.#compareCommitted(view) ?? this.#judgeLeader(view)
  }

  /** Its memory is gone: what comes up from disk is compared from its beginning. */
  crashed(store: string): void {
    for (const place of this.#compared.keys()) if (place.endsWith(`/${store}`)) this.#compared.delete(place)
    for (const place of this.#judged.keys()) if (place.endsWith(`/${store}`)) this.#judged.delete(place)
  }

  entry(group: number, index: number): EntryView | undefined {
    return this.#groups.get(group)?.get(index)
  }

  /** The highest index of the group that anybody called committed. */
  highest(group: number): number {
    return this.#highest.get(group) ?? 0
  }

  #compareCommitted(view: ReplicaView): Problem {
    const { group, store, commitIndex, term } = view
    const place = placeOf(view)
    const from = Math.max(this.#compared.get(place) ?? 0, view.firstIndex - 1)
    if (commitIndex <= from) return undefined
    let entries = this.#groups.get(group)
    if (entries === undefined) {
      entries = new Map()
      this.#groups.set(group, entries)
    }
    for (let index = from + 1; index <= commitIndex; index++) {
      const entry = view.entry(index)
      if (entry === undefined)
        return `group ${group}: ${store} calls ${index} committed, but its log (${view.firstIndex} to ${view.lastIndex}) does not have it`
      const known = entries.get(index)
      if (known === undefined) {
        entries.set(index, { term: entry.term, hash: entry.hash, seenInTerm: term })
      } else if (known.term !== entry.term || known.hash !== entry.hash) {
        return `group ${group}: the committed entry ${index} was ${text(known)} and is ${text(entry)} on ${store}`
      } else if (term < known.seenInTerm) {
        entries.set(index, { ...known, seenInTerm: term })
      }
    }
    this.#compared.set(place, commitIndex)
    this.#highest.set(group, Math.max(this.highest(group), commitIndex))
    return undefined
  }

  /** Raft §5.4: the leader of a term has every entry that was committed in an earlier one. */
  #judgeLeader(view: ReplicaView): Problem {
    if (view.role !== 'leader') return undefined
    const { group, store, term } = view
    const place = placeOf(view)
    if (this.#judged.get(place) === term) return undefined
    this.#judged.set(place, term)
    const entries = this.#groups.get(group)
    if (entries === undefined) return undefined
    for (let index = this.highest(group); index >= view.firstIndex; index--) {
      const known = entries.get(index)
      if (known === undefined || known.seenInTerm >= term) continue
      const entry = view.entry(index)
      if (entry === undefined)
        return `group ${group}: ${store} leads term ${term} without entry ${index}, committed by term ${known.seenInTerm}`
      if (entry.term !== known.term || entry.hash !== known.hash)
        return `group ${group}: ${store} leads term ${term} with ${text(entry)} at ${index}, where ${text(known)} was committed`
    }
    return undefined
  }
}

function text({ term, hash }: EntryView): string {
  return `(term ${term}, hash ${hash.toString(16)})`
}
