/** What a simulation demands once its faults have ended, shown to fail: each time one thing is planted that does not get well again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeRecord } from '../../src/machine/index.ts'
import { FlotillaError } from '../../src/protocol/index.ts'
import { planFaults } from '../../src/testing/fault-plan.ts'
import { playScenario } from '../../src/testing/scenario.ts'
import { playWorld } from '../../src/testing/simulate.ts'
import type { SimulatedStore } from '../../src/testing/simulated-store.ts'
import { World } from '../../src/testing/world.ts'
import { drawWorld } from '../../src/testing/world-settings.ts'

const SHARD = 2
const FAULT_MS = 2_000

type Plant = (world: World, store: SimulatedStore) => void

/** How a run ends in which `whenHealed` is done just after the network healed, and `atRest` when clients have had their last answers. */
async function failureOf(plants: { whenHealed?: Plant; atRest?: Plant }): Promise<string | undefined> {
  const world = new World(drawWorld(5, { stores: 3, shards: 1, clients: 2 }), planFaults(5, []), undefined)
  const store = (): SimulatedStore => {
    const follower = world.stores.find(({ node }) => node?.store.replicas.get(SHARD)?.role === 'follower')
    assert(follower !== undefined, 'every replica leads')
    return follower
  }
  const heal = world.network.heal.bind(world.network)
  world.network.heal = () => {
    heal()
    plants.whenHealed?.(world, store())
  }
  const checkAtRest = world.checkAtRest.bind(world)
  world.checkAtRest = () => {
    checkAtRest()
    plants.atRest?.(world, store())
  }
  await playWorld(world, () => playScenario(world, { faultMs: FAULT_MS }))
  return world.failure?.message
}

test('nothing is planted: nothing is missing', async () => {
  assert.equal(await failureOf({}), undefined)
})

test('a cut that does not mend', async () => {
  const message = await failureOf({
    whenHealed(world, { id }) {
      for (const other of world.addresses()) {
        world.network.cut(id, other)
        world.network.cut(other, id)
      }
    },
  })
  // It may not have noticed yet when it is asked whether it is ready; then it cannot do what it is asked for.
  assert.match(message ?? '', /every store is ready again\. s\d: |^s\d cannot read .* although everything is well/)
})

test('a store that does not come back', async () => {
  const message = await failureOf({
    whenHealed(_world, store) {
      store.crash('power')
      store.start = () => {}
    },
  })
  assert.match(message ?? '', /^not within 60000 ms: every store is ready again\. s\d is not up/)
})

test('a gateway that refuses for ever what it should do', async () => {
  const refusal = new FlotillaError({ code: 'OVERLOADED', message: 'planted', outcome: 'none', retryable: true })
  for (const method of ['put', 'get'] as const) {
    const message = await failureOf({
      whenHealed(_world, { node }) {
        assert(node !== undefined)
        Object.assign(node.router, { [method]: () => Promise.reject(refusal) })
      },
    })
    const what = method === 'put' ? 'write' : 'read'
    assert.match(message ?? '', new RegExp(`^s\\d cannot ${what} .* although everything is well: .*planted`))
  }
})

test('clients that never succeed again', async () => {
  const message = await failureOf({
    whenHealed(world) {
      world.gateways = () => []
    },
  })
  assert.match(message ?? '', /^not within 60000 ms: clients succeed again\. \d+ operations succeeded/)
})

test('an operation that never ends', async () => {
  const message = await failureOf({
    whenHealed(world) {
      const [client] = world.clients
      assert(client !== undefined)
      Object.defineProperty(client, 'isIdle', { value: false })
    },
  })
  assert.match(message ?? '', /^not within 60000 ms: every client has its last answer\. c1 waits/)
})

test('a map that stays old', async () => {
  const message = await failureOf({
    whenHealed(_world, { node }) {
      assert(node !== undefined)
      const { map } = node.store.map
      const shards = map.shards.map((shard) => ({ ...shard, replicas: shard.replicas.slice(1) }))
      Object.defineProperty(node.store.map, 'map', { value: { ...map, shards } })
    },
  })
  assert.match(message ?? '', /every map says what the leaders have applied\. s\d knows shard 2 as /)
})

test('a record that only one replica has', async () => {
  const message = await failureOf({
    atRest(_world, { node }) {
      node?.data.put(SHARD, 'planted', encodeRecord(1, new Uint8Array(4)))
    },
  })
  assert.match(message ?? '', /^group 2 differs: key "planted" on s\d and s\d, both at index \d+/)
})
