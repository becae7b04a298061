/**
 * A log that cannot be read any more, wherever the core comes upon it: that replica ends, with the reason; its store and the group go on.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LogStoreError } from '../../src/storage/index.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { TestCluster, WAIT_MS } from './cluster.ts'

for (const where of ['tick', 'step', 'ready'] as const) {
  test(`damage that shows in "${where}" ends one replica and nothing else`, async () => {
    await TestCluster.with({ shards: 2 }, async (cluster) => {
      const [hit, healthy] = cluster.store('s1').map.map.shards
      assert(hit !== undefined && healthy !== undefined)
      const leader = await cluster.leaderStore(hit.id)
      const victim = ['s1', 's2', 's3'].find((id) => id !== leader) ?? ''
      const replica = cluster.replica(victim, hit.id)
      assert(replica !== undefined)
      Object.defineProperty(replica.raft, where, {
        value: () => {
          throw new LogStoreError('DAMAGED', 'a record fails its checksum when read again')
        },
      })
      const key = `${hit.start}key`
      await poll(`${victim} says what happened`, WAIT_MS, async () => {
        await cluster.client.put(key, 'value')
        return cluster.store(victim).damaged.get(hit.id)?.includes('fails its checksum')
      })
      assert.deepEqual([...cluster.store(victim).damaged.keys()], [hit.id])
      assert.equal(cluster.replica(victim, hit.id), undefined)
      assert(cluster.replica(victim, healthy.id) !== undefined)
      assert.equal(cluster.store(victim).state, 'running')
      await cluster.client.put(key, 'after')
      assert.equal(Buffer.from((await cluster.client.get(key)) ?? []).toString(), 'after')
      // Another process finds nothing wrong with the log, and does not trust it either: others may have got keys of this replica since.
      await cluster.store(victim).options.data.flush()
      await cluster.restart(victim)
      assert.deepEqual([...cluster.store(victim).damaged], [[hit.id, 'it was found damaged before this start']])
      assert.equal(cluster.replica(victim, hit.id), undefined)
    })
  })
}
