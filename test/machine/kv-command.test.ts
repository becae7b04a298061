/**
 * The bytes of key-value commands: round trips, golden bytes, and what happens to bytes that are no command.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  commandRangeEpoch,
  decodeKvCommand,
  decodeRecord,
  encodeKvCommand,
  encodeRecord,
  type KvCommand,
  recordRevision,
} from '../../src/machine/index.ts'
import { command } from './arbitraries.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** Buffers and plain arrays with the same bytes are the same to us; so are objects whatever their prototype. */
function plain(value: KvCommand): unknown {
  if (value.kind === 'delete-range') return { ...value }
  return {
    ...value,
    operations: value.operations.map((o) => (o.kind === 'put' ? { ...o, value: hex(o.value) } : { ...o })),
  }
}

test('every command survives its bytes', () => {
  fc.assert(
    fc.property(command, (original) => {
      const bytes = encodeKvCommand(original)
      const decoded = decodeKvCommand(bytes)
      assert.notEqual(decoded.kind, 'malformed')
      assert.deepEqual(plain(decoded as KvCommand), plain(original))
      assert.equal(commandRangeEpoch(bytes), original.rangeEpoch)
      // The same from the middle of a larger buffer, as it comes out of a frame.
      const frame = new Uint8Array(bytes.length + 20)
      frame.set(bytes, 7)
      assert.deepEqual(plain(decodeKvCommand(frame.subarray(7, 7 + bytes.length)) as KvCommand), plain(original))
    }),
    { numRuns: 500 },
  )
})

test('the bytes do not change by accident', () => {
  const operations: KvCommand = {
    kind: 'operations',
    rangeEpoch: 3,
    atomic: true,
    operations: [
      { kind: 'put', key: 'a\u00ff', value: Uint8Array.of(1, 2, 3), condition: { kind: 'none' } },
      { kind: 'put', key: 'b', value: new Uint8Array(), condition: { kind: 'revision', revision: 2 ** 52 + 5 } },
      { kind: 'delete', key: 'c', condition: { kind: 'exists' } },
      { kind: 'get', key: 'd' },
    ],
  }
  assert.equal(
    hex(encodeKvCommand(operations)),
    [
      '0103000000030004',
      '0100020000000361ff010203',
      '3100010000000000100000000000' + '0562',
      '22000163',
      '03000164',
    ].join(''),
  )
  assert.equal(
    hex(encodeKvCommand({ kind: 'delete-range', rangeEpoch: 258, start: 'a', end: 'b\u0000', keysMax: 512 })),
    '0201000001020200' + '00010002' + '616200',
  )
  assert.equal(hex(encodeRecord(2 ** 40 + 7, Uint8Array.of(0xaa))), '0100010000000007aa')
})

test('every byte cut off or added makes a command malformed', () => {
  fc.assert(
    fc.property(command, (original) => {
      const bytes = encodeKvCommand(original)
      for (let length = 0; length < bytes.length; length += Math.max(1, bytes.length >> 4)) {
        assert.equal(decodeKvCommand(bytes.subarray(0, length)).kind, 'malformed')
      }
      assert.equal(decodeKvCommand(Buffer.concat([bytes, Buffer.of(0)])).kind, 'malformed')
    }),
    { numRuns: 100 },
  )
})

test('40,000 damaged or random inputs give a command or a reason, never an exception', () => {
  fc.assert(
    fc.property(command, fc.nat(), fc.integer({ min: 0, max: 255 }), (original, at, byte) => {
      const bytes = Buffer.from(encodeKvCommand(original))
      bytes[at % bytes.length] = byte
      const decoded = decodeKvCommand(bytes)
      // What is accepted is in its canonical form: damage never makes a second spelling of a command.
      if (decoded.kind !== 'malformed') assert.equal(hex(encodeKvCommand(decoded)), hex(bytes))
    }),
    { numRuns: 20_000 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(0, 1, 2), (bytes, format) => {
      if (bytes.length > 0) bytes[0] = format
      const decoded = decodeKvCommand(bytes)
      if (decoded.kind !== 'malformed') assert.equal(hex(encodeKvCommand(decoded)), hex(bytes))
    }),
    { numRuns: 20_000 },
  )
})

test('limits hold on both sides', () => {
  const put = (bytes: number): KvCommand => ({
    kind: 'operations',
    rangeEpoch: 1,
    atomic: false,
    operations: [{ kind: 'put', key: 'k', value: new Uint8Array(bytes), condition: { kind: 'none' } }],
  })
  assert.equal(decodeKvCommand(encodeKvCommand(put(1 << 20))).kind, 'operations')
  assert.throws(() => encodeKvCommand(put((1 << 20) + 1)), { name: 'AssertionFailure' })
  const tooLarge = Buffer.from(encodeKvCommand(put(1 << 20)))
  tooLarge.writeUInt32BE((1 << 20) + 1, 11)
  assert.deepEqual(decodeKvCommand(Buffer.concat([tooLarge, Buffer.of(0)])), {
    kind: 'malformed',
    reason: 'operation 0: a value of 1048577 bytes',
  })
})

test('records survive their bytes; bytes of other formats are none', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), fc.uint8Array(), (revision, value) => {
      const record = encodeRecord(revision, value)
      assert.equal(recordRevision(record), revision)
      const decoded = decodeRecord(record)
      assert.equal(decoded?.revision, revision)
      assert.equal(hex(decoded?.value ?? new Uint8Array([0])), hex(value))
      record[0] = 2
      assert.equal(decodeRecord(record), undefined)
      assert.equal(decodeRecord(record.subarray(0, 7)), undefined)
    }),
  )
})
