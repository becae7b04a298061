/**
 * The bytes of Raft messages: round trips, golden bytes, and what happens to bytes that are none.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeMembership, decodeRaftMessage, encodeMembership, encodeRaftMessage } from '../../src/protocol/index.ts'
import type { Entry, Message } from '../../src/raft/index.ts'
import { membership, message, u48 } from './arbitraries.ts'
import { hex, plain } from './plain.ts'

test('every message survives its bytes, also from the middle of a frame', () => {
  fc.assert(
    fc.property(u48, message, (group, original) => {
      const bytes = encodeRaftMessage(group, original)
      const frame = new Uint8Array(bytes.length + 9)
      frame.set(bytes, 4)
      for (const input of [bytes, frame.subarray(4, 4 + bytes.length)]) {
        const decoded = decodeRaftMessage(input)
        assert.ok(decoded.ok)
        assert.deepEqual(plain(decoded.value), plain({ group, message: original }))
      }
    }),
    { numRuns: 1000 },
  )
})

test('the bytes do not change by accident', () => {
  const addressed = { from: 2, to: 3, term: 4 }
  const head = (type: string) => `01${type}00000000000700000000000200000000000300000000000${4}`
  const entry = (index: number, type: Entry['type'], data: number[]): Entry => ({
    index,
    term: 4,
    type,
    data: Uint8Array.from(data),
  })
  const expected: [Message, string][] = [
    [
      { type: 'RequestVote', ...addressed, lastLogIndex: 9, lastLogTerm: 3, leadershipTransfer: true },
      `${head('00')}00000000000900000000000301`,
    ],
    [
      {
        type: 'AppendEntries',
        ...addressed,
        prevLogIndex: 9,
        prevLogTerm: 3,
        leaderCommit: 8,
        entries: [entry(10, 'normal', [0xaa, 0xbb]), entry(11, 'membership', [])],
      },
      `${head('04')}00000000000900000000000300000000000800000002` +
        `0000000200000000000004aabb` +
        `0000000001000000000004`,
    ],
    [
      { type: 'AppendEntriesReply', ...addressed, index: 9, rejected: true, hintIndex: 5, hintTerm: 2 },
      `${head('05')}00000000000901000000000005000000000002`,
    ],
    [{ type: 'Heartbeat', ...addressed, commitIndex: 8, readId: 2 ** 40 }, `${head('06')}0000000000080000010000000000`],
    [{ type: 'TimeoutNow', ...addressed }, head('09')],
    [
      { type: 'PreVoteReply', ...addressed, granted: false, commitIndex: 9, commitTerm: 3 },
      `${head('03')}00000000000009000000000003`,
    ],
    [
      {
        type: 'InstallSnapshot',
        ...addressed,
        snapshot: {
          index: 9,
          term: 3,
          membership: { voters: [1, 2], votersOutgoing: [], learners: [5], learnersNext: [], autoLeave: false },
        },
      },
      `${head('08')}0000000000090000000000030000020000000000010000000000020000000100000000000${5}0000`,
    ],
  ]
  for (const [message, bytes] of expected) assert.equal(hex(encodeRaftMessage(7, message)), bytes)
})

test('every message cut short or made longer is refused', () => {
  fc.assert(
    fc.property(message, (original) => {
      const bytes = encodeRaftMessage(1, original)
      for (let length = 0; length < bytes.length; length++)
        assert.equal(decodeRaftMessage(bytes.subarray(0, length)).ok, false)
      assert.equal(decodeRaftMessage(Buffer.concat([bytes, Buffer.of(0)])).ok, false)
    }),
    { numRuns: 200 },
  )
})

test('60,000 damaged or random inputs give a message in its only spelling, or an error', () => {
  const check = (bytes: Uint8Array): void => {
    const decoded = decodeRaftMessage(bytes)
    if (decoded.ok) assert.equal(hex(encodeRaftMessage(decoded.value.group, decoded.value.message)), hex(bytes))
  }
  fc.assert(
    fc.property(message, fc.nat(), fc.integer({ min: 0, max: 255 }), (original, at, byte) => {
      const bytes = Buffer.from(encodeRaftMessage(1, original))
      bytes[at % bytes.length] = byte
      check(bytes)
    }),
    { numRuns: 30_000 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.integer({ min: 0, max: 15 }), (bytes, type) => {
      if (bytes.length > 0) bytes[0] = 1
      if (bytes.length > 1) bytes[1] = type
      check(bytes)
    }),
    { numRuns: 30_000 },
  )
})

test('a promise of four billion entries allocates nothing', () => {
  const bytes = Buffer.from(
    encodeRaftMessage(1, {
      type: 'AppendEntries',
      from: 1,
      to: 2,
      term: 1,
      prevLogIndex: 0,
      prevLogTerm: 0,
      leaderCommit: 0,
      entries: [],
    }),
  )
  bytes.writeUInt32BE(0xffff_ffff, 44)
  assert.equal(decodeRaftMessage(bytes).ok, false)
})

test('newer formats and types are refused by name', () => {
  const bytes = Buffer.from(encodeRaftMessage(1, { type: 'TimeoutNow', from: 1, to: 2, term: 3 }))
  bytes[0] = 2
  assert.deepEqual(decodeRaftMessage(bytes), { ok: false, error: { message: 'Raft message of unknown format 2' } })
  bytes[0] = 1
  bytes[1] = 14
  assert.deepEqual(decodeRaftMessage(bytes), { ok: false, error: { message: 'Raft message of unknown type 14' } })
})

test('memberships survive their bytes; lists out of order are refused', () => {
  fc.assert(
    fc.property(membership, (original) => {
      const decoded = decodeMembership(encodeMembership(original))
      assert.ok(decoded.ok)
      assert.deepEqual(plain(decoded.value), plain(original))
    }),
  )
  const twice = { voters: [2, 2], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false }
  assert.equal(decodeMembership(encodeMembership(twice)).ok, false)
  assert.equal(decodeMembership(Uint8Array.of(0, 0xff, 0xff)).ok, false)
})
