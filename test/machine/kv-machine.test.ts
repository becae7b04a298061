/**
 * The key-value machine against its rules: revisions, conditions, atomicity, epochs, ranges, and the promise that it reads nothing
 * it did not name.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  decodeRecord,
  encodeKvCommand,
  type KvCommand,
  KvMachine,
  type KvOperation,
  type KvResult,
  type KvShard,
  type MachineData,
  type Needs,
} from '../../src/machine/index.ts'
import { operationOn } from './arbitraries.ts'

const SHARD = { start: '', end: undefined, epoch: { range: 1 } }
const NONE = { kind: 'none' } as const

/** Holds the data of one shard and gives a machine exactly what it asked for. */
class Host {
  readonly records = new Map<string, Uint8Array>()
  machine: KvMachine

  constructor(machine = new KvMachine(SHARD)) {
    this.machine = machine
  }

  run(command: Uint8Array): KvResult {
    const needs: Needs = { keys: [], range: undefined }
    this.machine.needs(command, needs)
    assert.equal(new Set(needs.keys).size, needs.keys.length, 'a key is named once')
    const { range } = needs
    const rangeKeys =
      range === undefined
        ? []
        : [...this.records.keys()]
            .filter((key) => key >= range.start && (range.end === undefined || key < range.end))
            .sort()
            .slice(0, range.itemsMax)
    const allowed = new Set(needs.keys)
    const used = new Set<string>()
    const data: MachineData = {
      rangeKeys,
      get: (key) => {
        assert.ok(allowed.has(key), `${key} was not named`)
        used.add(key)
        return this.records.get(key)
      },
      put: (key, value) => {
        allowed.add(key)
        this.records.set(key, value)
      },
      delete: (key) => {
        allowed.add(key)
        this.records.delete(key)
      },
    }
    const result = this.machine.apply(command, data)
    if (result.kind === 'operations') for (const key of needs.keys) assert.ok(used.has(key), `${key} was named in vain`)
    return result
  }

  operations(operations: readonly KvOperation[], atomic = false, rangeEpoch = 1): KvResult {
    return this.run(encodeKvCommand({ kind: 'operations', rangeEpoch, atomic, operations }))
  }

  one(operation: KvOperation) {
    const result = this.operations([operation])
    assert.equal(result.kind, 'operations')
    return result.kind === 'operations' ? result.results[0] : undefined
  }
}

const put = (key: string, value = 'v', condition: Extract<KvOperation, { kind: 'put' }>['condition'] = NONE) =>
  ({ kind: 'put', key, value: Buffer.from(value), condition }) as const
const del = (key: string, condition: Extract<KvOperation, { kind: 'delete' }>['condition'] = NONE) =>
  ({ kind: 'delete', key, condition }) as const

test('each applied write takes the next revision; what changes nothing takes none', () => {
  const host = new Host()
  assert.deepEqual(host.one(put('a')), { kind: 'put', revision: 1 })
  assert.deepEqual(host.one(put('a')), { kind: 'put', revision: 2 })
  assert.deepEqual(host.one(put('a', 'x', { kind: 'absent' })), { kind: 'condition-failed', revision: 2 })
  assert.deepEqual(host.one(put('b', 'x', { kind: 'exists' })), { kind: 'condition-failed', revision: undefined })
  assert.deepEqual(host.one(del('b')), { kind: 'delete', deleted: false, revision: 2 })
  assert.deepEqual(host.one(put('a', 'x', { kind: 'revision', revision: 1 })), {
    kind: 'condition-failed',
    revision: 2,
  })
  assert.deepEqual(host.one(put('a', 'x', { kind: 'revision', revision: 2 })), { kind: 'put', revision: 3 })
  assert.deepEqual(host.one(del('a')), { kind: 'delete', deleted: true, revision: 4 })
  assert.deepEqual(host.one(put('a', 'y', { kind: 'absent' })), { kind: 'put', revision: 5 })
  assert.equal(host.machine.revision, 5)
})

test('operations of one command see each other in order', () => {
  const host = new Host()
  const result = host.operations([
    put('k', '1'),
    { kind: 'get', key: 'k' },
    del('k'),
    { kind: 'get', key: 'k' },
    put('k', '2', { kind: 'absent' }),
    { kind: 'get', key: 'k' },
  ])
  assert.equal(result.kind, 'operations')
  if (result.kind !== 'operations') return
  const shown = result.results.map((r) =>
    r.kind === 'get' ? (r.found ? `${Buffer.from(r.value)}@${r.revision}` : 'absent') : r.kind,
  )
  assert.deepEqual(shown, ['put', '1@1', 'delete', 'absent', 'put', '2@3'])
})

test('an atomic command with a failed condition changes nothing at all', () => {
  const host = new Host()
  host.one(put('a', 'old'))
  const before = Buffer.from(host.records.get('a') ?? '').toString('hex')
  const result = host.operations([put('a', 'new'), put('b'), put('b', 'again', { kind: 'absent' })], true)
  assert.deepEqual(result, { kind: 'aborted', index: 2, revision: 3 })
  assert.equal(Buffer.from(host.records.get('a') ?? '').toString('hex'), before)
  assert.equal(host.records.has('b'), false)
  assert.equal(host.machine.revision, 1)
  assert.equal(host.operations([put('a', 'new'), put('b', 'x', { kind: 'absent' })], true).kind, 'operations')
  assert.equal(host.machine.revision, 3)
})

test('a command routed by another epoch, or outside the shard, has no effect', () => {
  const host = new Host(new KvMachine({ start: 'b', end: 'd', epoch: { range: 7 } }))
  const stale = { kind: 'stale-epoch' }
  assert.deepEqual(host.operations([put('c')], false, 6), stale)
  assert.deepEqual(host.operations([put('c')], false, 8), stale)
  assert.deepEqual(host.operations([put('c'), put('a')], false, 7), stale)
  assert.deepEqual(host.operations([put('d')], false, 7), stale)
  assert.equal(host.records.size, 0)
  assert.equal(host.operations([put('b'), put('c')], false, 7).kind, 'operations')
  const range = (start: string, end: string | undefined, rangeEpoch: number) =>
    host.run(encodeKvCommand({ kind: 'delete-range', rangeEpoch, start, end, keysMax: 10 }))
  assert.deepEqual(range('b', 'd', 6), stale)
  assert.deepEqual(range('a', 'd', 7), stale)
  assert.deepEqual(range('b', undefined, 7), stale)
  assert.deepEqual(range('c', 'c', 7), { kind: 'delete-range', deleted: 0, more: false })
  assert.deepEqual(range('b', 'd', 7), { kind: 'delete-range', deleted: 2, more: false })
  const after = new Host(restored({ start: 'b', end: 'c', epoch: { range: 8 } }, host.machine))
  assert.deepEqual(after.operations([put('b')], false, 7), stale)
})

test('a range delete is bounded and says whether there is more', () => {
  const host = new Host()
  for (let i = 0; i < 25; i++) host.one(put(`k${String(i).padStart(2, '0')}`))
  const step = () =>
    host.run(encodeKvCommand({ kind: 'delete-range', rangeEpoch: 1, start: 'k', end: 'l', keysMax: 10 }))
  assert.deepEqual(step(), { kind: 'delete-range', deleted: 10, more: true })
  assert.deepEqual([...host.records.keys()][0], 'k10')
  assert.deepEqual(step(), { kind: 'delete-range', deleted: 10, more: true })
  assert.deepEqual(step(), { kind: 'delete-range', deleted: 5, more: false })
  assert.equal(host.machine.revision, 50)
})

test('a plain put names nothing and a malformed command is a result', () => {
  const host = new Host()
  const needs: Needs = { keys: [], range: undefined }
  host.machine.needs(
    encodeKvCommand({ kind: 'operations', rangeEpoch: 1, atomic: true, operations: [put('a'), put('b')] }),
    needs,
  )
  assert.deepEqual(needs, { keys: [], range: undefined })
  assert.equal(host.run(Uint8Array.of()).kind, 'malformed')
  assert.equal(host.run(Buffer.from('garbage, certainly')).kind, 'malformed')
  assert.equal(host.machine.revision, 0)
})

/** The machine of a shard that goes on from another's state. */
function restored(shard: KvShard, from: KvMachine): KvMachine {
  const machine = KvMachine.restore(from.save(), shard)
  assert.ok(machine instanceof KvMachine)
  return machine
}

test('split copies the counter, merge continues from the larger one', () => {
  const host = new Host()
  for (let i = 0; i < 9; i++) host.one(put('z'))
  const left = { start: '', end: 'm', epoch: { range: 2 } }
  const right = restored({ start: 'm', end: undefined, epoch: { range: 2 } }, host.machine)
  const leftHost = new Host(restored(left, host.machine))
  assert.equal(right.revision, 9)
  const rightHost = new Host(right)
  rightHost.records.set('z', host.records.get('z') ?? new Uint8Array())
  assert.deepEqual(rightHost.operations([put('z')], false, 2), {
    kind: 'operations',
    results: [{ kind: 'put', revision: 10 }],
  })
  assert.deepEqual(leftHost.operations([put('z')], false, 2), { kind: 'stale-epoch' })
  leftHost.machine.absorb(right.save())
  const merged = new Host(restored({ start: '', end: undefined, epoch: { range: 3 } }, leftHost.machine))
  assert.deepEqual(merged.operations([put('z')], false, 3), {
    kind: 'operations',
    results: [{ kind: 'put', revision: 11 }],
  })
})

test('the saved state brings back the machine; other bytes bring a reason', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (revision) => {
      const restored = KvMachine.restore(new KvMachine(SHARD, revision).save(), SHARD)
      assert.ok(restored instanceof KvMachine)
      assert.equal(restored.revision, revision)
    }),
  )
  for (const bytes of [[], [1], [2, 0, 0, 0, 0, 0, 0, 0], [1, 255, 255, 255, 255, 255, 255, 255]]) {
    assert.ok(!(KvMachine.restore(Uint8Array.from(bytes), SHARD) instanceof KvMachine))
  }
})

/** The same rules once more, as simply as they can be said. */
function model(
  records: Map<string, { revision: number; value: string }>,
  revision: { last: number },
  command: KvCommand & { kind: 'operations' },
): unknown {
  const copy = new Map(records)
  const before = revision.last
  const results: unknown[] = []
  for (const [index, operation] of command.operations.entries()) {
    const current = copy.get(operation.key)
    if (operation.kind === 'get') {
      results.push(current === undefined ? 'absent' : { ...current })
      continue
    }
    const { condition } = operation
    const isMet =
      condition.kind === 'none' ||
      (condition.kind === 'absent' && current === undefined) ||
      (condition.kind === 'exists' && current !== undefined) ||
      (condition.kind === 'revision' && current?.revision === condition.revision)
    if (!isMet) {
      if (command.atomic) {
        revision.last = before
        return { aborted: index, revision: current?.revision }
      }
      results.push({ failed: current?.revision })
    } else if (operation.kind === 'put') {
      revision.last++
      copy.set(operation.key, { revision: revision.last, value: Buffer.from(operation.value).toString('hex') })
      results.push(revision.last)
    } else if (current !== undefined) {
      revision.last++
      copy.delete(operation.key)
      results.push({ deleted: revision.last })
    } else results.push({ deleted: null })
  }
  records.clear()
  for (const [key, record] of copy) records.set(key, record)
  return results
}

function shown(result: KvResult): unknown {
  if (result.kind === 'aborted') return { aborted: result.index, revision: result.revision }
  assert.equal(result.kind, 'operations')
  if (result.kind !== 'operations') return
  return result.results.map((r) => {
    if (r.kind === 'put') return r.revision
    if (r.kind === 'delete') return { deleted: r.deleted ? r.revision : null }
    if (r.kind === 'condition-failed') return { failed: r.revision }
    return r.found ? { revision: r.revision, value: Buffer.from(r.value).toString('hex') } : 'absent'
  })
}

test('random histories agree with a simple model, and revisions of a key only grow', () => {
  const commands = fc.array(
    fc.record({
      kind: fc.constant('operations' as const),
      rangeEpoch: fc.constant(1),
      atomic: fc.boolean(),
      operations: fc.array(operationOn(fc.constantFrom('a', 'b', 'c')), { maxLength: 6 }),
    }),
    { maxLength: 30 },
  )
  fc.assert(
    fc.property(commands, (history) => {
      const host = new Host()
      const records = new Map<string, { revision: number; value: string }>()
      const revision = { last: 0 }
      const newest = new Map<string, number>()
      for (const command of history) {
        const expected = model(records, revision, command)
        assert.deepEqual(shown(host.run(encodeKvCommand(command))), expected)
        assert.equal(host.machine.revision, revision.last)
        assert.deepEqual([...host.records.keys()].sort(), [...records.keys()].sort())
        for (const [key, bytes] of host.records) {
          const record = decodeRecord(bytes)
          assert.equal(record?.revision, records.get(key)?.revision)
          assert.ok((record?.revision ?? 0) >= (newest.get(key) ?? 0))
          newest.set(key, record?.revision ?? 0)
        }
      }
    }),
    { numRuns: 300 },
  )
})
