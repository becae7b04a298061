/** The parts of the transport by themselves: the frame's bytes, the outbox, the wheel, the table of requests, subjects. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decode, encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { LIMITS } from '../../src/base/index.ts'
import { RAFT, REQUEST } from '../../src/transport/channels.ts'
import {
  FRAGMENT_FIRST,
  FRAGMENT_NEXT,
  FrameReader,
  FrameWriter,
  ITEM,
  type MessageKind,
  PROBE,
  REPLY,
  REQUEST_ENTRY,
} from '../../src/transport/frame.ts'
import { TransportError } from '../../src/transport/index.ts'
import { Outbox } from '../../src/transport/outbox.ts'
import { PendingRequests } from '../../src/transport/pending-requests.ts'
import { checkId, subjectOf } from '../../src/transport/subject.ts'
import { TimerWheel } from '../../src/transport/timer-wheel.ts'
import { pattern } from './support.ts'

const identity = { address: 'store-1', incarnation: 'abc123', session: 2 ** 51 + 7 }
const uint = fc.oneof(fc.nat(300), fc.nat(70_000), fc.maxSafeNat())

describe('frame', () => {
  const entry = fc.oneof(
    fc.tuple(fc.constant(ITEM), fc.uint8Array()),
    fc.tuple(fc.constant(REQUEST_ENTRY), uint, uint, fc.uint8Array({ maxLength: 300 })),
    fc.tuple(fc.constant(REPLY), uint, fc.uint8Array({ maxLength: 70_000, size: 'max' })),
    fc.tuple(fc.constant(FRAGMENT_FIRST), fc.nat(2), uint, uint, uint, fc.uint8Array()),
    fc.tuple(fc.constant(FRAGMENT_NEXT), fc.nat(2), uint, uint, fc.uint8Array()),
    fc.tuple(fc.constant(PROBE)),
  )

  it('reads what it wrote, and any msgpack reader can look inside', () => {
    const writer = new FrameWriter()
    const reader = new FrameReader()
    fc.assert(
      fc.property(uint, uint, uint, fc.array(entry, { maxLength: 40 }), (toSession, sent, grant, entries) => {
        const values = [1, 'store-1', 'abc123', identity.session, toSession, sent, grant, ...entries.flat()]
        const bytes = writer.write(values)
        assert.deepEqual(normal(decode(bytes) as unknown[]), normal(values))
        assert.equal(reader.read(bytes), true)
        const { from, incarnation, session } = reader
        assert.deepEqual(
          { from, incarnation, session },
          { from: 'store-1', incarnation: 'abc123', session: identity.session },
        )
        assert.deepEqual([reader.toSession, reader.sent, reader.grant], [toSession, sent, grant])
        assert.equal(
          reader.probe,
          entries.some(([kind]) => kind === PROBE),
        )
        assert.deepEqual(entriesOf(reader), normal(entries.filter(([kind]) => kind !== PROBE)))
      }),
      { numRuns: 200 },
    )
  })

  it('takes no bytes that are not exactly a frame, and never throws', () => {
    const reader = new FrameReader()
    const good = [1, 'a', '', 5, 0, 0, 0]
    assert.equal(reader.read(encode(good)), true)
    const bad: unknown[] = [
      [],
      [1],
      [2, ...good.slice(1)],
      [1, 'a', '', 0, 0, 0, 0],
      [1, 'a b', '', 5, 0, 0, 0],
      [1, 7, '', 5, 0, 0, 0],
      [1, 'a', '', -5, 0, 0, 0],
      [1, 'a', '', 1.5, 0, 0, 0],
      [1, 'a', 'x'.repeat(65), 5, 0, 0, 0],
      [1, 'x'.repeat(200), '', 5, 0, 0, 0],
      [...good, 6],
      [...good, ITEM],
      [...good, ITEM, 'text'],
      [...good, ITEM, [new Uint8Array(1)]],
      [...good, REQUEST_ENTRY, 1, new Uint8Array(1)],
      [...good, FRAGMENT_FIRST, 3, 1, 1, 1, new Uint8Array(1)],
      { version: 1 },
      'frame',
      1,
    ]
    for (const value of bad) assert.equal(reader.read(encode(value)), false, JSON.stringify(value))
    assert.equal(reader.read(new Uint8Array(0)), false)
    assert.equal(reader.read(Buffer.concat([encode(good), new Uint8Array(1)])), false)
    // An array that claims more values than there are bytes, and nests, must not cost memory.
    assert.equal(reader.read(new Uint8Array(LIMITS.frameBytesMax).fill(0xdd)), false)
    assert.equal(reader.read(new Uint8Array(LIMITS.frameBytesMax + 1)), false)
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => typeof reader.read(bytes) === 'boolean'))
  })

  it('never reads beyond its bytes when they are cut', () => {
    const reader = new FrameReader()
    const whole = encode([1, 'a', '', 5, 0, 0, 0, REQUEST_ENTRY, 70_000, 9, pattern(300), REPLY, 2 ** 40, pattern(3)])
    for (let length = 0; length < whole.length; length++) assert.equal(reader.read(whole.subarray(0, length)), false)
    assert.equal(reader.read(whole), true)
  })

  function entriesOf(reader: FrameReader): unknown[] {
    return reader.kinds.map((kind, i) => {
      const { wholes, ids, timeouts, places, bodies } = reader
      const body = bodies[i] as Uint8Array
      if (kind === ITEM) return normal([kind, body])
      if (kind === REQUEST_ENTRY) return normal([kind, ids[i], timeouts[i], body])
      if (kind === REPLY) return normal([kind, ids[i], body])
      if (kind === FRAGMENT_FIRST) return normal([kind, wholes[i], ids[i], timeouts[i], places[i], body])
      return normal([kind, wholes[i], ids[i], places[i], body])
    })
  }

  /** Bytes as text, so that views and copies compare equal. */
  function normal(value: readonly unknown[]): unknown[] {
    return value.map((each) => {
      if (each instanceof Uint8Array) return Buffer.from(each).toString('hex')
      return Array.isArray(each) ? normal(each) : each
    })
  }
})

describe('outbox', () => {
  it('cuts and frames within the limit, keeps order, and accounts for every byte', () => {
    const writer = new FrameWriter()
    const sizes = fc.array(fc.oneof(fc.nat(50), fc.nat(2_000), fc.nat(9_000)), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1024, max: 4096 }), (bodySizes, frameBytesMax) => {
        const outbox = new Outbox(RAFT, identity)
        const numbers = bodySizes.map((size, i) => outbox.append(ITEM, 0, 0, pattern(size, i), frameBytesMax))
        const received: Uint8Array[] = []
        let partial: number[] = []
        for (let frame = outbox.oldest(); frame !== undefined; frame = outbox.oldest()) {
          const before = outbox.queuedBytes
          outbox.take(frame)
          assert.equal(outbox.queuedBytes, before - frame.bytes)
          const bytes = writer.write(frame.values)
          assert.ok(bytes.length <= frameBytesMax, `${bytes.length} of ${frameBytesMax}`)
          const reader = new FrameReader()
          assert.ok(reader.read(bytes))
          for (const [i, kind] of reader.kinds.entries()) {
            const body = reader.bodies[i] as Uint8Array
            if (kind === ITEM) received.push(body)
            else {
              if (kind === FRAGMENT_FIRST) partial = []
              partial.push(...body)
              const isLast = partial.length === bodySizes[received.length]
              if (isLast) received.push(Uint8Array.from(partial))
            }
            assert.ok(outbox.lastTaken >= (numbers[received.length - 1] ?? 0))
          }
          outbox.recycle(frame)
        }
        assert.equal(outbox.queuedBytes, 0)
        assert.equal(received.length, bodySizes.length)
        for (const [i, body] of received.entries()) assert.ok(Buffer.compare(body, pattern(bodySizes[i] ?? 0, i)) === 0)
      }),
      { numRuns: 60 },
    )
  })

  it('drops exactly what a filter refuses', () => {
    const outbox = new Outbox(REQUEST, identity)
    const bytes: number[] = [0, 10, 5_000]
    for (let id = 1; id <= 30; id++) {
      const kind: MessageKind = id % 3 === 0 ? REPLY : REQUEST_ENTRY
      outbox.append(kind, id, 1, pattern(bytes[id % 3] ?? 0, id), 2048)
    }
    outbox.filter((kind, id) => kind === REPLY || id % 2 === 0)
    const seen = new Set<number>()
    const reader = new FrameReader()
    for (let frame = outbox.oldest(); frame !== undefined; frame = outbox.oldest()) {
      outbox.take(frame)
      assert.ok(reader.read(new FrameWriter().write(frame.values)))
      for (const id of reader.ids) seen.add(id)
      outbox.recycle(frame)
    }
    assert.deepEqual(
      [...seen],
      [...Array(31).keys()].filter((id) => id > 0 && (id % 3 === 0 || id % 2 === 0)),
    )
    assert.equal(outbox.queuedBytes, 0)
    outbox.append(ITEM, 0, 0, pattern(4), 2048)
    outbox.filter(() => false)
    assert.equal(outbox.oldest(), undefined)
    assert.equal(outbox.queuedBytes, 0)
  })
})

describe('timer wheel', () => {
  it('hands out each index once, never early, and at the next look after its time', () => {
    const command = fc.oneof(
      fc.record({ do: fc.constant('arm' as const), index: fc.nat(19), ms: fc.oneof(fc.nat(50), fc.nat(2_000)) }),
      fc.record({ do: fc.constant('disarm' as const), index: fc.nat(19), ms: fc.constant(0) }),
      fc.record({
        do: fc.constant('advance' as const),
        index: fc.constant(0),
        ms: fc.oneof(fc.nat(40), fc.nat(5_000)),
      }),
    )
    fc.assert(
      fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
        // A span below the longest delay and pause, so that rounds are covered too.
        const wheel = new TimerWheel(20, 16, 500)
        const deadlines = new Map<number, number>()
        let nowMs = 3
        for (const { do: what, index, ms } of commands) {
          if (what === 'arm' && !deadlines.has(index)) {
            wheel.arm(index, nowMs, ms)
            deadlines.set(index, nowMs + ms)
          } else if (what === 'disarm') {
            wheel.disarm(index)
            deadlines.delete(index)
          } else if (what === 'advance') {
            nowMs += ms
            wheel.advance(nowMs, (due) => {
              assert.ok((deadlines.get(due) ?? Number.POSITIVE_INFINITY) <= nowMs, `${due} is early or not armed`)
              deadlines.delete(due)
            })
            // Two slots: one that is being filled, one for rounding up.
            for (const deadline of deadlines.values()) assert.ok(deadline > nowMs - 32, 'late')
          }
          assert.equal(wheel.size, deadlines.size)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('what is armed while others are handed out comes later', () => {
    const wheel = new TimerWheel(4, 16, 500)
    wheel.arm(0, 0, 10)
    wheel.arm(1, 0, 10)
    const handedOut: number[] = []
    wheel.advance(100, (index) => {
      handedOut.push(index)
      if (handedOut.length === 1) wheel.disarm(index === 0 ? 1 : 0)
      wheel.arm(2 + (handedOut.length % 2), 100, 1)
    })
    assert.equal(handedOut.length, 1)
    wheel.advance(200, (index) => handedOut.push(index))
    assert.equal(handedOut.length, 2)
    assert.equal(wheel.size, 0)
  })
})

describe('pending requests', () => {
  it('an id is good for one end, and its place serves the next request', () => {
    const pending = new PendingRequests()
    const ends: unknown[] = []
    const first = pending.open(0, 100, (end) => ends.push(end))
    assert.ok(first !== undefined)
    assert.equal(pending.settle(first, pattern(1)), true)
    assert.equal(pending.settle(first, pattern(2)), false)
    const second = pending.open(0, 100, (end) => ends.push(end))
    assert.ok(second !== undefined && second !== first)
    assert.equal(pending.has(first), false)
    assert.equal(pending.settle(first, pattern(3)), false)
    for (const nonsense of [0, 1, 2 ** 52, LIMITS.inflightRequestsMax * 99 + 1, second + 1]) {
      assert.equal(pending.settle(nonsense, pattern(4)), false)
    }
    pending.advance(1_000)
    assert.equal(ends.length, 2)
    assert.equal(ends[1], 'no-answer')
  })

  it('done may ask again, also when everything ends', () => {
    const pending = new PendingRequests()
    let ended = 0
    const again = (): void => {
      if (++ended < 5) pending.open(0, 10, again)
    }
    pending.open(0, 10, again)
    for (let nowMs = 20; nowMs < 400; nowMs += 20) pending.advance(nowMs)
    assert.equal(ended, 5)
    assert.equal(pending.size, 0)
  })
})

describe('subjects', () => {
  it('are one token per id', () => {
    assert.equal(subjectOf('dev', RAFT, 's1'), 'flotilla.dev.r.s1')
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 10 }), (id) => {
        let isGood = true
        try {
          checkId('address', id)
        } catch (error) {
          assert.ok(error instanceof TransportError)
          isGood = false
        }
        assert.equal(isGood, /^[\x21-\x7e]+$/.test(id) && !/[.*>]/.test(id), JSON.stringify(id))
      }),
    )
  })
})
