/**
 * When shards were split or merged is known to whoever leads group 1, however many operators ended since: the machine remembers it, saves it, and the
 * planners of a new driver hear of it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PLAN_SETTINGS_DEFAULT, type PlannedOperator, splitShard } from '../../shard-map/index.ts'
import {
  encodePlacementCommand,
  type OperatorRecord,
  type PlacementCommand,
  PlacementMachine,
} from '../../src/machine/index.ts'
import { pack, unpack } from '../../src/machine/msgpack.ts'
import { DriverIndex } from '../../src/placement/driver-index.ts'
import { Liveness } from '../../src/placement/liveness.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { machineWithOperators, operatorSamples } from '../machine/operator-samples.ts'
import { TestCluster } from '../store/cluster.ts'
import { ask, ended, type OperatorShown, start } from './people.ts'

const SAMPLES = operatorSamples()
const HOUR_MS = 3_600_000

class Driven {
  machine: PlacementMachine
  #splits = 0

  constructor() {
    this.machine = restored(machineWithOperators([]))
  }

  run(command: PlacementCommand) {
    return this.machine.apply(encodePlacementCommand(command))
  }

  begin(kind: string, shard?: number): OperatorRecord {
    const plan = SAMPLES.find(
      (each) => each.kind === kind && (shard === undefined || ('shard' in each && each.shard === shard)),
    )
    assert(plan !== undefined)
    const result = this.run({ kind: 'start-operators', operators: [plan], atMs: 1 })
    assert(result.kind === 'operators-started')
    const [first] = result.started
    assert(first?.ok === true, JSON.stringify(first))
    return first.operator
  }

  finish({ id, steps }: OperatorRecord, atMs: number): void {
    for (let step = 0; step < steps.length; step++)
      this.run({ kind: 'advance-operator', id, step, reached: undefined, atMs })
  }

  /** The operator, and what the shard's group reports of it. */
  split(shard: number, atMs: number): number {
    const operator = this.begin('split', shard)
    const [right, ...replicas] = operator.freshIds
    const before = this.machine.map.shards.find(({ id }) => id === shard)
    assert(before !== undefined && right !== undefined)
    // Each time further to the left.
    const key = `${before.start}\0${String.fromCharCode(200 - this.#splits++)}`
    const split = splitShard(before, key, right, replicas)
    assert(split.ok)
    this.run({ kind: 'change', change: { kind: 'update-shards', shards: [split.left, split.right] } })
    this.finish(operator, atMs)
    return right
  }

  /** As a driver that has just begun sees it: when the shard was split, and merged. */
  seen(shard: number, index = new DriverIndex()): readonly (number | undefined)[] {
    const { map, operators } = this.machine
    const looked = index.look({
      map,
      operators,
      liveness: new Liveness(),
      settings: PLAN_SETTINGS_DEFAULT,
      downAfterMs: HOUR_MS,
      nowMs: 0,
      self: 's1',
      ended: () => {},
    })
    const entry = looked.shard(shard)
    assert(entry !== undefined, `no shard ${shard}`)
    return [entry.statistics.lastSplitMs, entry.statistics.lastMergeMs]
  }

  forgetOperators(): void {
    for (let i = 0; i < 120; i++) this.finish(this.begin('snapshot'), 600)
    assert(
      ![...this.machine.operators.ended.values()].some(({ plan }) => plan.kind === 'split' || plan.kind === 'merge'),
    )
  }
}

function restored(saved: Uint8Array): PlacementMachine {
  const machine = PlacementMachine.restore(saved)
  assert(machine instanceof PlacementMachine, JSON.stringify(machine))
  return machine
}

test('a new driver knows when shards were split and merged, though the operators are long forgotten', () => {
  const driven = new Driven()
  const right = driven.split(2, 500)
  const merge = driven.begin('merge', 3)
  const { shard, other } = merge.plan as PlannedOperator
  driven.finish(merge, 550)
  driven.forgetOperators()
  for (let again = 0; again < 2; again++) {
    assert.deepEqual(driven.seen(2), [500, undefined])
    assert.deepEqual(driven.seen(right), [500, undefined])
    assert.deepEqual(driven.seen(shard), [undefined, 550])
    assert.deepEqual(driven.seen(5), [undefined, undefined])
    assert.equal(driven.machine.operators.rangeChanges.has(other?.shard ?? 0), false)
    const saved = driven.machine.save()
    driven.machine = restored(saved)
    assert.deepEqual(Buffer.from(driven.machine.save()), Buffer.from(saved))
  }
})

test('a driver that looks on hears of each split when it ends', () => {
  const driven = new Driven()
  const index = new DriverIndex()
  assert.deepEqual(driven.seen(2, index), [undefined, undefined])
  const right = driven.split(2, 500)
  assert.deepEqual(driven.seen(right, index), [500, undefined])
  assert.deepEqual(driven.seen(2, index), [500, undefined])
  driven.split(2, 700)
  assert.deepEqual(driven.seen(2, index), [700, undefined])
  assert.deepEqual(driven.seen(right, index), [500, undefined])
})

test('what failed has split nothing, and what is older than any setting asks for is forgotten', () => {
  const driven = new Driven()
  const { id } = driven.begin('split', 2)
  driven.run({ kind: 'unwind-operator', id, outcome: 'failed', reason: 'no middle', steps: [], atMs: 30 })
  assert.deepEqual(driven.seen(2), [undefined, undefined])
  const right = driven.split(2, 500)
  driven.split(4, 500 + 30 * 24 * HOUR_MS)
  assert.deepEqual(driven.seen(right), [500, undefined])
  driven.split(4, 501 + 30 * 24 * HOUR_MS)
  assert.deepEqual(driven.seen(right), [undefined, undefined])
})

test('a state of before there were notes knows what its last operators say, and long ago is the rest; damaged notes are refused', () => {
  const driven = new Driven()
  const right = driven.split(2, 500)
  const saved = unpack(driven.machine.save())
  assert(saved.ok)
  const fields = saved.value as unknown[]
  const operators = fields[5] as unknown[]
  assert.equal(operators.length, 5)
  const withNotes = (...notes: readonly unknown[]): Uint8Array =>
    pack(fields.with(5, [...operators.slice(0, 4), ...notes]))
  driven.machine = restored(withNotes())
  assert.deepEqual(driven.seen(right), [500, undefined])
  driven.machine = restored(withNotes([]))
  assert.deepEqual(driven.seen(right), [undefined, undefined])
  // A later release may add to it.
  restored(withNotes([2, 0, 500], 'more'))
  for (const wrong of ['x', [2], [2, 0, -1], [2, 7, 500], ['2', 0, 500], [2, null, 500]])
    assert.equal(
      (PlacementMachine.restore(withNotes(wrong)) as { reason?: string }).reason,
      'the operators are damaged',
    )
})

interface Schedulers {
  readonly schedulers: readonly { readonly name: string; readonly lastRunAt: string | null }[]
}

test('small parts of a split are left alone by the next driver too, after more operators than anybody remembers', async () => {
  await TestCluster.with({ shards: 1, placement: { schedulers: ['merge'] } }, async (cluster) => {
    const shardsOf = () => cluster.store('s1').map.map.shards
    const [whole] = shardsOf()
    assert(whole !== undefined)
    const split = await start(cluster, { kind: 'split', shard: whole.id, key: 'm' })
    assert.equal((await ended(cluster, split.id)).state, 'finished')
    await cluster.settle(2)
    const list = async () =>
      (await ask<{ readonly operators: readonly OperatorShown[] }>(cluster, { what: 'list-operators' })).operators
    for (let count = 0; count < 101; count++) {
      const upkeep = await ask(cluster, { what: 'snapshot', shard: whole.id, dryRun: false })
      await ended(cluster, upkeep.id)
    }
    assert.equal((await list()).filter(({ kind }) => kind === 'split').length, 0)
    const driver = (await cluster.leader(1)).leaderStore
    const next =
      cluster
        .runningStores()
        .map(({ id }) => id)
        .find((id) => id !== driver) ?? ''
    await ask(cluster, { what: 'start', request: { kind: 'transfer-leader', shard: 1, store: next }, dryRun: false })
    await poll('another driver', 20_000, async () => (await cluster.leader(1)).leaderStore === next)
    const lastRun = async (): Promise<number> => {
      const { schedulers } = await ask<Schedulers>(cluster, { what: 'list-schedulers' })
      return Date.parse(schedulers.find(({ name }) => name === 'merge')?.lastRunAt ?? '')
    }
    const since = Date.now() + 3_000
    await poll('a round that knows the sizes', 30_000, async () => (await lastRun()) > since)
    assert.equal((await list()).filter(({ kind }) => kind === 'merge').length, 0)
    assert.equal(shardsOf().length, 2)
    await ask(cluster, { what: 'configure', settings: [['placement.merge.afterSplit', 1_000]], by: 'test' })
    await poll('one shard', 60_000, () => shardsOf().length === 1)
  })
})
