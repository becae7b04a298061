/**
 * What the planners say of one shard or one store when somebody asks why nothing is done about it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Decision, explainShard, explainStore, isAccepting, planByHand } from '../../shard-map/index.ts'
import { cluster, stores } from './plan-clusters.ts'

type Statistics = ReturnType<typeof stores>[number]

test('explain tells for a shard and for a store what each scheduler thinks', () => {
  const model = cluster(stores(3), [{ on: 's1 s2 s3' }, { on: 's1 s2 s3' }])
  const clock = { nowMs: 10_000_000, round: 0 }
  assert.equal(explainShard(model.index, 99, clock), undefined)
  assert.equal(explainStore(model.index, 's9', clock), undefined)
  const shard = explainShard(model.index, 2, clock) ?? []
  assert.deepEqual(
    shard.map(({ scheduler, action }) => [scheduler, action]),
    [
      ['repair', null],
      ['isolation', null],
      ['split', null],
      ['merge', null],
      ['balance-replicas', null],
      ['balance-leaders', shard.at(-1)?.action ?? null],
    ],
  )
  const store = explainStore(model.index, 's1', clock) ?? []
  const leaders = store.find(({ scheduler }) => scheduler === 'balance-leaders')
  assert.match(leaders?.action ?? '', /^transfer-leader: let s[23] lead shard/)
  assert.deepEqual(leaders?.numbers.fromLeaders, 2)
  for (const { reason } of [...shard, ...store]) assert.ok(reason.length > 10)
  assert.ok([...model.index.stores()].every(isAccepting))
})

test('explain says which schedulers are paused, and what they would do otherwise', () => {
  const model = cluster(stores(3), [{ on: 's1 s2 s3' }, { on: 's1 s2 s3' }])
  const options = { nowMs: 10_000_000, round: 0, paused: new Set(['merge', 'balance-leaders'] as const) }
  const merge = explainShard(model.index, 2, options)?.find(({ scheduler }) => scheduler === 'merge')
  assert.match(merge?.reason ?? '', /^scheduler merge is paused; besides, the cluster keeps at least 8 shards$/)
  const leaders = explainStore(model.index, 's1', options)?.find(({ scheduler }) => scheduler === 'balance-leaders')
  assert.equal(leaders?.action, null)
  const would =
    /^scheduler balance-leaders is paused; otherwise it would act \(transfer-leader: .*\), because: 2 leaders on s1/
  assert.match(leaders?.reason ?? '', would)
})

test('explain tells stores that lack something, are silent or leave, and what that means for their shards', () => {
  const shards = Array.from({ length: 12 }, () => ({ on: 's1 s2 s3' }))
  const model = cluster(stores(4), shards)
  const clock = { nowMs: 10_000_000, round: 0 }
  const reason = (decisions: readonly Decision[] | undefined, name: string): string =>
    decisions?.find(({ scheduler }) => scheduler === name)?.reason ?? ''
  const empty = reason(explainStore(model.index, 's4', clock), 'balance-replicas')
  assert.equal(empty, 'store s4 has no more replicas than its share, so it gives none away')
  const away = (state: NonNullable<Statistics['state']>, liveness: NonNullable<Statistics['liveness']>) => {
    const s3 = model.index.store('s3')?.statistics
    assert.ok(s3 !== undefined)
    model.index.setStore({ ...s3, state, liveness })
    return reason(explainStore(model.index, 's3', clock), 'drain')
  }
  assert.equal(away('draining', 'up'), 'store s3 is draining: no balance, and nothing new comes here')
  assert.equal(away('up', 'down'), 'store s3 is down: no balance, and nothing new comes here')
  assert.match(away('up', 'suspect'), /^store s3 is silent; its replicas are replaced when it counts as down: /)
  const shard = explainShard(model.index, 2, clock)
  assert.match(
    reason(shard, 'repair'),
    /^shard 2 has its 3 voters; that on store s3, which is silent, is replaced when/,
  )
  // Who asks by hand hears at once what would hold the merge up.
  const plan = planByHand(model.index, { kind: 'merge', shard: 2 })
  assert.ok(!plan.ok)
  assert.deepEqual([plan.code, plan.message], ['store-not-up', 'store s3, which has a replica of shard 2, is suspect'])
  away('draining', 'suspect')
  for (const { id } of shards.map((_, place) => ({ id: place + 2 }))) assert.ok(explainShard(model.index, id, clock))
})
