/** POST /batch in JSON and MessagePack. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { failure } from './fake-router.ts'
import { checkProblem, type Harness, startHarness } from './harness.ts'

const MSGPACK = 'application/vnd.msgpack'

function post(h: Harness, document: unknown, headers: Record<string, string> = {}) {
  return h.ask('/batch', {
    method: 'POST',
    body: typeof document === 'string' ? document : JSON.stringify(document),
    headers,
  })
}

test('a batch answers one result per operation, in order, and a get sees the puts before it', async (t) => {
  const h = await startHarness(t)
  const answer = await post(h, {
    ops: [
      { op: 'put', key: 'a', value: '1' },
      { op: 'get', key: 'a' },
      { op: 'put', key: '/w==', keyEncoding: 'base64', value: '/w==', encoding: 'base64' },
      { op: 'get', key: '/w==', keyEncoding: 'base64' },
      { op: 'delete', key: 'a' },
      { op: 'delete', key: 'a' },
      { op: 'get', key: 'a' },
      { op: 'put', key: 'z', value: '2', ifAbsent: true },
      { op: 'put', key: 'z', value: '3', ifAbsent: true },
      { op: 'put', key: 'z', value: '4', ifRevision: 5 },
      { op: 'delete', key: 'none', ifRevision: 9 },
    ],
  })
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.headers['content-type'], 'application/json')
  const { results } = answer.json()
  assert.deepEqual(results.slice(0, 8), [
    { ok: true, revision: 1 },
    { ok: true, found: true, value: '1', encoding: 'utf8', revision: 1 },
    { ok: true, revision: 2 },
    { ok: true, found: true, value: '/w==', encoding: 'base64', revision: 2 },
    { ok: true, revision: 3, deleted: 1 },
    { ok: true, revision: 4, deleted: 0 },
    { ok: true, found: false },
    { ok: true, revision: 5 },
  ])
  assert.equal(results[8].ok, false)
  const { error } = results[8]
  assert.deepEqual([error.code, error.status, error.revision, error.outcome], ['PRECONDITION_FAILED', 412, 5, 'none'])
  assert.equal(error.requestId, answer.headers['request-id'])
  assert.deepEqual(results[9], { ok: true, revision: 6 })
  assert.equal(results[10].error.revision, null)
})

test('MessagePack in, MessagePack out, with keys and values as bin or str', async (t) => {
  const h = await startHarness(t)
  const document = {
    ops: [
      { op: 'put', key: new Uint8Array([0xff, 0]), value: new Uint8Array([1, 2]) },
      { op: 'put', key: 'text', value: 'caf\u00e9' },
      { op: 'get', key: new Uint8Array([0xff, 0]) },
      { op: 'get', key: new TextEncoder().encode('text') },
    ],
  }
  const ask = (headers: Record<string, string>) => h.ask('/batch', { method: 'POST', body: encode(document), headers })
  const answer = await ask({ 'content-type': MSGPACK })
  assert.equal(answer.headers['content-type'], MSGPACK)
  assert.deepEqual(decode(new Uint8Array(answer.body)), {
    results: [
      { ok: true, revision: 1 },
      { ok: true, revision: 2 },
      { ok: true, found: true, value: new Uint8Array([1, 2]), revision: 1 },
      { ok: true, found: true, value: new TextEncoder().encode('caf\u00e9'), revision: 2 },
    ],
  })
  const json = await ask({ 'content-type': MSGPACK, accept: 'application/json' })
  assert.equal(json.json().results[2].value, Buffer.from([1, 2]).toString())
  const packed = await post(h, { ops: [] }, { accept: MSGPACK })
  assert.deepEqual(decode(new Uint8Array(packed.body)), { results: [] })
})

test('an empty batch answers no results, and asks nobody', async (t) => {
  const h = await startHarness(t)
  assert.deepEqual((await post(h, { ops: [], atomic: true })).json(), { results: [] })
  assert.deepEqual(h.router.calls, [])
})

test('an atomic batch applies all or nothing', async (t) => {
  const h = await startHarness(t)
  const ops = [
    { op: 'put', key: 'a', value: '1' },
    { op: 'put', key: 'b', value: '1', ifRevision: 3 },
  ]
  const failed = checkProblem(await post(h, { ops, atomic: true }), 412, 'PRECONDITION_FAILED')
  assert.equal(failed.index, 1)
  assert.equal(h.router.records.size, 0)
  const cross = [
    { op: 'put', key: 'a', value: '' },
    { op: 'put', key: 'z', value: '' },
  ]
  checkProblem(await post(h, { ops: cross, atomic: true }), 422, 'CROSS_SHARD')
  assert.equal((await post(h, { ops: cross })).status, 200)
})

test('a malformed operation refuses the whole batch', async (t) => {
  const h = await startHarness(t)
  const good = { op: 'put', key: 'a', value: 'x' }
  const malformed: unknown[] = [
    null, 1, 'put', [], {}, { op: 'put' }, { op: 'put', key: 'a' }, { op: 'PUT', key: 'a', value: '' }, { op: 'incr', key: 'a' },
    { op: 'get' }, { op: 'get', key: '' }, { op: 'get', key: 1 }, { op: 'get', key: null }, { op: 'get', key: { 0: 1 } },
    { op: 'get', key: '\ud800' }, { op: 'put', key: 'a', value: '\udfff' }, { op: 'put', key: 'a', value: 5 },
    { op: 'put', key: 'a', value: 'x', encoding: 'hex' }, { op: 'put', key: 'a', value: '*', encoding: 'base64' },
    { op: 'get', key: 'a=', keyEncoding: 'base64' }, { op: 'get', key: '', keyEncoding: 'base64' }, { op: 'get', key: 'a', keyEncoding: 1 },
    { op: 'put', key: 'a', value: '', ifRevision: '1' }, { op: 'put', key: 'a', value: '', ifRevision: 1.5 },
    { op: 'put', key: 'a', value: '', ifRevision: -1 }, { op: 'put', key: 'a', value: '', ifRevision: null },
    { op: 'put', key: 'a', value: '', ifRevision: 2 ** 53 }, { op: 'put', key: 'a', value: '', ifAbsent: 1 },
    { op: 'put', key: 'a', value: '', ifAbsent: true, ifRevision: 1 }, { op: 'put', key: 'a', value: '', ttl: 5 },
    { op: 'get', key: 'a', ifRevision: 1 }, { op: 'delete', key: 'a', value: '' }, { op: 'put', key: 'a', value: '', ifrevision: 1 },
  ] // biome-ignore format: one list
  for (const op of malformed) checkProblem(await post(h, { ops: [good, op] }), 400, 'INVALID_ARGUMENT')
  const documents: unknown[] = [
    '',
    '{',
    'null',
    '[]',
    '{}',
    { ops: {} },
    { ops: null },
    { ops: [good], atomic: 1 },
    { ops: [good], extra: 1 },
    '{"__proto__":{"ops":[]}}',
  ]
  for (const document of documents) checkProblem(await post(h, document), 400, 'INVALID_ARGUMENT')
  assert.deepEqual(h.router.calls, [])
  assert.equal(h.router.records.size, 0)
})

test('what exceeds a limit refuses the whole batch with 413', async (t) => {
  const h = await startHarness(t)
  const many = Array.from({ length: 1001 }, () => ({ op: 'get', key: 'a' }))
  checkProblem(await post(h, { ops: many }), 413, 'BATCH_TOO_LARGE')
  assert.equal((await post(h, { ops: many.slice(1) })).status, 200)
  checkProblem(await post(h, { ops: [{ op: 'get', key: 'k'.repeat(4097) }] }), 413, 'KEY_TOO_LARGE')
  checkProblem(
    await post(h, { ops: [{ op: 'put', key: 'a', value: 'x'.repeat((1 << 20) + 1) }] }),
    413,
    'VALUE_TOO_LARGE',
  )
  const mebibyte = Buffer.alloc((1 << 20) - 1, 1)
  const four = [1, 2, 3, 4].map((i) => ({ op: 'put', key: String(i), value: mebibyte }))
  const packed = (ops: unknown[]) =>
    h.ask('/batch', { method: 'POST', body: encode({ ops }), headers: { 'content-type': MSGPACK } })
  assert.equal((await packed(four)).status, 200)
  const text = four.map((op) => ({ ...op, value: '\x01'.repeat((1 << 20) - 1) }))
  assert.equal((await post(h, { ops: text })).status, 200, 'a legal batch of escaped characters fits')
  h.router.records.clear()
  checkProblem(await packed([...four, { op: 'get', key: '5' }]), 413, 'BATCH_TOO_LARGE')
  checkProblem(await h.ask('/batch', { method: 'POST', body: Buffer.alloc(40 << 20, 0x20) }), 413, 'BATCH_TOO_LARGE')
  assert.equal(h.router.records.size, 0)
})

test('the failure of one shard is the result of its operations; that of all is a problem', async (t) => {
  const h = await startHarness(t)
  h.router.batch = async () => [
    { ok: true, result: { kind: 'put', revision: 1 } },
    { ok: false, error: { code: 'NO_LEADER', message: 'none', outcome: 'unknown', retryable: true, shard: 3 } },
  ]
  const ops = [
    { op: 'put', key: 'a', value: '' },
    { op: 'put', key: 'h', value: '' },
  ]
  const { results } = (await post(h, { ops })).json()
  assert.equal(results[1].error.code, 'NO_LEADER')
  assert.equal(results[1].error.status, 503)
  h.router.batch = async () => {
    throw failure({ code: 'OVERLOADED', message: 'too much', retryable: true })
  }
  checkProblem(await post(h, { ops }), 429, 'OVERLOADED')
})

test('bytes of every kind as a body never harm the server', async (t) => {
  const h = await startHarness(t)
  const bombs: readonly (readonly [Uint8Array, string])[] = [
    [Buffer.alloc(1 << 20, '['), 'text/plain'],
    [Buffer.from(`{"ops":${'[[],'.repeat(200_000)}`), 'application/json'],
    [Buffer.alloc(1 << 20, 0x91), MSGPACK],
    [Buffer.from('dd7fffffff', 'hex'), MSGPACK],
    [Buffer.from('dfffffffff', 'hex'), MSGPACK],
    [Buffer.from('81a36f7073dc2710'.padEnd(4000, 'dc2710'), 'hex'), MSGPACK],
    [Buffer.from('c1', 'hex'), MSGPACK],
    [Buffer.from('8080', 'hex'), MSGPACK],
    [encode({ ops: [] }).subarray(0, 4), MSGPACK],
    [encode({ __proto_: 1 }), MSGPACK],
    [Buffer.concat([Buffer.from([0x81, 0xa9]), Buffer.from('__proto__'), Buffer.from([0x80])]), MSGPACK],
    [Buffer.from([0x81, 0xa3, 0xff, 0xfe, 0xfd, 0x90]), MSGPACK],
  ]
  for (const [body, type] of bombs) {
    checkProblem(
      await h.ask('/batch', { method: 'POST', body, headers: { 'content-type': type } }),
      400,
      'INVALID_ARGUMENT',
    )
  }
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 60 }),
      fc.constantFrom('application/json', MSGPACK),
      async (body, type) => {
        const answer = await h.ask('/batch', { method: 'POST', body, headers: { 'content-type': type } })
        checkProblem(answer, 400, 'INVALID_ARGUMENT')
      },
    ),
    { numRuns: 150 },
  )
  assert.equal((await h.ask('/livez')).status, 200)
})

test('a batch has its conditions in its operations; those in headers are refused, not ignored', async (t) => {
  const h = await startHarness(t)
  for (const [name, value] of [
    ['if-match', '*'],
    ['if-none-match', '*'],
  ] as const) {
    const document = { ops: [{ op: 'put', key: 'a', value: '1' }] }
    checkProblem(await post(h, document, { [name]: value }), 400, 'INVALID_ARGUMENT')
  }
  assert.equal(h.router.records.size, 0)
})
