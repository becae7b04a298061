import { PLACEMENT_SHARD, type Shard } from '../../shard-map/index.ts'
import { EMPTY_BYTES } from '../base/index.ts'
import { EMPTY_MEMBERSHIP } from '../raft/index.ts'
import type { KeyRange } from '../storage/index.ts'
import type { Absorbed, StateRecord } from './state-record.ts'

/**
 * How a group begins. Every first member starts from the same state, without a message: an empty shard, or the child of a split, applied
 * at a fixed position of the log, with the members that the shard's first description names. So it does not matter which of them starts first.
 */
export const INITIAL_INDEX = 5
const INITIAL_TERM = 1

/** `machine` is the saved state that a child takes over from its parent. */
export function initialRecord(
  shard: Shard,
  replica: number,
  machine: Uint8Array = EMPTY_BYTES,
  absorbed: readonly Absorbed[] = [],
): StateRecord {
  const idsOf = (isLearner: boolean): number[] =>
    shard.replicas
      .filter(({ role }) => (role === 'learner') === isLearner)
      .map(({ id }) => id)
      .sort((left, right) => left - right)
  return {
    appliedIndex: INITIAL_INDEX,
    appliedTerm: INITIAL_TERM,
    replica,
    shard,
    membership: { ...EMPTY_MEMBERSHIP, voters: idsOf(false), learners: idsOf(true) },
    merging: undefined,
    absorbed,
    machine,
  }
}

/** A member that knows nothing yet but its own number: it covers no key and waits for a snapshot. */
export function uninitialisedRecord(group: number, replica: number): StateRecord {
  return {
    appliedIndex: 0,
    appliedTerm: 0,
    replica,
    shard: { id: group, start: '', end: '', epoch: { membership: 0, range: 0 }, replicas: [] },
    membership: EMPTY_MEMBERSHIP,
    merging: undefined,
    absorbed: [],
    machine: EMPTY_BYTES,
  }
}

/** Whether a shard is as the bootstrap made it, so that its first members begin by themselves. A cut leftover of one has another epoch. */
export function isFoundingShard(shard: Shard): boolean {
  return shard.epoch.membership === 1 && shard.epoch.range === 1
}

/** The user keys that belong to a shard's group: those in its range, and none for the placement driver's. */
export function dataRange(shard: Shard): KeyRange {
  return shard.id === PLACEMENT_SHARD ? { start: '', end: '' } : { start: shard.start, end: shard.end }
}
