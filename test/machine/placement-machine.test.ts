/**
 * The placement machine: founded once, ids never twice, settings versioned, and the same after a restart.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type MapChange, planBootstrap, type StoreInfo } from '../../shard-map/index.ts'
import {
  encodePlacementCommand,
  type JsonValue,
  type PlacementCommand,
  PlacementMachine,
  pack,
  unpack,
} from '../../src/machine/index.ts'

const stores = ['s1', 's2', 's3'].map(
  (id): StoreInfo => ({ id, address: '', labels: {}, incarnation: `i-${id}`, version: '1', state: 'up' }),
)
const { change: bootstrap, nextId } = planBootstrap({ stores, replicas: 3, shards: 4 })

const run = (machine: PlacementMachine, command: PlacementCommand) => machine.apply(encodePlacementCommand(command))
const change = (machine: PlacementMachine, change: MapChange) => run(machine, { kind: 'change', change })

function founded(): PlacementMachine {
  const machine = new PlacementMachine()
  assert.deepEqual(change(machine, bootstrap), { kind: 'applied', version: 1, rejected: [] })
  return machine
}

test('a cluster is founded once', () => {
  const machine = founded()
  assert.equal(machine.map.shards.length, 4)
  const again = change(machine, bootstrap)
  assert.equal(again.kind === 'refused' && again.reason, 'already-bootstrapped')
  assert.equal(machine.map.version, 1)
})

test('ids are above all that are in use and are given once', () => {
  const machine = founded()
  assert.deepEqual(run(machine, { kind: 'allocate-ids', count: 10 }), { kind: 'ids', first: nextId, count: 10 })
  assert.deepEqual(run(machine, { kind: 'allocate-ids', count: 1 }), { kind: 'ids', first: nextId + 10, count: 1 })
  const [first] = machine.map.shards
  assert.ok(first)
  const split = {
    kind: 'split',
    shard: first.id,
    epoch: first.epoch,
    key: '1',
    rightId: 90,
    rightReplicas: [91, 92, 95],
  } as const
  assert.equal(change(machine, split).kind, 'applied')
  assert.deepEqual(run(machine, { kind: 'allocate-ids', count: 1 }), { kind: 'ids', first: 96, count: 1 })
  assert.equal(run(machine, { kind: 'allocate-ids', count: 0 }).kind, 'malformed')
})

test('refusals reach whoever asked, with the reason', () => {
  const machine = founded()
  const stranger = { ...(stores[0] as StoreInfo), incarnation: 'other' }
  const refused = change(machine, { kind: 'register-store', store: stranger })
  assert.equal(refused.kind === 'refused' && refused.reason, 'store-exists')
  const [first, second] = machine.map.shards
  assert.ok(first && second)
  const newer = { ...first, epoch: { membership: 2, range: 1 } }
  const overlapping = { ...second, id: 77, end: undefined }
  const applied = change(machine, { kind: 'update-shards', shards: [newer, overlapping] })
  assert.equal(applied.kind, 'applied')
  assert.deepEqual(applied.kind === 'applied' && applied.rejected.map(({ shard }) => shard), [77])
  assert.deepEqual(machine.map.shards[0], newer)
})

test('settings are versioned, removed by null and guarded by the version that was read', () => {
  const machine = founded()
  const configure = (settings: [string, unknown][], expectedVersion?: number) =>
    run(machine, { kind: 'configure', settings, expectedVersion } as PlacementCommand)
  assert.deepEqual(
    configure([
      ['placement.split.bytes', 1024],
      ['gateway.limits', { inflight: 5, hosts: ['a'] }],
    ]),
    {
      kind: 'configured',
      version: 1,
    },
  )
  const before = machine.config
  assert.deepEqual(configure([['placement.split.bytes', null]], 1), { kind: 'configured', version: 2 })
  assert.equal(configure([['placement.split.bytes', 7]], 1).kind, 'refused')
  assert.deepEqual([...machine.config.settings], [['gateway.limits', { inflight: 5, hosts: ['a'] }]])
  assert.equal(before.settings.size, 2, 'a config that was handed out does not change')
  assert.equal(configure([['no spaces', 1]]).kind, 'malformed')
  assert.equal(configure([['a', Uint8Array.of(1)]]).kind, 'malformed')
  assert.equal(configure([['a', Number.NaN]]).kind, 'malformed')
  assert.equal(machine.config.version, 2)
})

test('who changed which settings is remembered, and a change of nothing is none', () => {
  const machine = founded()
  const configure = (settings: [string, JsonValue][], by: string, atMs: number) =>
    run(machine, { kind: 'configure', settings, expectedVersion: undefined, by, atMs })
  assert.deepEqual(configure([['a.b', 1]], 'ops', 5), { kind: 'configured', version: 1 })
  assert.deepEqual(configure([['a.b', 1]], 'again', 6), { kind: 'configured', version: 1 })
  assert.deepEqual(configure([['c', null]], 'nothing', 7), { kind: 'configured', version: 1 })
  assert.deepEqual(
    configure(
      [
        ['a.b', null],
        ['c', 'x'],
      ],
      'dev',
      8,
    ),
    { kind: 'configured', version: 2 },
  )
  const history = [
    { version: 1, atMs: 5, by: 'ops', settings: [['a.b', null, 1]] },
    {
      version: 2,
      atMs: 8,
      by: 'dev',
      settings: [
        ['a.b', 1, null],
        ['c', null, 'x'],
      ],
    },
  ]
  assert.deepEqual(machine.configHistory, history)
  const restored = PlacementMachine.restore(machine.save())
  assert.ok(restored instanceof PlacementMachine)
  assert.deepEqual(restored.configHistory, history)
  for (let i = 0; i < 150; i++) configure([['a.b', i]], 'x'.repeat(500), i)
  assert.equal(machine.configHistory.length, 100, 'the oldest are forgotten')
  assert.deepEqual([machine.configHistory.at(-1)?.version, machine.configHistory[0]?.by.length], [152, 200])
  assert.ok(PlacementMachine.restore(machine.save()) instanceof PlacementMachine)
})

test('a state of before there was a history of settings is taken', () => {
  const machine = founded()
  const fields = unpack(machine.save())
  assert.ok(fields.ok && Array.isArray(fields.value))
  const restored = PlacementMachine.restore(pack(fields.value.slice(0, 6)))
  assert.ok(restored instanceof PlacementMachine)
  assert.deepEqual(restored.configHistory, [])
})

test('the saved state brings back the machine, and the same history gives the same bytes', () => {
  const step: fc.Arbitrary<PlacementCommand> = fc.oneof(
    fc.record({ kind: fc.constant('allocate-ids' as const), count: fc.integer({ min: 1, max: 9 }) }),
    fc.record({
      kind: fc.constant('configure' as const),
      settings: fc.array(
        fc.tuple(fc.constantFrom('a.b', 'c', 'd-e.f'), fc.oneof(fc.constant(null), fc.integer(), fc.string())),
        { maxLength: 3 },
      ),
      expectedVersion: fc.option(fc.nat(3), { nil: undefined }),
      by: fc.string(),
      atMs: fc.nat(),
    }),
    fc.record({ store: fc.constantFrom('s1', 's2', 's9'), value: fc.option(fc.string()) }).map(
      ({ store, value }): PlacementCommand => ({
        kind: 'change',
        change: { kind: 'label-store', store, labels: { zone: value } },
      }),
    ),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), fc.nat(20), (steps, restartAt) => {
      const steady = founded()
      let restarted = founded()
      for (const [i, command] of steps.entries()) {
        if (i === restartAt) {
          const restored = PlacementMachine.restore(restarted.save())
          assert.ok(restored instanceof PlacementMachine)
          restarted = restored
        }
        assert.deepEqual(run(restarted, command), run(steady, command))
      }
      assert.deepEqual(Buffer.from(restarted.save()), Buffer.from(steady.save()))
      assert.deepEqual(restarted.map, steady.map)
      assert.deepEqual(restarted.config, steady.config)
    }),
    { numRuns: 200 },
  )
  assert.equal(steadyBytesOf(new PlacementMachine()).length > 0, true)
})

function steadyBytesOf(machine: PlacementMachine): Uint8Array {
  const saved = machine.save()
  assert.equal(machine.save(), saved, 'nothing changed, nothing is encoded again')
  return saved
}

test('30,000 damaged commands and states give a reason or a working machine, never an exception', () => {
  const commands = [
    encodePlacementCommand({ kind: 'change', change: bootstrap }),
    encodePlacementCommand({ kind: 'allocate-ids', count: 5 }),
    encodePlacementCommand({ kind: 'configure', settings: [['a.b', { c: [1, 'x'] }]], expectedVersion: 0 }),
  ]
  const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 })
  const damaged = (bytes: Uint8Array, changes: [number, number][]): Uint8Array => {
    const copy = Buffer.from(bytes)
    for (const [at, byte] of changes) copy[at % copy.length] = byte
    return copy
  }
  fc.assert(
    fc.property(fc.constantFrom(...commands), damage, (bytes, changes) => {
      const machine = new PlacementMachine()
      machine.apply(damaged(bytes, changes))
      assert.ok(PlacementMachine.restore(machine.save()) instanceof PlacementMachine)
    }),
    { numRuns: 15_000 },
  )
  const saved = founded().save()
  fc.assert(
    fc.property(damage, (changes) => {
      const restored = PlacementMachine.restore(damaged(saved, changes))
      if (restored instanceof PlacementMachine) restored.apply(commands[1] as Uint8Array)
      else assert.ok(restored.reason.length > 0)
    }),
    { numRuns: 15_000 },
  )
})
