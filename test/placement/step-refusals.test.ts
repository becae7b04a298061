/** At which epoch an operator adds its new replica, and that it never does so twice: a store lets no replica begin whose id it has buried. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Epoch,
  indexOfMap,
  type OperatorStep,
  PLAN_SETTINGS_DEFAULT,
  planByHand,
  type Shard,
} from '../../shard-map/index.ts'
import { present } from '../../src/base/index.ts'
import type { OperatorRecord } from '../../src/machine/index.ts'
import { askedEpoch, judgeRefusal } from '../../src/placement/step-refusals.ts'
import { requestOf } from '../../src/placement/step-requests.ts'
import { errorValue } from '../../src/protocol/index.ts'
import { isStepDone } from '../../src/store/membership-steps.ts'
import { bootstrapped } from '../shard-map/arbitraries.ts'

const MAP = bootstrapped(4, 1)
const [SHARD] = MAP.shards as unknown as [Shard]
const PLANNED = SHARD.epoch
const FREE = present(
  MAP.stores.map(({ id }) => id).find((store) => SHARD.replicas.every((replica) => replica.store !== store)),
  'a store without a replica',
)
const ADD: Extract<OperatorStep, { what: 'add-learner' }> = {
  what: 'add-learner',
  shard: SHARD.id,
  store: FREE,
  replicaId: 900,
}
const REMOVE: OperatorStep = { what: 'remove-learner', shard: SHARD.id, store: FREE }

function later(changes: number): Epoch {
  return { ...PLANNED, membership: PLANNED.membership + changes }
}

function operator(more: Partial<OperatorRecord> = {}): OperatorRecord {
  const request = { kind: 'add-replica', shard: SHARD.id, store: FREE, role: 'voter' } as const
  const plan = planByHand(indexOfMap(MAP, { ...PLAN_SETTINGS_DEFAULT }), request)
  assert.ok(plan.ok, plan.ok ? '' : plan.message)
  return {
    id: 1,
    plan: plan.operator,
    state: 'running',
    unwinding: undefined,
    steps: [],
    reached: [],
    freshIds: [],
    createdMs: 0,
    endedMs: undefined,
    error: undefined,
    ...more,
  }
}

function stale(shard: Shard) {
  return errorValue('STALE_EPOCH', 'the shard has changed', { shard: shard.id, shards: [shard] })
}

test('a learner that was added and taken away again is not added once more under its id', () => {
  const running = operator()
  // The map has heard of both changes, and the answer to the first one was lost.
  const now: Shard = { ...SHARD, epoch: later(2) }
  const epoch = askedEpoch(running, ADD, now.epoch)
  assert.deepEqual(epoch, PLANNED)
  const asked = requestOf(ADD, { shard: now, epoch, replicas: 3, freshIds: [], middle: undefined })
  assert(asked.kind === 'ask' && asked.request.kind === 'change-membership')
  assert.deepEqual(asked.request.epoch, PLANNED)
  assert.equal(isStepDone(now, asked.request.step), false)
  assert.equal(judgeRefusal(running, ADD, stale(now)).kind, 'fail')
})

test('a learner whose answer was lost is found to be there by asking again', () => {
  const added = { id: 900, store: FREE, role: 'learner' } as const
  const now: Shard = { ...SHARD, epoch: later(1), replicas: [...SHARD.replicas, added] }
  const asked = requestOf(ADD, {
    shard: now,
    epoch: askedEpoch(operator(), ADD, now.epoch),
    replicas: 3,
    freshIds: [],
    middle: undefined,
  })
  assert(asked.kind === 'ask' && asked.request.kind === 'change-membership')
  assert.equal(isStepDone(now, asked.request.step), true)
})

test('after other steps a learner is added where they led to, or not at all', () => {
  const running = operator({ reached: [{ shard: SHARD.id, epoch: later(4) }] })
  assert.deepEqual(askedEpoch(running, ADD, later(3)), later(4))
  assert.deepEqual(askedEpoch(running, ADD, later(6)), later(4))
  assert.equal(judgeRefusal(running, ADD, stale({ ...SHARD, epoch: later(6) })).kind, 'fail')
})

test('steps that name no new replica are asked for at the epoch that the shard has now', () => {
  const running = operator({ reached: [{ shard: SHARD.id, epoch: later(4) }] })
  assert.deepEqual(askedEpoch(running, REMOVE, later(6)), later(6))
  assert.deepEqual(askedEpoch(running, REMOVE, later(3)), later(4))
  assert.equal(judgeRefusal(running, REMOVE, stale({ ...SHARD, epoch: later(6) })).kind, 'again')
  const back = operator({ unwinding: 'cancelled' })
  assert.deepEqual(askedEpoch(back, REMOVE, later(6)), later(6))
})

test('a split is asked for at the range that it was planned for, whatever the members are now, and never at a later one', () => {
  const split: OperatorStep = { what: 'split', shard: SHARD.id, at: { keys: ['m'] } }
  assert.deepEqual(askedEpoch(operator(), split, later(2)), later(2))
  // It was done, its answer was lost, and the halves were merged again: under its ids it must not be done once more.
  const merged = { ...SHARD, epoch: { membership: PLANNED.membership, range: PLANNED.range + 2 } }
  assert.deepEqual(askedEpoch(operator(), split, merged.epoch), PLANNED)
  assert.equal(judgeRefusal(operator(), split, stale(merged)).kind, 'fail')
})
