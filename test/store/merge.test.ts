/**
 * Neighbours become one shard again: under load, with followers that are behind, leaders that change and stores that crash between any two steps. Each
 * way in which other databases are known to have lost data here has its own test.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Shard } from '../../shard-map/index.ts'
import type { EventSink } from '../../src/base/index.ts'
import { encodeShardCommand, type ShardCommand } from '../../src/store/shard-command.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { TestCluster, WAIT_MS } from './cluster.ts'
import type { TestClusterOptions } from './cluster-options.ts'

const KEYS = ['1one', '5five', 'alpha', 'delta', 'kilo', 'november', 'tango', 'zulu']
const STORES = ['s1', 's2', 's3']

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString()
}

/** Runs on a cluster with two shards, cut at "k". */
async function withTwo(
  options: TestClusterOptions,
  run: (cluster: TestCluster, left: number, right: number) => Promise<void>,
): Promise<void> {
  await TestCluster.with(options, async (cluster) => {
    const [only] = cluster.store('s1').map.map.shards
    assert(only !== undefined)
    const [left, right] = await cluster.split(only.id, 'k')
    assert(left !== undefined && right !== undefined)
    await cluster.settle(2)
    await run(cluster, left.id, right.id)
  })
}

/** What a leader proposes that has judged by what it knew; the index of the entry. */
async function propose(cluster: TestCluster, shard: number, command: ShardCommand): Promise<number> {
  const leader = await cluster.leader(shard)
  const proposed = leader.raft.propose([encodeShardCommand(command)], 'shard')
  assert(proposed.ok && !proposed.forwarded, JSON.stringify(proposed))
  cluster.store(await cluster.leaderStore(shard)).loop.wake(leader)
  return proposed.firstIndex
}

async function mergeWhole(cluster: TestCluster, left: number, right: number): Promise<Shard> {
  return await cluster.commitMerge(await cluster.prepareMerge(left, right))
}

/** Every store has let go of the shard. */
async function gone(cluster: TestCluster, shard: number): Promise<void> {
  await poll(`no store has shard ${shard}`, WAIT_MS, () =>
    cluster.runningStores().every((store) => !store.replicas.has(shard)),
  )
}

test('merged and split again at the same key, three times under load, and nobody is refused', async () => {
  await withTwo({}, async (cluster, left, right) => {
    const load = cluster.load('merge', KEYS)
    await load.succeed(100)
    let source = right
    for (let round = 0; round < 3; round++) {
      const merged = await mergeWhole(cluster, left, source)
      assert.deepEqual([merged.id, merged.start, merged.end], [left, '', undefined])
      await gone(cluster, source)
      await load.succeed(100)
      const [, again] = await cluster.split(left, 'k')
      assert(again !== undefined)
      source = again.id
      await load.succeed(100)
    }
    await load.verify()
    // Unknown outcomes may come of elections for which a busy machine is enough; they are judged by `verify`.
    assert.equal(load.counts.none, 0)
    await cluster.settle(2)
  })
})

test('a prepared shard serves nobody, and serves again after a rollback; what was for the old epoch is void', async () => {
  await withTwo({}, async (cluster, left, right) => {
    await cluster.client.put('november', '1')
    const before = (await cluster.leader(right)).shard
    const first = await cluster.prepareMerge(left, right)
    const leader = await cluster.leaderStore(right)
    for (const rangeEpoch of [before.epoch.range, first.source.epoch.range]) {
      for (const consistency of ['linearizable', 'stale'] as const) {
        const reply = await cluster.ask(leader, {
          kind: 'get',
          shard: right,
          rangeEpoch,
          consistency,
          keys: ['november'],
        })
        assert(
          reply.kind === 'error' && reply.error.retryable,
          `${consistency} at ${rangeEpoch}: ${JSON.stringify(reply)}`,
        )
      }
    }
    // Asking again, and asking for a part of it too early.
    assert.deepEqual((await cluster.prepareMerge(left, right)).source, first.source)
    const early = { kind: 'rollback-merge', shard: right, epoch: first.source.epoch, target: first.target } as const
    const refused = await cluster.ask(leader, early)
    assert(refused.kind === 'error' && refused.error.code === 'INVALID_ARGUMENT')
    const split = {
      kind: 'split',
      shard: right,
      epoch: first.source.epoch,
      cuts: [{ key: 'p', shard: 99, replicas: [97, 98, 96] }],
    } as const
    const late = await cluster.ask(leader, split)
    assert(late.kind === 'error' && late.error.outcome === 'none', 'a prepared shard is not split')

    const back = await cluster.rollBackMerge(first)
    assert.deepEqual([back.id, back.start, back.end], [right, 'k', undefined])
    assert.equal(text(await cluster.client.get('november')), '1')
    await cluster.client.put('november', '2')
    // Late steps of the merge that was given up.
    const commit = { kind: 'commit-merge', shard: left, epoch: first.target.epoch, source: first.source } as const
    const lateCommit = await cluster.ask(await cluster.leaderStore(left), commit)
    assert(lateCommit.kind === 'error' && lateCommit.error.code === 'STALE_EPOCH')
    const prepare = { kind: 'prepare-merge', shard: right, epoch: before.epoch, target: first.target } as const
    const latePrepare = await cluster.ask(await cluster.leaderStore(right), prepare)
    assert(latePrepare.kind === 'error' && latePrepare.error.code === 'STALE_EPOCH')

    const second = await cluster.prepareMerge(left, right)
    // The first merge's rollback comes again: its fence says nothing about the second.
    const again = { kind: 'rollback-merge', shard: right, epoch: second.source.epoch, target: second.target } as const
    const lateRollback = await cluster.ask(await cluster.leaderStore(right), again)
    assert(lateRollback.kind === 'error' && lateRollback.error.code === 'INVALID_ARGUMENT')
    await cluster.commitMerge(second)
    // Done is done: asked again it says so, and a fence comes too late, also after a split at the same key.
    assert.equal((await cluster.commitMerge(second)).end, undefined)
    await cluster.split(left, 'k')
    const fence = { kind: 'fence-merge', shard: left, epoch: second.target.epoch, source: right } as const
    const lateFence = await cluster.ask(await cluster.leaderStore(left), fence)
    assert(lateFence.kind === 'error' && lateFence.error.code === 'INVALID_ARGUMENT')
    assert.equal(text(await cluster.client.get('november')), '2')
    await cluster.settle(2)
  })
})

test('a shard that was stopped for one that is itself stopped serves again without a fence, and that one still goes in', async () => {
  await withTwo({}, async (cluster, left, middle) => {
    const [, right] = (await cluster.split(middle, 't')).map(({ id }) => id)
    assert(right !== undefined)
    await cluster.settle(3)
    await cluster.client.put('tango', '1')
    const first = await cluster.prepareMerge(left, middle)
    const target = first.source
    const { shard } = await cluster.leader(right)
    const prepare = { kind: 'prepare-merge', epoch: shard.epoch, target } as const
    const refused = await cluster.ask(await cluster.leaderStore(right), { ...prepare, shard: right })
    assert(refused.kind === 'error' && refused.error.code === 'INVALID_ARGUMENT', JSON.stringify(refused))
    // A leader on whose store the middle shard's replica is behind does not know that it is stopped.
    await propose(cluster, right, { ...prepare, indexMin: (await cluster.leader(right)).raft.commitIndex })
    const source = await poll('it is stopped too', WAIT_MS, async () => {
      const replica = await cluster.leader(right)
      return replica.merging === undefined ? undefined : replica.shard
    })
    const commit = { kind: 'commit-merge', shard: middle, epoch: target.epoch, source } as const
    const vain = await cluster.ask(await cluster.leaderStore(middle), commit)
    assert(vain.kind === 'error' && vain.error.code === 'INVALID_ARGUMENT', JSON.stringify(vain))

    const back = await cluster.rollBackMerge({ target, source })
    assert.deepEqual([back.id, back.epoch.range > source.epoch.range], [right, true])
    assert.notEqual((await cluster.leader(middle)).merging, undefined, 'the middle shard waits as before')
    assert.deepEqual((await cluster.leader(middle)).shard, target, 'a fence would make it void for the left shard')
    await cluster.client.put('tango', '2')
    // What may come late: the request, and the entry of a leader that had been asked before.
    const late = await cluster.ask(await cluster.leaderStore(middle), commit)
    assert(late.kind === 'error' && late.error.code === 'INVALID_ARGUMENT', JSON.stringify(late))
    const index = await propose(cluster, middle, {
      kind: 'commit-merge',
      epoch: target.epoch,
      source,
      previousTerm: 1,
      entries: [{ index: 2, term: 1, type: 'shard', data: new Uint8Array(1) }],
    })
    await poll('it is applied', WAIT_MS, async () => (await cluster.leader(middle)).appliedIndex >= index)
    assert.deepEqual((await cluster.leader(middle)).absorbed, [])
    assert.equal(text(await cluster.client.get('tango')), '2')

    const merged = await cluster.commitMerge(first)
    assert.deepEqual([merged.id, merged.start, merged.end], [left, '', 't'])
    await gone(cluster, middle)
    await mergeWhole(cluster, left, right)
    await cluster.settle(1)
    assert.equal(text(await cluster.client.get('tango')), '2')
  })
})

test('the leaders change in the middle, apart from each other', async () => {
  await withTwo({}, async (cluster, left, right) => {
    const load = cluster.load('leaders', KEYS)
    await load.succeed(100)
    const prepared = await cluster.prepareMerge(left, right)
    for (const shard of [left, right]) {
      const from = await cluster.leaderStore(shard)
      const to = STORES.filter((store) => store !== from)[shard === left ? 0 : 1] as string
      await cluster.ask(from, { kind: 'transfer-leader', shard, store: to })
    }
    await cluster.commitMerge(prepared)
    await load.succeed(100)
    await load.verify()
    await gone(cluster, right)
    await cluster.settle(1)
  })
})

test('a store that was away for the whole merge catches up, by log and by snapshot, when the source is gone', async () => {
  for (const compactEntries of [10_000, 20]) {
    await withTwo({ raft: { compactEntries } }, async (cluster, left, right) => {
      const load = cluster.load(`away-${compactEntries}`, KEYS)
      await load.succeed(200)
      const leaders = [await cluster.leaderStore(left), await cluster.leaderStore(right)]
      const away = STORES.find((store) => !leaders.includes(store)) ?? 's3'
      const others = STORES.filter((store) => store !== away)
      cluster.hub.partition([away], others)
      await mergeWhole(cluster, left, right)
      await load.succeed(1_000)
      for (const store of others) await cluster.store(store).options.data.flush()
      await load.succeed(500)
      assert(cluster.replica(away, right) !== undefined, 'the source is still there, as nobody told')
      cluster.hub.heal()
      await gone(cluster, right)
      await load.succeed(100)
      await load.verify()
      await cluster.settle(1)
    })
  }
})

test('a store that was away while a merged shard was split again follows first, and then lets the new shard take the place of the old one', async () => {
  const refusals: string[] = []
  const events: EventSink = {
    wants: () => true,
    emit: ({ type, data }) => {
      if (type === 'snapshot_failed') refusals.push(String(data?.reason))
    },
  }
  await withTwo({ events, placement: { schedulers: [] } }, async (cluster, left, right) => {
    const load = cluster.load('again', KEYS)
    await load.succeed(200)
    const leaders = [await cluster.leaderStore(left), await cluster.leaderStore(right)]
    const away = STORES.find((store) => !leaders.includes(store)) ?? 's3'
    cluster.hub.partition(
      [away],
      STORES.filter((store) => store !== away),
    )
    await mergeWhole(cluster, left, right)
    const [, again] = await cluster.split(left, 'n')
    assert(again !== undefined)
    await load.succeed(200)
    // It hears of the new shard before it hears of what happened to the old ones.
    const replica = cluster.replica(away, left)
    assert(replica !== undefined)
    Object.defineProperty(replica.raft, 'step', { configurable: true, value: () => ({ ok: true }) })
    cluster.hub.heal()
    await poll('the snapshot of the new shard is refused', WAIT_MS, () =>
      refusals.some((reason) => reason.includes(`shard ${left} has yet to take in shard ${right} here`)),
    )
    assert(cluster.replica(away, right) !== undefined)
    Reflect.deleteProperty(replica.raft, 'step')
    await gone(cluster, right)
    await load.succeed(100)
    await load.verify()
    await cluster.settle(2)
    await cluster.agree(again.id)
    assert.deepEqual([...cluster.store(away).damaged], [])
  })
})

test('stores crash after each step: one, the leader, all at once', async () => {
  for (const victimsOf of [
    (leader: string) => [leader],
    (leader: string) => STORES.filter((store) => store !== leader).slice(0, 1),
    () => STORES,
  ]) {
    await withTwo({}, async (cluster, left, right) => {
      const load = cluster.load('crash', KEYS)
      await load.succeed(50)
      const crash = async (): Promise<void> => {
        const victims = victimsOf(await cluster.leaderStore(left))
        for (const victim of victims) cluster.crash(victim)
        for (const victim of victims) await cluster.start(victim)
      }
      const given = await cluster.prepareMerge(left, right)
      await crash()
      await cluster.rollBackMerge(given)
      await crash()
      const prepared = await cluster.prepareMerge(left, right)
      await crash()
      await cluster.commitMerge(prepared)
      await crash()
      await load.succeed(50)
      await gone(cluster, right)
      await load.verify()
      await cluster.settle(1)
    })
  }
})

test('a shard that was merged away does not come back by a split under its id', async () => {
  await TestCluster.with({ shards: 2, placement: { schedulers: [] } }, async (cluster) => {
    const [left, right] = cluster.store('s1').map.map.shards
    assert(left !== undefined && right !== undefined)
    const load = cluster.load('used-ids', ['alpha', 'delta', 'kilo', 'november', 'tango'])
    await load.succeed(50)
    const { epoch } = await cluster.commitMerge(await cluster.prepareMerge(left.id, right.id))
    // As somebody asks who heard of neither the split nor the merge.
    const cuts = [{ key: right.start, shard: right.id, replicas: right.replicas.map(({ id }) => id) }]
    const leader = await cluster.leaderStore(left.id)
    const reply = await cluster.ask(leader, { kind: 'split', shard: left.id, epoch, cuts })
    assert.equal(reply.kind === 'error' ? reply.error.code : reply.kind, 'INVALID_ARGUMENT')
    await load.succeed(50)
    await load.verify()
    await cluster.agree(left.id)
  })
})
