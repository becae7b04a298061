/** Orderly stops as the other stores see them: leadership goes to those who stay, once, and nowhere when nobody does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_REPLICA } from '../../src/raft/index.ts'
import type { Store } from '../../src/store/index.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { TestCluster } from './cluster.ts'

interface Led {
  readonly leader: string | undefined
  readonly term: number
}

async function leaders(cluster: TestCluster): Promise<Map<number, Led>> {
  const led = new Map<number, Led>()
  for (const group of cluster.store('s1').replicas.keys()) {
    const replica = await cluster.leader(group)
    led.set(group, { leader: replica.leaderStore, term: replica.raft.term })
  }
  return led
}

/** Who tells this store from now on that it is back. */
function returns(store: Store): ReadonlySet<string> {
  const back = new Set<string>()
  const submit = store.submit.bind(store)
  store.submit = (call) => {
    submit(call)
    const { request } = call
    if (request.kind === 'store-leaves' && request.isBack) back.add(request.store)
  }
  return back
}

const QUIET = { shards: 6, placement: { schedulers: [] } }

/** Leaders on every store, and nobody who moves them: nothing else would show who gives what away. */
async function spread(cluster: TestCluster): Promise<Map<number, Led>> {
  for (const group of cluster.store('s1').replicas.keys()) {
    const to = `s${1 + (group % 3)}`
    await poll(`${to} to lead group ${group}`, 30_000, async () => {
      const leader = (await cluster.leader(group)).leaderStore
      if (leader !== undefined && leader !== to)
        await cluster.ask(leader, { kind: 'transfer-leader', shard: group, store: to })
      return leader === to
    })
  }
  return await leaders(cluster)
}

test('when all stores stop together, none of them takes leadership', async () => {
  await TestCluster.with(QUIET, async (cluster) => {
    const before = await spread(cluster)
    const load = cluster.load('last', ['1', 'a', 'p'])
    await load.succeed(20)
    await Promise.all(cluster.runningStores().map((store) => store.handOver()))
    assert.deepEqual(await leaders(cluster), before)
    // Requests are answered to the end.
    await load.succeed(20)
    await load.verify()
  })
})

test('a store that stops after another gives its leadership to the third, and no group changes its leader more than twice', async () => {
  await TestCluster.with(QUIET, async (cluster) => {
    const before = await spread(cluster)
    const [first, second, third] = ['s1', 's2', 's3'].map((id) => cluster.store(id))
    assert(first !== undefined && second !== undefined && third !== undefined)
    await first.handOver()
    assert.ok([...(await leaders(cluster)).values()].every(({ leader }) => leader !== 's1'))
    await second.handOver()
    const after = await leaders(cluster)
    for (const [group, { leader, term }] of after) {
      assert.equal(leader, 's3', `group ${group}`)
      assert.ok(term <= (before.get(group)?.term ?? 0) + 2, `group ${group}: ${before.get(group)?.term} to ${term}`)
    }
    await third.handOver()
    assert.deepEqual(await leaders(cluster), after)
  })
})

test('a store that is back is as good as any, at once', async () => {
  await TestCluster.with(QUIET, async (cluster) => {
    const load = cluster.load('rolling', ['1', 'a', 'p'])
    await load.succeed(20)
    for (const id of ['s1', 's2', 's3']) {
      await cluster.store(id).handOver()
      const others = ['s1', 's2', 's3'].filter((other) => other !== id)
      // To whoever was the first to stop, too.
      assert.ok([...(await leaders(cluster)).values()].every(({ leader }) => others.includes(leader ?? '')))
      await cluster.stop(id)
      const told = others.map((other) => returns(cluster.store(other)))
      await cluster.start(id)
      await poll(`the others to hear that ${id} is back`, 30_000, () => told.every((stores) => stores.has(id)))
      for (const other of others) assert.equal(cluster.store(other).departure.isLeaving(id), false)
    }
    await load.succeed(20)
    await load.verify()
  })
})

test('no leadership is sent to a store that leaves, whoever asks for that', async () => {
  await TestCluster.with({ ...QUIET, shards: 1 }, async (cluster) => {
    const [shard] = cluster.store('s1').map.map.shards
    assert(shard !== undefined)
    const leader = (await cluster.leader(shard.id)).leaderStore ?? ''
    const leaving = ['s1', 's2', 's3'].find((id) => id !== leader) ?? ''
    await cluster.store(leaving).handOver()
    const reply = await cluster.ask(leader, { kind: 'transfer-leader', shard: shard.id, store: leaving })
    assert.ok(reply.kind === 'error')
    assert.deepEqual(
      [reply.error.code, reply.error.message],
      ['OPERATOR_CONFLICT', `store ${leaving} is stopping and takes no leadership`],
    )
    // What was sent before the leader knew is as good as lost.
    const replica = await cluster.leader(shard.id)
    const { term } = replica.raft
    replica.raft.transferLeader(replica.replicaOn(leaving) ?? 0)
    cluster.store(leader).loop.wake(replica)
    await poll('the transfer to be given up', 30_000, () => replica.raft.status().transferee === NO_REPLICA)
    assert.deepEqual([replica.isLeader, replica.raft.term], [true, term])
  })
})
