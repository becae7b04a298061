import { PLACEMENT_SHARD, type Shard } from '../../shard-map/index.ts'
import { EMPTY_BYTES } from '../base/index.ts'
import type { KeyRange } from '../storage/index.ts'
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

/** The user keys that belong to a shard's group: those in its range, and none for the placement driver's. */
export function dataRange(shard: Shard): KeyRange {
  return shard.id === PLACEMENT_SHARD ? { start: '', end: '' } : { start: shard.start, end: shard.end }
}
