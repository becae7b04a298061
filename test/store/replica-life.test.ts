/** Replicas come by need, move from store to store under load, go when they are removed, and do not come back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeRaftMessage, type Reply } from '../../src/protocol/index.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { TestCluster, WAIT_MS } from './cluster.ts'

const KEYS = ['1one', '5five', 'alpha', 'delta', 'kilo', 'november', 'tango', 'zulu']

function errorOf(reply: Reply): string {
  return reply.kind === 'error' ? reply.error.code : reply.kind
}

test('a replica moves to a store that never had one, under load, and the old one is deleted', async () => {
  await TestCluster.with({ stores: 4 }, async (cluster) => {
    const [shard] = cluster.store('s1').map.map.shards
    assert(shard !== undefined)
    const load = cluster.load('move', KEYS)
    await load.succeed(200)
    const moved = await cluster.move(shard.id, 's1', 's4')
    assert.deepEqual(moved.replicas.map(({ store, role }) => `${store} ${role}`).sort(), [
      's2 voter',
      's3 voter',
      's4 voter',
    ])
    await poll('the old replica is gone', WAIT_MS, () => cluster.replica('s1', shard.id) === undefined)
    await load.succeed(200)
    await load.verify()
    await cluster.agree(shard.id)
    await cluster.mapped(shard.id)
    const { data } = cluster.store('s1').options
    await poll('its data is gone', WAIT_MS, async () => {
      const page = await data.scan({
        start: '',
        end: undefined,
        reverse: false,
        itemsMax: 9,
        bytesMax: 999,
        keysOnly: true,
      })
      return page.items.length === 0
    })
  })
})

test('it survives a crash of the store that gets it and of the one that loses it, and a destroyed replica stays dead', async () => {
  await TestCluster.with({ stores: 4 }, async (cluster) => {
    const [shard] = cluster.store('s1').map.map.shards
    assert(shard !== undefined)
    const first = shard.replicas.find(({ store }) => store === 's1')?.id ?? 0
    const load = cluster.load('crashes', KEYS)
    await load.succeed(100)
    const replica = await cluster.nextId()
    await cluster.member(shard.id, { kind: 'add-learner', store: 's4', replica })
    await cluster.restart('s4')
    await cluster.member(shard.id, {
      kind: 'enter-joint',
      promote: ['s4'],
      demote: ['s1'],
      lagEntriesMax: 100,
      votersMin: 3,
    })
    await cluster.restart('s4')
    await cluster.restart('s1')
    await cluster.member(shard.id, { kind: 'leave-joint' })
    await cluster.restart('s1')
    await cluster.member(shard.id, { kind: 'remove-learner', store: 's1' })
    await poll('the old replica is gone', WAIT_MS, () => cluster.replica('s1', shard.id) === undefined)
    await cluster.restart('s1')
    // A crash before its tombstone was durable brings it back for as long as it takes to be found superfluous again.
    await poll('the old replica is gone for good', WAIT_MS, () => cluster.replica('s1', shard.id) === undefined)
    // A late message to the old replica.
    await cluster.mapped(shard.id)
    const late = encodeRaftMessage(shard.id, {
      type: 'RequestVote',
      from: shard.replicas.find(({ store }) => store === 's2')?.id ?? 0,
      to: first,
      term: 99,
      lastLogIndex: 99,
      lastLogTerm: 98,
      leadershipTransfer: true,
    })
    cluster.store('s1').onItems('s2', 'raft', [late], 'disk-s2')
    assert.equal(cluster.replica('s1', shard.id), undefined, 'a destroyed replica came back')
    // And back again, under a new number.
    await cluster.move(shard.id, 's2', 's1')
    await load.succeed(100)
    await load.verify()
    await cluster.agree(shard.id)
    assert.notEqual(cluster.replica('s1', shard.id)?.id, first)
  })
})

test('a member that was removed while its store was away is found and deleted when it returns', async () => {
  await TestCluster.with({ stores: 4 }, async (cluster) => {
    const [shard] = cluster.store('s1').map.map.shards
    assert(shard !== undefined)
    await cluster.client.put('alpha', 'one')
    const away = (await cluster.leaderStore(shard.id)) === 's3' ? 's2' : 's3'
    cluster.crash(away)
    await cluster.move(shard.id, away, 's4')
    await cluster.start(away)
    await poll('it is found', WAIT_MS, () => cluster.replica(away, shard.id) === undefined)
    await cluster.agree(shard.id)
    assert.equal(Buffer.from((await cluster.client.get('alpha')) ?? []).toString(), 'one')
  })
})

test('the placement driver itself moves to another store', async () => {
  await TestCluster.with({ stores: 4 }, async (cluster) => {
    const from = (await cluster.leaderStore(1)) === 's1' ? 's2' : 's1'
    await cluster.move(1, from, 's4')
    await cluster.mapped(1)
    await poll('the old replica is gone', WAIT_MS, () => cluster.replica(from, 1) === undefined)
    assert.equal(cluster.replica('s4', 1)?.isMember, true)
    assert((await cluster.nextId()) > 0)
  })
})

test('steps that would endanger the shard are refused, and steps asked twice are done once', async () => {
  await TestCluster.with({ stores: 4 }, async (cluster) => {
    const [shard] = cluster.store('s1').map.map.shards
    assert(shard !== undefined)
    const { id, epoch } = shard
    const leader = await cluster.leaderStore(id)
    const ask = (step: Parameters<TestCluster['member']>[1], at = epoch): Promise<Reply> =>
      cluster.ask(leader, { kind: 'change-membership', shard: id, epoch: at, step })
    assert.equal(errorOf(await ask({ kind: 'remove-learner', store: 's2' })), 'INVALID_ARGUMENT')
    const joint = { kind: 'enter-joint', promote: [], demote: ['s2'], lagEntriesMax: 9, votersMin: 3 } as const
    assert.equal(errorOf(await ask(joint)), 'INVALID_ARGUMENT')
    assert.equal(errorOf(await ask({ ...joint, promote: ['s4'] })), 'INVALID_ARGUMENT')
    assert.equal(errorOf(await ask({ kind: 'add-learner', store: 's4', replica: 1 })), 'INVALID_ARGUMENT')
    const add = { kind: 'add-learner', store: 's4', replica: await cluster.nextId() } as const
    const [once, twice] = [await ask(add), await ask(add)]
    assert(once.kind === 'shards' && twice.kind === 'shards')
    assert.deepEqual(once, twice)
    assert.equal(errorOf(await ask({ ...add, store: 's9' })), 'STALE_EPOCH')
    const now = once.shards[0]?.epoch ?? epoch
    assert.equal(errorOf(await ask({ kind: 'leave-joint' }, { ...now, membership: now.membership + 1 })), 'NOT_READY')
    // A learner whose store is away is not promoted.
    cluster.crash('s4')
    await cluster.client.put('alpha', 'x')
    await poll('its silence is noticed', WAIT_MS, async () => {
      const reply = await ask({ ...joint, promote: ['s4'], lagEntriesMax: 0 }, now)
      return reply.kind === 'error' && reply.error.code === 'NOT_READY'
    })
  })
})
