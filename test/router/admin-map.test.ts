/** What a router tells of the map while nobody asks it for keys: nothing older than what the stores know. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRouter } from '../../src/router/index.ts'
import { systemClock } from '../../src/server/system.ts'
import { TestCluster } from '../store/cluster.ts'

test('an idle gateway, and an idle client, see a split as soon as the stores do', async () => {
  await TestCluster.with({}, async (cluster) => {
    const local = cluster.store('s2')
    const { transport } = local.options
    const gateway = createRouter({ clock: systemClock, transport, local, anyStore: () => 's2', close: async () => {} })
    const [shard] = (await gateway.admin.map()).shards
    assert(shard !== undefined)
    assert.equal((await cluster.router.admin.map()).shards.length, 1)
    await cluster.split(shard.id, 'g', 'p')
    await cluster.settle(3)
    assert.equal((await gateway.admin.map()).shards.length, 3)
    assert.equal((await cluster.router.admin.map()).shards.length, 3)
  })
})
