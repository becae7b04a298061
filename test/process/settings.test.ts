/** Settings of the cluster on real processes under load: they take effect on every store without a restart, and are there again after one of all. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANY_BROKER } from '../../tools/cluster/broker-process.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { type ProcessCluster, withCluster } from '../support/process-cluster.ts'

const WAIT_MS = 30_000
const KEY = '/kv/settings-probe'

async function patch(cluster: ProcessCluster, via: string, document: object): Promise<void> {
  const answer = await cluster.http(via, { method: 'PATCH', path: '/admin/config', body: JSON.stringify(document) })
  assert.equal(answer.status, 200, answer.body.toString())
}

async function valuesOf(cluster: ProcessCluster, id: string): Promise<Record<string, unknown>> {
  const settings = (await cluster.json(id, '/admin/config')) as Record<string, { value: unknown; source: string }>
  return Object.fromEntries(
    Object.entries(settings)
      .filter(([, { source }]) => source === 'cluster')
      .map(([name, { value }]) => [name, value]),
  )
}

async function putBytes(cluster: ProcessCluster, id: string, bytes: number): Promise<number> {
  return (await cluster.http(id, { method: 'PUT', path: KEY, body: 'x'.repeat(bytes) })).status
}

async function stateOf(cluster: ProcessCluster, via: string, id: string): Promise<string> {
  return ((await cluster.json(via, `/admin/stores/${id}`)) as { state: string }).state
}

test('limits, log level and driver settings change on every store under load, and outlive all of them', async () => {
  await withCluster({ broker: ANY_BROKER, expectedErrors: [/store_down/] }, async (cluster) => {
    const load = cluster.load('settings', { keys: await cluster.keysPerShard(3), clients: 6 })
    await load.succeed(50)
    for (const id of cluster.ids) assert.equal(await putBytes(cluster, id, 3_000), 204)

    await patch(cluster, 's2', {
      gateway: { limits: { valueBytes: '2KiB' } },
      observability: { log: { level: 'debug' } },
      placement: { downAfter: '4s' },
    })
    const changed = {
      'placement.downAfter': 4_000,
      'gateway.limits.valueBytes': 2_048,
      'observability.log.level': 'debug',
    }
    // No waiting: the answer said that every store goes by them.
    for (const id of cluster.ids) {
      assert.deepEqual(await valuesOf(cluster, id), changed, id)
      assert.equal(await putBytes(cluster, id, 3_000), 413, id)
      assert.equal(await putBytes(cluster, id, 2_000), 204, id)
    }
    await poll('every store tells of small things', WAIT_MS, () =>
      cluster.ids.every((id) => /data_flushed/.test(cluster.process(id).output(2_000))),
    )
    await load.succeed(50)
    await load.verify(cluster.readers())

    for (const id of cluster.ids) assert.equal((await cluster.stop(id)).code, 0)
    await cluster.startAll()
    for (const id of cluster.ids) {
      assert.deepEqual(await valuesOf(cluster, id), changed, id)
      await poll(`${id} goes by them`, WAIT_MS, async () => (await putBytes(cluster, id, 3_000)) === 413)
    }
    await cluster.kill9('s3')
    await poll('s3 counts as down', WAIT_MS, async () => (await stateOf(cluster, 's1', 's3')) === 'down')
    await patch(cluster, 's1', { gateway: null, observability: null, placement: null }).then(
      () => assert.fail('gateway has settings that are fixed'),
      () => {},
    )
    await patch(cluster, 's1', { gateway: { limits: null }, observability: null, placement: null })
    for (const id of cluster.running) {
      assert.deepEqual(await valuesOf(cluster, id), {})
      assert.equal(await putBytes(cluster, id, 3_000), 204, id)
    }
  })
})
