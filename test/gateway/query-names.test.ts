/** Query parameters that a route does not know: refused where they could have meant something, with what it takes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startHarness } from './harness.ts'

test('a misspelt parameter is refused by name, and nothing is done', async (t) => {
  const h = await startHarness(t)
  await h.ask('/kv/a', { method: 'PUT', body: '1' })
  const before = h.router.calls.length
  const refused: [string, string, RegExp][] = [
    ['GET', '/kv/a?consistancy=stale', /GET \/kv\/\{key\} has no query parameter "consistancy"/],
    ['GET', '/kv64/YQ?consistancy=stale', /"consistancy"/],
    ['PUT', '/kv/a?tttl=5', /"tttl"/],
    ['PUT', '/kv/a?ttl=5', /ttl is not supported by this version/],
    ['POST', '/kv/a?dry_run=true', /"dry_run"/],
    ['DELETE', '/kv/a?prefix=a', /"prefix"/],
    ['GET', '/kv?prefx=a', /"prefx"/],
    ['GET', '/kv?prefix=a&_=1700000000000', /"_"/],
    ['DELETE', '/kv?prefix=a&ennd=b', /"ennd"/],
    ['DELETE', '/kv?prefix=a&limit=1', /"limit"/],
    ['POST', '/batch?atomic=true', /"atomic"/],
    ['POST', '/admin/shards/2/split?dryrun=true', /"dryrun"/],
    ['POST', '/admin/rebalance?dry-run=true', /"dry-run"/],
    ['GET', '/admin/explain?shrad=2', /"shrad"/],
    ['GET', '/admin/shards?cursr=x', /"cursr"/],
    ['GET', '/events?typ=leader_changed', /"typ"/],
    ['GET', `/kv?${'x'.repeat(5_000)}`, /"x{50}"$/],
    ['GET', '/kv?%0d%0aSet-Cookie:=1', /"\\r\\nSet-Cookie:"/],
  ]
  for (const [method, path, detail] of refused) {
    const problem = await h.problem(path, { method, body: method === 'POST' ? '{}' : '' }, 400, 'INVALID_ARGUMENT')
    assert.match(String(problem.detail), detail, path)
  }
  assert.equal(h.router.calls.length, before)
  const { hint } = await h.problem('/kv?prefx=a', {}, 400, 'INVALID_ARGUMENT')
  assert.equal(hint, 'It takes prefix, start, end, limit, reverse, keys_only, cursor, consistency.')
  const head = await h.ask('/kv/a?consistancy=stale', { method: 'HEAD' })
  assert.equal(head.status, 400)
})

test('probes and pages take what is appended to them', async (t) => {
  const h = await startHarness(t)
  for (const path of ['/livez?_=1', '/readyz?verbose', '/version?x=1', '/openapi.json?v=2', '/docs?theme=dark'])
    assert.equal((await h.ask(path)).status, 200, path)
})
