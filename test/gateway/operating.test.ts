/** The operating routes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failure } from './fake-router.ts'
import { checkProblem, startHarness } from './harness.ts'

test('GET /admin/status is the cluster at a glance', async (t) => {
  const h = await startHarness(t)
  assert.deepEqual((await h.ask('/admin/status')).json(), {
    health: 'healthy: every store answers and every shard has a leader',
    ok: true,
    version: '0.1.0',
    stores: { total: 3, up: 3 },
    shards: { total: 4, leaderless: [], underReplicated: [] },
    leaders: { s1: 2, s2: 2, s3: 1 },
    operators: { running: 0 },
    placement: { leader: 's1', term: 3 },
  })
  h.router.leaderOf.delete(3)
  h.router.before = (call) => {
    if (call === 'placementStatus') throw failure({ code: 'NO_LEADER', message: 'none' })
    if (call === 'describeStore') throw failure({ code: 'TIMEOUT', message: 'none' })
  }
  const status = (await h.ask('/admin/status')).json()
  assert.equal(status.ok, false)
  assert.deepEqual(status.shards.leaderless, [3])
  assert.equal(status.placement.leader, null)
  assert.match(status.health, /placement driver does not answer/)
})

test('stores are listed and shown, under three names', async (t) => {
  const h = await startHarness(t)
  const { stores } = (await h.ask('/admin/stores')).json()
  assert.equal(stores.length, 3)
  assert.deepEqual(stores[0], {
    id: 's1',
    address: '127.0.0.1:8080',
    labels: { zone: 'z1' },
    state: 'up',
    replicas: 5,
    leaders: 2,
    bytes: 400,
    load: { readsPerSecond: 1, writesPerSecond: 2 },
    version: '0.1.0',
    lag: { s2: 0, s3: 0 },
    uptimeSeconds: 12,
    notReady: [],
  })
  for (const path of ['/admin/nodes', '/nodes']) assert.deepEqual((await h.ask(path)).json().stores, stores)
  for (const path of ['/admin/stores/s1', '/admin/nodes/s1', '/nodes/s1'])
    assert.deepEqual((await h.ask(path)).json(), stores[0])
  await h.problem('/admin/stores/s9', {}, 404, 'STORE_NOT_FOUND')
  await h.problem('/admin/stores/%ff', {}, 404, 'STORE_NOT_FOUND')
})

test('shards are listed in pages, shown and looked up', async (t) => {
  const h = await startHarness(t)
  const { shards, next } = (await h.ask('/admin/shards')).json()
  assert.deepEqual(
    shards.map((shard: { id: number }) => shard.id),
    [1, 2, 3, 4, 5],
  )
  assert.equal(next, null)
  assert.equal(shards[0].kind, 'placement')
  assert.equal('start' in shards[0], false)
  assert.deepEqual([shards[1].kind, shards[1].start, shards[1].end], ['data', '', 'g'])
  assert.equal(shards[4].end, null)
  assert.deepEqual(shards[1].epoch, { membership: 3, range: 2 })
  const page = (await h.ask('/admin/shards?limit=2')).json()
  const rest = (await h.ask(`/admin/shards?limit=9&cursor=${page.next}`)).json()
  assert.deepEqual([...page.shards, ...rest.shards], shards)
  for (const query of ['limit=0', 'limit=x', 'cursor=x'])
    await h.problem(`/admin/shards?${query}`, {}, 400, 'INVALID_ARGUMENT')
  assert.deepEqual((await h.ask('/admin/shards/3')).json(), shards[2])
  await h.problem('/admin/shards/99', {}, 404, 'SHARD_NOT_FOUND')
  await h.problem('/admin/shards/abc', {}, 400, 'INVALID_ARGUMENT')
  assert.deepEqual((await h.ask('/admin/shards/lookup?key=h')).json(), { key: 'h', shard: shards[2] })
  assert.deepEqual((await h.ask('/admin/shards/lookup?key=%FF')).json(), {
    key: '/w==',
    keyEncoding: 'base64',
    shard: shards[4],
  })
  for (const query of ['', '?key=', '?key=%'])
    await h.problem(`/admin/shards/lookup${query}`, {}, 400, 'INVALID_ARGUMENT')
})

test('a list of shards covers every key once, also while leaders know of a split or a merge that the map does not have yet', async (t) => {
  const h = await startHarness(t)
  const [first, second, third] = h.router.shards
  assert.ok(first !== undefined && second !== undefined && third !== undefined)
  const before = (await h.ask('/admin/shards')).json()
  const { describeShards } = h.router.admin
  const epoch = { membership: 4, range: 9 }
  // The first was cut in two, the second has taken the third in.
  const now = new Map([
    [first.id, { ...first, end: 'c', epoch }],
    [second.id, { ...second, end: third.end, epoch }],
  ])
  h.router.admin.describeShards = async (shards, options) => {
    const described = await describeShards(shards, options)
    return described.map((each) => ({ ...each, term: 77, shard: now.get(each.shard.id) ?? each.shard }))
  }
  const { shards } = (await h.ask('/admin/shards')).json()
  assert.deepEqual(
    shards,
    before.shards.map((shard: object) => ({ ...shard, term: 77 })),
  )
  // Asked for alone, it is what its leader says.
  const alone = (await h.ask(`/admin/shards/${first.id}`)).json()
  assert.deepEqual([alone.end, alone.epoch], ['c', epoch])
  // A change of members alone leaves no hole.
  now.set(first.id, { ...first, epoch })
  assert.deepEqual((await h.ask('/admin/shards')).json().shards[1].epoch, epoch)
})

test('a lookup never answers a shard that has given the key away', async (t) => {
  const h = await startHarness(t)
  const [left, right] = h.router.shards
  assert.ok(left !== undefined && right !== undefined)
  // The map of this store is that of before the split, and the one of the placement driver is for two questions more.
  h.router.locate = () => Promise.resolve({ ...left, end: right.end })
  const { placementStatus } = h.router.admin
  let asked = 0
  h.router.admin.placementStatus = async (options) => {
    const status = await placementStatus(options)
    if (++asked > 2) return status
    const shards = [{ ...left, end: right.end }, ...h.router.shards.slice(2)]
    return { ...status, map: { ...status.map, shards } }
  }
  const { describeShards } = h.router.admin
  h.router.admin.describeShards = (shards, options) =>
    describeShards(
      shards.map((shard) => h.router.shards.find(({ id }) => id === shard.id) ?? shard),
      options,
    )
  const { shard } = (await h.ask('/admin/shards/lookup?key=h')).json()
  assert.deepEqual([shard.id, shard.start, shard.end, asked], [right.id, 'g', 'n', 3])
  h.router.admin.placementStatus = () =>
    placementStatus().then((status) => ({ ...status, map: { ...status.map, shards: [{ ...left, end: undefined }] } }))
  await h.problem('/admin/shards/lookup?key=h', { headers: { 'flotilla-timeout-ms': '300' } }, 503, 'NOT_READY')
})

const OPERATOR = {
  id: '7',
  kind: 'move',
  shard: 2,
  state: 'running',
  reason: 'somebody asked for it',
  steps: [{ what: 'wait', state: 'running' }],
  createdAt: '2026-01-01T00:00:00.000Z',
  endedAt: null,
  error: null,
}

test('an operator is started, tried, waited for, followed and cancelled, all at the placement driver', async (t) => {
  const h = await startHarness(t)
  let isOver = false
  h.router.onOperate = (request) => {
    switch (request.what) {
      case 'start':
        return request.dryRun ? { ...OPERATOR, id: null } : OPERATOR
      case 'show-operator':
        return request.operator === '7' && isOver ? { ...OPERATOR, state: 'finished' } : OPERATOR
      case 'list-operators':
        return { operators: [OPERATOR] }
      default:
        return { ...OPERATOR, state: 'cancelled' }
    }
  }
  const ask = (query: string) =>
    h.ask(`/admin/shards/2/move${query}`, { method: 'POST', body: '{"from":"s1","to":"s4"}' })
  const tried = await ask('?dry_run=true')
  assert.deepEqual([tried.status, tried.json().id, tried.headers.location], [200, null, undefined])
  const started = await ask('')
  assert.deepEqual([started.status, started.headers.location], [202, '/admin/operators/7'])
  assert.deepEqual(h.router.operated, [
    { what: 'start', request: { kind: 'move', shard: 2, from: 's1', to: 's4' }, dryRun: true },
    { what: 'start', request: { kind: 'move', shard: 2, from: 's1', to: 's4' }, dryRun: false },
  ])
  assert.equal((await ask('?wait=10ms')).status, 202)
  isOver = true
  const ended = await ask('?wait=30s')
  assert.deepEqual([ended.status, ended.json().state], [200, 'finished'])
  // The placement driver changes its leader while somebody waits: what was started stays started.
  let looks = 0
  h.router.before = (call) => {
    if (call === 'operate' && ++looks === 2) throw failure({ code: 'NO_LEADER', message: 'none', retryable: true })
  }
  const bridged = await ask('?wait=30s')
  assert.deepEqual([bridged.status, bridged.json().state, looks], [200, 'finished', 3])
  isOver = false
  h.router.before = (call) => {
    if (call === 'operate' && ++looks > 4) throw failure({ code: 'NO_LEADER', message: 'none', retryable: true })
  }
  const unseen = await ask('?wait=300ms')
  assert.deepEqual([unseen.status, unseen.json().id, unseen.headers.location], [202, '7', '/admin/operators/7'])
  h.router.before = () => {}
  assert.deepEqual((await h.ask('/admin/operators')).json(), { operators: [OPERATOR] })
  assert.equal((await h.ask('/admin/status')).json().operators.running, 1)
  const cancelled = await h.ask('/admin/operators/7', { method: 'DELETE' })
  assert.deepEqual([cancelled.status, cancelled.json().state], [200, 'cancelled'])
  for (const wait of ['', 'x', '30', '-1s', '99h', '1.5s'])
    checkProblem(await ask(`?wait=${wait}`), 400, 'INVALID_ARGUMENT')
})

test('bodies become requests of the placement driver, or are refused', async (t) => {
  const h = await startHarness(t)
  h.router.onOperate = () => OPERATOR
  const post = (path: string, body: string) => h.ask(path, { method: 'POST', body })
  const good: readonly (readonly [string, string, unknown])[] = [
    ['shards/2/transfer-leader', '{"store":"s3"}', { kind: 'transfer-leader', shard: 2, store: 's3' }],
    ['shards/2/add-replica', '{"store":"s3"}', { kind: 'add-replica', shard: 2, store: 's3', role: 'voter' }],
    ['shards/2/add-replica', '{"store":"s3","role":"learner"}', { kind: 'add-replica', shard: 2, store: 's3', role: 'learner' }],
    ['shards/2/remove-replica', '{"store":"s3"}', { kind: 'remove-replica', shard: 2, store: 's3' }],
    ['shards/2/split', '', { kind: 'split', shard: 2 }],
    ['shards/2/split', '{"key":"ü"}', { kind: 'split', shard: 2, key: '\u00c3\u00bc' }],
    ['shards/2/split', '{"policy":"load"}', { kind: 'split', shard: 2, policy: 'load' }],
    ['shards/2/merge', '{"with":3}', { kind: 'merge', shard: 2, with: 3 }],
  ] // biome-ignore format: one list
  for (const [path, body, request] of good) {
    assert.equal((await post(`/admin/${path}`, body)).status, 202, path)
    assert.deepEqual(h.router.operated.at(-1), { what: 'start', request, dryRun: false })
  }
  const asked = h.router.operated.length
  const bad: readonly (readonly [string, string])[] = [
    ['shards/2/transfer-leader', ''], ['shards/2/transfer-leader', '{'], ['shards/2/transfer-leader', '[]'], ['shards/2/transfer-leader', '{"store":1}'],
    ['shards/2/transfer-leader', '{"store":"s1","x":1}'], ['shards/x/transfer-leader', '{"store":"s1"}'], ['shards/2/move', '{"from":"s1"}'],
    ['shards/2/add-replica', '{"store":"s1","role":"king"}'], ['shards/2/split', '{"key":"a","policy":"size"}'], ['shards/2/split', '{"key":""}'],
    ['shards/2/merge', '{"with":"3"}'], ['schedulers/drain/pause', '{}'], ['schedulers/drain/pause', '{"seconds":0}'], ['nodes', '{"id":"a b","address":"x:1"}'],
    ['nodes', '{"id":"s9","address":"nowhere"}'], ['nodes', '{"id":"s9","address":"x:0"}'], ['nodes', '{"id":"s9","address":"x:65536"}'],
  ] // biome-ignore format: one list
  for (const [path, body] of bad) checkProblem(await post(`/admin/${path}`, body), 400, 'INVALID_ARGUMENT')
  checkProblem(await post('/admin/schedulers/none/pause', '{"seconds":5}'), 404, 'SCHEDULER_NOT_FOUND')
  for (const query of ['', '?shard=x', '?shard=1&store=s1'])
    checkProblem(await h.ask(`/admin/explain${query}`), 400, 'INVALID_ARGUMENT')
  assert.equal(h.router.operated.length, asked)
})

test('stores are announced, labelled, drained and taken back; schedulers are paused', async (t) => {
  const h = await startHarness(t)
  h.router.onOperate = () => OPERATOR
  const send = async (method: string, path: string, body = '') => (await h.ask(path, { method, body })).status
  assert.equal(await send('POST', '/admin/nodes', '{"id":"s1","address":"h:1","labels":{"zone":"z"}}'), 201)
  assert.equal(await send('PATCH', '/admin/stores/s1', '{"labels":{"zone":null},"weight":2}'), 200)
  assert.equal(await send('POST', '/admin/stores/s1/drain?dry_run=true'), 200)
  assert.equal(await send('POST', '/admin/stores/s1/decommission'), 202)
  assert.equal(await send('POST', '/admin/nodes/s1/recommission'), 202)
  assert.equal(await send('DELETE', '/admin/nodes/s1'), 200)
  assert.equal(await send('POST', '/admin/schedulers/merge/pause', '{"seconds":5}'), 200)
  assert.equal(await send('POST', '/admin/schedulers/merge/resume'), 200)
  assert.equal(await send('GET', '/admin/explain?shard=2'), 200)
  assert.equal(await send('POST', '/admin/rebalance'), 202)
  assert.deepEqual(
    h.router.operated.map(({ what }) => what),
    ['register-store', 'label-store', 'drain', 'decommission', 'recommission', 'forget-store', 'pause-scheduler', 'pause-scheduler', 'explain-shard', 'rebalance'],
  ) // biome-ignore format: one list
  assert.deepEqual(h.router.operated[1], { what: 'label-store', store: 's1', labels: { zone: null, weight: '2' } })
})

test('hot keys and the bounds of the heat map are spelt for people', async (t) => {
  const h = await startHarness(t)
  const load = { readsPerSecond: 5, writesPerSecond: 1 }
  h.router.onOperate = ({ what }) =>
    what === 'hot'
      ? {
          shards: [{ shard: 2, ...load }],
          keys: [
            { key: 'é/1', shard: 2, ...load },
            { key: '\xff', shard: 3, ...load },
          ],
        }
      : { from: 'then', to: 'now', stepSeconds: 15, buckets: ['', 'a/\xff'], reads: [[1, 2]], writes: [[0, 0]] }
  const hot = (await h.ask('/admin/hot')).json()
  assert.deepEqual(hot.shards, [{ shard: 2, ...load }])
  assert.deepEqual(hot.keys, [
    { key: '6S8x', keyEncoding: 'base64', shard: 2, ...load },
    { key: '/w==', keyEncoding: 'base64', shard: 3, ...load },
  ])
  assert.deepEqual((await h.ask('/admin/heatmap')).json(), {
    from: 'then',
    to: 'now',
    stepSeconds: 15,
    buckets: ['', 'a%2F%FF'],
    reads: [[1, 2]],
    writes: [[0, 0]],
  })
})

test('alive, ready, healthy, version, metrics, stats', async (t) => {
  let reasons: string[] = []
  const h = await startHarness(t, {
    readiness: () => ({ ready: reasons.length === 0, reasons }),
    metricsPage: { contentType: 'text/plain; version=0.0.4', metrics: async () => 'raft_term_current 1\n' },
    stats: () => ({ groups: 5 }),
  })
  assert.equal((await h.ask('/livez')).status, 200)
  assert.deepEqual((await h.ask('/readyz')).json(), { ready: true, reasons: [] })
  assert.equal((await h.ask('/health')).json().ready, true)
  reasons = ['shard 3 has no leader']
  for (const path of ['/readyz', '/health']) {
    assert.deepEqual((await h.problem(path, {}, 503, 'NOT_READY')).reasons, reasons)
  }
  assert.equal((await h.ask('/livez')).status, 200)
  assert.equal((await h.ask('/version')).json().version, '0.1.0')
  const metrics = await h.ask('/metrics')
  assert.deepEqual(
    [metrics.text, metrics.headers['content-type']],
    ['raft_term_current 1\n', 'text/plain; version=0.0.4'],
  )
  const stats = (await h.ask('/stats')).json()
  assert.deepEqual([stats.groups, stats.gateway.inflight, stats.store], [5, 1, 's1'])
  assert.equal((await h.ask('/livez', { method: 'HEAD' })).status, 200)
})

test('the inside of a replica is for loopback', async (t) => {
  const h = await startHarness(t)
  assert.deepEqual((await h.ask('/debug/raft/2')).json(), { store: 's1', replica: { store: 's1', shard: 2 } })
  assert.equal((await h.ask('/debug/raft/2?store=s3')).json().store, 's3')
  await h.problem('/debug/raft/x', {}, 400, 'INVALID_ARGUMENT')
})

test('CORS only when configured', async (t) => {
  const closed = await startHarness(t)
  const origin = 'https://app.example'
  assert.equal((await closed.ask('/kv', { headers: { origin } })).headers['access-control-allow-origin'], undefined)
  checkProblem(await closed.ask('/kv/a', { method: 'OPTIONS', headers: { origin } }), 405, 'METHOD_NOT_ALLOWED')
  const crossSite = { origin, 'sec-fetch-site': 'cross-site' }
  checkProblem(
    await closed.ask('/kv/a', { method: 'POST', body: '{"value":"x"}', headers: crossSite }),
    403,
    'PERMISSION_DENIED',
  )
  const open = await startHarness(t, { cors: { origins: [origin] } })
  const preflight = await open.ask('/kv/a', {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'PUT' },
  })
  assert.equal(preflight.status, 204)
  assert.equal(preflight.headers['access-control-allow-origin'], origin)
  assert.match(String(preflight.headers['access-control-allow-methods']), /PUT/)
  assert.equal(
    (await open.ask('/kv/a', { method: 'POST', body: '{"value":"x"}', headers: crossSite })).headers[
      'access-control-allow-origin'
    ],
    origin,
  )
  const other = await open.ask('/kv', { headers: { origin: 'https://evil.example' } })
  assert.equal(other.headers['access-control-allow-origin'], undefined)
  assert.equal(other.headers.vary, 'Origin')
})

test('/docs is one page that loads nothing from elsewhere', async (t) => {
  const h = await startHarness(t)
  const page = await h.ask('/docs')
  assert.equal(page.headers['content-type'], 'text/html; charset=utf-8')
  assert.match(String(page.headers['content-security-policy']), /default-src 'none'/)
  assert.doesNotMatch(page.text, /(src|href)="(https?:)?\/\//)
})
