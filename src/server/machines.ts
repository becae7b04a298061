import { PLACEMENT_SHARD, type Shard } from '../../shard-map/index.ts'
import { assert } from '../base/index.ts'
import { KvMachine, PlacementMachine, type StateMachine } from '../machine/index.ts'

/** Which state machine a group runs, and how it comes back from its saved state. */
export function createMachine(shard: Shard, saved: Uint8Array): StateMachine {
  if (shard.id === PLACEMENT_SHARD) {
    if (saved.length === 0) return new PlacementMachine()
    const machine = PlacementMachine.restore(saved)
    assert(machine instanceof PlacementMachine, 'the saved state of the placement driver cannot be read')
    return machine
  }
  if (saved.length === 0) return new KvMachine(shard)
  const machine = KvMachine.restore(saved, shard)
  assert(machine instanceof KvMachine, `the saved state of shard ${shard.id} cannot be read`)
  return machine
}
