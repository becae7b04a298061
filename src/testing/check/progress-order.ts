/**
 * What only ever moves forward. Within one run of a process: term, commit index, applied index, the vote of a term. Across restarts: what was
 * durable stays, so a term never falls below a durable one and a durable vote is never cast again. Applied never passes commit, commit never
 * the end of the log.
 */
import { type HardStateView, type Problem, placeOf, type ReplicaView } from './views.ts'

interface Seen {
  readonly term: number
  readonly votedFor: number
  readonly commitIndex: number
  readonly appliedIndex: number
}

export class ProgressOrder {
  readonly #seen = new Map<string, Seen>()
  readonly #durable = new Map<string, HardStateView>()

  observe(view: ReplicaView): Problem {
    const place = placeOf(view)
    const problem = this.#compare(view, this.#seen.get(place), this.#durable.get(place))
    const { term, votedFor, commitIndex, appliedIndex, durable } = view
    this.#seen.set(place, { term, votedFor, commitIndex, appliedIndex })
    if (durable !== undefined) this.#durable.set(place, { term: durable.term, votedFor: durable.votedFor })
    return problem
  }

  /** What was only in memory may be gone. */
  crashed(store: string): void {
    forget(this.#seen, store)
  }

  /** The disk is empty too. */
  wiped(store: string): void {
    forget(this.#seen, store)
    forget(this.#durable, store)
  }

  #compare(view: ReplicaView, before: Seen | undefined, durable: HardStateView | undefined): Problem {
    const { group, store, term, votedFor, commitIndex, appliedIndex, lastIndex } = view
    const who = `group ${group} on ${store}`
    if (appliedIndex > commitIndex) return `${who}: applied ${appliedIndex} beyond commit ${commitIndex}`
    if (commitIndex > lastIndex) return `${who}: commit ${commitIndex} beyond the end of the log at ${lastIndex}`
    if (durable !== undefined) {
      if (term < durable.term) return `${who}: term ${term} after the durable term ${durable.term}`
      if (term === durable.term && durable.votedFor !== 0 && votedFor !== durable.votedFor)
        return `${who}: the vote of term ${term} was durably for ${durable.votedFor} and is for ${votedFor}`
    }
    if (before === undefined) return undefined
    if (term < before.term) return `${who}: term fell from ${before.term} to ${term}`
    if (term === before.term && before.votedFor !== 0 && votedFor !== before.votedFor)
      return `${who}: the vote of term ${term} changed from ${before.votedFor} to ${votedFor}`
    if (commitIndex < before.commitIndex) return `${who}: commit fell from ${before.commitIndex} to ${commitIndex}`
    if (appliedIndex < before.appliedIndex) return `${who}: applied fell from ${before.appliedIndex} to ${appliedIndex}`
    return undefined
  }
}

function forget(places: Map<string, unknown>, store: string): void {
  for (const place of places.keys()) if (place.endsWith(`/${store}`)) places.delete(place)
}
