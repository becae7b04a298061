/** Tokens at the gateway: roles, key prefixes on every way to a key, rotation, and what is told of administration. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { Clock, EventRecord } from '../../src/base/index.ts'
import { type AccessToken, Grant } from '../../src/gateway/access.ts'
import type { Exchange } from '../../src/gateway/exchange.ts'
import { refusal } from '../../src/gateway/failures.ts'
import { RefusalAudit } from '../../src/gateway/refusal-audit.ts'
import type { RouteDefinition } from '../../src/gateway/route-definition.ts'
import { checkProblem, type Harness, type Question, startHarness } from './harness.ts'

function token(secret: string, role: AccessToken['role'], ...prefixes: string[]): AccessToken {
  return { name: `${secret}-name`, digest: createHash('sha256').update(secret).digest(), role, prefixes }
}

const TOKENS = [
  token('reader', 'read'),
  token('writer', 'write'),
  token('admin', 'admin'),
  token('shop', 'write', 'shop/', 'shop0', 'cart/'),
  token('shop-reader', 'read', 'shop/'),
  token('shop-admin', 'admin', 'shop/'),
]

async function start(t: TestContext): Promise<{ readonly h: Harness; readonly events: EventRecord[] }> {
  const events: EventRecord[] = []
  const h = await startHarness(t, {
    tokens: TOKENS,
    events: { emit: (event) => void events.push(event), wants: () => true },
  })
  return { h, events }
}

function as(secret: string, question: Question = {}): Question {
  return { ...question, headers: { ...question.headers, authorization: `Bearer ${secret}` } }
}

const PROTECTED = [
  '/kv/a',
  '/kv64/YQ',
  '/kv?limit=1',
  '/admin/status',
  '/admin/operators',
  '/admin/config',
  '/nodes',
  '/metrics',
  '/health',
  '/stats',
  '/openapi.json',
  '/docs',
  '/events',
  '/debug/raft/2',
]

test('with tokens configured, everything but the probes needs one', async (t) => {
  const { h } = await start(t)
  for (const path of ['/livez', '/readyz', '/version']) assert.equal((await h.ask(path)).status, 200)
  const wrong = ['', 'Bearer', 'Bearer ', 'Bearer admi', 'Bearer admin2', 'Basic admin', 'Bearer admin x', 'admin']
  for (const path of PROTECTED) {
    for (const authorization of [undefined, ...wrong]) {
      const answer = await h.ask(path, { headers: authorization === undefined ? {} : { authorization } })
      const problem = checkProblem(answer, 401, 'UNAUTHENTICATED')
      assert.equal(answer.headers['www-authenticate'], 'Bearer')
      assert.equal(problem.outcome, 'none')
    }
  }
  assert.equal((await h.ask('/kv', { headers: { authorization: 'bearer  admin' } })).status, 200)
  assert.deepEqual(
    h.router.calls.filter((call) => call !== 'scan'),
    [],
  )
})

test('roles: readers read, writers write too, administrators alone see and change the cluster', async (t) => {
  const { h } = await start(t)
  const put: Question = { method: 'PUT', body: 'v' }
  const cases: [path: string, question: Question, allowed: readonly string[]][] = [
    ['/kv/a', {}, ['reader', 'writer', 'admin']],
    ['/kv/a', { method: 'HEAD' }, ['reader', 'writer', 'admin']],
    ['/kv', {}, ['reader', 'writer', 'admin']],
    ['/kv/a', put, ['writer', 'admin']],
    ['/kv64/YQ', put, ['writer', 'admin']],
    ['/kv/a', { method: 'POST', body: '{"value":"v"}' }, ['writer', 'admin']],
    ['/kv/a', { method: 'DELETE' }, ['writer', 'admin']],
    ['/kv?prefix=a', { method: 'DELETE' }, ['writer', 'admin']],
    ['/batch', { method: 'POST', body: '{"ops":[{"op":"get","key":"a"}]}' }, ['reader', 'writer', 'admin']],
    ['/batch', { method: 'POST', body: '{"ops":[{"op":"put","key":"a","value":"v"}]}' }, ['writer', 'admin']],
    [
      '/batch',
      { method: 'POST', body: '{"ops":[{"op":"get","key":"a"},{"op":"delete","key":"a"}]}' },
      ['writer', 'admin'],
    ],
    ['/health', {}, ['reader', 'writer', 'admin', 'shop']],
    ['/openapi.json', {}, ['reader', 'writer', 'admin', 'shop']],
    ...[
      '/admin/status',
      '/admin/stores',
      '/nodes',
      '/admin/shards',
      '/admin/operators',
      '/admin/config',
      '/debug/raft/2',
    ].map((path): [string, Question, readonly string[]] => [path, {}, ['admin']]),
    ['/admin/shards/2/transfer-leader', { method: 'POST', body: '{"store":"s1"}' }, ['admin']],
  ]
  for (const [path, question, allowed] of cases) {
    for (const secret of ['reader', 'writer', 'admin', 'shop']) {
      if (secret === 'shop' && !path.startsWith('/admin') && !allowed.includes('shop')) continue
      const before = h.router.calls.length
      const answer = await h.ask(path, as(secret, question))
      if (allowed.includes(secret)) {
        assert.ok(answer.status < 300 || answer.status === 404, `${secret} ${path}: ${answer.status} ${answer.text}`)
      } else {
        if (question.method !== 'HEAD') checkProblem(answer, 403, 'PERMISSION_DENIED')
        assert.equal(h.router.calls.length, before, `${secret} ${path} reached the router`)
      }
    }
  }
})

test('prefixes hold on every way to a key, and what is refused does nothing', async (t) => {
  const { h } = await start(t)
  const base64 = (key: string): string => Buffer.from(key).toString('base64url')
  const inside = ['shop/', 'shop/a', 'shop0', 'cart/%FF', 'shop/../x', 'shop/%00']
  const outside = ['shop', 'shop.', 'shop1', 'Shop/a', 'cart', 'cart0', 'a', '%73hoq', '../shop/a', '%00shop/']
  for (const key of inside) {
    assert.equal((await h.ask(`/kv/${key}`, as('shop', { method: 'PUT', body: 'v' }))).status, 204, key)
  }
  const calls = h.router.calls.length
  for (const key of outside) {
    const key64 = base64(Buffer.from(decodeURIComponent(key)).toString())
    for (const path of [`/kv/${key}`, `/kv64/${key64}`]) {
      for (const question of [{}, { method: 'PUT', body: 'v' }, { method: 'DELETE' }]) {
        checkProblem(await h.ask(path, as('shop', question)), 403, 'PERMISSION_DENIED')
      }
      checkProblem(await h.ask(path, as('shop', { method: 'POST', body: '{"value":"v"}' })), 403, 'PERMISSION_DENIED')
    }
  }
  const allowed = { op: 'put', key: 'shop/b', value: 'v' }
  for (const op of [
    { op: 'get', key: 'a' },
    { op: 'put', key: 'a', value: 'v' },
    { op: 'delete', key: Buffer.from('a').toString('base64'), keyEncoding: 'base64' },
  ]) {
    const problem = checkProblem(
      await h.ask('/batch', as('shop', { method: 'POST', body: JSON.stringify({ ops: [allowed, op] }) })),
      403,
      'PERMISSION_DENIED',
    )
    assert.match(String(problem.detail), /ops\[1\]/)
  }
  const ranges = ['', '?prefix=sho', '?start=shop/', '?start=a&end=shop/z', '?start=shop/&end=shop2', '?prefix=a']
  for (const range of ranges) {
    checkProblem(await h.ask(`/kv${range}`, as('shop')), 403, 'PERMISSION_DENIED')
    checkProblem(
      await h.ask(`/kv${range}`, as('shop', { headers: { accept: 'application/x-ndjson' } })),
      403,
      'PERMISSION_DENIED',
    )
    if (range === '') continue
    checkProblem(await h.ask(`/kv${range}`, as('shop', { method: 'DELETE' })), 403, 'PERMISSION_DENIED')
  }
  assert.equal(h.router.calls.length, calls, 'something that was refused reached the router')
  // Two prefixes that touch are one range.
  for (const range of ['?prefix=shop/', '?prefix=shop/a', '?start=shop/&end=shop1', '?start=cart/&end=cart/z']) {
    assert.equal((await h.ask(`/kv${range}`, as('shop'))).status, 200, range)
    assert.equal((await h.ask(`/kv${range}`, as('shop', { method: 'DELETE' }))).status, 200, range)
  }
  assert.deepEqual((await h.ask('/kv?start=z&end=a', as('shop'))).json(), { items: [], next: null })
  checkProblem(await h.ask('/kv/shop/a', as('shop-reader', { method: 'DELETE' })), 403, 'PERMISSION_DENIED')
})

test('keys of others are not told as hot, nor as bounds of the heat map', async (t) => {
  const { h } = await start(t)
  const load = { shard: 2, readsPerSecond: 5, writesPerSecond: 1 }
  h.router.onOperate = () => ({
    shards: [],
    keys: ['bank/1', 'shop/1'].map((key) => ({ key, ...load })),
    buckets: [''],
  })
  const keysFor = async (secret: string): Promise<unknown> =>
    (await h.ask('/admin/hot', as(secret))).json().keys.map(({ key }: { key: string }) => key)
  assert.deepEqual(await keysFor('admin'), ['bank/1', 'shop/1'])
  assert.deepEqual(await keysFor('shop-admin'), ['shop/1'])
  assert.equal((await h.ask('/admin/heatmap', as('admin'))).status, 200)
  checkProblem(await h.ask('/admin/heatmap', as('shop-admin')), 403, 'PERMISSION_DENIED')
})

test('a cursor does not lead out of the prefixes', async (t) => {
  const { h } = await start(t)
  for (const key of ['shop/a', 'shop/b', 'z']) await h.ask(`/kv/${key}`, as('admin', { method: 'PUT', body: 'v' }))
  const all = (await h.ask('/kv?limit=2', as('admin'))).json()
  assert.notEqual(all.next, null)
  checkProblem(await h.ask(`/kv?prefix=shop/&cursor=${all.next}`, as('shop')), 400, 'INVALID_ARGUMENT')
  const page = (await h.ask('/kv?prefix=shop/&limit=1', as('shop'))).json()
  const rest = (await h.ask(`/kv?prefix=shop/&limit=9&cursor=${page.next}`, as('shop'))).json()
  assert.deepEqual(
    rest.items.map((item: { key: string }) => item.key),
    ['shop/b'],
  )
})

test('property: a grant covers a range exactly when it covers every key of it', () => {
  const key = fc.string({ unit: fc.constantFrom('a', 'b', '\xff'), maxLength: 3 })
  const keys: string[] = ['']
  for (const a of keys) if (a.length < 3) for (const unit of ['a', 'b', '\xff']) keys.push(a + unit)
  fc.assert(
    fc.property(
      fc.array(
        key.filter((text) => text !== ''),
        { minLength: 1, maxLength: 4 },
      ),
      key,
      key,
      (prefixes, a, b) => {
        const grant = new Grant(token('x', 'read', ...prefixes))
        for (const one of keys) {
          assert.equal(
            grant.covers(one),
            prefixes.some((prefix) => one.startsWith(prefix)),
          )
        }
        const [start, end] = a < b ? [a, b] : [b, a]
        let covered = true
        try {
          grant.requireRange(start, end)
        } catch {
          covered = false
        }
        // One way only: between two short keys lie longer ones that the enumeration does not have.
        if (covered) for (const one of keys) if (one >= start && one < end) assert.ok(grant.covers(one), `${one}`)
        for (const prefix of prefixes) grant.requireRange(prefix, `${prefix}a`)
      },
    ),
    { numRuns: 300 },
  )
})

test('tokens are exchanged while the gateway runs', async (t) => {
  const { h } = await start(t)
  assert.equal((await h.ask('/admin/status', as('admin'))).status, 200)
  h.gateway.setTokens([token('fresh', 'admin')])
  checkProblem(await h.ask('/admin/status', as('admin')), 401, 'UNAUTHENTICATED')
  assert.equal((await h.ask('/admin/status', as('fresh'))).status, 200)
  h.gateway.setTokens([])
  assert.equal((await h.ask('/admin/status')).status, 200)
})

test('administration is told with the name of the token, never the token', async (t) => {
  const { h, events } = await start(t)
  const path = '/admin/shards/2/transfer-leader'
  await h.ask(`${path}?wait=5s`, as('admin', { method: 'POST', body: '{"store":"s1"}' }))
  await h.ask('/debug/raft/2', as('admin', { headers: { 'request-id': 'mine-1' } }))
  await h.ask('/admin/status', as('admin'))
  await h.ask('/kv/a', as('admin', { method: 'PUT', body: 'v' }))
  await h.ask(path, as('reader', { method: 'POST', body: '{"store":"s1"}' }))
  const told = events.filter((event) => event.type === 'admin_action').map((event) => event.data)
  assert.deepEqual(
    told.map((data) => [data?.action, data?.path, data?.status, data?.token, data?.address]),
    [
      ['transferLeader', path, 200, 'admin-name', '127.0.0.1'],
      ['debugRaft', '/debug/raft/2', 200, 'admin-name', '127.0.0.1'],
    ],
  )
  assert.equal(told[1]?.requestId, 'mine-1')
  assert.deepEqual(
    events.filter(({ type }) => type === 'admin_action').map(({ level }) => level),
    [undefined, 'debug'],
    'looking weighs less than doing',
  )
})

test('attempts that are refused are told; many are counted', async (t) => {
  const { h, events } = await start(t)
  const told = () => events.filter((event) => event.type === 'admin_refused').map((event) => event.data)
  await h.ask('/admin/shards/2/split', { method: 'POST', body: '{}' })
  await h.ask('/admin/status', as('reader', { headers: { 'request-id': 'mine-2' } }))
  await h.ask('/kv/a')
  await h.ask('/admin/status', as('admin'))
  assert.deepEqual(
    told().map((data) => [data?.action, data?.path, data?.status, data?.token, data?.address]),
    [
      ['splitShard', '/admin/shards/2/split', 401, undefined, '127.0.0.1'],
      ['showStatus', '/admin/status', 403, 'reader-name', '127.0.0.1'],
    ],
  )
  assert.equal(told()[1]?.requestId, 'mine-2')
  assert.doesNotMatch(JSON.stringify(told()), /Bearer/)
})

test('a flood of refused attempts does not fill the history', () => {
  let nowMs = 0
  const untold: (number | undefined)[] = []
  const clock: Clock = { nowMs: () => nowMs, wallMs: () => nowMs, after: () => ({ cancel() {} }), soon() {} }
  const emit = (event: EventRecord) => {
    if (event.type === 'admin_refused') untold.push(event.data.untold)
  }
  const audit = new RefusalAudit(clock, { emit, wants: () => true })
  const exchange = { target: { kind: 'path', path: '/x' }, remoteAddress: 'a', requestId: 'r' } as unknown as Exchange
  const route = { tag: 'operating', operationId: 'o', path: '/x' } as unknown as RouteDefinition
  const refuse = () => audit.note(exchange, route, refusal('UNAUTHENTICATED', 'no'))
  for (let i = 0; i < 1_000; i++) refuse()
  assert.deepEqual(untold, new Array(10).fill(undefined))
  nowMs = 1_500
  refuse()
  refuse()
  assert.deepEqual(untold.slice(10), [990])
  nowMs = 60_000
  for (let i = 0; i < 20; i++) refuse()
  assert.deepEqual(untold.slice(11), [1, ...new Array(9).fill(undefined)])
  audit.note(exchange, route, refusal('NO_LEADER', 'no'))
  audit.note(exchange, { ...route, tag: 'data' }, refusal('UNAUTHENTICATED', 'no'))
  assert.equal(untold.length, 21)
})
