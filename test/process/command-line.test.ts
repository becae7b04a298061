/** Commands that speak to each store of a cluster, against a real one. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ANY_BROKER } from '../../tools/cluster/broker-process.ts'
import { ProcessCluster } from '../support/process-cluster.ts'
import { type Ran, type RunOptions, run } from '../tools/run.ts'

let cluster: ProcessCluster

before(async () => {
  cluster = await ProcessCluster.create({ broker: ANY_BROKER })
  await cluster.startAll()
  await cluster.leaders()
})
after(async () => {
  await cluster.cleanUp()
})

/** Words for one store; the others are found through it. */
function flotilla(words: string, options?: RunOptions): Promise<Ran> {
  return run(['-e', `http://${cluster.address('s1')}`, ...words.split(' ')], options)
}

test('ping finds every store through one, and says which do not answer', async () => {
  const all = await flotilla('ping -c 4 --interval 1ms')
  assert.equal(all.exitCode, 0, all.stderr)
  const { stores } = JSON.parse(all.stdout) as { stores: Record<string, unknown>[] }
  assert.deepEqual(
    stores.map(({ store, sent, answered, ready }) => [store, sent, answered, ready]),
    ['s1', 's2', 's3'].map((store) => [store, 4, 4, true]),
  )
  for (const { minMs, avgMs, maxMs } of stores)
    assert.ok(Number(minMs) <= Number(avgMs) && Number(avgMs) <= Number(maxMs))
  await cluster.stop('s3')
  try {
    const some = await flotilla('ping -c 2 --interval 1ms -o csv')
    assert.equal(some.exitCode, 5)
    assert.match(some.stdout, new RegExp(`^,http://${cluster.address('s3')},2,0,,,,false,,.*connection refused`, 'm'))
    assert.match(some.stderr, /^warning: not every store answers/)
  } finally {
    await cluster.restart('s3')
  }
})

test('ping with nobody there is exit code 5 and prints nothing', async () => {
  const { exitCode, stdout, stderr } = await run(['ping', '-e', 'http://127.0.0.1:1', '-c', '1'])
  assert.deepEqual([exitCode, stdout], [5, ''])
  assert.match(stderr, /^error: UNAVAILABLE: no gateway answers at http:\/\/127\.0\.0\.1:1 /)
})

test('latency measures reads of every shard, and writes where it may', async () => {
  const shards = await cluster.dataShards()
  const { exitCode, stdout, stderr } = await flotilla('latency -c 5 --write-key latency-test -o ndjson')
  assert.deepEqual([exitCode, stderr], [0, ''])
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.equal(rows.length, shards.length * 2 + 1)
  for (const { requests, failed, p50Ms, maxMs } of rows) {
    assert.deepEqual([requests, failed], [5, 0])
    assert.ok(Number(p50Ms) > 0 && Number(p50Ms) <= Number(maxMs))
  }
  assert.match((await flotilla('get latency-test')).stdout, /^written by flotilla latency$/)
  const table = (await flotilla('latency -c 1', { isTerminal: true })).stdout
  assert.match(table, /^ *SHARD +LEADER +OPERATION +REQUESTS +FAILED +MIN MS +AVG MS +P50 MS/)
})

test('debug log shows every replica, and which store does not say', async () => {
  const { stdout, exitCode } = await flotilla('debug log')
  assert.equal(exitCode, 0)
  const { logs } = JSON.parse(stdout) as { logs: Record<string, unknown>[] }
  assert.equal(logs.length, (await cluster.shards()).length * 3)
  for (const { role, commitIndex, lastIndex, lag, error } of logs) {
    assert.match(String(role), /^(leader|follower)$/)
    assert.ok(Number(commitIndex) <= Number(lastIndex) && Number(lag) >= 0)
    assert.equal(error, null)
  }
  const one = await flotilla('debug log 2 --store s2 -o ndjson')
  assert.match(one.stdout, /^\{"shard":2,"store":"s2",.*\}\n$/)
  assert.equal((await flotilla('debug log 999')).exitCode, 3)
  assert.equal((await flotilla('debug log --store s9')).exitCode, 3)
})

test('both shells, with every phrase', async () => {
  const store = await flotilla('shell', {
    stdin: 'set shell/k v\nget shell/k\nall shell/\nstatus\nlog 2\ndelete shell/k\n',
  })
  assert.deepEqual([store.exitCode, store.stderr], [0, ''])
  assert.match(store.stdout, /\nv\{/)
  const phrases = [
    'cluster status',
    'nodes list',
    'node status s2',
    'events list',
    'events filter leader_changed',
    'events stats',
    'events export',
    'health check',
    'replication status',
    'latency stats -c 1',
    'log',
  ]
  for (const phrase of phrases) {
    const ran = await flotilla('manager', { stdin: phrase })
    assert.deepEqual([ran.exitCode, ran.stderr], [0, ''], phrase)
    assert.ok(ran.stdout.length > 10, `${phrase} prints ${ran.stdout}`)
  }
  const counts = await flotilla('events --stats -o ndjson')
  assert.match(counts.stdout, /^\{"type":"[a-z_]+","count":\d+,"last":"2/)
})

test('check: a sound cluster passes while it is written to, and leaves no keys behind', async () => {
  const load = cluster.load('check', { keys: ['check/1', 'check/2', 'check/3'], clients: 3 })
  await load.succeed(20)
  for (const words of ['ranges', 'consistency', 'linearizable --duration 1s', 'perf --duration 1s']) {
    const ran = await flotilla(`check ${words}`)
    const { ok, findings } = JSON.parse(ran.stdout) as { ok: boolean; findings: { what: string; ok: boolean }[] }
    // How fast a busy machine is proves nothing; that it was measured does.
    if (words.startsWith('perf')) {
      assert.deepEqual(
        findings.map(({ what }) => what),
        ['throughput', 'latency', 'errors'],
      )
      assert.equal(ran.exitCode, ok ? 0 : 1)
    } else assert.deepEqual([ran.exitCode, ok], [0, true], ran.stdout)
  }
  await load.verify(cluster.readers())
  assert.deepEqual(JSON.parse((await flotilla('scan flotilla-check/')).stdout), { items: [], next: null })
})

test('check ranges fails where a store does not answer, with exit code 1', async () => {
  await cluster.stop('s3')
  try {
    const { exitCode, stdout } = await flotilla('check ranges', { isTerminal: true })
    assert.equal(exitCode, 1)
    assert.match(stdout, /^FAILED +agreement +s3: no gateway answers/m)
    assert.match(stdout, /\n\nfailed\n$/)
  } finally {
    await cluster.restart('s3')
  }
})

test('top looks at a real cluster', async () => {
  const { exitCode, stdout } = await flotilla('top -n 2 --interval 1ms --sort keys')
  assert.equal(exitCode, 0)
  const looks = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { stores: { id: string }[]; shards: unknown[] })
  assert.equal(looks.length, 2)
  for (const { stores, shards } of looks) {
    assert.deepEqual(stores.map(({ id }) => id).sort(), ['s1', 's2', 's3'])
    assert.ok(shards.length > 1)
  }
})
