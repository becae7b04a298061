/**
 * What to ask each route of a live cluster of four stores: something that it does, or with `dry_run` would do, and something that it refuses. Data for
 * `openapi-live.test.ts`; sends nothing but what it needs to know of the cluster.
 */
import assert from 'node:assert/strict'
import type { ProcessCluster } from '../support/process-cluster.ts'

export interface Attempt {
  readonly path: string
  readonly status: number
  /** Of the problem, where it is refused. */
  readonly code?: string
  /** Another method than that of the route. */
  readonly method?: string
  /** Text, or a document. */
  readonly body?: string | object
  readonly headers?: Readonly<Record<string, string>>
}

export interface Pair {
  readonly good: Attempt
  readonly bad: Attempt
}

const INVALID = { status: 400, code: 'INVALID_ARGUMENT' }
const NO_STORE = { status: 404, code: 'STORE_NOT_FOUND' }
const NO_SHARD = { status: 404, code: 'SHARD_NOT_FOUND' }

/** Where every request of its method is a good one: another method. */
function always(path: string, status = 200): Pair {
  return { good: { path, status }, bad: { path, method: 'PROPFIND', status: 405, code: 'METHOD_NOT_ALLOWED' } }
}

function pair(path: string, good: Partial<Attempt>, badPath: string, bad: Omit<Attempt, 'path'>): Pair {
  return { good: { path, status: 200, ...good }, bad: { path: badPath, ...bad } }
}

export async function attemptsOf(cluster: ProcessCluster): Promise<Readonly<Record<string, Pair>>> {
  for (const key of ['a', 'b', 'm']) {
    await cluster.http('s1', { method: 'PUT', path: `/kv/${key}`, body: `value of ${key}` })
  }
  const { shards } = (await cluster.json('s1', '/admin/shards')) as {
    shards: { id: number; kind: string; leader: string; start?: string; replicas: { store: string }[] }[]
  }
  const shard = shards.find(({ kind }) => kind === 'data')
  assert.ok(shard !== undefined)
  const follower = shard.replicas.find(({ store }) => store !== shard.leader)?.store
  const without = cluster.ids.find((id) => !shard.replicas.some(({ store }) => store === id))
  assert.ok(follower !== undefined && without !== undefined)
  // One that has ended, to be shown.
  const taken = await cluster.http('s1', { method: 'POST', path: '/admin/snapshot?wait=20s', body: '{}' })
  const operator = JSON.parse(taken.body.toString('utf8')) as { id: string }
  const hand = (what: string, good: object, bad: object): Pair =>
    pair(
      `/admin/shards/${shard.id}/${what}?dry_run=true`,
      { body: good },
      `/admin/shards/${shard.id}/${what}?dry_run=true`,
      { body: bad, ...INVALID },
    )
  return {
    ...dataAttempts('', 'a', '%zz'),
    ...dataAttempts('64', 'YQ', '!'),
    listKeys: pair('/kv?limit=2', {}, '/kv?limit=0', INVALID),
    deleteKeys: pair('/kv?prefix=none', {}, '/kv', INVALID),
    runBatch: pair(
      '/batch',
      {
        body: {
          ops: [
            { op: 'put', key: 'c', value: 'v' },
            { op: 'get', key: 'c' },
            { op: 'get', key: 'none' },
            { op: 'delete', key: 'c' },
            { op: 'put', key: 'a', value: 'v', ifAbsent: true },
          ],
        },
      },
      '/batch',
      { body: { ops: [{ op: 'grow', key: 'c' }] }, ...INVALID },
    ),
    showStatus: always('/admin/status'),
    listAdminStores: always('/admin/stores'),
    listAdminNodes: always('/admin/nodes'),
    listNodes: always('/nodes'),
    showAdminStores: pair('/admin/stores/s1', {}, '/admin/stores/s9', NO_STORE),
    showAdminNodes: pair('/admin/nodes/s1', {}, '/admin/nodes/s9', NO_STORE),
    showNodes: pair('/nodes/s1', {}, '/nodes/s9', NO_STORE),
    ...storeAttempts('stores', 'Store', 's8', 's1'),
    ...storeAttempts('nodes', 'Node', 's7', 's2'),
    listShards: pair('/admin/shards?limit=2', {}, '/admin/shards?limit=0', INVALID),
    lookupShard: pair('/admin/shards/lookup?key=a', {}, '/admin/shards/lookup', INVALID),
    showShard: pair(`/admin/shards/${shard.id}`, {}, '/admin/shards/999', NO_SHARD),
    transferLeader: hand('transfer-leader', { store: follower }, { store: 7 }),
    moveReplica: hand('move', { from: follower, to: without }, { from: follower }),
    addReplica: hand('add-replica', { store: without, role: 'learner' }, { store: without, role: 'king' }),
    removeReplica: pair(
      `/admin/shards/${shard.id}/remove-replica?dry_run=true`,
      { body: { store: follower }, ...INVALID },
      '/admin/shards/999/remove-replica?dry_run=true',
      { body: { store: follower }, ...NO_SHARD },
    ),
    splitShard: hand('split', { key: '!' }, { policy: 'taste' }),
    mergeShards: hand('merge', {}, { with: 'the next' }),
    compactShard: pair(`/admin/shards/${shard.id}/compact?wait=20s`, {}, '/admin/shards/999/compact', NO_SHARD),
    takeSnapshots: pair('/admin/snapshot', { body: {}, status: 202 }, '/admin/snapshot', {
      body: { shard: 'x' },
      ...INVALID,
    }),
    listOperators: always('/admin/operators'),
    showOperator: pair(`/admin/operators/${operator.id}`, {}, '/admin/operators/none', {
      status: 404,
      code: 'OPERATOR_NOT_FOUND',
    }),
    cancelOperator: pair(
      `/admin/operators/${operator.id}`,
      { status: 409, code: 'OPERATOR_CONFLICT' },
      '/admin/operators/none',
      { status: 404, code: 'OPERATOR_NOT_FOUND' },
    ),
    listSchedulers: always('/admin/schedulers'),
    pauseScheduler: pair('/admin/schedulers/merge/pause', { body: { seconds: 60 } }, '/admin/schedulers/merge/pause', {
      body: { seconds: 0 },
      ...INVALID,
    }),
    resumeScheduler: pair('/admin/schedulers/merge/resume', {}, '/admin/schedulers/none/resume', {
      status: 404,
      code: 'SCHEDULER_NOT_FOUND',
    }),
    rebalance: pair('/admin/rebalance?dry_run=true', {}, '/admin/rebalance?dry_run=maybe', INVALID),
    explain: pair(`/admin/explain?shard=${shard.id}`, {}, '/admin/explain?shard=999', NO_SHARD),
    showHot: always('/admin/hot'),
    showHeatMap: always('/admin/heatmap'),
    showConfig: always('/admin/config'),
    patchConfig: pair('/admin/config', { body: { placement: { downAfter: '6m' } } }, '/admin/config', {
      body: { placement: { downAfter: 'long' } },
      ...INVALID,
    }),
    showConfigHistory: always('/admin/config/history'),
    showLive: always('/livez'),
    showReady: always('/readyz'),
    showHealth: always('/health'),
    showVersion: always('/version'),
    showMetrics: always('/metrics'),
    showStats: always('/stats'),
    profileCpu: pair('/debug/profile/cpu?seconds=1', {}, '/debug/profile/cpu?seconds=0', INVALID),
    profileHeap: pair('/debug/profile/heap?seconds=1', {}, '/debug/profile/heap?seconds=61', INVALID),
    makeSupportBundle: always('/debug/bundle'),
    debugRaft: pair(`/debug/raft/${shard.id}?store=${shard.leader}`, {}, '/debug/raft/999', NO_SHARD),
    listEvents: pair('/events?limit=5', {}, '/events?limit=0', INVALID),
    listCalls: pair('/rpc-log?limit=5', {}, '/rpc-log?format=xml', INVALID),
    showCallStats: pair('/rpc-log/stats', {}, '/rpc-log/stats?since=yesterday', INVALID),
    showConsole: always('/console'),
    findConsole: always('/console/', 308),
    showConsoleFile: pair('/console/main.js', {}, '/console/none.js', { status: 404, code: 'ROUTE_NOT_FOUND' }),
    showConsoleModule: pair('/console/app/frame.js', {}, '/console/app/none.js', {
      status: 404,
      code: 'ROUTE_NOT_FOUND',
    }),
    describeRoutes: always('/openapi.json'),
    showDocs: always('/docs'),
  }
}

/** Of `/kv` and `/kv64`, which spell the key in different ways. */
function dataAttempts(suffix: '' | '64', key: string, malformed: string): Record<string, Pair> {
  const path = `/kv${suffix}/${key}`
  const bad = (more: Partial<Attempt> = {}): Attempt => ({ path: `/kv${suffix}/${malformed}`, ...INVALID, ...more })
  return {
    [`putKey${suffix}`]: {
      good: { path, body: 'v', status: 204 },
      bad: { path, body: 'v', headers: { 'If-None-Match': '*' }, status: 412, code: 'PRECONDITION_FAILED' },
    },
    [`postKey${suffix}`]: { good: { path, body: { value: 'v' }, status: 200 }, bad: bad({ body: { value: 'v' } }) },
    [`getKey${suffix}`]: {
      good: { path, headers: { Accept: 'application/json' }, status: 200 },
      bad: { path: `${path}${key}`, status: 404, code: 'KEY_NOT_FOUND' },
    },
    [`headKey${suffix}`]: { good: { path, status: 200 }, bad: bad() },
    [`deleteKey${suffix}`]: { good: { path, status: 204 }, bad: bad() },
  }
}

/** What changes a store, under both of its names. `stranger` is registered and forgotten again; `member` is drained and taken back. */
function storeAttempts(route: string, name: string, stranger: string, member: string): Record<string, Pair> {
  const at = (id: string, rest = ''): string => `/admin/${route}/${id}${rest}`
  const change = (what: string): Pair =>
    pair(at(member, `/${what}?dry_run=true`), {}, at('s9', `/${what}?dry_run=true`), NO_STORE)
  return {
    [`register${name}`]: pair(
      `/admin/${route}`,
      { body: { id: stranger, address: '127.0.0.1:1' }, status: 201 },
      `/admin/${route}`,
      { body: { id: 's1', address: '127.0.0.1:1' }, status: 409, code: 'OPERATOR_CONFLICT' },
    ),
    [`patch${name}`]: pair(at(member), { body: { labels: { rack: 'r1' } } }, at(member), {
      body: { labels: { rack: 1 } },
      ...INVALID,
    }),
    [`forget${name}`]: pair(at(stranger), {}, at('s1'), { status: 409, code: 'OPERATOR_CONFLICT' }),
    [`drain${name}`]: pair(at(member, '/drain?wait=20s'), {}, at('s9', '/drain'), NO_STORE),
    [`decommission${name}`]: change('decommission'),
    [`recommission${name}`]: pair(at(member, '/recommission?wait=20s'), {}, at('s9', '/recommission'), NO_STORE),
    // Another word for the same; there is nothing left to take back.
    [`undrain${name}`]: pair(
      at(member, '/undrain'),
      { status: 409, code: 'OPERATOR_CONFLICT' },
      at('s9', '/undrain'),
      NO_STORE,
    ),
  }
}
