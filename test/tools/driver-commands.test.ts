/** The commands for what the placement driver does: what each asks of the gateway, what it prints, and how it ends. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { type FakeGateway, STORES, sendJson, sendProblem, startFakeGateway } from './fake-gateway.ts'
import { type Ran, type RunOptions, run } from './run.ts'

const OPERATOR = {
  id: '7',
  kind: 'drain',
  shard: 0,
  store: 's4',
  state: 'finished',
  reason: 'somebody asked for it',
  scheduler: 'by-hand',
  steps: [{ what: 'give away the leaders of store s4', state: 'done', startedAt: '2026-01-01T00:00:00.000Z' }],
  createdAt: '2026-01-01T00:00:00.000Z',
  endedAt: '2026-01-01T00:00:01.000Z',
  error: null,
}
const SCHEDULER = { name: 'merge', paused: true, pausedUntil: '2026-01-01T00:01:00.000Z', lastRunAt: null }
const DECISION = {
  ts: '2026-01-01T00:00:00.000Z',
  scheduler: 'split',
  shard: 2,
  action: null,
  reason: 'it is small',
  numbers: { bytes: 5 },
}

let gateway: FakeGateway

before(async () => {
  gateway = await startFakeGateway()
  gateway.misbehaviour = ({ method, url }, response) => {
    const [path = ''] = url.split('?')
    if (path === '/admin/operators/99') sendProblem(response, 404, 'OPERATOR_NOT_FOUND', 'there is no operator 99')
    else if (method === 'DELETE' && path === '/admin/operators/8')
      sendProblem(response, 409, 'OPERATOR_CONFLICT', 'operator 8 has finished already')
    else if (path === '/admin/operators') sendJson(response, 200, { operators: [OPERATOR] })
    else if (path === '/admin/schedulers') sendJson(response, 200, { schedulers: [SCHEDULER] })
    else if (path === '/admin/schedulers/none/pause')
      sendProblem(response, 404, 'SCHEDULER_NOT_FOUND', 'there is no such scheduler')
    else if (path.startsWith('/admin/schedulers/')) sendJson(response, 200, SCHEDULER)
    else if (path === '/admin/rebalance')
      sendJson(response, url.includes('dry_run') ? 200 : 202, { operators: [OPERATOR] })
    else if (path === '/admin/explain') sendJson(response, 200, { subject: { shard: 2 }, decisions: [DECISION] })
    else if (path.startsWith('/admin/operators/') || method === 'POST') sendJson(response, 200, OPERATOR)
    else if (method === 'PATCH') sendJson(response, 200, STORES[0])
    else return false
    return true
  }
})
after(() => gateway.close())
beforeEach(() => {
  gateway.asked.length = 0
})

function flotilla(words: string, options?: RunOptions): Promise<Ran> {
  return run(['-e', gateway.endpoint, ...words.split(' ')], options)
}

const ON_TERMINAL = { isTerminal: true }

/** Words, and the one request that they make: method, path and body. */
const REQUESTS: readonly (readonly [words: string, method: string, url: string, body: unknown])[] = [
  ['store drain s4', 'POST', '/admin/stores/s4/drain', {}],
  ['store drain s4 --dry-run', 'POST', '/admin/stores/s4/drain?dry_run=true', {}],
  ['store drain s4 --wait', 'POST', '/admin/stores/s4/drain?wait=30000ms', {}],
  ['store decommission s4 -y', 'POST', '/admin/stores/s4/decommission', {}],
  ['-y store decommission s4', 'POST', '/admin/stores/s4/decommission', {}],
  ['store decommission s4 --dry-run', 'POST', '/admin/stores/s4/decommission?dry_run=true', {}],
  ['store recommission s4 --wait=5s', 'POST', '/admin/stores/s4/recommission?wait=5000ms', {}],
  ['store label s1 zone=z2 host=', 'PATCH', '/admin/stores/s1', { labels: { zone: 'z2', host: null } }],
  ['operator show 7', 'GET', '/admin/operators/7', undefined],
  ['operator cancel 7', 'DELETE', '/admin/operators/7', undefined],
  ['operator wait 7', 'GET', '/admin/operators/7', undefined],
  ['scheduler pause merge 60', 'POST', '/admin/schedulers/merge/pause', { seconds: 60 }],
  ['scheduler resume merge', 'POST', '/admin/schedulers/merge/resume', undefined],
  ['rebalance plan', 'POST', '/admin/rebalance?dry_run=true', undefined],
  ['rebalance run', 'POST', '/admin/rebalance', undefined],
  ['explain 2', 'GET', '/admin/explain?shard=2', undefined],
  ['explain s1', 'GET', '/admin/explain?store=s1', undefined],
  ['shard compact 2', 'POST', '/admin/shards/2/compact', {}],
  ['shard compact 2 --dry-run', 'POST', '/admin/shards/2/compact?dry_run=true', {}],
  ['shard snapshot', 'POST', '/admin/snapshot', {}],
  ['shard snapshot 2 --wait', 'POST', '/admin/snapshot?wait=30000ms', { shard: 2 }],
]

for (const [words, method, url, body] of REQUESTS) {
  test(`flotilla ${words} asks for exactly that`, async () => {
    const { exitCode, stdout, stderr } = await flotilla(words)
    assert.deepEqual([exitCode, stderr], [0, ''])
    assert.ok(JSON.parse(stdout))
    assert.deepEqual(
      gateway.asked.map((asked) => [asked.method, asked.url]),
      [[method, url]],
    )
    const sent = gateway.asked[0]?.body.toString() ?? ''
    if (body !== undefined) assert.deepEqual(JSON.parse(sent), body)
  })
}

test('lists and tables', async () => {
  assert.deepEqual(JSON.parse((await flotilla('operator ls')).stdout), { operators: [OPERATOR] })
  assert.match((await flotilla('operator ls', ON_TERMINAL)).stdout, /^ +7 +drain +s4 +finished +1 of 1 +by-hand/m)
  assert.match((await flotilla('operator show 7', ON_TERMINAL)).stdout, /give away the leaders of store s4 +done/)
  assert.deepEqual(JSON.parse((await flotilla('scheduler ls')).stdout), { schedulers: [SCHEDULER] })
  assert.match((await flotilla('scheduler ls -o csv')).stdout, /^merge,true,2026-01-01T00:01:00\.000Z,/m)
  assert.match((await flotilla('explain 2', ON_TERMINAL)).stdout, /it is small/)
})

test('what takes everything away for good is asked for once more, and cannot be asked for in a pipe', async () => {
  const piped = await flotilla('store decommission s4')
  assert.deepEqual([piped.exitCode, piped.stdout, gateway.asked.length], [2, '', 0])
  assert.match(piped.stderr, /needs -y/)
})

test('exit codes say what went wrong, and nothing is on standard output', async () => {
  const cases: readonly (readonly [words: string, exitCode: number, stderr: RegExp])[] = [
    ['operator show 99', 3, /OPERATOR_NOT_FOUND/],
    ['operator cancel 8', 1, /OPERATOR_CONFLICT/],
    ['scheduler pause none 5', 3, /SCHEDULER_NOT_FOUND/],
    ['scheduler pause merge 0', 2, /from 1 to 86400/],
    ['scheduler pause merge', 2, /missing required argument/],
    ['store label s1 zone', 2, /not NAME=VALUE/],
    ['shard compact x', 2, /INVALID_ARGUMENT/],
    ['store drian s4', 2, /drain/],
  ]
  for (const [words, exitCode, stderr] of cases) {
    const ran = await flotilla(words)
    assert.deepEqual([ran.exitCode, ran.stdout], [exitCode, ''], words)
    assert.match(ran.stderr, stderr, words)
  }
})
