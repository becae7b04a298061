/** The simulator's own checks notice what is planted in a living cluster: a machine that applies wrongly, data that changes behind it, a queue that grows. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeRecord } from '../../src/machine/index.ts'
import { planFaults } from '../../src/testing/fault-plan.ts'
import { playWorld } from '../../src/testing/simulate.ts'
import type { SimulatedStore } from '../../src/testing/simulated-store.ts'
import { World } from '../../src/testing/world.ts'
import { drawWorld } from '../../src/testing/world-settings.ts'

const SHARD = 2

type Script = (world: World, store: SimulatedStore) => Promise<void>

/** How the world fails when `script` has done its harm to a store; undefined when it does not. */
async function failureOf(script: Script): Promise<string | undefined> {
  const world = new World(drawWorld(3, { stores: 3, shards: 1, clients: 3 }), planFaults(3, []), undefined)
  await playWorld(world, async () => {
    for (const store of world.stores) store.start()
    await world.sleep(5_000)
    for (const client of world.clients) client.start()
    await world.sleep(2_000)
    // A follower: what it does differently is compared with what its leader did.
    const follower = world.stores.find(({ node }) => node?.store.replicas.get(SHARD)?.role === 'follower')
    assert(follower !== undefined, 'every replica leads')
    await script(world, follower)
    await world.sleep(10_000)
    world.end()
  })
  return world.failure?.message
}

function machineOf({ node }: SimulatedStore): { apply(command: Uint8Array, data: never): unknown } {
  const machine = node?.store.replicas.get(SHARD)?.machine
  assert(machine !== undefined, `no replica of shard ${SHARD}`)
  return machine as { apply(command: Uint8Array, data: never): unknown }
}

test('nothing is planted: nothing is noticed, restarts and snapshots included', async () => {
  const message = await failureOf(async (world, store) => {
    world.crash(store, 'power')
    await world.sleep(20_000)
    store.start()
  })
  assert.equal(message, undefined)
})

test('a store that is not looked at takes in a snapshot: nothing is noticed', async () => {
  let adopted = false
  const message = await failureOf(async (world, store) => {
    const others = world.addresses().filter((address) => address !== store.id)
    for (const other of others) {
      world.network.cut(store.id, other)
      world.network.cut(other, store.id)
    }
    await world.sleep(30_000)
    // From here on its disk excuses whatever it does.
    store.disk.isDamaged = true
    const replica = store.node?.store.replicas.get(SHARD)
    const machine = replica?.machine
    world.network.heal()
    await world.sleep(10_000)
    adopted = replica !== undefined && replica.machine !== machine
  })
  assert.equal(message, undefined)
  assert(adopted, 'no snapshot was needed')
})

test('a replica that is called damaged although its disk is sound', async () => {
  const message = await failureOf(async (_world, store) => {
    const damaged = store.node?.store.damaged as Map<number, string> | undefined
    damaged?.set(SHARD, 'it must take in a shard whose replica is not here')
  })
  assert.match(message ?? '', /group 2 is called damaged on s\d, whose disk is sound: it must take in/)
})

test('a command that goes through the machine twice', async () => {
  const message = await failureOf(async (_world, store) => {
    const machine = machineOf(store)
    const apply = machine.apply.bind(machine)
    machine.apply = (command, data) => {
      apply(command, data)
      return apply(command, data)
    }
  })
  assert.match(message ?? '', /after entry \d+ the state is [0-9a-f]+ on s\d and [0-9a-f]+ on s\d/)
})

test('a command that is not the committed one', async () => {
  let previous: Uint8Array | undefined
  const message = await failureOf(async (_world, store) => {
    const machine = machineOf(store)
    const apply = machine.apply.bind(machine)
    machine.apply = (command, data) => {
      const other = previous ?? command
      previous = command.slice()
      return apply(other, data)
    }
  })
  assert.match(message ?? '', /applies another entry at \d+/)
})

test('commands that one machine does not get', async () => {
  const message = await failureOf(async (_world, store) => {
    const machine = machineOf(store)
    const apply = machine.apply.bind(machine)
    let lost = 0
    machine.apply = (command, data) => {
      // One alone may be a write whose condition does not hold, which nobody misses.
      if (lost === 5) return apply(command, data)
      lost++
      // A follower's result is for nobody.
      return undefined
    }
  })
  assert.match(message ?? '', /after entry \d+ the state is/)
})

test('a state on disk that is not what its index claims', async () => {
  const message = await failureOf(async (world, store) => {
    const { node } = store
    node?.data.put(SHARD, 'planted', encodeRecord(1, new Uint8Array(4)))
    await world.sleep(2_000)
    await new Promise<void>((resolve) => {
      store.process?.soon(() => void store.stop().then(resolve))
    })
    store.start()
  })
  assert.match(message ?? '', /in a snapshot: group 2: after entry \d+ the state is/)
})

test('an operation that never ends, and with it requests that pile up', async () => {
  const message = await failureOf(async (_world, store) => {
    const { node } = store
    assert(node !== undefined)
    const { stats } = node.transport
    node.transport.stats = () => ({ ...stats.call(node.transport), requestsPending: 1_000 })
  })
  assert.match(message ?? '', /s\d: requests without an answer is 1000, more than \d+/)
})
