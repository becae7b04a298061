/** Operators by hand, on whole clusters in memory: carried out, refused, cancelled, and gone on with by the next leader of group 1. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HandRequest } from '../../shard-map/index.ts'
import { PLACEMENT_DEFAULTS } from '../../src/placement/settings.ts'
import { FlotillaError } from '../../src/protocol/index.ts'
import { TestCluster } from '../store/cluster.ts'
import { ask, ended as endOf, onlyShard, start, votersOf as voters } from './people.ts'

const refusal = (code: string) => (error: unknown) => {
  assert(error instanceof FlotillaError)
  assert.equal(error.code, code, error.message)
  assert.ok(error.hint)
  return true
}

test('a move is a list of steps that are carried out under load, the leader among those who move', async () => {
  await TestCluster.with({ stores: 4 }, async (cluster) => {
    const shard = await onlyShard(cluster)
    const load = cluster.load('move', ['a', 'b', 'c'])
    for (const to of ['s4', 's1', 's2', 's3']) {
      const has = await voters(cluster, shard)
      if (has.includes(to)) continue
      const from = await cluster.leaderStore(shard)
      const request = { kind: 'move', shard, from, to } as const
      const tried = await ask(cluster, { what: 'start', request, dryRun: true })
      const started = await start(cluster, request)
      assert.equal(tried.id, null)
      assert.deepEqual(
        tried.steps.map(({ what }) => what),
        started.steps.map(({ what }) => what),
      )
      const ended = await endOf(cluster, started.id)
      assert.deepEqual([ended.state, ended.error], ['finished', null])
      assert.ok(ended.steps.every(({ state }) => state === 'done'))
      assert.deepEqual(await voters(cluster, shard), [...has.filter((store) => store !== from), to].sort())
    }
    await load.verify()
    await cluster.agree(shard)
    await cluster.mapped(shard)
    cluster.checkNoOverlap()
  })
})

test('a learner that was asked for stays, becomes a voter, and a voter too many goes', async () => {
  await TestCluster.with({ stores: 4, placement: { schedulers: ['repair'] } }, async (cluster) => {
    const shard = await onlyShard(cluster)
    const added = await start(cluster, { kind: 'add-replica', shard, store: 's4', role: 'learner' })
    assert.equal((await endOf(cluster, added.id)).state, 'finished')
    // Long enough for repair to have looked a few times.
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    assert.deepEqual(await voters(cluster, shard), ['s1', 's2', 's3', 's4 learner'])
    const removed = await start(cluster, { kind: 'remove-replica', shard, store: 's4' })
    assert.equal((await endOf(cluster, removed.id)).state, 'finished')
    assert.deepEqual(await voters(cluster, shard), ['s1', 's2', 's3'])
  })
})

test('what cannot be done is refused with the reason and what to do', async () => {
  await TestCluster.with({ stores: 4 }, async (cluster) => {
    const shard = await onlyShard(cluster)
    const refused = (request: HandRequest, code: string) => assert.rejects(start(cluster, request), refusal(code))
    await refused({ kind: 'move', shard: 99, from: 's1', to: 's4' }, 'SHARD_NOT_FOUND')
    await refused({ kind: 'move', shard, from: 's1', to: 's9' }, 'STORE_NOT_FOUND')
    await refused({ kind: 'move', shard, from: 's4', to: 's1' }, 'INVALID_ARGUMENT')
    await refused({ kind: 'move', shard, from: 's1', to: 's2' }, 'INVALID_ARGUMENT')
    await refused({ kind: 'remove-replica', shard, store: 's1' }, 'INVALID_ARGUMENT')
    await refused({ kind: 'merge', shard }, 'INVALID_ARGUMENT')
    // Whoever leads already has it: asking again after a lost answer is no mistake, and starts nothing.
    const settled = await start(cluster, { kind: 'transfer-leader', shard, store: await cluster.leaderStore(shard) })
    assert.deepEqual([settled.id, settled.state], [null, 'finished'])
    await assert.rejects(ask(cluster, { what: 'show-operator', operator: '77' }), refusal('OPERATOR_NOT_FOUND'))
    await assert.rejects(ask(cluster, { what: 'cancel-operator', operator: 'x' }), refusal('OPERATOR_NOT_FOUND'))
    await cluster.stop('s4')
    await new Promise((resolve) => setTimeout(resolve, 3_500))
    await refused({ kind: 'move', shard, from: 's1', to: 's4' }, 'OPERATOR_CONFLICT')
  })
})

test('a cancelled operator leaves no learner behind, and the shard is free again', async () => {
  await TestCluster.with({ stores: 5 }, async (cluster) => {
    const shard = await onlyShard(cluster)
    // Nobody answers there, so the operator waits for it to catch up.
    cluster.hub.partition(['s4'], ['s1', 's2', 's3', 's5'])
    const started = await start(cluster, { kind: 'add-replica', shard, store: 's4', role: 'voter' })
    await assert.rejects(
      start(cluster, { kind: 'add-replica', shard, store: 's5', role: 'voter' }),
      refusal('OPERATOR_CONFLICT'),
    )
    await ask(cluster, { what: 'cancel-operator', operator: String(started.id) })
    const ended = await endOf(cluster, started.id)
    assert.equal(ended.state, 'cancelled')
    cluster.hub.heal()
    assert.deepEqual(await voters(cluster, shard), ['s1', 's2', 's3'])
    await assert.rejects(
      ask(cluster, { what: 'cancel-operator', operator: String(started.id) }),
      refusal('OPERATOR_CONFLICT'),
    )
    const again = await start(cluster, { kind: 'add-replica', shard, store: 's5', role: 'voter' })
    assert.equal((await endOf(cluster, again.id)).state, 'finished')
  })
})

test('an operator goes on when the leader of group 1 dies in the middle of any step', async () => {
  await TestCluster.with({ stores: 4, placement: { schedulers: [] } }, async (cluster) => {
    const shard = await onlyShard(cluster)
    const load = cluster.load('driver', ['a', 'b'])
    let to = 's4'
    for (const afterMs of [0, 5, 20, 60, 150]) {
      const leader = await cluster.leaderStore(shard)
      const has = await voters(cluster, shard)
      const from = has.find((store) => store !== leader && store !== to) ?? assert.fail('nobody to move')
      const started = await start(cluster, { kind: 'move', shard, from, to })
      await new Promise((resolve) => setTimeout(resolve, afterMs))
      const driver = await cluster.leaderStore(1)
      await cluster.restart(driver)
      const ended = await endOf(cluster, started.id)
      assert.deepEqual([ended.state, ended.error], ['finished', null], `${afterMs} ms, ${driver} died`)
      assert.deepEqual(await voters(cluster, shard), [...has.filter((store) => store !== from), to].sort())
      to = from
    }
    await load.verify()
    await cluster.agree(shard)
    await cluster.mapped(shard)
  })
})

test('a replica that is far behind is not made leader, and whoever asks hears at once how far', async () => {
  await TestCluster.with({ placement: { schedulers: [] }, raft: { compactEntries: 100_000 } }, async (cluster) => {
    const shard = await onlyShard(cluster)
    const leader = await cluster.leaderStore(shard)
    const behind = ['s1', 's2', 's3'].find((store) => store !== leader && store !== 's1') ?? 's3'
    // Group 1 goes on without the one that is cut off.
    const driver = await start(cluster, { kind: 'transfer-leader', shard: 1, store: leader })
    if (driver.id !== null) await endOf(cluster, driver.id)
    await cluster.client.put('a', 'b')
    cluster.hub.partition(
      [behind],
      ['s1', 's2', 's3'].filter((store) => store !== behind),
    )
    for (let round = 0; round < 12; round++) {
      await Promise.all(Array.from({ length: 100 }, (_, i) => cluster.client.put(`k${i}`, String(round))))
    }
    const startedAt = Date.now()
    const started = await start(cluster, { kind: 'transfer-leader', shard, store: behind })
    const ended = await endOf(cluster, started.id)
    assert.equal(ended.state, 'failed')
    assert.match(ended.error ?? '', /entries behind, and at most 1000 are allowed/)
    assert.ok(Date.now() - startedAt < 15_000, 'not by its time-out')
    assert.equal(await cluster.leaderStore(shard), leader)
    cluster.hub.heal()
    await cluster.agree(shard)
    const again = await start(cluster, { kind: 'transfer-leader', shard, store: behind })
    assert.equal((await endOf(cluster, again.id)).state, 'finished')
  })
})

test('nobody waits for a new replica on a store that has fallen silent, and its learner is taken away', async () => {
  for (const [downAfterMs, error] of [
    [4_000, 'store s4 has been silent for 4 s'],
    [3_600_000, 'store s4 has been silent for 15 s'],
  ] as const) {
    const defaults = { ...PLACEMENT_DEFAULTS, downAfterMs }
    await TestCluster.with({ stores: 4, placement: { schedulers: [], defaults } }, async (cluster) => {
      const shard = await onlyShard(cluster)
      cluster.hub.partition(['s4'], ['s1', 's2', 's3'])
      const started = await start(cluster, { kind: 'move', shard, from: 's1', to: 's4' })
      const ended = await endOf(cluster, started.id, 40_000)
      assert.deepEqual([ended.state, ended.error], ['failed', error])
      assert.deepEqual(await voters(cluster, shard), ['s1', 's2', 's3'])
      cluster.hub.heal()
    })
  }
})

test('nobody waits for a new leader on a store that has fallen silent', async () => {
  await TestCluster.with({ placement: { schedulers: [] } }, async (cluster) => {
    const shard = await onlyShard(cluster)
    const leaders = [await cluster.leaderStore(shard), await cluster.leaderStore(1)]
    const lost = ['s1', 's2', 's3'].find((store) => !leaders.includes(store)) ?? assert.fail('everybody leads')
    cluster.hub.partition(
      [lost],
      ['s1', 's2', 's3'].filter((store) => store !== lost),
    )
    const started = await start(cluster, { kind: 'transfer-leader', shard, store: lost })
    const ended = await endOf(cluster, started.id)
    assert.deepEqual([ended.state, ended.error], ['failed', `store ${lost} has been silent for 3 s`])
    cluster.hub.heal()
  })
})
