/**
 * From requests to steps: what each operator does, in which order, and what is refused with which reason.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  applyStep,
  type HandRequest,
  type PlannedOperator,
  planByHand,
  stepToText,
  undoSteps,
} from '../../shard-map/index.ts'
import { cluster, MiB, operatorOf, shardOn, short, stores } from './plan-clusters.ts'

const FIVE = stores(5)

function refusal(model: ReturnType<typeof cluster>, request: HandRequest): string {
  const plan = planByHand(model.index, request)
  assert.ok(!plan.ok)
  assert.ok(plan.message.length > 10)
  return plan.code
}

test('a move adds a learner, waits, changes voters jointly and only then removes', () => {
  const model = cluster(FIVE, [{ on: 's1 s2 s3' }])
  const operator = operatorOf(planByHand(model.index, { kind: 'move', shard: 2, from: 's2', to: 's4' }))
  assert.deepEqual(short(operator.steps), [
    'add-learner s4',
    'wait-caught-up s4',
    'enter-joint +s4 -s2',
    'leave-joint',
    'remove-learner s2',
  ])
  assert.deepEqual(operator.epoch, { membership: 1, range: 1 })
  assert.deepEqual(operator.influence, [{ shard: 2, replicas: ['s1', 's4', 's3'], leader: 's1' }])
  assert.equal(operator.bytesToSend, 30 * MiB)
  for (const step of operator.steps) assert.ok(stepToText(step).includes('shard 2'))
})

test('a leader that moves hands over inside of the joint membership', () => {
  const model = cluster(FIVE, [{ on: 's1 s2 s3' }])
  const operator = operatorOf(planByHand(model.index, { kind: 'move', shard: 2, from: 's1', to: 's5' }))
  assert.deepEqual(short(operator.steps).slice(2, 5), ['enter-joint +s5 -s1', 'transfer-leader s5', 'leave-joint'])
  model.start(operator)
  model.advance()
  assert.equal(model.shards.get(2)?.statistics.leader, 's5')
  assert.deepEqual(
    model.shards.get(2)?.shard.replicas.map(({ store, role }) => `${store} ${role}`),
    ['s2 voter', 's3 voter', 's5 voter'],
  )
})

test('while an operator runs its stores count as if it were done, and afterwards as they are', () => {
  const model = cluster(FIVE, [{ on: 's1 s2 s3' }])
  const operator = operatorOf(planByHand(model.index, { kind: 'move', shard: 2, from: 's1', to: 's5' }))
  const amounts = (id: string) => {
    const { replicas, leaders, bytes } = model.index.store(id)?.planned ?? { replicas: 0, leaders: 0, bytes: 0 }
    return [replicas, leaders, bytes / MiB]
  }
  model.index.begin(operator)
  assert.deepEqual(
    [amounts('s1'), amounts('s5')],
    [
      [0, 0, 0],
      [1, 1, 30],
    ],
  )
  assert.equal(refusal(model, { kind: 'transfer-leader', shard: 2, store: 's2' }), 'shard-busy')
  assert.equal(model.index.store('s5')?.receiving, 1)
  model.index.end(operator)
  assert.deepEqual(
    [amounts('s1'), amounts('s5')],
    [
      [1, 1, 30],
      [0, 0, 0],
    ],
  )
  assert.equal(model.index.store('s5')?.replicaOperators, 0)
})

test('replicas are added as voters or learners, and removed only above the replication factor', () => {
  const model = cluster(FIVE, [{ on: 's1 s2 s3' }, { on: 's1 s2 s3 s4' }, { on: 's1 s2 s3 s4:learner' }])
  const add = (role: 'voter' | 'learner') =>
    short(operatorOf(planByHand(model.index, { kind: 'add-replica', shard: 2, store: 's4', role })).steps)
  assert.deepEqual(add('voter'), ['add-learner s4', 'wait-caught-up s4', 'enter-joint +s4 -', 'leave-joint'])
  assert.deepEqual(add('learner'), ['add-learner s4', 'wait-caught-up s4'])
  assert.equal(refusal(model, { kind: 'remove-replica', shard: 2, store: 's3' }), 'below-replication-factor')
  const remove = (shard: number, store: string) =>
    short(operatorOf(planByHand(model.index, { kind: 'remove-replica', shard, store })).steps)
  assert.deepEqual(remove(3, 's4'), ['enter-joint + -s4', 'leave-joint', 'remove-learner s4'])
  assert.deepEqual(remove(3, 's1'), ['transfer-leader s2', 'enter-joint + -s1', 'leave-joint', 'remove-learner s1'])
  assert.deepEqual(remove(4, 's4'), ['remove-learner s4'])
})

test('what cannot be is refused with its reason', () => {
  const model = cluster(
    [
      ...FIVE,
      { id: 'down', liveness: 'down' },
      { id: 'draining', state: 'draining' },
      { id: 'full', capacityBytes: 100 * MiB, availableBytes: 35 * MiB },
    ],
    [
      { on: 's1 s2 s3' },
      { on: 's1 s2:outgoing s3 s4:incoming' },
      { on: 's1 s2 down', statistics: { pendingReplicas: ['s2'] } },
      { on: 's1 s2 s3', statistics: { leader: undefined } },
    ],
  )
  const move = (to: string, from = 's2', shard = 2): HandRequest => ({ kind: 'move', shard, from, to })
  assert.equal(refusal(model, move('s4', 's2', 99)), 'shard-unknown')
  assert.equal(refusal(model, move('nobody')), 'store-unknown')
  assert.equal(refusal(model, move('s3')), 'already-there')
  assert.equal(refusal(model, move('down')), 'store-not-up')
  assert.equal(refusal(model, move('draining')), 'store-not-up')
  assert.equal(refusal(model, move('full')), 'no-room')
  assert.equal(refusal(model, move('s5', 's4')), 'not-there')
  assert.equal(refusal(model, move('s5', 's1', 3)), 'in-joint')
  assert.equal(refusal(model, move('s5', 's1', 5)), 'no-leader')
  const transfer = (shard: number, store: string): HandRequest => ({ kind: 'transfer-leader', shard, store })
  assert.equal(refusal(model, transfer(2, 's1')), 'nothing-to-do')
  assert.equal(refusal(model, transfer(2, 's5')), 'not-there')
  assert.equal(refusal(model, transfer(4, 's2')), 'replica-unfit')
  assert.equal(refusal(model, transfer(4, 'down')), 'store-not-up')
})

test('a split by hand takes keys inside of the shard only', () => {
  const keySamples = [{ key: 'k0000a', hits: 10 }]
  const model = cluster(FIVE, [{ on: 's1 s2 s3', statistics: { keySamples } }, { on: 's1 s2 s3' }])
  const split = (shard: number, more: { key?: string; policy?: 'size' | 'load' } = {}): HandRequest => ({
    kind: 'split',
    shard,
    ...more,
  })
  const at = (request: HandRequest) => operatorOf(planByHand(model.index, request)).steps
  assert.deepEqual(at(split(2, { key: 'a' })), [{ what: 'split', shard: 2, at: { keys: ['a'] } }])
  assert.deepEqual(at(split(2)), [{ what: 'split', shard: 2, at: { policy: 'size' } }])
  assert.deepEqual(at(split(3, { policy: 'load' })), [{ what: 'split', shard: 3, at: { policy: 'load' } }])
  assert.equal(refusal(model, split(2, { policy: 'load' })), 'single-hot-key')
  for (const key of ['', 'k0001', 'z']) assert.equal(refusal(model, split(2, { key })), 'bad-split-key')
  assert.equal(refusal(model, split(3, { key: 'k0001' })), 'bad-split-key')
})

test('a merge aligns the smaller shard with its neighbour, leader too, before it prepares', () => {
  const model = cluster(FIVE, [
    { on: 's1 s2 s3' },
    { on: 's4 s2 s5', statistics: { bytes: MiB } },
    { on: 's4 s2 s5', statistics: { bytes: MiB } },
  ])
  const operator = operatorOf(planByHand(model.index, { kind: 'merge', shard: 2 }))
  assert.deepEqual(short(operator.steps), [
    'add-learner s1',
    'wait-caught-up s1',
    'add-learner s3',
    'wait-caught-up s3',
    'enter-joint +s1+s3 -s4-s5',
    'transfer-leader s1',
    'leave-joint',
    'remove-learner s4',
    'remove-learner s5',
    'prepare-merge 3 into 2',
    'commit-merge 3 into 2',
  ])
  assert.deepEqual(operator.other, { shard: 3, epoch: { membership: 1, range: 1 } })
  const same = operatorOf(planByHand(model.index, { kind: 'merge', shard: 4, with: 3 }))
  assert.deepEqual(short(same.steps), ['prepare-merge 4 into 3', 'commit-merge 4 into 3'])
  assert.equal(refusal(model, { kind: 'merge', shard: 2, with: 4 }), 'no-neighbour')
  assert.equal(refusal(model, { kind: 'merge', shard: 4 }), 'no-neighbour')
  model.start(operator)
  model.advance()
  assert.equal(model.shards.has(3), false)
  assert.equal(model.shards.get(2)?.shard.end, model.shards.get(4)?.shard.start)
})

test('the way back of a merge takes back what moved, and once a shard may have stopped, lets it serve again', () => {
  const model = cluster(FIVE, [
    { on: 's1 s2 s3', statistics: { bytes: MiB } },
    { on: 's4 s2 s5', statistics: { bytes: 2 * MiB } },
  ])
  const operator = operatorOf(planByHand(model.index, { kind: 'merge', shard: 2 }))
  assert.equal(operator.steps[0]?.shard, 2)
  const right = operatorOf(
    planByHand(cluster(FIVE, [{ on: 's1 s2 s3' }, { on: 's4 s2 s5', statistics: { bytes: MiB } }]).index, {
      kind: 'merge',
      shard: 2,
    }),
  )
  assert.equal(right.steps[0]?.shard, 3)
  for (const [plan, moved] of [
    [operator, 2],
    [right, 3],
  ] as const) {
    assert.deepEqual(undoSteps(plan, 1), [{ what: 'remove-learner', shard: moved, store: storesOf(plan)[0] }])
    const joint = plan.steps.findIndex(({ what }) => what === 'enter-joint') + 1
    assert.equal(undoSteps(plan, joint)[0]?.what, 'leave-joint')
    assert.ok(undoSteps(plan, joint).every(({ shard }) => shard === moved))
    for (const begun of [plan.steps.length - 1, plan.steps.length])
      assert.deepEqual(undoSteps(plan, begun), [{ what: 'rollback-merge', shard: 3, into: 2 }])
  }
  assert.deepEqual(undoSteps(operator, 0), [])
})

/** Stores that get learners, in their order. */
function storesOf({ steps }: PlannedOperator): string[] {
  return steps.flatMap((step) => (step.what === 'add-learner' ? [step.store] : []))
}

test('steps out of order are refused by the algebra that carries them out', () => {
  const shard = shardOn(2, 0, 1, 's1 s2 s3')
  const fresh = () => 9000
  const step = (what: 'wait-caught-up' | 'remove-learner', store: string) =>
    applyStep(shard, { what, shard: 2, store }, fresh)
  assert.ok(!step('remove-learner', 's1').ok)
  assert.ok(!step('remove-learner', 's9').ok)
  assert.ok(!step('wait-caught-up', 's9').ok)
  assert.ok(!applyStep(shard, { what: 'leave-joint', shard: 2 }, fresh).ok)
  assert.ok(!applyStep(shard, { what: 'leave-joint', shard: 3 }, fresh).ok)
  assert.ok(!applyStep(shard, { what: 'enter-joint', shard: 2, promote: ['s4'], demote: [] }, fresh).ok)
  assert.ok(!applyStep(shard, { what: 'enter-joint', shard: 2, promote: [], demote: ['s1', 's2', 's3'] }, fresh).ok)
})
