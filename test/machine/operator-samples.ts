/** Operators of every kind, and a machine that has some in every state. */
import assert from 'node:assert/strict'
import {
  indexOfMap,
  PLAN_SETTINGS_DEFAULT,
  type PlannedOperator,
  planByHand,
  planStoreOperator,
  planUpkeep,
  type ShardMap,
  type StoreOperator,
} from '../../shard-map/index.ts'
import { encodePlacementCommand, type PlacementCommand, PlacementMachine } from '../../src/machine/index.ts'
import { bootstrapped } from '../shard-map/arbitraries.ts'

/** One of each kind that a person can ask for; the map must have four stores, and shards on three of them each. */
export function operatorSamples(map: ShardMap = bootstrapped(4, 4)): readonly (PlannedOperator | StoreOperator)[] {
  const index = indexOfMap(map, PLAN_SETTINGS_DEFAULT)
  const samples: (PlannedOperator | StoreOperator)[] = []
  for (const { id, replicas, start } of map.shards) {
    const on = replicas.map(({ store }) => store)
    const free = map.stores.find((store) => !on.includes(store.id))?.id ?? 's9'
    for (const request of [
      { kind: 'move', shard: id, from: on[1] ?? '', to: free },
      { kind: 'add-replica', shard: id, store: free, role: 'learner' },
      { kind: 'add-replica', shard: id, store: free, role: 'voter' },
      { kind: 'transfer-leader', shard: id, store: on[2] ?? '' },
      { kind: 'split', shard: id, key: `${start}\0` },
      { kind: 'split', shard: id },
      { kind: 'merge', shard: id },
    ] as const) {
      const plan = planByHand(index, request)
      if (plan.ok) samples.push(plan.operator)
    }
  }
  for (const kind of ['drain', 'decommission'] as const) {
    const plan = planStoreOperator(map, kind, map.stores[0]?.id ?? '', 3)
    if (plan.ok) samples.push(plan.operator)
  }
  const store = map.stores[0]?.id ?? ''
  samples.push({ kind: 'recommission', store, reason: 'r', steps: [{ what: 'take-back', store }] })
  for (const [kind, group] of [
    ['snapshot', undefined],
    ['snapshot', 1],
    ['compact', map.shards[0]?.id],
  ] as const) {
    const plan = planUpkeep(map, kind, group, () => true)
    if (plan.ok) samples.push(plan.operator)
  }
  assert.ok(samples.length > 0)
  return samples
}

/** The saved state of a machine with operators that run, go back and have ended. */
export function machineWithOperators(operators: readonly (PlannedOperator | StoreOperator)[]): Uint8Array {
  const machine = new PlacementMachine()
  const run = (command: PlacementCommand) => machine.apply(encodePlacementCommand(command))
  const { placement, shards, stores } = bootstrapped(4, 4)
  assert.ok(placement)
  assert.equal(run({ kind: 'change', change: { kind: 'bootstrap', placement, shards, stores } }).kind, 'applied')
  run({ kind: 'start-operators', operators, atMs: 5 })
  for (const [place, id] of [...machine.operators.running.keys()].entries()) {
    if (place % 3 === 0) run({ kind: 'advance-operator', id, step: 0, reached: { membership: 2, range: 1 }, atMs: 6 })
    const steps = place % 2 === 0 ? [{ what: 'leave-joint', shard: 2 } as const] : []
    if (place % 3 === 1) run({ kind: 'unwind-operator', id, outcome: 'failed', reason: 'it rained', steps, atMs: 7 })
  }
  run({ kind: 'pause-scheduler', scheduler: 'merge', untilMs: 99 })
  run({ kind: 'configure', settings: [['placement.downAfter', 9]], expectedVersion: 0, by: 'ops', atMs: 8 })
  return machine.save()
}
