/**
 * What must stay bounded in a simulated store, measured every now and then: a leak that a real cluster would take weeks to die of passes these bounds within
 * a minute of virtual time, because they are set for the load of a simulation and not for what production allows.
 */
import { LIMITS } from '../base/index.ts'
import type { Node } from '../server/index.ts'
import type { ResourceView } from './check/index.ts'
import type { WorldSettings } from './world-settings.ts'

/** The overlay may pass its bound by what one turn applies. */
const OVERLAY_SLACK_BYTES = LIMITS.applyBytesPerTurnMax
/** Looks at a store between two measurements of what is not a plain number. */
const LOOKS_PER_MEASUREMENT = 256
/** Parts of one operation of a client on the way at once, and what stores ask each other for by themselves. */
const REQUESTS_PER_CLIENT = 4
const REQUESTS_OF_STORES = 32
/** Times `compactEntries`: laggards, transfers of snapshots and what is not flushed hold a log. */
const LOG_ENTRIES_FACTOR = 64
const LOG_ENTRIES_MIN = 4_000
const LOG_BYTES_MAX = 4 * 1024 * 1024
const QUEUED_ENTRIES_MAX = 1_000

export class ResourceWatch {
  readonly #store: string
  readonly #settings: WorldSettings
  readonly #judge: (resource: ResourceView) => void
  #looks = 0

  constructor(store: string, settings: WorldSettings, judge: (resource: ResourceView) => void) {
    this.#store = store
    this.#settings = settings
    this.#judge = judge
  }

  look(node: Node): void {
    const { cluster, clients } = this.#settings
    this.#observe('overlay bytes', node.data.overlayBytes, cluster.overlayBytes + OVERLAY_SLACK_BYTES)
    if (this.#looks++ % LOOKS_PER_MEASUREMENT !== 0) return
    const requestsMax = REQUESTS_OF_STORES + REQUESTS_PER_CLIENT * clients
    this.#observe('requests without an answer', node.transport.stats().requestsPending, requestsMax)
    this.#observe('log bytes', node.log.stats().bytes, LOG_BYTES_MAX)
    const entriesMax = Math.max(LOG_ENTRIES_MIN, LOG_ENTRIES_FACTOR * cluster.raft.compactEntries)
    for (const { log, queue, writes, reads } of node.store.replicas.values()) {
      this.#observe('log entries of a replica', log.lastIndex() - log.firstIndex() + 1, entriesMax)
      this.#observe('entries waiting to be applied', queue.length, QUEUED_ENTRIES_MAX)
      this.#observe('writes waiting in a replica', writes.size, requestsMax)
      this.#observe('reads waiting in a replica', reads.size, requestsMax)
    }
  }

  #observe(name: string, value: number, valueMax: number): void {
    this.#judge({ store: this.#store, name, value, valueMax })
  }
}
