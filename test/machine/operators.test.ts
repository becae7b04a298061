/** Operators in the placement machine: started once per shard, advanced step by step, unwound, remembered, and the same after a restart. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStoreOperator, operatorFromPlain, operatorToPlain } from '../../shard-map/index.ts'
import {
  encodePlacementCommand,
  type OperatorRecord,
  type PlacementCommand,
  PlacementMachine,
} from '../../src/machine/index.ts'
import { decodePlacementCommand } from '../../src/machine/placement/command.ts'
import { savedOperatorsFromPlain, savedOperatorsToPlain } from '../../src/machine/placement/operator-codec.ts'
import { machineWithOperators, operatorSamples } from './operator-samples.ts'

const run = (machine: PlacementMachine, command: PlacementCommand) => machine.apply(encodePlacementCommand(command))

function founded(): PlacementMachine {
  const machine = PlacementMachine.restore(machineWithOperators([]))
  assert.ok(machine instanceof PlacementMachine)
  return machine
}

const SAMPLES = operatorSamples()
const sample = (kind: string) => {
  const found = SAMPLES.find((each) => each.kind === kind)
  assert.ok(found, kind)
  return found
}

function started(machine: PlacementMachine, kind: string): OperatorRecord {
  const result = run(machine, { kind: 'start-operators', operators: [sample(kind)], atMs: 10 })
  assert.ok(result.kind === 'operators-started')
  const [first] = result.started
  assert.ok(first?.ok === true)
  return first.operator
}

test('every kind of operator survives its bytes', () => {
  assert.deepEqual([...new Set(SAMPLES.map(({ kind }) => kind))].sort(), [
    'add-replica',
    'compact',
    'decommission',
    'drain',
    'merge',
    'move',
    'recommission',
    'snapshot',
    'split',
    'transfer-leader',
  ])
  for (const operator of SAMPLES) {
    assert.deepEqual(operatorFromPlain(operatorToPlain(operator)), operator)
    const command = { kind: 'start-operators', operators: [operator], atMs: 3 } as const
    assert.deepEqual(decodePlacementCommand(encodePlacementCommand(command)), command)
  }
})

test('a shard has one operator at a time, and each learner an id that nobody had', () => {
  const machine = founded()
  const first = started(machine, 'move')
  const [arrival] = first.steps
  assert.ok(arrival?.step.what === 'add-learner' && (arrival.step.replicaId ?? 0) > 16)
  assert.deepEqual(
    first.steps.map(({ state }) => state),
    ['running', ...first.steps.slice(1).map(() => 'waiting')],
  )
  const again = run(machine, { kind: 'start-operators', operators: [sample('move'), sample('drain')], atMs: 11 })
  assert.ok(again.kind === 'operators-started')
  assert.deepEqual(
    again.started.map(({ ok }) => ok),
    [false, true],
  )
  const [refused] = again.started
  assert.ok(refused?.ok === false && refused.message.includes(`operator ${first.id}`))
})

test('steps are done in order, once, and the last one ends it', () => {
  const machine = founded()
  const { id, steps } = started(machine, 'move')
  const advance = (step: number) =>
    run(machine, { kind: 'advance-operator', id, step, reached: { membership: step, range: 1 }, atMs: 20 + step })
  assert.equal(advance(1).kind, 'refused')
  for (const step of steps.keys()) {
    assert.equal(machine.operators.running.has(id), true)
    assert.equal(advance(step).kind, 'operator')
    assert.equal(advance(step).kind, 'refused')
  }
  const ended = machine.operators.ended.get(id)
  assert.deepEqual([ended?.state, ended?.error], ['finished', undefined])
  assert.deepEqual(ended?.reached, [{ shard: 2, epoch: { membership: steps.length - 1, range: 1 } }])
  const late = run(machine, { kind: 'unwind-operator', id, outcome: 'cancelled', reason: '', steps: [], atMs: 99 })
  assert.ok(late.kind === 'refused' && late.reason === 'operator-ended')
})

test('one that goes back shows what it did and what it takes back, and ends as it was told', () => {
  const machine = founded()
  const { id, plan } = started(machine, 'move')
  assert.ok(!isStoreOperator(plan))
  run(machine, { kind: 'advance-operator', id, step: 0, reached: undefined, atMs: 20 })
  const back = [{ what: 'remove-learner', shard: plan.shard, store: 's4' }] as const
  const unwind = { kind: 'unwind-operator', id, outcome: 'cancelled', reason: 'enough', steps: back, atMs: 30 } as const
  assert.equal(run(machine, unwind).kind, 'operator')
  assert.deepEqual(
    machine.operators.running.get(id)?.steps.map(({ state }) => state),
    ['done', 'failed', 'running'],
  )
  assert.equal(run(machine, unwind).kind, 'refused')
  run(machine, { kind: 'advance-operator', id, step: 2, reached: undefined, atMs: 40 })
  const ended = machine.operators.ended.get(id)
  assert.deepEqual([ended?.state, ended?.error, ended?.endedMs], ['cancelled', 'enough', 40])
})

test('the history is bounded, and what is remembered survives a restart', () => {
  const machine = founded()
  for (let i = 0; i < 250; i++) {
    const { id } = started(machine, 'transfer-leader')
    run(machine, { kind: 'advance-operator', id, step: 0, reached: undefined, atMs: i })
  }
  assert.deepEqual([machine.operators.running.size, machine.operators.ended.size], [0, 100])
  const saved = machineWithOperators(SAMPLES)
  const restored = PlacementMachine.restore(saved)
  assert.ok(restored instanceof PlacementMachine)
  assert.deepEqual(Buffer.from(restored.save()), Buffer.from(saved))
  assert.equal(restored.operators.pauses.get('merge'), 99)
  assert.ok(restored.operators.running.size > 0)
})

test('records of versions that had one epoch for the whole operator are read', () => {
  const machine = founded()
  const { id } = started(machine, 'move')
  run(machine, { kind: 'advance-operator', id, step: 0, reached: { membership: 7, range: 1 }, atMs: 20 })
  const plain = structuredClone(savedOperatorsToPlain(machine.operators.save())) as unknown[]
  const [record] = plain[1] as unknown[][]
  assert.ok(record)
  assert.deepEqual(record[5], [[2, 7, 1]])
  for (const [then, now] of [
    [[7, 1], [{ shard: 2, epoch: { membership: 7, range: 1 } }]],
    [null, []],
  ]) {
    record[5] = then
    assert.deepEqual(savedOperatorsFromPlain(plain)?.operators[0]?.reached, now)
  }
  for (const wrong of ['x', [[2, 7]], [7, 'x'], [[2, 7, -1]]]) {
    record[5] = wrong
    assert.equal(savedOperatorsFromPlain(plain), undefined)
  }
})

test('an operator whose way back finds that all was done has finished', () => {
  const machine = founded()
  const { id } = started(machine, 'merge')
  run(machine, { kind: 'advance-operator', id, step: 0, reached: undefined, atMs: 20 })
  const back = [{ what: 'rollback-merge', shard: 3, into: 2 }] as const
  run(machine, { kind: 'unwind-operator', id, outcome: 'cancelled', reason: 'enough', steps: back, atMs: 30 })
  run(machine, { kind: 'unwind-operator', id, outcome: 'finished', reason: '', steps: [], atMs: 40 })
  const ended = machine.operators.ended.get(id)
  assert.deepEqual(
    [ended?.state, ended?.error, ended?.unwinding, ended?.endedMs],
    ['finished', undefined, undefined, 40],
  )
  assert.ok(ended?.steps.every(({ state }) => state === 'done'))
})
