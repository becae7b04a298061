/** When a store says that it is not ready: when nobody hears it, although it hears everybody, and not because of a merge that the map does not show yet. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PLACEMENT_SHARD } from '../../shard-map/index.ts'
import { notReady } from '../../src/store/index.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { TestCluster, WAIT_MS } from './cluster.ts'

test('a store that is heard by none, but hears all others, is not ready', async () => {
  await TestCluster.with({}, async (cluster) => {
    const leader = cluster.store('s1').replicas.get(PLACEMENT_SHARD)?.leaderStore
    const cut = ['s1', 's2', 's3'].find((id) => id !== leader) ?? 's1'
    await poll('everybody is ready', WAIT_MS, () =>
      cluster.runningStores().every((store) => notReady(store).length === 0),
    )
    for (const other of ['s1', 's2', 's3']) if (other !== cut) cluster.hub.cut(cut, other)
    const isUnheard = (): boolean =>
      notReady(cluster.store(cut)).some((reason) => /has not answered for \d+ s/.test(reason))
    await poll('it notices', WAIT_MS, isUnheard)
    const others = cluster.runningStores().filter(({ id }) => id !== cut)
    assert.deepEqual(
      others.flatMap((store) => notReady(store)),
      [],
      'those who are heard stay ready',
    )
    cluster.hub.heal()
    await poll('it is ready again', WAIT_MS, () => notReady(cluster.store(cut)).length === 0)
  })
})

test('a merge that the map does not show yet keeps no store from being ready', async () => {
  await TestCluster.with({}, async (cluster) => {
    const [only] = cluster.store('s1').map.map.shards
    assert(only !== undefined)
    const [left, right] = await cluster.split(only.id, 'k')
    assert(left !== undefined && right !== undefined)
    await cluster.settle(2)
    await poll('everybody is ready', WAIT_MS, () =>
      cluster.runningStores().every((store) => notReady(store).length === 0),
    )
    const lagging = (): boolean =>
      cluster.runningStores().some(({ map, replicas }) => map.map.shards.some(({ id }) => !replicas.has(id)))
    await cluster.commitMerge(await cluster.prepareMerge(left.id, right.id))
    await poll('a store has merged what its map still lists', WAIT_MS, lagging)
    const reasons = cluster.runningStores().flatMap((store) => notReady(store))
    assert.deepEqual(
      reasons.filter((reason) => reason.includes('do not exist')),
      [],
    )
  })
})
