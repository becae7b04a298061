import { PLACEMENT_SHARD, type Shard } from '../../shard-map/index.ts'
import { KvMachine, PlacementMachine, type StateMachine, UnreadableStateError } from '../machine/index.ts'

/**
 * Which state machine a group runs, and how it comes back from its saved state. Throws `UnreadableStateError`: going on without that state would be going on
 * with other data than the other replicas have.
 */
export function createMachine(shard: Shard, saved: Uint8Array): StateMachine {
  if (shard.id === PLACEMENT_SHARD) {
    if (saved.length === 0) return new PlacementMachine()
    const machine = PlacementMachine.restore(saved)
    if (machine instanceof PlacementMachine) return machine
    throw new UnreadableStateError('the placement driver', machine.reason)
  }
  if (saved.length === 0) return new KvMachine(shard)
  const machine = KvMachine.restore(saved, shard)
  if (machine instanceof KvMachine) return machine
  throw new UnreadableStateError(`shard ${shard.id}`, machine.reason)
}
