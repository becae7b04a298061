/** State records travel in snapshots, so whatever a peer sends as one is read or refused with a sentence. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '../../src/base/index.ts'
import {
  appliedPosition,
  decodeStateRecord,
  encodeDescriptor,
  encodeStateRecord,
  withDamageMark,
  withoutDamageMark,
} from '../../src/store/state-record.ts'
import { bootstrapped } from '../shard-map/arbitraries.ts'

const shard = bootstrapped(3, 2).shards.at(-1)
const membership = { voters: [1, 2, 3], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false }
const machine = Buffer.from('machine')

function recordOf(descriptor: unknown): Uint8Array {
  return encodeStateRecord(9, 2, Buffer.from(JSON.stringify(descriptor)), machine)
}

test('what was written is read', () => {
  assert(shard !== undefined)
  const merging = { index: 8, indexMin: 7, target: shard }
  const absorbed = [{ shard: 9, range: 4 }]
  const decoded = decodeStateRecord(
    encodeStateRecord(9, 2, encodeDescriptor({ replica: 1, shard, membership, merging, absorbed }), machine),
  )
  assert(typeof decoded !== 'string', String(decoded))
  assert.deepEqual(
    { ...decoded, machine: Buffer.from(decoded.machine) },
    { appliedIndex: 9, appliedTerm: 2, replica: 1, shard, membership, merging, absorbed, machine },
  )
})

test('the record of a damaged replica is no record of a living one, and its names are still there', () => {
  const record = encodeStateRecord(
    9,
    2,
    encodeDescriptor({ replica: 1, shard: present(shard, 'a shard'), membership, merging: undefined, absorbed: [] }),
    machine,
  )
  const marked = withDamageMark(record)
  assert.equal(decodeStateRecord(marked), 'it was found damaged before this start')
  assert.deepEqual(withDamageMark(marked), marked)
  assert.deepEqual(appliedPosition(marked), { index: 9, term: 2 })
  assert.deepEqual(Buffer.from(withoutDamageMark(marked)), record)
  // A tombstone stays one.
  const tombstone = Uint8Array.of(2, 1, 1)
  assert.deepEqual([withDamageMark(tombstone), withoutDamageMark(tombstone)], [tombstone, tombstone])
})

test('JSON that is no descriptor is refused with a sentence', () => {
  assert(shard !== undefined)
  const good = { replica: 1, shard, membership }
  const wrong: unknown[] = [
    null,
    5,
    [],
    {},
    { ...good, replica: '1' },
    { ...good, shard: null },
    { ...good, shard: { ...shard, replicas: [null] } },
    { ...good, shard: { ...shard, epoch: 1 } },
    { ...good, shard: { ...shard, start: 0 } },
    { ...good, merging: 1 },
    { ...good, merging: { index: 1, indexMin: 1, target: null } },
    { ...good, absorbed: {} },
    { ...good, absorbed: [{ shard: 9 }] },
    { ...good, membership: undefined },
    { ...good, membership: { ...membership, voters: ['1'] } },
    { ...good, membership: { ...membership, autoLeave: undefined } },
  ]
  for (const descriptor of wrong)
    assert.equal(typeof decodeStateRecord(recordOf(descriptor)), 'string', JSON.stringify(descriptor))
  assert.notEqual(typeof decodeStateRecord(recordOf(good)), 'string')
})
