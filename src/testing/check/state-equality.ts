/**
 * Replicas of one group that have applied equally much are equal, and a snapshot that claims an index holds the state of that index. Finds what is
 * applied twice, not at all or differently, without knowing what a state is. Remembers one hash per group and index, across all restarts.
 */
import type { CommittedLedger } from './committed-ledger.ts'
import type { Problem, ReplicaView } from './views.ts'

export interface SnapshotClaim {
  readonly group: number
  readonly index: number
  readonly term: number
  /** Of the state inside the snapshot, made as that of a `ReplicaView`. */
  readonly stateHash: number
  /** Who made it or took it in. */
  readonly store: string
}

interface Known {
  readonly hash: number
  readonly store: string
}

export class StateEquality {
  readonly #states = new Map<number, Map<number, Known>>()
  readonly #ledger: CommittedLedger

  constructor(ledger: CommittedLedger) {
    this.#ledger = ledger
  }

  observe({ group, store, appliedIndex, stateHash }: ReplicaView): Problem {
    return stateHash === undefined ? undefined : this.#compare(group, appliedIndex, stateHash, store)
  }

  observeSnapshot({ group, index, term, stateHash, store }: SnapshotClaim): Problem {
    const committed = this.#ledger.entry(group, index)
    if (committed !== undefined && committed.term !== term)
      return `group ${group}: a snapshot on ${store} claims term ${term} at ${index}, where term ${committed.term} was committed`
    const problem = this.#compare(group, index, stateHash, store)
    return problem === undefined ? undefined : `in a snapshot: ${problem}`
  }

  #compare(group: number, index: number, hash: number, store: string): Problem {
    let states = this.#states.get(group)
    if (states === undefined) {
      states = new Map()
      this.#states.set(group, states)
    }
    const known = states.get(index)
    if (known === undefined) states.set(index, { hash, store })
    else if (known.hash !== hash)
      return `group ${group}: after entry ${index} the state is ${known.hash.toString(16)} on ${known.store} and ${hash.toString(16)} on ${store}`
    return undefined
  }
}
