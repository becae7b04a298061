/** Load that is uneven, on whole clusters in memory: a busy range is cut where its requests divide, and a single hot key is told as such. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PLACEMENT_DEFAULTS } from '../../src/placement/settings.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { TestCluster } from '../store/cluster.ts'
import { ask, ended, onlyShard, start } from './people.ts'

const WAIT_MS = 60_000
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

interface Hot {
  readonly shards: readonly { readonly shard: number; readonly readsPerSecond: number }[]
  readonly keys: readonly { readonly key: string; readonly shard: number; readonly readsPerSecond: number }[]
}

interface Heat {
  readonly buckets: readonly string[]
  readonly reads: readonly (readonly number[])[]
  readonly writes: readonly (readonly number[])[]
}

interface Explained {
  readonly decisions: readonly { readonly scheduler: string; readonly action: string | null; readonly reason: string }[]
}

/** So few that any machine reaches it. */
const defaults = { ...PLACEMENT_DEFAULTS, splitOpsPerSecond: 60 }

test('a hot range splits by itself where its requests divide, and its parts are led by different stores', async () => {
  const schedulers = ['split', 'balance-load', 'balance-leaders'] as const
  await TestCluster.with({ placement: { schedulers, defaults } }, async (cluster) => {
    await onlyShard(cluster)
    const load = cluster.load('hot', KEYS)
    await poll('the range is cut', WAIT_MS, () => cluster.store('s1').map.map.shards.length >= 3)
    const cuts = cluster.store('s1').map.map.shards.slice(1)
    // Both sides of the first cut have at least two of the eight keys, since each has a fifth of the requests or more.
    assert.ok(cuts.some(({ start: key }) => key > 'b' && key <= 'g'))
    await poll('different stores lead', WAIT_MS, async () => {
      const { shards } = cluster.store('s1').map.map
      return new Set(await Promise.all(shards.map(({ id }) => cluster.leaderStore(id)))).size === 3
    })
    const heat = await poll('a step of the heat map', WAIT_MS, async () => {
      const shown = await ask<Heat>(cluster, { what: 'heat-map' })
      return shown.reads.some((row) => row.some((reads) => reads > 0)) ? shown : undefined
    })
    assert.equal(heat.buckets[0], '')
    for (const row of [...heat.reads, ...heat.writes]) assert.equal(row.length, heat.buckets.length)
    await load.verify()
    cluster.checkNoOverlap()
  })
})

test('a shard whose requests go to one key is not cut: explain says why, and the key is told', async () => {
  await TestCluster.with({ placement: { schedulers: ['split'], defaults } }, async (cluster) => {
    const shard = await onlyShard(cluster)
    const load = cluster.load('one', ['celebrity'])
    await poll('the reason', WAIT_MS, async () => {
      const { decisions } = await ask<Explained>(cluster, { what: 'explain-shard', shard })
      return decisions.some(({ reason }) => reason.includes('no split divides a single key'))
    })
    const { keys, shards } = await ask<Hot>(cluster, { what: 'hot' })
    assert.deepEqual([keys.length, keys[0]?.key, keys[0]?.shard], [1, 'celebrity', shard])
    assert.equal(shards[0]?.shard, shard)
    assert.equal(cluster.store('s1').map.map.shards.length, 1)
    const refused = await start(cluster, { kind: 'split', shard, policy: 'load' }).catch((error: unknown) => error)
    assert.match(String(refused), /no split divides a single key/)
    await load.verify()
  })
})

test('a split by load by hand cuts where the requests divide, and is refused where there are none', async () => {
  await TestCluster.with({ placement: { schedulers: [] } }, async (cluster) => {
    const shard = await onlyShard(cluster)
    const quiet = await ended(cluster, (await start(cluster, { kind: 'split', shard, policy: 'load' })).id)
    assert.equal(quiet.state, 'failed')
    assert.match(quiet.error ?? '', /sampled/)
    // Most of the data is elsewhere than most of the requests.
    for (let i = 0; i < 50; i++) await cluster.client.put(`z${i}`, 'x'.repeat(5_000))
    const load = cluster.load('hand', KEYS)
    await poll('samples', WAIT_MS, () => {
      const sizes = cluster.runningStores().map((store) => store.replicas.get(shard)?.load.sampler?.size ?? 0)
      return Math.max(...sizes) >= 64
    })
    const split = await ended(cluster, (await start(cluster, { kind: 'split', shard, policy: 'load' })).id)
    assert.deepEqual([split.state, split.error], ['finished', null])
    await poll('the map has both', WAIT_MS, () => cluster.store('s1').map.map.shards.length === 2)
    const [, right] = cluster.store('s1').map.map.shards
    assert.ok(right !== undefined && right.start > 'b' && right.start <= 'g', right?.start)
    await load.verify()
  })
})
