import type { Call } from './call.ts'
import type { Replica } from './replica.ts'
import type { Store } from './store.ts'

/** What the placement driver is to a store: the one who answers placement requests while the store leads group 1. */
export interface PlacementHandler {
  start(store: Store): void
  stop(): void
  /** The replica of group 1 on this store changed its role or leader. */
  leadershipChanged(replica: Replica): void
  /** Answers `store-heartbeat`, `placement-status`, `allocate-ids` and `operate`. */
  handle(call: Call): void
}
