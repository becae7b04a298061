/**
 * What the placement driver does to shards without being asked, on whole clusters in memory: cuts those that have grown, and brings small ones together again
 * when they have been left in peace for long enough.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PLACEMENT_DEFAULTS } from '../../src/placement/settings.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { TestCluster } from '../store/cluster.ts'
import { ask, ended, type OperatorShown, start } from './people.ts'

const KiB = 1024
const LONG_WAIT_MS = 90_000

const shardsOf = (cluster: TestCluster) => cluster.store('s1').map.map.shards

async function operators(cluster: TestCluster, kind: string): Promise<readonly OperatorShown[]> {
  const shown = await ask<{ readonly operators: readonly OperatorShown[] }>(cluster, { what: 'list-operators' })
  return shown.operators.filter((operator) => operator.kind === kind)
}

test('a shard that grows is cut until no part is too big, and not further', async () => {
  const defaults = { ...PLACEMENT_DEFAULTS, splitBytes: 128 * KiB }
  await TestCluster.with({ placement: { schedulers: ['split'], defaults } }, async (cluster) => {
    const load = cluster.load('grow', ['k0005', 'k0105', 'k0205'])
    const keys = Array.from({ length: 240 }, (_, number) => `k${String(number).padStart(4, '0')}~`)
    for (const key of keys) await cluster.client.put(key, new Uint8Array(KiB))
    await poll('parts that are small enough', LONG_WAIT_MS, () => shardsOf(cluster).length >= 2)
    const splits = await operators(cluster, 'split')
    for (const { id, reason } of splits) {
      const end = await ended(cluster, id)
      assert.deepEqual([end.state, end.error], ['finished', null])
      assert.match(reason, /bytes/)
    }
    for (const key of keys) assert.equal((await cluster.client.get(key))?.length, KiB)
    await load.succeed(50)
    await load.verify()
    const count = shardsOf(cluster).length
    assert.ok(count <= 4, `${count} shards for 240 KiB, cut above 128 KiB`)
    await cluster.settle(count)
  })
})

test('small shards are merged after they were left in peace, down to the number that the cluster keeps', async () => {
  const defaults = { ...PLACEMENT_DEFAULTS, mergeAfterSplitMs: 6_000 }
  await TestCluster.with({ shards: 8, placement: { schedulers: ['merge'], defaults } }, async (cluster) => {
    // One client, so that no shard is too busy to be merged, however quick the machine is.
    const load = cluster.load('shrink', ['1', '8', 'a', 'h', 'p', 'z'], 1)
    const [first, , third] = shardsOf(cluster)
    assert(first !== undefined && third !== undefined)
    const cutAt = Date.now()
    const whole = new Set(shardsOf(cluster).map(({ id }) => id))
    for (const { id } of [first, third]) whole.delete(id)
    for (const { id, start: key } of [first, third]) {
      const split = await start(cluster, { kind: 'split', shard: id, key: `${key}\x01` })
      assert.equal((await ended(cluster, split.id)).state, 'finished')
    }
    await cluster.settle(10)
    await poll('eight shards again', LONG_WAIT_MS, () => shardsOf(cluster).length === 8)
    await load.succeed(50)
    await load.verify()
    await cluster.settle(8)
    const merges = await operators(cluster, 'merge')
    assert.equal(merges.filter(({ state }) => state === 'finished').length, 2)
    assert.ok(
      merges.every(({ reason }) => /small and cold/.test(reason)),
      JSON.stringify(merges),
    )
    const early = merges.filter(({ createdAt }) => Date.parse(createdAt) - cutAt < 6_000)
    assert.ok(
      early.every((merge) => whole.has(merge.shard) && whole.has(merge.with ?? 0)),
      `what was split a moment ago was merged: ${JSON.stringify(early)}`,
    )
    // A cluster is not merged below what it was founded with.
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    assert.equal(shardsOf(cluster).length, 8)
  })
})

interface Schedulers {
  readonly schedulers: readonly { readonly name: string; readonly lastRunAt: string | null }[]
}

test('what was founded as one shard is merged back to one, once a setting says that it was left in peace for long enough', async () => {
  await TestCluster.with({ shards: 1, placement: { schedulers: ['merge'] } }, async (cluster) => {
    // So few requests that no shard is too busy to be merged, however quick the machine is.
    const load = cluster.load('one', ['1', 'a', 'p'], 2, 100)
    for (const key of ['p', 'a']) {
      const [first] = shardsOf(cluster)
      assert(first !== undefined)
      const split = await start(cluster, { kind: 'split', shard: first.id, key })
      assert.equal((await ended(cluster, split.id)).state, 'finished')
    }
    await cluster.settle(3)
    // Rounds of planning pass, but not an hour.
    const lastRun = async (): Promise<number> => {
      const { schedulers } = await ask<Schedulers>(cluster, { what: 'list-schedulers' })
      return Date.parse(schedulers.find(({ name }) => name === 'merge')?.lastRunAt ?? '')
    }
    const settledAt = Date.now()
    await poll('another round', LONG_WAIT_MS, async () => (await lastRun()) > settledAt)
    assert.equal((await operators(cluster, 'merge')).length, 0)
    await ask(cluster, { what: 'configure', settings: [['placement.merge.afterSplit', 1_000]], by: 'test' })
    await poll('one shard', LONG_WAIT_MS, () => shardsOf(cluster).length === 1)
    const merges = await operators(cluster, 'merge')
    assert.ok(
      merges.every(({ reason, error }) => /small and cold/.test(reason) && error === null),
      JSON.stringify(merges),
    )
    await load.succeed(50)
    await load.verify()
    await cluster.settle(1)
  })
})
