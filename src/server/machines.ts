import { PLACEMENT_SHARD, type Shard } from '../../shard-map/index.ts'
import { assert } from '../base/index.ts'
import { KvMachine, PlacementMachine, type StateMachine } from '../machine/index.ts'

/** Which state machine a group runs, and how it comes back from its saved state. */
export function createMachine(shard: Shard, saved: Uint8Array): StateMachine {
  if (shard.id === PLACEMENT_SHARD) {
    if (saved.length === 0) return new PlacementMachine()
    const machine = PlacementMachine.restore(saved)
    assert(machine instanceof PlacementMachine, unreadable('the placement driver', machine))
    return machine
  }
  if (saved.length === 0) return new KvMachine(shard)
  const machine = KvMachine.restore(saved, shard)
  assert(machine instanceof KvMachine, unreadable(`shard ${shard.id}`, machine))
  return machine
}

/** Going on without it would be going on with other data than the other replicas have. */
function unreadable(whose: string, machine: StateMachine | { readonly reason: string }): string {
  const reason = 'reason' in machine ? machine.reason : ''
  return `the saved state of ${whose} cannot be read: ${reason}; if a newer release has written it, upgrade this store`
}
