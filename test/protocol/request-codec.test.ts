/**
 * The bytes of requests and replies: round trips of every kind, golden bytes of the busy ones, and what happens to bytes that are none.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { shardToPlain, storeToPlain } from '../../shard-map/index.ts'
import { LIMITS } from '../../src/base/index.ts'
import { pack, unpack } from '../../src/machine/index.ts'
import {
  decodeReply,
  decodeRequest,
  decodeTraceNote,
  encodeReply,
  encodeRequest,
  encodeTraceNote,
  type Request,
  withTrace,
} from '../../src/protocol/index.ts'
import { bareRequest, coldReply, coldRequest, hotReply, hotRequest } from './arbitraries.ts'
import { hex, plain } from './plain.ts'

test('every request survives its bytes', () => {
  fc.assert(
    fc.property(fc.oneof(hotRequest, coldRequest), (original) => {
      const decoded = decodeRequest(encodeRequest(original))
      assert.ok(decoded.ok, decoded.ok ? '' : decoded.error.message)
      assert.deepEqual(plain(decoded.value), plain(original))
    }),
    { numRuns: 1000 },
  )
})

test('every reply survives its bytes', () => {
  fc.assert(
    fc.property(fc.oneof(hotReply, coldReply), (original) => {
      const decoded = decodeReply(encodeReply(original))
      assert.ok(decoded.ok, decoded.ok ? '' : decoded.error.message)
      assert.deepEqual(plain(decoded.value), plain(original))
    }),
    { numRuns: 1000 },
  )
})

test('the bytes of busy requests and replies do not change by accident', () => {
  assert.equal(
    hex(encodeRequest({ kind: 'write', shard: 5, rangeEpoch: 6, command: Uint8Array.of(0xab) })),
    '0100000000000005' + '00000006' + 'ab',
  )
  assert.equal(
    hex(encodeRequest({ kind: 'get', shard: 5, rangeEpoch: 6, consistency: 'stale', keys: ['a', 'b\u00ff'] })),
    '0101000000000005' + '00000006' + '010002' + '000161' + '000262ff',
  )
  const vouched: Request = {
    kind: 'get',
    shard: 5,
    rangeEpoch: 6,
    consistency: 'linearizable',
    keys: ['a'],
    voucher: { replica: 7, term: 8 },
  }
  assert.equal(
    hex(encodeRequest(vouched)),
    ['0181', '0010', '020e', '000000000007', '0000000000000008', '000000000005', '00000006', '000001', '000161'].join(
      '',
    ),
  )
  assert.equal(
    hex(
      encodeRequest({
        kind: 'scan',
        shard: 5,
        rangeEpoch: 6,
        consistency: 'linearizable',
        start: 'a',
        end: 'b',
        reverse: true,
        keysOnly: false,
        itemsMax: 100,
        bytesMax: 4096,
      }),
    ),
    '0102000000000005' + '00000006' + '0003' + '00000064' + '00001000' + '00010001' + '6162',
  )
  const answered = { timing: { raftMs: 1.5, applyMs: 0 }, epoch: { membership: 1, range: 2 } }
  const head = '00000001' + '00000002' + '3ff8000000000000' + '0000000000000000'
  assert.equal(
    hex(
      encodeReply({
        kind: 'write',
        result: { kind: 'operations', results: [{ kind: 'put', revision: 7 }] },
        ...answered,
      }),
    ),
    ['0100', head, '00000100', '0000000000000007'].join(''),
  )
  assert.equal(
    hex(
      encodeReply({
        kind: 'get',
        values: [undefined, { value: Uint8Array.of(0xcd), revision: 8 }],
        ...answered,
        stalenessMs: 0,
      }),
    ),
    ['0101', head, '0000000000000000', '0002', '00', '01', '0000000000000008', '00000001', 'cd'].join(''),
  )
  assert.equal(
    hex(
      encodeReply({
        kind: 'scan',
        items: [{ key: 'k', value: Uint8Array.of(0xcd), revision: 8 }],
        more: true,
        ...answered,
        stalenessMs: 0,
      }),
    ),
    ['0102', head, '0000000000000000', '01', '00000001', '0001', '0000000000000008', '00000001', '6bcd'].join(''),
  )
  const error = { code: 'NOT_LEADER', message: 'm', outcome: 'none', retryable: true, shard: 2, leader: 's1' } as const
  assert.equal(
    hex(encodeReply({ kind: 'error', error })),
    `01039aaa${Buffer.from('NOT_LEADER').toString('hex')}a16d00c302a27331c0c2c0c0`,
  )
})

test('what would stop a store or use up what there is only once is refused before anybody acts on it', () => {
  const scan: Extract<Request, { kind: 'scan' }> = {
    kind: 'scan',
    shard: 5,
    rangeEpoch: 6,
    consistency: 'linearizable',
    start: 'a',
    end: undefined,
    reverse: false,
    keysOnly: false,
    itemsMax: 1,
    bytesMax: 1,
  }
  const { idsPerRequestMax } = LIMITS
  assert(decodeRequest(encodeRequest(scan)).ok)
  assert(decodeRequest(encodeRequest({ kind: 'allocate-ids', count: idsPerRequestMax })).ok)
  const refused: Request[] = [
    { ...scan, itemsMax: 0 },
    { ...scan, bytesMax: 0 },
    { kind: 'allocate-ids', count: idsPerRequestMax + 1 },
    { kind: 'allocate-ids', count: 2 ** 48 },
  ]
  for (const request of refused) assert(!decodeRequest(encodeRequest(request)).ok, JSON.stringify(request))
})

test('busy requests and replies cut short or made longer are refused', () => {
  fc.assert(
    // The command of a write ends where its request ends, so a write has no wrong length of its own.
    fc.property(
      hotRequest.filter((request) => request.kind !== 'write'),
      hotReply,
      (request, reply) => {
        const requestBytes = encodeRequest(request)
        const replyBytes = encodeReply(reply)
        for (let length = 0; length < requestBytes.length; length++) {
          assert.equal(decodeRequest(requestBytes.subarray(0, length)).ok, false)
        }
        for (let length = 0; length < replyBytes.length; length++) {
          assert.equal(decodeReply(replyBytes.subarray(0, length)).ok, false)
        }
        assert.equal(decodeRequest(Buffer.concat([requestBytes, Buffer.of(0)])).ok, false)
        assert.equal(decodeReply(Buffer.concat([replyBytes, Buffer.of(0)])).ok, false)
      },
    ),
    { numRuns: 100 },
  )
})

test('80,000 damaged or random inputs give a value that can be sent again, or an error', () => {
  const checkRequest = (bytes: Uint8Array): void => {
    const decoded = decodeRequest(bytes)
    if (decoded.ok) assert.deepEqual(plain(decodeRequest(encodeRequest(decoded.value))), plain(decoded))
  }
  const checkReply = (bytes: Uint8Array): void => {
    const decoded = decodeReply(bytes)
    if (decoded.ok) assert.deepEqual(plain(decodeReply(encodeReply(decoded.value))), plain(decoded))
  }
  const samples = {
    requests: fc.sample(fc.oneof(hotRequest, coldRequest), { numRuns: 400, seed: 1 }).map(encodeRequest),
    replies: fc.sample(fc.oneof(hotReply, coldReply), { numRuns: 400, seed: 2 }).map(encodeReply),
  }
  const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 })
  const damaged = (bytes: Uint8Array, changes: [number, number][]): Uint8Array => {
    const copy = Buffer.from(bytes)
    for (const [at, byte] of changes) copy[at % copy.length] = byte
    return copy
  }
  fc.assert(
    fc.property(fc.constantFrom(...samples.requests), damage, (bytes, changes) =>
      checkRequest(damaged(bytes, changes)),
    ),
    { numRuns: 20_000 },
  )
  fc.assert(
    fc.property(fc.constantFrom(...samples.replies), damage, (bytes, changes) => checkReply(damaged(bytes, changes))),
    { numRuns: 20_000 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 2, maxLength: 60 }), fc.nat(10), (bytes, kind) => {
      bytes[0] = 1
      bytes[1] = kind
      checkRequest(bytes)
      checkReply(bytes)
    }),
    { numRuns: 20_000 },
  )
})

test('MessagePack that lies about its size, nests too deep or uses extensions is refused without allocating', () => {
  const reply = (...bytes: number[]) => decodeReply(Uint8Array.from([1, 7, ...bytes]))
  assert.ok(reply(0x91, 0x01).ok)
  assert.equal(reply(0xdd, 0xff, 0xff, 0xff, 0xff).ok, false)
  assert.equal(reply(0xdf, 0xff, 0xff, 0xff, 0xff).ok, false)
  assert.equal(reply(0x91, 0xc6, 0xff, 0xff, 0xff, 0xff).ok, false)
  // Each level promises all the bytes that are left: in sum, far more than there are.
  assert.equal(reply(...Array.from({ length: 2000 }, () => [0xdc, 0x03, 0xe8]).flat()).ok, false)
  assert.equal(reply(...new Array<number>(100_000).fill(0x91), 0xc0).ok, false)
  assert.equal(reply(0x91, 0xd6, 0xff, 0, 0, 0, 0).ok, false)
  assert.equal(reply(0x91, 0xc1).ok, false)
  assert.equal(reply(0x91, 0x81, 0xa9, ...Buffer.from('__proto__'), 0x01).ok, false)
})

test('a heartbeat of an older version says nothing of samples, health and room', () => {
  const replicas = [{ id: 20, store: 's1', role: 'voter' as const }]
  const shard = { id: 2, start: '', end: undefined, epoch: { membership: 1, range: 1 }, replicas }
  const info = { id: 's1', address: '', labels: {}, incarnation: 'x', version: '0', state: 'up' as const }
  const old = [storeToPlain(info), 1, true, 3, 1, 10, 20, [[shardToPlain(shard), 4, 5, 6, 7, 8]], [9]]
  const kind = encodeRequest({ kind: 'placement-status' })[1] ?? 0
  const decoded = decodeRequest(Buffer.concat([Uint8Array.of(1, kind - 1), pack(old)]))
  assert(decoded.ok && decoded.value.kind === 'store-heartbeat')
  const { heartbeat } = decoded.value
  assert.deepEqual(heartbeat.led, [
    {
      shard,
      term: 4,
      bytes: 5,
      keys: 6,
      load: { readsPerSecond: 7, writesPerSecond: 8 },
      samples: [],
      hotKeys: [],
      silent: [],
      behind: [],
    },
  ])
  assert.deepEqual([heartbeat.snapshots, heartbeat.capacityBytes, heartbeat.availableBytes], [0, 0, 0])
  assert.deepEqual([heartbeat.damaged, heartbeat.noLongerLed], [[], [9]])
})

test('what a newer version says is refused by name, or understood as far as possible', () => {
  assert.deepEqual(decodeRequest(Uint8Array.of(2, 0)), {
    ok: false,
    error: { message: 'request of unknown format 2' },
  })
  const newer = 'only a newer release knows; upgrade this store'
  assert.deepEqual(decodeRequest(Uint8Array.of(1, 100)), { ok: false, error: { message: `kind 100 that ${newer}` } })
  // An operator, and a kind of operator, that this release does not know; a field of the wrong type is damage as before.
  const operate = encodeRequest({
    kind: 'operate',
    request: { what: 'start', request: { kind: 'merge', shard: 7 }, dryRun: false },
  }).subarray(0, 2)
  const refusal = (plain: unknown): string => {
    const decoded = decodeRequest(Buffer.concat([operate, pack(plain)]))
    assert(!decoded.ok)
    return decoded.error.message
  }
  assert.equal(refusal([99]), `a operate with a kind that ${newer}`)
  assert.equal(refusal([0, [99, 7, 's1'], false]), `a operate with a kind that ${newer}`)
  assert.equal(refusal([0, ['x', 7], false]), 'a operate with wrong fields')
  assert.equal(refusal([0, ['x', 99], [99]]), 'a operate with wrong fields')
  assert.deepEqual(decodeReply(Uint8Array.of(1, 99)), { ok: false, error: { message: 'reply of unknown kind 99' } })
  const error = ['FROM_THE_FUTURE', 'words', 2, false, null, null, null, false, null, null, 'a field more']
  const decoded = decodeReply(Buffer.concat([Uint8Array.of(1, 3), pack(error)]))
  assert.deepEqual(decoded.ok && plain(decoded.value), {
    kind: 'error',
    error: { code: 'UNAVAILABLE', message: 'FROM_THE_FUTURE: words', outcome: 'unknown', retryable: false },
  })
})

const TRACE = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' }

test('a traced request carries its trace through its bytes, and the rest stays as it is', () => {
  fc.assert(
    fc.property(hotRequest, (original) => {
      const traced = withTrace(original, TRACE)
      const decoded = decodeRequest(encodeRequest(traced))
      assert.ok(decoded.ok)
      assert.deepEqual(plain(decoded.value), plain(traced))
    }),
    { numRuns: 500 },
  )
  const untraced = { kind: 'map', since: 3 } as const
  assert.equal(withTrace(untraced, TRACE), untraced)
  const write = { kind: 'write', shard: 5, rangeEpoch: 6, command: Uint8Array.of(0xab), trace: TRACE } as const
  assert.equal(hex(encodeRequest(write)), `0180001a0118${TRACE.traceId}${TRACE.spanId}00000000000500000006ab`)
})

/** The request as a later version would send it: with extensions of its own before and after those that are known. */
function extended(bytes: Uint8Array, ...extensions: readonly (readonly number[])[]): Uint8Array {
  const items = extensions.flat()
  return Uint8Array.of(
    1,
    (bytes[1] ?? 0) | 0x80,
    items.length >> 8,
    items.length & 0xff,
    ...items,
    ...bytes.subarray(2),
  )
}

const TRACE_ITEM = [1, 24, ...Buffer.from(TRACE.traceId + TRACE.spanId, 'hex')]
const tag = (from: number, to: number) =>
  fc
    .tuple(fc.integer({ min: from, max: to }), fc.uint8Array({ maxLength: 40 }))
    .map(([code, bytes]) => [code, bytes.length, ...bytes])

test('extensions of later versions are left out, those that must be understood are refused', () => {
  fc.assert(
    fc.property(
      fc.oneof(bareRequest, coldRequest),
      tag(3, 127),
      tag(3, 127),
      tag(128, 255),
      (original, before, after, essential) => {
        const bytes = encodeRequest(original)
        const read = decodeRequest(extended(bytes, before, after))
        assert.ok(read.ok)
        assert.deepEqual(plain(read.value), plain(original))
        const traced = decodeRequest(extended(bytes, before, TRACE_ITEM, after))
        assert.ok(traced.ok)
        assert.deepEqual(plain(traced.value), plain(withTrace(original, TRACE)))
        assert.ok(!decodeRequest(extended(bytes, before, essential)).ok)
      },
    ),
    { numRuns: 500 },
  )
})

test('fields that a later version appends to a list are not read', () => {
  const lists = [
    { kind: 'map', since: 3 },
    { kind: 'transfer-leader', shard: 4, store: 's2' },
    { kind: 'allocate-ids', count: 5 },
    { kind: 'find-middle', shard: 6, by: 'load' },
  ] as const
  for (const request of lists) {
    const bytes = encodeRequest(request)
    const fields = unpack(bytes.subarray(2))
    assert.ok(fields.ok)
    const longer = Uint8Array.of(...bytes.subarray(0, 2), ...pack([...(fields.value as unknown[]), 'later', [7]]))
    const read = decodeRequest(longer)
    assert.ok(read.ok, request.kind)
    assert.deepEqual(plain(read.value), plain(request))
  }
})

test('a trace without identity, or of another length, is left out; damaged extensions are refused', () => {
  const write = { kind: 'write', shard: 5, rangeEpoch: 6, command: Uint8Array.of(1) } as const
  const bytes = encodeRequest(write)
  for (const item of [
    [1, 24, ...new Uint8Array(24)],
    [1, 1, 9],
    [1, 0],
  ]) {
    const read = decodeRequest(extended(bytes, item))
    assert.ok(read.ok)
    assert.deepEqual(plain(read.value), plain(write))
  }
  for (const item of [[1], [5, 2, 0], [5, 0, 5]]) assert.ok(!decodeRequest(extended(bytes, item)).ok)
  assert.ok(!decodeRequest(Uint8Array.of(1, 0x80, 0xff, 0xff, 1, 2)).ok)
  assert.ok(!decodeRequest(Uint8Array.of(1, 0x80)).ok)
})

test('a trace note survives its bytes; what is none, is none', () => {
  const note = { group: 7, index: 2 ** 40, term: 9, context: TRACE }
  const bytes = encodeTraceNote(note)
  assert.equal(hex(bytes), `0201000000000007010000000000000000000009${TRACE.traceId}${TRACE.spanId}`)
  assert.deepEqual(decodeTraceNote(bytes), note)
  assert.equal(decodeTraceNote(bytes.subarray(0, 43)), undefined)
  assert.equal(decodeTraceNote(Uint8Array.of(1, ...bytes.subarray(1))), undefined)
})
