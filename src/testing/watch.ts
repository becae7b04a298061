/**
 * Looks at the replicas of a store after each of its events and hands what it sees to the checks of a whole cluster. Cheap enough to run always:
 * a few numbers per replica, and entries only when the commit index has moved.
 */
import type { Node } from '../server/index.ts'
import type { Replica } from '../store/index.ts'

interface Seen {
  readonly replica: Replica
  term: number
  wasLeader: boolean
  commitIndex: number
  appliedIndex: number
}

export class StoreWatch {
  readonly #fail: (message: string, group: number) => void
  readonly #leaders = new Map<string, string>()
  readonly #seen = new Map<string, Map<number, Seen>>()

  constructor(fail: (message: string, group: number) => void) {
    this.#fail = fail
  }

  processGone(store: string): void {
    this.#seen.delete(store)
  }

  look(store: string, node: Node): void {
    let seen = this.#seen.get(store)
    if (seen === undefined) {
      seen = new Map()
      this.#seen.set(store, seen)
    }
    for (const replica of node.store.replicas.values()) {
      let last = seen.get(replica.group)
      if (last?.replica !== replica) {
        last = { replica, term: 0, wasLeader: false, commitIndex: 0, appliedIndex: 0 }
        seen.set(replica.group, last)
      }
      const { term, isLeader, commitIndex } = replica.raft
      if (isLeader && !(last.wasLeader && last.term === term)) this.#led(store, replica.group, term)
      if (commitIndex < last.commitIndex)
        this.#fail(`the commit index went back from ${last.commitIndex} to ${commitIndex} on ${store}`, replica.group)
      if (replica.appliedIndex > commitIndex)
        this.#fail(`${store} has applied ${replica.appliedIndex}, but committed only ${commitIndex}`, replica.group)
      last.term = term
      last.wasLeader = isLeader
      last.commitIndex = commitIndex
      last.appliedIndex = replica.appliedIndex
    }
  }

  #led(store: string, group: number, term: number): void {
    const name = `${group}/${term}`
    const leader = this.#leaders.get(name)
    if (leader === undefined) this.#leaders.set(name, store)
    else if (leader !== store) this.#fail(`two leaders of group ${group} in term ${term}: ${leader} and ${store}`, group)
  }
}
