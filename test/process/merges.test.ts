/** Neighbours of real processes that have become small merge by themselves once a setting says that they were left in peace for long enough, and clients see no error. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANY_BROKER } from '../../tools/cluster/broker-process.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { type ProcessCluster, withCluster } from '../support/process-cluster.ts'

const WAIT_MS = 90_000

interface Operator {
  readonly id: string
  readonly kind: string
  readonly state: string
  readonly scheduler: string
  readonly error: string | null
}

async function admin<Document>(cluster: ProcessCluster, method: string, path: string, body: object): Promise<Document> {
  const answer = await cluster.http('s1', {
    method,
    path: `/admin/${path}`,
    body: JSON.stringify(body),
    hangMs: 45_000,
  })
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.body}`)
  return JSON.parse(answer.body.toString()) as Document
}

test('what was split merges by itself when the setting lets it, down to the one shard that the cluster was founded with', async () => {
  await withCluster({ broker: ANY_BROKER, shards: 1 }, async (cluster) => {
    // So few requests that no shard is too busy to be merged, however quick the machine is.
    const load = cluster.load('merges', { keys: ['1', 'b', 'q', 'z'], clients: 4, thinkMsMax: 200 })
    // It would now and then be at the shard that is to be split.
    await admin(cluster, 'POST', 'schedulers/balance-leaders/pause', { seconds: 3_600 })
    for (const key of ['y', 'p', 'a']) {
      const [first] = await cluster.dataShards()
      const split = await admin<Operator>(cluster, 'POST', `shards/${first?.id}/split?wait=30s`, { key })
      assert.deepEqual([split.state, split.error], ['finished', null])
      await poll('the map has both halves', WAIT_MS, async () => (await cluster.dataShards())[0]?.end === key)
    }
    await poll('four shards', WAIT_MS, async () => (await cluster.dataShards()).length === 4)
    await admin(cluster, 'PATCH', 'config', { placement: { merge: { afterSplit: '1s' } } })
    await poll('one shard', WAIT_MS, async () => (await cluster.dataShards()).length === 1)
    // The map knows of the last one before the operator has ended.
    const merges = await poll('three merges that have ended', WAIT_MS, async () => {
      const { operators } = (await cluster.json('s1', '/admin/operators')) as { operators: readonly Operator[] }
      const ended = operators.filter(({ kind, state }) => kind === 'merge' && state !== 'running')
      return ended.length < 3 ? undefined : ended
    })
    assert.deepEqual(
      merges.map(({ state }) => state),
      ['finished', 'finished', 'finished'],
    )
    for (const { scheduler, error } of merges) assert.deepEqual([scheduler, error], ['merge', null])
    await load.succeed(50)
    await load.verify(cluster.readers())
  })
})
