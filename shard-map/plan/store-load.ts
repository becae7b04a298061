/**
 * One store as the index keeps it: what it holds now, what it will hold once all running operators are done, and how busy operators keep it.
 * Only `placement-index.ts` changes one; planners see `IndexedStore`.
 */
import type { StoreId } from '../types.ts'
import { IndexedSet } from './indexed-set.ts'
import type { IndexedShard } from './shard-entry.ts'
import type { StoreStatistics } from './statistics.ts'

/** What balance is about. `ops` are requests to the shards that a store leads, `writes` those to all that it keeps. */
export type Dimension = 'replicas' | 'bytes' | 'leaders' | 'ops' | 'writes'

export type Amounts = Readonly<Record<Dimension, number>>

export interface IndexedStore {
  readonly id: StoreId
  readonly statistics: StoreStatistics
  /** With every running operator done. */
  readonly planned: Amounts
  readonly led: IndexedSet<IndexedShard>
  /** Replicas of shards that another store leads, or nobody. */
  readonly followed: IndexedSet<IndexedShard>
  readonly replicaOperators: number
  readonly transfers: number
  /** Replicas that running operators bring here, and their bytes. */
  readonly receiving: number
  readonly receivingBytes: number
  /** A number per isolation label, the same for the same value; 0 where the store has no such label. */
  readonly labelValues: readonly number[]
}

/** A store that shards speak of before it has been heard: neither a target nor a loss. */
function unheard(id: StoreId): StoreStatistics {
  return {
    id,
    labels: {},
    state: 'up',
    liveness: 'suspect',
    weight: 0,
    capacityBytes: 0,
    availableBytes: 0,
    snapshots: 0,
  }
}

export class StoreLoad implements IndexedStore {
  readonly id: StoreId
  statistics: StoreStatistics
  readonly planned: Record<Dimension, number> = { replicas: 0, bytes: 0, leaders: 0, ops: 0, writes: 0 }
  readonly led = new IndexedSet<IndexedShard>()
  readonly followed = new IndexedSet<IndexedShard>()
  replicaOperators = 0
  transfers = 0
  receiving = 0
  receivingBytes = 0
  labelValues: readonly number[] = []

  constructor(id: StoreId) {
    this.id = id
    this.statistics = unheard(id)
  }
}

/** Takes new replicas and leaders, as far as people and its health are concerned. */
export function isAccepting(store: IndexedStore): boolean {
  const { state, liveness, weight } = store.statistics
  return state === 'up' && liveness === 'up' && weight > 0
}

/** Its replicas are lost, or as good as lost. */
export function isLost(store: IndexedStore): boolean {
  return store.statistics.liveness === 'down' || store.statistics.state === 'gone'
}
