/**
 * A damaged replica is made anew by the placement driver, on its own store when there is no other; and what a store meets that comes back after it was given
 * up: its replicas are elsewhere, and what it has is deleted before it may hold anything again.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PLACEMENT_DEFAULTS } from '../../src/placement/settings.ts'
import { encodeRaftMessage } from '../../src/protocol/index.ts'
import { LogStoreError } from '../../src/storage/index.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { TestCluster } from './cluster.ts'

const LONG_WAIT_MS = 60_000
const KEYS = ['alpha', 'delta', 'kilo', 'november', 'tango']

/** The replica meets a record that cannot be read. */
function damage(cluster: TestCluster, store: string, shard: number): void {
  const replica = cluster.replica(store, shard)
  assert(replica !== undefined)
  Object.defineProperty(replica.raft, 'tick', {
    value: () => {
      throw new LogStoreError('DAMAGED', 'a record fails its checksum when read again')
    },
  })
}

for (const stores of [3, 4]) {
  test(`of ${stores} stores one has a damaged replica: it is made anew under load, and the store is ready again`, async () => {
    await TestCluster.with({ stores, founders: 3, placement: { schedulers: ['repair'] } }, async (cluster) => {
      const load = cluster.load(`rebuild-${stores}`, KEYS)
      await load.succeed(100)
      const shard = cluster.store('s1').map.map.shards[0]?.id ?? 0
      const leader = await cluster.leaderStore(shard)
      const victim = ['s1', 's2', 's3'].find((id) => id !== leader) ?? ''
      const before = cluster.replica(victim, shard)?.id ?? 0
      damage(cluster, victim, shard)
      await poll('the damage is seen', LONG_WAIT_MS, () => cluster.store(victim).damaged.has(shard))
      await poll('three sound voters, and no damage', LONG_WAIT_MS, async () => {
        const { replicas } = (await cluster.leader(shard)).shard
        const sound = replicas.filter(({ id, role }) => role === 'voter' && id !== before)
        return sound.length === 3 && replicas.length === 3 && cluster.store(victim).damaged.size === 0
      })
      const { replicas } = (await cluster.leader(shard)).shard
      const has = replicas.some(({ store }) => store === victim)
      assert.equal(has, stores === 3, 'on another store where there is one')
      await load.succeed(100)
      await load.verify()
      await cluster.agree(shard)
      // Also what the disk says is sound.
      await cluster.stop(victim)
      await cluster.start(victim)
      assert.equal(cluster.store(victim).damaged.size, 0)
      await cluster.agree(shard)
    })
  })
}

test('bytes that went bad on a disk: the store starts without those replicas, and gets them back', async () => {
  await TestCluster.with({ shards: 2, placement: { schedulers: ['repair'] } }, async (cluster) => {
    const load = cluster.load('flipped', KEYS)
    await load.succeed(200)
    const leading = new Set<string>()
    for (const { id } of cluster.store('s1').map.map.shards) leading.add(await cluster.leaderStore(id))
    const victim = ['s2', 's3', 's1'].find((id) => !leading.has(id)) ?? 's3'
    await cluster.store(victim).options.data.flush()
    await cluster.stop(victim)
    const files = cluster.files.get(victim)
    for (const path of files?.paths() ?? []) {
      if (path.includes('log')) for (const offset of [3_000, 5_000, 7_000]) files?.flipBit(path, offset, 3)
    }
    await cluster.start(victim)
    const hit = [...cluster.store(victim).damaged.keys()]
    assert.ok(hit.length > 0, 'the damage is found')
    await poll('no damage is left', LONG_WAIT_MS, () =>
      [...cluster.store(victim).damaged.keys()].every((group) => group === 0),
    )
    await load.succeed(100)
    await load.verify()
    for (const { id } of cluster.store('s1').map.map.shards) {
      await poll(
        'three voters',
        LONG_WAIT_MS,
        async () => (await cluster.leader(id)).shard.replicas.filter(({ role }) => role === 'voter').length === 3,
      )
      await cluster.agree(id)
    }
  })
})

test('a store that was given up comes back: its old replicas are deleted and never vote again', async () => {
  const defaults = { ...PLACEMENT_DEFAULTS, downAfterMs: 4_000 }
  await TestCluster.with({ stores: 4, placement: { schedulers: ['repair'], defaults } }, async (cluster) => {
    const load = cluster.load('given-up', KEYS)
    await load.succeed(100)
    const shard = cluster.store('s1').map.map.shards[0]?.id ?? 0
    const old = cluster.replica('s3', shard)?.id ?? 0
    const driver = cluster.replica('s3', 1)?.id ?? 0
    cluster.crash('s3')
    await poll('three voters without s3', LONG_WAIT_MS, async () => {
      for (const group of [shard, 1]) {
        const { replicas } = (await cluster.leader(group)).shard
        if (replicas.length !== 3 || replicas.some(({ store }) => store === 's3')) return false
      }
      return true
    })
    await load.succeed(50)
    await cluster.start('s3')
    await poll('nothing is left on s3', LONG_WAIT_MS, () => cluster.store('s3').replicas.size === 0)
    const range = { start: '', end: undefined }
    await poll('no key is left on s3', LONG_WAIT_MS, async () => {
      const query = { ...range, reverse: false, itemsMax: 10, bytesMax: 1 << 20, keysOnly: true }
      return (await cluster.store('s3').options.data.scan(query)).items.length === 0
    })
    // A late message for one of its old replicas calls nobody back.
    for (const [group, to] of [
      [shard, old],
      [1, driver],
    ] as const) {
      const message = { type: 'Heartbeat', from: 99, to, term: 1_000, commitIndex: 0, readId: 0 } as const
      cluster.store('s3').onItems('s1', 'raft', [encodeRaftMessage(group, message)], 'disk-s1')
      assert.equal(cluster.store('s3').replicas.has(group), false)
    }
    await cluster.restart('s3')
    assert.equal(cluster.store('s3').replicas.size, 0)
    // It may hold others.
    await cluster.move(
      shard,
      (await cluster.leader(shard)).shard.replicas.find(({ store }) => store !== 's1')?.store ?? '',
      's3',
    )
    assert.ok((cluster.replica('s3', shard)?.id ?? 0) > old)
    await load.succeed(50)
    await load.verify()
    await cluster.agree(shard)
  })
})
