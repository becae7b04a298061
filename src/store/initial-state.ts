import type { Shard } from '../../shard-map/index.ts'
import { EMPTY_BYTES } from '../base/index.ts'
import type { StateRecord } from './state-record.ts'

/**
 * How a group begins. Every first member starts from the same state, without a message: an empty shard, applied at a fixed position
 * of the log, with the members that the shard's first description names. So it does not matter which of them starts first.
 */
export const INITIAL_INDEX = 5
export const INITIAL_TERM = 1

export function initialRecord(shard: Shard, replica: number): StateRecord {
  return {
    appliedIndex: INITIAL_INDEX,
    appliedTerm: INITIAL_TERM,
    replica,
    shard,
    membership: {
      voters: shard.replicas.map(({ id }) => id).sort((left, right) => left - right),
      votersOutgoing: [],
      learners: [],
      learnersNext: [],
      autoLeave: false,
    },
    machine: EMPTY_BYTES,
  }
}

/** The placement driver's group as the configuration names its first members. Its replica ids are 1, 2, 3, … in that order. */
export function placementShard(stores: readonly string[]): Shard {
  return {
    id: 1,
    start: '',
    end: '',
    epoch: { membership: 1, range: 1 },
    replicas: stores.map((store, position) => ({ id: position + 1, store, role: 'voter' })),
  }
}
