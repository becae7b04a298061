/**
 * The items of a snapshot transfer: round trips, golden bytes, damaged input.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeSnapshotItem, encodeSnapshotItem, type SnapshotItem } from '../../src/protocol/index.ts'
import { u48 } from './arbitraries.ts'
import { hex, plain } from './plain.ts'

const item: fc.Arbitrary<SnapshotItem> = fc.oneof(
  fc.record({
    kind: fc.constant('begin' as const),
    transfer: u48,
    group: u48,
    from: u48,
    to: u48,
    term: u48,
    index: u48,
    indexTerm: u48,
    state: fc.uint8Array(),
  }),
  fc.record({ kind: fc.constant('chunk' as const), transfer: u48, sequence: u48, bytes: fc.uint8Array() }),
  fc.record({ kind: fc.constant('end' as const), transfer: u48, chunks: u48 }),
  fc.record({ kind: fc.constant('acknowledged' as const), transfer: u48, sequence: u48 }),
  fc.record({ kind: fc.constant('aborted' as const), transfer: u48, reason: fc.string() }),
)

test('every item survives its bytes', () => {
  fc.assert(
    fc.property(item, (original) => {
      assert.deepEqual(plain(decodeSnapshotItem(encodeSnapshotItem(original))), plain(original))
    }),
    { numRuns: 500 },
  )
})

test('the bytes do not change by accident', () => {
  assert.equal(
    hex(encodeSnapshotItem({ kind: 'chunk', transfer: 3, sequence: 4, bytes: Uint8Array.of(5) })),
    '94020304c40105',
  )
  assert.equal(hex(encodeSnapshotItem({ kind: 'aborted', transfer: 3, reason: 'no' })), '930503a26e6f')
})

test('20,000 damaged or random inputs give an item or undefined', () => {
  const check = (bytes: Uint8Array): void => {
    const decoded = decodeSnapshotItem(bytes)
    if (decoded !== undefined) {
      assert.deepEqual(plain(decodeSnapshotItem(encodeSnapshotItem(decoded))), plain(decoded))
    }
  }
  fc.assert(
    fc.property(item, fc.nat(), fc.integer({ min: 0, max: 255 }), (original, at, byte) => {
      const bytes = Buffer.from(encodeSnapshotItem(original))
      bytes[at % bytes.length] = byte
      check(bytes)
    }),
    { numRuns: 10_000 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => check(bytes)),
    { numRuns: 10_000 },
  )
})
