/** Stores of real processes that join, leave and are lost for good, under load: replicas go where they should by themselves, and clients see no error. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANY_BROKER } from '../../tools/cluster/broker-process.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { type ProcessCluster, withCluster } from '../support/process-cluster.ts'

const WAIT_MS = 90_000
/** Three stores found the cluster, and the fourth joins. */
const OPTIONS = {
  broker: ANY_BROKER,
  stores: 4,
  config: {
    cluster: { id: 'stores', bootstrap: { stores: ['s1', 's2', 's3'], replicas: 3, shards: 4 } },
    placement: { downAfter: '5s' },
  },
} as const

/** A configuration whose founders do not name the store says so, in case that is a mistake. */
const JOINS = /joins a cluster that exists/

async function replicasOn(cluster: ProcessCluster, id: string): Promise<number> {
  const { shards } = await json<{ shards: readonly { replicas: readonly { store: string }[] }[] }>(cluster, 'shards')
  return shards.filter(({ replicas }) => replicas.some(({ store }) => store === id)).length
}

async function json<Document>(cluster: ProcessCluster, path: string, method = 'GET'): Promise<Document> {
  const answer = await cluster.http('s1', { method, path: `/admin/${path}`, body: '' })
  assert.ok(answer.status < 300, `${path}: ${answer.status} ${answer.body}`)
  return JSON.parse(answer.body.toString()) as Document
}

/** Starts an operator and answers how it ended. */
async function operate(cluster: ProcessCluster, path: string): Promise<string> {
  const { id } = await json<{ id: string }>(cluster, path, 'POST')
  return await poll(`${path} ends`, WAIT_MS, async () => {
    const { state, error } = await json<{ state: string; error: string | null }>(cluster, `operators/${id}`)
    if (state === 'running') return undefined
    assert.equal(error, null)
    return state
  })
}

test('replicas spread to a store that joins, which is then drained, decommissioned and stopped', async () => {
  await withCluster({ ...OPTIONS, expectedErrors: [JOINS] }, async (cluster) => {
    const load = cluster.load('joins', { keys: await cluster.keysPerShard(3), clients: 8 })
    await poll('s4 has its share', WAIT_MS, async () => (await replicasOn(cluster, 's4')) >= 2)
    await load.succeed(100)
    assert.equal(await operate(cluster, 'stores/s4/drain'), 'finished')
    assert.equal(await operate(cluster, 'stores/s4/decommission'), 'finished')
    assert.equal(await replicasOn(cluster, 's4'), 0)
    assert.equal((await json<{ state: string }>(cluster, 'stores/s4')).state, 'gone')
    assert.equal((await cluster.stop('s4')).code, 0)
    await load.succeed(100)
    await load.verify(cluster.readers())
  })
})

test('a store that is killed for good is replaced on the others', async () => {
  await withCluster({ ...OPTIONS, expectedErrors: [JOINS, /store_down/] }, async (cluster) => {
    const load = cluster.load('lost', { keys: await cluster.keysPerShard(3), clients: 8 })
    await load.succeed(100)
    await cluster.kill9('s2')
    await poll('nothing is on s2 any more', WAIT_MS, async () => (await replicasOn(cluster, 's2')) === 0)
    await load.succeed(100)
    await load.verify(cluster.readers())
  })
})
