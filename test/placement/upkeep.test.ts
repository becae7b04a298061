/** Snapshots and compaction that people ask for, on whole clusters in memory: what they leave behind, on which stores, and what is refused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planUpkeep } from '../../shard-map/index.ts'
import { FlotillaError, type OperateRequest } from '../../src/protocol/index.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { bootstrapped } from '../shard-map/arbitraries.ts'
import { TestCluster, WAIT_MS } from '../store/cluster.ts'
import { ask, ended, onlyShard } from './people.ts'

type Upkeep = Extract<OperateRequest, { readonly what: 'snapshot' | 'compact' }>

/** Starts it and waits for its end. */
async function finish(cluster: TestCluster, request: Upkeep): Promise<void> {
  const tried = await ask(cluster, { ...request, dryRun: true })
  const started = await ask(cluster, request)
  assert.deepEqual([tried.id, tried.steps.map(({ what }) => what)], [null, started.steps.map(({ what }) => what)])
  const end = await ended(cluster, started.id)
  assert.deepEqual([end.state, end.error, end.kind], ['finished', null, request.what])
}

async function put(cluster: TestCluster, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await cluster.client.put(`key-${i % 7}`, `value ${i}`)
}

test('compaction leaves the log of each replica empty behind what followers have, and nobody loses anything', async () => {
  await TestCluster.with({ stores: 3, placement: { schedulers: [] } }, async (cluster) => {
    const shard = await onlyShard(cluster)
    const load = cluster.load('compact', ['a', 'b', 'c'])
    await put(cluster, 60)
    const { raft } = await cluster.leader(shard)
    const { commitIndex } = raft
    await finish(cluster, { what: 'compact', shard, dryRun: false })
    for (const id of ['s1', 's2', 's3']) {
      const replica = cluster.replica(id, shard)
      assert.ok(replica !== undefined && replica.log.firstIndex() > commitIndex, `${id}: ${replica?.log.firstIndex()}`)
    }
    // A store that comes back finds everything in its engine.
    for (const id of ['s1', 's2', 's3']) await cluster.restart(id)
    await load.verify()
    await cluster.agree(shard)
    // The driver's own log too.
    await finish(cluster, { what: 'compact', shard: 1, dryRun: false })
    await put(cluster, 5)
  })
})

test('a snapshot makes durable what is applied, on the stores of one shard or on all', async () => {
  await TestCluster.with({ stores: 4, placement: { schedulers: [] } }, async (cluster) => {
    const shard = await onlyShard(cluster)
    await put(cluster, 20)
    const { commitIndex } = (await cluster.leader(shard)).raft
    await poll('all have applied it', WAIT_MS, () =>
      ['s1', 's2', 's3'].every((id) => (cluster.replica(id, shard)?.appliedIndex ?? 0) >= commitIndex),
    )
    await finish(cluster, { what: 'snapshot', shard, dryRun: false })
    for (const id of ['s1', 's2', 's3']) {
      assert.ok((cluster.replica(id, shard)?.log.flushed.index ?? 0) >= commitIndex, id)
    }
    const everywhere = await ask(cluster, { what: 'snapshot', shard: undefined, dryRun: true })
    assert.deepEqual(
      everywhere.steps.map(({ what }) => what),
      ['s1', 's2', 's3', 's4'].map((id) => `make durable what store ${id} has applied`),
    )
    await finish(cluster, { what: 'snapshot', shard: undefined, dryRun: false })
    const refused = (error: unknown) => error instanceof FlotillaError && error.code === 'SHARD_NOT_FOUND'
    await assert.rejects(ask(cluster, { what: 'compact', shard: 99, dryRun: true }), refused)
  })
})

test('a store that does not answer is left out and named, and one that falls silent meanwhile holds only this up', async () => {
  const map = bootstrapped(4, 4)
  const first = map.shards[0]
  assert.ok(first !== undefined)
  const [away = '', ...others] = first.replicas.map(({ store }) => store)
  const plan = planUpkeep(map, 'compact', first.id, (store) => store !== away)
  assert.ok(plan.ok)
  assert.deepEqual(
    plan.operator.steps,
    others.map((store) => ({ what: 'compact-log', store, group: first.id })),
  )
  assert.match(plan.operator.reason, new RegExp(`left out, because they do not answer: ${away}$`))
  assert.equal(planUpkeep(map, 'snapshot', undefined, () => false).ok, false)

  await TestCluster.with({ stores: 3, placement: { schedulers: [] } }, async (cluster) => {
    const shard = await onlyShard(cluster)
    const driver = await cluster.leaderStore(1)
    const silent = ['s1', 's2', 's3'].find((id) => id !== driver) ?? ''
    cluster.hub.partition(
      [silent],
      ['s1', 's2', 's3', 'client'].filter((id) => id !== silent),
    )
    const started = await ask(cluster, { what: 'compact', shard, dryRun: false })
    await assert.rejects(ask(cluster, { what: 'compact', shard, dryRun: false }), /does the same already/)
    await put(cluster, 3)
    const cancelled = await ask(cluster, { what: 'cancel-operator', operator: String(started.id) })
    assert.equal(cancelled.state, 'cancelled')
    cluster.hub.heal()
    await finish(cluster, { what: 'compact', shard, dryRun: false })
  })
})
