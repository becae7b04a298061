/** Stores start, serve, stop and come back; nobody else can have their directories. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withCluster } from '../support/process-cluster.ts'
import { ANY_BROKER } from '../support/test-broker.ts'

test('three stores become ready; every shard has a leader', async () => {
  await withCluster({ broker: ANY_BROKER }, async (cluster) => {
    const leaders = await cluster.leaders()
    console.log(leaders, await cluster.keysPerShard(2))
    const stopped = await cluster.stop('s2')
    console.log(stopped)
    assert.equal(stopped.code, 0)
  })
})
