import type { Shard } from '../../shard-map/index.ts'
import type { Clock, EventSink, Logger, RpcRecorder, Tracer } from '../base/index.ts'
import type { StateMachine } from '../machine/index.ts'
import type { Reply } from '../protocol/index.ts'
import type { Entry } from '../raft/index.ts'
import type { DataStore, LogStore, LogStoreError } from '../storage/index.ts'
import type { Transport } from '../transport/index.ts'
import type { Replica } from './replica.ts'

/**
 * What the loop does not know how to do: its owner, the store, does it. Called inside a turn, so that nothing here may wait.
 */
export interface LoopHooks {
  /** A replica's leader or role changed. */
  leadershipChanged(replica: Replica): void
  /** `before`: the shard that the applied entry changed; absent where a snapshot replaced everything. */
  membershipChanged(replica: Replica, before?: Shard): void
  /** Applies an entry that changes the shard itself; undefined when it must wait, and the hook wakes the replica when it can go on. */
  changeShard(replica: Replica, entry: Entry): Reply | undefined
  createMachine(shard: Shard, saved: Uint8Array): StateMachine
  /** What this replica stored cannot be read any more. It must not go on; the others may. */
  replicaDamaged(replica: Replica, reason: string): void
  /** The log can no longer be written. The store must stop. */
  logFailed(error: LogStoreError): void
}

/** What the loop stands on. */
export interface LoopOptions {
  readonly clock: Clock
  readonly log: LogStore
  readonly data: DataStore
  readonly transport: Transport
  readonly events: EventSink
  readonly logger: Logger
  readonly rpc?: RpcRecorder | undefined
  readonly tracer?: Tracer | undefined
  readonly hooks: LoopHooks
  readonly replicas: ReadonlyMap<number, Replica>
}
