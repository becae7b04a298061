/** Stores that come and go, under load: the placement driver spreads, drains, decommissions and repairs by itself. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shardsOnStore } from '../../shard-map/index.ts'
import { PLACEMENT_DEFAULTS } from '../../src/placement/settings.ts'
import { FlotillaError } from '../../src/protocol/index.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { TestCluster } from '../store/cluster.ts'
import { ask, ended } from './people.ts'

const WAIT_MS = 60_000
const KEYS = ['a', 'k', 'q', 'z']

function replicasOn(cluster: TestCluster, store: string): number {
  const maps = cluster.runningStores().map(({ map }) => map.map)
  const newest = maps.reduce((best, map) => (map.version > best.version ? map : best))
  return shardsOnStore(newest, store).length
}

function state(cluster: TestCluster, store: string): string | undefined {
  return cluster.store('s1').map.map.stores.find(({ id }) => id === store)?.state
}

test('replicas spread to a store that has joined; it is drained, taken back, and decommissioned', async () => {
  await TestCluster.with({ stores: 4, shards: 4, placement: {} }, async (cluster) => {
    const load = cluster.load('spread', KEYS)
    await poll('s4 has its share', WAIT_MS, () => replicasOn(cluster, 's4') >= 2)

    const drain = await ask(cluster, { what: 'drain', store: 's4', dryRun: false })
    await assert.rejects(ask(cluster, { what: 'drain', store: 's4', dryRun: false }), FlotillaError)
    assert.equal((await ended(cluster, drain.id, WAIT_MS)).state, 'finished')
    // An election of a busy machine may choose it once more; the driver then gives that away too.
    await poll('s4 leads nothing', WAIT_MS, () =>
      [...cluster.store('s4').replicas.values()].every((replica) => !replica.isLeader),
    )
    assert.ok(replicasOn(cluster, 's4') >= 2)
    const back = await ask(cluster, { what: 'recommission', store: 's4', dryRun: false })
    assert.deepEqual([back.kind, (await ended(cluster, back.id, WAIT_MS)).state], ['recommission', 'finished'])
    await assert.rejects(ask(cluster, { what: 'recommission', store: 's4', dryRun: true }), FlotillaError)
    await poll('s4 is up again', WAIT_MS, () => state(cluster, 's4') === 'up')

    const leave = await ask(cluster, { what: 'decommission', store: 's4', dryRun: false })
    assert.equal((await ended(cluster, leave.id, WAIT_MS)).state, 'finished')
    await poll('s4 is gone', WAIT_MS, () => state(cluster, 's4') === 'gone' && cluster.store('s4').replicas.size === 0)
    await cluster.stop('s4')
    await ask(cluster, { what: 'forget-store', store: 's4' })
    await load.verify()
    cluster.checkNoOverlap()
  })
})

test('a founder can be decommissioned, the replica of group 1 and its leadership included', async () => {
  await TestCluster.with({ stores: 4, shards: 2, placement: {} }, async (cluster) => {
    const load = cluster.load('founder', KEYS)
    const driver = await cluster.leaderStore(1)
    const leave = await ask(cluster, { what: 'decommission', store: driver, dryRun: false })
    assert.equal((await ended(cluster, leave.id, WAIT_MS)).state, 'finished')
    assert.notEqual(await cluster.leaderStore(1), driver)
    assert.ok((await cluster.leader(1)).shard.replicas.every(({ store }) => store !== driver))
    await cluster.stop(driver)
    const { stores } = await cluster.router.admin.placementStatus()
    const left = stores.find(({ id }) => id === driver)
    assert.deepEqual([left?.replicas, left?.bytes], [0, 0], 'whatever it said last, while it was still deleting')
    await load.verify()
  })
})

test('a store that is down for too long is replaced, and comes back to nothing', async () => {
  const defaults = { ...PLACEMENT_DEFAULTS, downAfterMs: 4_000 }
  await TestCluster.with({ stores: 4, shards: 3, placement: { defaults } }, async (cluster) => {
    const load = cluster.load('repair', KEYS)
    await load.succeed(50)
    const lost = 's2'
    const held = replicasOn(cluster, lost)
    assert.ok(held > 0)
    cluster.crash(lost)
    await poll('every replica is replaced', WAIT_MS, async () => {
      for (const { id } of [{ id: 1 }, ...cluster.store('s1').map.map.shards]) {
        const { shard } = await cluster.leader(id)
        if (shard.replicas.length !== 3 || shard.replicas.some(({ store }) => store === lost)) return false
      }
      return true
    })
    await load.succeed(50)
    const explained = await ask<{ decisions: readonly { scheduler: string; action: string | null; reason: string }[] }>(
      cluster,
      { what: 'explain-store', store: lost },
    )
    assert.ok(
      explained.decisions.some(({ reason }) => reason.includes('down')),
      JSON.stringify(explained),
    )
    await cluster.start(lost)
    await load.verify()
    for (const { id } of cluster.store('s1').map.map.shards) await cluster.agree(id)
    cluster.checkNoOverlap()
  })
})

test('a store without room gets no replica, neither by itself nor by hand, and the reason is told', async () => {
  const GiB = 1 << 30
  // Less than the tenth that stays free is left on s4.
  const diskSpace = (store: string) => ({ capacityBytes: 10 * GiB, availableBytes: store === 's4' ? GiB / 2 : 5 * GiB })
  await TestCluster.with({ stores: 4, shards: 3, placement: {}, diskSpace }, async (cluster) => {
    const [shard] = cluster.store('s1').map.map.shards
    assert(shard !== undefined)
    const request = { kind: 'move', shard: shard.id, from: 's1', to: 's4' } as const
    await poll('the driver knows', WAIT_MS, async () => {
      const answer = await ask(cluster, { what: 'start', request, dryRun: true }).catch((error: unknown) => error)
      return answer instanceof FlotillaError && answer.message.includes('no room') ? answer : undefined
    })
    await assert.rejects(ask(cluster, { what: 'start', request, dryRun: false }), (error: unknown) => {
      assert(error instanceof FlotillaError)
      assert.equal(error.code, 'INVALID_ARGUMENT')
      assert.match(error.message, /store s4 has no room for the [0-9]+ bytes of shard/)
      return true
    })
    // Long enough for every scheduler to have looked.
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    assert.equal(replicasOn(cluster, 's4'), 0)
  })
})

test('a paused scheduler plans nothing, and says so', async () => {
  await TestCluster.with({ stores: 4, shards: 4, placement: { schedulers: [] } }, async (cluster) => {
    const shown = await ask<{ paused: boolean; pausedUntil: string | null }>(cluster, {
      what: 'pause-scheduler',
      scheduler: 'balance-replicas',
      seconds: 60,
    })
    assert.equal(shown.paused, true)
    const list = await ask<{ schedulers: readonly { name: string; paused: boolean }[] }>(cluster, {
      what: 'list-schedulers',
    })
    assert.deepEqual(
      list.schedulers.filter(({ paused }) => paused).map(({ name }) => name),
      ['balance-replicas'],
    )
    const resumed = await ask<{ paused: boolean }>(cluster, {
      what: 'pause-scheduler',
      scheduler: 'balance-replicas',
      seconds: undefined,
    })
    assert.equal(resumed.paused, false)
  })
})
