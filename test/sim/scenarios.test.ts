/** Stories that simulations have told us, played again step by step. See FOUND.md beside this file. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planFaults } from '../../src/testing/fault-plan.ts'
import { playWorld } from '../../src/testing/simulate.ts'
import type { SimulatedStore } from '../../src/testing/simulated-store.ts'
import { World } from '../../src/testing/world.ts'
import { drawWorld } from '../../src/testing/world-settings.ts'

async function play(seed: number, script: (world: World) => Promise<void>): Promise<void> {
  const world = new World(drawWorld(seed, { stores: 3, shards: 2, clients: 1 }), planFaults(seed, []), undefined)
  await playWorld(world, async () => {
    for (const store of world.stores) store.start()
    await world.sleep(5_000)
    await script(world)
    world.end()
  })
  assert.equal(world.failure?.message, undefined)
}

function crash(world: World, ...stores: SimulatedStore[]): void {
  for (const store of stores) world.crash(store, 'power')
}

function leads(store: SimulatedStore): number[] {
  return [...(store.node?.store.replicas.values() ?? [])]
    .filter((replica) => replica.isLeader)
    .map(({ group }) => group)
}

test('a founder that lost its data does not vote again, although nobody is there who knows better', async () => {
  await play(1, async (world) => {
    const [lost, restarted, away] = world.stores as [SimulatedStore, SimulatedStore, SimulatedStore]
    crash(world, lost, restarted, away)
    lost.disk.wipe()
    // It may end as soon as somebody tells it that the cluster knows it with other data.
    lost.isLost = true
    // Those that hold data are away: silence must not make a founder of it.
    lost.start()
    await world.sleep(10_000)
    assert.equal(lost.node?.store.replicas.size ?? 0, 0, 'a store that lost its data founded the cluster once more')
    // One comes back. It knows the map no more, so it cannot tell whom it asks for votes.
    restarted.start()
    await world.sleep(10_000)
    assert.deepEqual(leads(restarted), [], 'a leader was elected by the vote of a store that lost its data')
    // Two of the three that the groups were made of: now there are leaders, and the lost store ends.
    away.start()
    await world.sleep(10_000)
    assert.equal([...leads(restarted), ...leads(away)].length, 3)
  })
})
