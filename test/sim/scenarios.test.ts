/** Stories that simulations have told us, played again step by step. See FOUND.md beside this file. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PLACEMENT_SHARD, type Shard } from '../../shard-map/index.ts'
import type { Reply, Request } from '../../src/protocol/index.ts'
import { FAST_DISK } from '../../src/testing/disk.ts'
import { askDriver } from '../../src/testing/driver-nemesis.ts'
import { planFaults } from '../../src/testing/fault-plan.ts'
import { playWorld } from '../../src/testing/simulate.ts'
import type { SimulatedStore } from '../../src/testing/simulated-store.ts'
import type { TraceLine } from '../../src/testing/trace.ts'
import { World } from '../../src/testing/world.ts'
import { drawWorld } from '../../src/testing/world-settings.ts'

async function play(seed: number, script: (world: World) => Promise<void>, stores = 3): Promise<void> {
  const world = new World(drawWorld(seed, { stores, shards: 2, clients: 1 }), planFaults(seed, []), undefined)
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

test('founding members that a message reaches before the map are not called by it, and found their replicas when the map comes', async () => {
  let early = 0
  for (let seed = 1; seed <= 4; seed++) {
    const called: string[] = []
    const sent: string[] = []
    const live = ({ actor, text }: TraceLine): void => {
      const [, to, group] = /^-> (s\d): group (\d+) (?:PreVote|RequestVote|AppendEntries|Heartbeat) /.exec(text) ?? []
      const receiver = world.stores.find(({ id }) => id === to)?.node
      if (receiver?.store.map.map.shards.length === 0 && group !== `${PLACEMENT_SHARD}`) early++
      if (text.startsWith('replica_called')) called.push(`${actor} ${text}`)
      if (text.startsWith('snapshot_sending')) sent.push(`${actor} ${text}`)
    }
    const world = new World(drawWorld(seed, { stores: 3, shards: 4, clients: 1 }), planFaults(seed, []), live)
    await playWorld(world, async () => {
      // The last of them hears of the map only when its disk has it, long after the others.
      const [, , slow] = world.stores
      if (slow !== undefined)
        slow.disk.speed = { syncUsMin: 900_000, syncUsMax: 1_000_000, stallPerMille: 0, stallUsMax: 0 }
      for (const store of world.stores) store.start()
      await world.sleep(15_000)
      if (slow !== undefined) slow.disk.speed = FAST_DISK
      // Each of them is needed for a majority once another one is away.
      const [gone] = world.stores
      if (gone !== undefined) crash(world, gone)
      await world.sleep(15_000)
      for (const { id, node } of world.stores)
        if (id !== gone?.id) assert.deepEqual(node?.notReady() ?? ['not up'], [], `${id}, seed ${seed}`)
      world.end()
    })
    assert.equal(world.failure?.message, undefined, `seed ${seed}`)
    assert.deepEqual([called, sent], [[], []], `seed ${seed}`)
  }
  assert(early > 0, 'no message came before the map: the scenario proves nothing')
})

test('a store whose overlay is smaller than what is flushed early applies without waiting for the next regular flush', async () => {
  const drawn = drawWorld(1, { stores: 3, shards: 1, clients: 1 })
  const settings = { ...drawn, cluster: { ...drawn.cluster, overlayBytes: 2 * 1024 } }
  const world = new World(settings, planFaults(1, []), undefined)
  const answeredMs: number[] = []
  let full = 0
  await playWorld(world, async () => {
    for (const store of world.stores) store.start()
    await world.sleep(5_000)
    const [gateway] = world.gateways()
    assert(gateway !== undefined)
    for (let i = 0; i < 8; i++) {
      const calledMs = world.nowMs
      // Each of them fills the overlay, so that the next one has to wait for a flush.
      world.ask(gateway, async (router) => {
        await router.put(`k${i}`, new Uint8Array(4 * 1024), { kind: 'none' }, { timeoutMs: 20_000 })
        answeredMs.push(world.nowMs - calledMs)
      })
      for (let waitedMs = 0; answeredMs.length <= i && waitedMs < 20_000; waitedMs += 10) {
        await world.sleep(10)
        if (world.stores.some(({ node }) => node?.data.overFull === true)) full++
      }
    }
    world.end()
  })
  assert.equal(world.failure?.message, undefined)
  assert.equal(answeredMs.length, 8)
  assert(full > 0, 'no overlay was full: the scenario proves nothing')
  assert(Math.max(...answeredMs) < 1_000, `writes took ${answeredMs.map(Math.round).join(', ')} ms`)
})

test('stores that restart find the placement driver, although none of the founders belongs to it any more', async () => {
  const script = async (world: World): Promise<void> => {
    const [founder] = world.stores as [SimulatedStore]
    const joined = [world.addStore('j1'), world.addStore('j2')] as const
    for (const store of joined) store.start()
    await world.sleep(5_000)
    assert(askDriver(world, { what: 'decommission', store: founder.id, dryRun: false }))
    await world.sleep(20_000)
    assert.deepEqual(leads(founder), [], 'the founder still has replicas: the scenario proves nothing')
    // Whoever leads group 1 has the map on its disk; the others know nobody but the founder.
    assert.equal(joined.filter((store) => leads(store).includes(PLACEMENT_SHARD)).length, 1)
    crash(world, founder, ...joined)
    for (const store of world.stores) store.start()
    await world.sleep(10_000)
    for (const { id, node } of world.stores) assert.deepEqual(node?.notReady() ?? ['not up'], [], id)
  }
  await play(1, script, 1)
})

test('a voter that its leader does not hear for a while stays a voter, while no other store can take its place', async () => {
  await play(1, async (world) => {
    const driver = world.stores.find((store) => leads(store).includes(PLACEMENT_SHARD))
    const shard = driver?.node?.store.map.map.shards[0]?.id ?? assert.fail('no driver, or no shards')
    const [leader, cutOff] = world.stores.filter((store) => store !== driver) as [SimulatedStore, SimulatedStore]
    assert(askDriver(world, { what: 'configure', settings: [['placement.downAfter', 4_000]] }))
    const request = { kind: 'transfer-leader', shard, store: leader.id } as const
    assert(askDriver(world, { what: 'start', request, dryRun: false }))
    await world.sleep(3_000)
    const voters = (): number =>
      leader.node?.store.replicas.get(shard)?.shard.replicas.filter(({ role }) => role === 'voter').length ?? 0
    // It hears its leader, and the driver hears it: only its answers are lost.
    world.network.cut(cutOff.id, leader.id)
    let told = 0
    for (let second = 0; second < 25; second++) {
      await world.sleep(1_000)
      assert(leads(leader).includes(shard), `shard ${shard} changed hands: the scenario proves nothing`)
      assert.equal(voters(), 3, `after ${second + 1} s`)
      if (leader.node?.store.replicas.get(shard)?.members.silent.some(({ store }) => store === cutOff.id) === true)
        told++
    }
    assert(told > 5, `its leader called it silent for ${told} s: the scenario proves nothing`)
    world.network.mend(cutOff.id, leader.id)
    await world.sleep(10_000)
    assert.equal(voters(), 3)
  })
})

test('a shard with a learner on a store that nobody knows stays known to the map, and repair takes the learner away', async () => {
  await play(1, async (world) => {
    // The driver knows of no split, and would soon merge what is cut here.
    assert(askDriver(world, { what: 'configure', settings: [['placement.merge.bytes', 0]] }))
    // It never begins: the cluster has not heard of it.
    const stranger = world.addStore('j1').id
    const first = world.stores[0]?.node?.store.map.map.shards[0] ?? assert.fail('no shards')
    const leader = world.stores.find((store) => leads(store).includes(first.id))?.node?.store
    assert(leader !== undefined)
    const change = async (
      request: Extract<Request, { readonly kind: 'change-membership' | 'split' }>,
    ): Promise<void> => {
      let reply: Reply | undefined
      leader.request(request, 3_000, (answer) => {
        reply = answer
      })
      for (let waitedMs = 0; reply === undefined && waitedMs < 3_000; waitedMs += 50) await world.sleep(50)
      assert.equal(reply?.kind, 'shards', JSON.stringify(reply))
    }
    const own = (): Shard => leader.replicas.get(first.id)?.shard ?? assert.fail('its leader lost it')
    const members = (): string[] => own().replicas.map(({ store }) => store)
    // Past the driver, both of them.
    const step = { kind: 'add-learner', store: stranger, replica: 1_000 } as const
    await change({ kind: 'change-membership', shard: first.id, epoch: own().epoch, step })
    assert(members().includes(stranger))
    const cut = { key: `${first.start}1`, shard: 1_001, replicas: [1_002, 1_003, 1_004, 1_005] }
    await change({ kind: 'split', shard: first.id, epoch: own().epoch, cuts: [cut] })
    const { range } = own().epoch
    await world.sleep(30_000)
    for (const { id, node } of world.stores) {
      if (id === stranger) continue
      const { shards } = node?.store.map.map ?? assert.fail(`${id} is not up`)
      // The driver may have merged the halves again by now.
      const known = shards.filter(({ start }) => start === first.start || start === cut.key)
      assert.equal(known[0]?.start, first.start)
      for (const { epoch, replicas } of known) {
        assert(epoch.range >= range && replicas.length === 3, `what ${id} knows: ${JSON.stringify(known)}`)
      }
    }
    assert(!members().includes(stranger))
  })
})
