/**
 * Each thing that may go wrong in a simulation really happens, is counted under its name, and belongs to a family that can be switched on. Counted
 * means that the report says so; the tests of the network, the disk and processes beside this file look at what each fault does.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FAULT_FAMILIES, type FaultFamily, planFaults } from '../../src/testing/fault-plan.ts'
import { NEMESIS_ACTIONS } from '../../src/testing/nemesis.ts'
import { playWorld } from '../../src/testing/simulate.ts'
import { World } from '../../src/testing/world.ts'
import { drawWorld } from '../../src/testing/world-settings.ts'

/** What each action is counted as, in one of its forms or the other. */
const COUNTED_AS: Readonly<Record<string, readonly string[]>> = {
  partition: ['partition', 'partition-one-way'],
  clog: ['clog'],
  'broker-restart': ['broker-stop'],
  disconnect: ['disconnect'],
  pause: ['pause'],
  kill: ['crash-kill'],
  'power-loss': ['crash-power'],
  'die-inside': ['died-inside'],
  'stop-in-order': ['stop-in-order'],
  'clock-jump': ['wall-clock-jump'],
  'disk-error': [
    'disk-write-EIO',
    'disk-write-ENOSPC',
    'disk-sync-EIO',
    'disk-read-EIO',
    'disk-full',
    'data-write-EIO',
    'data-write-ENOSPC',
  ],
  'disk-damage': ['disk-bit-flip', 'disk-misdirected-write'],
  'disk-wipe': ['disk-wipe'],
  'transfer-leader': ['transfer-leader'],
  split: ['shard-split'],
  move: ['replica-moved'],
  merge: ['shards-merged', 'merge-rolled-back'],
  operator: ['add-replica', 'remove-replica', 'transfer-leader', 'split', 'move'].map((kind) => `operator-${kind}`),
  cancel: ['cancel'],
  drain: ['drain'],
  'kill-driver': ['kill-driver'],
  'driver-merge': ['driver-merge'],
  'kill-after-step': ['kill-after-step'],
  join: ['store-joined'],
  decommission: ['decommission'],
  'long-absence': ['long-absence'],
  'die-for-good': ['die-for-good'],
}

/** Neighbours can be merged while they are on the same stores, and once merged there must be new ones. */
const MERGE = { stores: 3, prepare: 'split' }

/** Families that are no actions but a state of the whole run. */
const COUNTED_WHILE_ON: Readonly<Partial<Record<FaultFamily, readonly string[]>>> = {
  loss: ['frame-lost'],
  duplication: ['frame-repeated'],
  reordering: ['frame-reordered'],
  delay: ['frame-delayed'],
  'disk-slow': ['disk-stall'],
  clock: ['clock-drift'],
}

const ROUNDS_MAX = 200

/** A founded cluster without faults, under the load of one client. */
async function inWorld(
  families: readonly FaultFamily[],
  script: (world: World) => Promise<void>,
  stores = 3,
): Promise<World> {
  const world = new World(drawWorld(7, { stores, shards: 2, clients: 3 }), planFaults(7, families), undefined)
  await playWorld(world, async () => {
    for (const store of world.stores) store.start()
    world.startClientProcesses()
    await world.sleep(5_000)
    for (const client of world.clients) client.start()
    await script(world)
    world.end()
  })
  return world
}

for (const action of NEMESIS_ACTIONS) {
  test(`${action.name}: happens in every form and is counted`, async () => {
    const kinds = COUNTED_AS[action.name]
    assert(kinds !== undefined, `${action.name} has no row in this test`)
    const isMerge = action.family === 'merge'
    const before = isMerge ? NEMESIS_ACTIONS.find(({ name }) => name === MERGE.prepare) : undefined
    const world = await inWorld(
      [],
      async (world) => {
        for (let round = 0; round < ROUNDS_MAX && !world.isOver; round++) {
          before?.run(world)
          action.run(world)
          await world.sleep(500)
          if (kinds.every((kind) => world.counts.get(kind) > 0)) return
        }
      },
      isMerge ? MERGE.stores : 4,
    )
    for (const kind of kinds) assert(world.counts.get(kind) > 0, `${kind} never happened`)
    assert.equal(world.failure?.message, undefined)
  })
}

for (const [family, kinds] of Object.entries(COUNTED_WHILE_ON)) {
  test(`${family}: happens while it is on and is counted`, async () => {
    const world = await inWorld([family as FaultFamily], async (world) => {
      world.network.faults = world.plan.network
      for (const { disk } of world.stores) disk.speed = world.plan.disk
      await world.sleep(20_000)
    })
    for (const kind of kinds) assert(world.counts.get(kind) > 0, `${kind} never happened`)
    assert.equal(world.failure?.message, undefined)
  })
}

test('whoever sleeps while others talk to it is dropped as a slow consumer, and comes back', async () => {
  const world = await inWorld(['disconnect'], async (world) => {
    world.network.faults = { ...world.plan.network, pendingBytesMax: 4_000 }
    for (let round = 0; round < 10; round++) {
      world.stores[round % 3]?.process?.pause(3_000_000)
      await world.sleep(8_000)
    }
    world.network.heal()
    await world.sleep(10_000)
    assert.deepEqual(
      world.stores.map(({ node }) => node?.notReady()),
      [[], [], []],
    )
  })
  assert(world.counts.get('slow-consumer') > 0, 'nobody was dropped')
  assert.equal(world.failure?.message, undefined)
})

test('every family of faults is an action or a state of the run, and a swarm draws each of them', () => {
  const covered = new Set<string>([...NEMESIS_ACTIONS.map(({ family }) => family), ...Object.keys(COUNTED_WHILE_ON)])
  assert.deepEqual(
    FAULT_FAMILIES.filter((family) => !covered.has(family)),
    [],
  )
  const drawn = new Set<FaultFamily>()
  const mixes = new Set<string>()
  for (let seed = 0; seed < 50; seed++) {
    const { families } = planFaults(seed, undefined)
    for (const family of families) drawn.add(family)
    mixes.add([...families].join())
  }
  assert.equal(drawn.size, FAULT_FAMILIES.length)
  assert(mixes.size > 45, 'seeds repeat their mix of faults')
})
