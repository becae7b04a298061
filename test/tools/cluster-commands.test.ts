/** status, store, shard, config and version: what they ask for and how they show it. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { type FakeGateway, SHARDS, STATUS, STORES, startFakeGateway } from './fake-gateway.ts'
import { type Ran, type RunOptions, run } from './run.ts'

let gateway: FakeGateway

before(async () => {
  gateway = await startFakeGateway()
})
after(() => gateway.close())
beforeEach(() => {
  gateway.asked.length = 0
  gateway.operatorState = 'finished'
})

function flotilla(words: string, options?: RunOptions): Promise<Ran> {
  return run(['-e', gateway.endpoint, ...words.split(' ')], options)
}

const ON_TERMINAL = { isTerminal: true }

test('in a pipe the documents are those of the gateway', async () => {
  assert.deepEqual(JSON.parse((await flotilla('status')).stdout), STATUS)
  assert.deepEqual(JSON.parse((await flotilla('store ls')).stdout), { stores: STORES })
  assert.deepEqual(JSON.parse((await flotilla('store show s1')).stdout), STORES[0])
  assert.deepEqual(JSON.parse((await flotilla('shard ls')).stdout), { shards: SHARDS })
  assert.deepEqual(JSON.parse((await flotilla('shard show 2')).stdout), SHARDS[1])
  assert.deepEqual(JSON.parse((await flotilla('shard lookup k')).stdout), { key: 'k', shard: SHARDS[1] })
})

test('lines and raw answers', async () => {
  assert.equal((await flotilla('status -o ndjson')).stdout, `${JSON.stringify(STATUS)}\n`)
  assert.equal((await flotilla('status -o raw')).stdout, JSON.stringify(STATUS))
  const lines = (await flotilla('shard ls -o ndjson')).stdout.trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line) as unknown),
    SHARDS,
  )
})

test('CSV quotes what must be quoted and keeps exact numbers', async () => {
  const [header, row] = (await flotilla('store ls -o csv')).stdout.split('\n')
  assert.equal(
    header,
    'id,address,state,replicas,leaders,bytes,readsPerSecond,writesPerSecond,version,uptimeSeconds,labels',
  )
  assert.equal(row, 's1,127.0.0.1:8080,up,3,2,3145728,10,2.4,0.1.0,7300,"host=a,zone=z,""1"""')
})

test('tables on a terminal', async () => {
  const status = (await flotilla('status', ON_TERMINAL)).stdout
  assert.match(status, /^healthy: every store answers/)
  assert.match(status, /^stores +1 of 1 up$/m)
  assert.match(status, /^leaderless +3$/m)
  assert.match(
    (await flotilla('store ls', ON_TERMINAL)).stdout,
    /^s1 +127\.0\.0\.1:8080 +up +3 +2 +3\.0 MiB +10 +2 +0\.1\.0 +2h +host=a,zone=/m,
  )
  const shards = (await flotilla('shard ls', ON_TERMINAL)).stdout
  assert.match(shards, /^ID +KIND +START +END +EPOCH +LEADER/)
  assert.match(shards, /^ 3 +data +m%FF +- +2\.1 +- /m)
  const shard = (await flotilla('shard show 2', ON_TERMINAL)).stdout
  assert.match(shard, /^start +the lowest key$/m)
  assert.match(shard, /^s2 +voter +- +-$/m)
  assert.ok(!(status + shards + shard).includes('\u001b'))
})

test('keys are looked up as bytes', async () => {
  await run(['-e', gateway.endpoint, 'shard', 'lookup', 'a/b +ü'])
  assert.equal(gateway.asked[0]?.url, '/admin/shards/lookup?key=a%2Fb%20%2B%C3%BC')
})

test('what is not there is exit code 3', async () => {
  const store = await flotilla('store show s9')
  assert.deepEqual([store.exitCode, store.stdout], [3, ''])
  assert.match(store.stderr, /^error: STORE_NOT_FOUND: .*\n {2}try: flotilla store ls\n$/)
  assert.equal((await flotilla('shard show 99')).exitCode, 3)
})

test('a transfer is started, tried, or waited for', async () => {
  const started = await flotilla('shard transfer-leader 2 s2')
  assert.deepEqual([started.exitCode, JSON.parse(started.stdout).state], [0, 'running'])
  assert.equal(gateway.asked[0]?.body.toString(), '{"store":"s2"}')
  const tried = await flotilla('shard transfer-leader 2 s2 --dry-run', ON_TERMINAL)
  assert.match(tried.stdout, /^state +not started$/m)
  const waited = await flotilla('shard transfer-leader --wait 2 s2')
  assert.deepEqual([waited.exitCode, JSON.parse(waited.stdout).state], [0, 'finished'])
  await flotilla('shard transfer-leader 2 s2 --wait=5s')
  assert.deepEqual(
    gateway.asked.map(({ url }) => url.replace(/^.*leader/, '')),
    ['', '?dry_run=true', '?wait=30000ms', '?wait=5000ms'],
  )
})

test('a transfer that failed is exit code 1, one that still runs is 6', async () => {
  gateway.operatorState = 'failed'
  const failed = await flotilla('shard transfer-leader 2 s2 --wait')
  assert.deepEqual([failed.exitCode, failed.stdout], [1, ''])
  assert.match(
    failed.stderr,
    /^error: ABORTED: operator o-1 has failed: the store is not up to date\n {2}try: flotilla shard show 2\n {2}.*flotilla operator show o-1\n$/,
  )
  gateway.operatorState = 'running'
  assert.equal((await flotilla('shard transfer-leader 2 s2 --wait=1s')).exitCode, 6)
})

test('version asks nobody', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  assert.deepEqual(JSON.parse((await flotilla('version')).stdout), { name: 'flotilla', version, node: process.version })
  assert.equal((await flotilla('version -o raw')).stdout, `${version}\n`)
  assert.equal((await flotilla('--version')).stdout, `${version}\n`)
  assert.match((await flotilla('version', ON_TERMINAL)).stdout, /^flotilla \d/)
  assert.equal(gateway.asked.length, 0)
})

test('config validate: exit code 2 names every mistake, warnings go to standard error', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'flotilla-cli-'))
  try {
    const file = path.join(directory, 'flotilla.yaml')
    writeFileSync(file, 'raft:\n  tickMz: 5\n  electionTicks: x\n')
    const bad = await run(['config', 'validate', file])
    assert.deepEqual([bad.exitCode, bad.stdout], [2, ''])
    assert.match(bad.stderr, /flotilla\.yaml:2:3: unknown key "tickMz" in raft on line 2; did you mean "tickMs"\?/)
    assert.match(bad.stderr, /flotilla\.yaml:3:18: raft\.electionTicks on line 3 is "x"/)
    writeFileSync(
      file,
      `gateway: { listen: "10.0.0.1:1", tokens: [{ name: hush, role: read, hash: "sha256:${'0'.repeat(64)}" }] }\n`,
    )
    const good = await run(['config', 'validate', file], { env: { FLOTILLA_RAFT__TICK_MS: 'not looked at' } })
    assert.deepEqual([good.exitCode, JSON.parse(good.stdout).ok], [0, true])
    assert.match(good.stderr, /warning: .*gateway\.tokens on line 1 are sent unencrypted/)
    assert.doesNotMatch(good.stderr + good.stdout, /hush/)
    assert.equal((await run(['config', 'validate', path.join(directory, 'none.yaml')])).exitCode, 2)
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('start refuses before anything runs: no configuration, a bad one, one that promises what is not there', async () => {
  const cases: [string[], RegExp][] = [
    [['start'], /start needs a configuration/],
    [['start', '--set', 'raft'], /--set "raft" is not key=value/],
    [
      ['start', '--set', 'raft.tickMz=5'],
      /--set raft\.tickMz: unknown setting raft\.tickMz; did you mean raft\.tickMs\?/,
    ],
    [
      ['start', '--set', 'gateway.tokens=hush'],
      /gateway\.tokens is not valid; expected a list .*, never the token itself; flotilla token new/,
    ],
    [['start', '-c', '/nonexistent.yaml'], /there is no such file/],
  ]
  for (const [words, expected] of cases) {
    const { exitCode, stdout, stderr } = await run(words)
    assert.deepEqual([exitCode, stdout], [2, ''])
    assert.match(stderr, expected)
    assert.doesNotMatch(stderr, /hush/)
  }
})
