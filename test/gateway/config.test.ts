/** `/admin/config`: what is shown, what a patch may change, and what is told of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startConfigFace } from './config-face.ts'
import { failure } from './fake-router.ts'
import { checkProblem, startHarness } from './harness.ts'

test('every setting is shown with where its value comes from, and secrets are not', async (t) => {
  const { h, show } = await startConfigFace(t)
  const shown = await show()
  assert.deepEqual(shown['gateway.limits.inflight'], { value: 7, default: 2000, source: 'flag', dynamic: true })
  assert.equal(shown['transport.token']?.value, '<redacted>')
  assert.doesNotMatch((await h.ask('/admin/config')).text, /hunter2/)
})

test('a patch is the cluster’s from then on, and the answer holds what it changed', async (t) => {
  const { patch, show, settings } = await startConfigFace(t)
  const followed: number[] = []
  settings.follow(({ gateway }) => followed.push(gateway.limits.inflight))
  const answer = await patch({ gateway: { limits: { inflight: 9 } }, placement: { downAfter: '10s' } })
  assert.equal(answer.status, 200)
  const changed = {
    'placement.downAfter': { value: 10_000, default: 300_000, source: 'cluster', dynamic: true, unit: 'ms' },
    'gateway.limits.inflight': { value: 9, default: 2000, source: 'cluster', dynamic: true },
  }
  assert.deepEqual(answer.json(), changed)
  const { 'placement.downAfter': downAfter, 'gateway.limits.inflight': inflight } = await show()
  assert.deepEqual({ 'placement.downAfter': downAfter, 'gateway.limits.inflight': inflight }, changed)
  const back = (await patch({ gateway: { limits: { inflight: null } } })).json()
  assert.deepEqual(back, { 'gateway.limits.inflight': { value: 7, default: 2000, source: 'flag', dynamic: true } })
  assert.deepEqual(followed, [7, 9, 7])
})

test('a dry run answers the same and changes nothing', async (t) => {
  const { h, patch, show } = await startConfigFace(t)
  const tried = await patch({ gateway: { limits: { inflight: 9 } } }, '?dry_run=true')
  assert.equal(tried.status, 200)
  assert.equal((await show())['gateway.limits.inflight']?.value, 7)
  assert.deepEqual((await patch({ gateway: { limits: { inflight: 9 } } })).json(), tried.json())
  assert.equal(h.router.operated.filter(({ what }) => what === 'configure').length, 1)
  checkProblem(await h.ask('/admin/config?dry_run=1', { method: 'PATCH', body: '{}' }), 400, 'INVALID_ARGUMENT')
})

test('what is static, unknown or wrong is refused and changes nothing', async (t) => {
  const { h, show } = await startConfigFace(t)
  const before = await show()
  const bad = [
    ['{"placement":{"downAftr":"9s"}}', /did you mean "downAfter"\?/],
    ['{"store":{"id":"s9"}}', /store\.id cannot be changed while the cluster runs/],
    ['{"placement":{"downAfter":true},"gateway":{"limits":{"inflight":9}}}', /expected a duration/],
    ['{"gateway":{"limits":{"inflight":"9"}}}', /expected a whole number/],
    ['[]', /not a section/],
    ['null', /not a section/],
    ['{', /not valid JSON/],
    ['', /no body/],
  ] as const
  for (const [body, pattern] of bad) {
    const problem = checkProblem(await h.ask('/admin/config', { method: 'PATCH', body }), 400, 'INVALID_ARGUMENT')
    assert.match(String(problem.detail), pattern)
  }
  assert.deepEqual(await show(), before)
  assert.equal(h.router.operated.filter(({ what }) => what === 'configure').length, 0)
})

test('who changed what is told as an event and kept in the history', async (t) => {
  const { h, patch, events } = await startConfigFace(t)
  await patch({ placement: { downAfter: '10s' } })
  await patch({ placement: { downAfter: '10s' } })
  await patch({ placement: { downAfter: null }, observability: { tracing: { otlp: 'http://u:hunter2@h/' } } })
  const told = events.filter(({ type }) => type === 'config_changed').map(({ data }) => data as Record<string, unknown>)
  assert.deepEqual(
    told.map(({ version, by, changes }) => [version, by, changes]),
    [
      [1, '127.0.0.1', 'placement.downAfter: not set -> 10000'],
      [
        2,
        '127.0.0.1',
        'placement.downAfter: 10000 -> not set, observability.tracing.otlp: not set -> "http://<redacted>@h/"',
      ],
    ],
  )
  assert.equal(events.filter(({ type }) => type === 'admin_action').length, 3, 'each attempt is an action')
  const history = await h.ask('/admin/config/history')
  assert.doesNotMatch(history.text, /hunter2/)
  assert.deepEqual(history.json().changes[1], {
    version: 1,
    by: '127.0.0.1',
    settings: [{ name: 'placement.downAfter', before: null, after: 10_000 }],
  })
})

test('changes that meet each other both come through', async (t) => {
  const { h, patch, show } = await startConfigFace(t)
  const { onOperate } = h.router
  let meddled = 0
  h.router.onOperate = (request) => {
    if (request.what === 'configure' && meddled++ < 2) {
      onOperate({ what: 'configure', settings: [['placement.split.opsPerSecond', meddled]] })
    }
    return onOperate(request)
  }
  assert.equal((await patch({ placement: { downAfter: '10s' } })).status, 200)
  const shown = await show()
  assert.deepEqual([shown['placement.downAfter']?.value, shown['placement.split.opsPerSecond']?.value], [10_000, 2])
  meddled = -1_000
  checkProblem(
    await h.ask('/admin/config', { method: 'PATCH', body: '{"placement":{"downAfter":"11s"}}' }),
    409,
    'OPERATOR_CONFLICT',
  )
})

test('while nobody leads the placement driver, what this store goes by is shown, and nothing is changed', async (t) => {
  const { h, show, heard } = await startConfigFace(t)
  heard.learn({ version: 5, settings: new Map([['placement.downAfter', 44_000]]) })
  h.router.onOperate = () => {
    throw failure({ code: 'NO_LEADER', message: 'nobody leads' })
  }
  assert.equal((await show())['placement.downAfter']?.value, 44_000)
  checkProblem(
    await h.ask('/admin/config', { method: 'PATCH', body: '{"placement":{"downAfter":"9s"}}' }),
    503,
    'NO_LEADER',
  )
})

test('a gateway without a configuration has none to show', async (t) => {
  const h = await startHarness(t)
  await h.problem('/admin/config', {}, 404, 'ROUTE_NOT_FOUND')
})
