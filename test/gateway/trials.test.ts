/** `dry_run=true` on routes that change the cluster: what would be, by the rules of the placement driver, and nothing done. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkProblem, startHarness } from './harness.ts'

const RUNNING = { id: '7', kind: 'move', shard: 2, state: 'running', steps: [{ what: 'wait', state: 'running' }] }
const READ_ONLY: readonly string[] = ['show-operator', 'list-schedulers']

test('what could be done is shown, and not done', async (t) => {
  const h = await startHarness(t)
  h.router.onOperate = (request) =>
    request.what === 'list-schedulers'
      ? { schedulers: [{ name: 'merge', paused: false, pausedUntil: null, lastRunAt: null }] }
      : RUNNING
  const attempt = async (method: string, path: string, body = '') => {
    const answer = await h.ask(`/admin/${path}?dry_run=true`, { method, body })
    assert.equal(answer.status, 200, `${method} ${path}: ${answer.text}`)
    return answer.json()
  }
  assert.deepEqual(await attempt('DELETE', 'operators/7'), RUNNING)
  const labelled = await attempt('PATCH', 'stores/s1', '{"labels":{"zone":null,"host":"a"},"weight":2}')
  assert.deepEqual([labelled.id, labelled.labels], ['s1', { host: 'a', weight: '2' }])
  const announced = await attempt('POST', 'nodes', '{"id":"s9","address":"h:1","labels":{"zone":"z"}}')
  assert.deepEqual([announced.id, announced.state, announced.labels], ['s9', 'registered', { zone: 'z' }])
  const paused = await attempt('POST', 'schedulers/merge/pause', '{"seconds":60}')
  assert.equal(paused.paused, true)
  assert.ok(Date.parse(paused.pausedUntil) > 0)
  assert.deepEqual(await attempt('POST', 'schedulers/merge/resume'), {
    name: 'merge',
    paused: false,
    pausedUntil: null,
    lastRunAt: null,
  })
  const asked = h.router.operated.map(({ what }) => what)
  assert.deepEqual(
    asked.filter((what) => !READ_ONLY.includes(what)),
    [],
  )
})

test('what could not be done is refused as if it were tried in earnest', async (t) => {
  const h = await startHarness(t)
  h.router.onOperate = () => ({ ...RUNNING, state: 'finished' })
  const attempt = (method: string, path: string, body = '') => h.ask(`/admin/${path}?dry_run=true`, { method, body })
  checkProblem(await attempt('DELETE', 'operators/7'), 409, 'OPERATOR_CONFLICT')
  checkProblem(await attempt('DELETE', 'nodes/s1'), 409, 'OPERATOR_CONFLICT')
  checkProblem(await attempt('DELETE', 'nodes/s9'), 404, 'STORE_NOT_FOUND')
  checkProblem(await attempt('PATCH', 'stores/s9', '{"weight":2}'), 404, 'STORE_NOT_FOUND')
  checkProblem(await attempt('POST', 'nodes', '{"id":"s1","address":"h:1"}'), 409, 'OPERATOR_CONFLICT')
  checkProblem(await attempt('POST', 'schedulers/none/resume'), 404, 'SCHEDULER_NOT_FOUND')
})

test('every operating route that changes something can be tried', async (t) => {
  const h = await startHarness(t)
  const { paths } = (await h.ask('/openapi.json')).json() as {
    paths: Record<string, Record<string, { parameters?: { name: string }[] }>>
  }
  let routes = 0
  for (const [path, item] of Object.entries(paths)) {
    if (!path.startsWith('/admin')) continue
    for (const [method, { parameters = [] }] of Object.entries(item)) {
      if (method === 'get') continue
      routes++
      assert.ok(
        parameters.some(({ name }) => name === 'dry_run'),
        `${method} ${path} ignores dry_run`,
      )
    }
  }
  assert.ok(routes > 20, `${routes} routes`)
})
