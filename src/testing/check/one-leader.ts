/**
 * Election safety (Raft, Figure 3): at most one leader can be elected in one term of one group. Remembers every leader ever seen, also those of
 * stores that are gone, since a term is never given twice.
 */
import type { Problem, ReplicaView } from './views.ts'

export class OneLeader {
  /** By group and term: the replica that led. */
  readonly #leaders = new Map<number, Map<number, number>>()

  observe({ group, role, term, replica, store }: ReplicaView): Problem {
    if (role !== 'leader') return undefined
    let terms = this.#leaders.get(group)
    if (terms === undefined) {
      terms = new Map()
      this.#leaders.set(group, terms)
    }
    const known = terms.get(term)
    if (known === undefined) terms.set(term, replica)
    else if (known !== replica)
      return `group ${group}: replica ${replica} on ${store} leads term ${term}, which replica ${known} led`
    return undefined
  }
}
