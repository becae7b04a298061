/** Every class of mistake: named with its place, its value and what was expected, all of them at once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from '../../../src/server/config/index.ts'
import { errorsOf } from './support.ts'

test('a file that cannot be read', () => {
  const missing = loadConfig({ file: '/nonexistent/flotilla.yaml', env: {} })
  assert.deepEqual(missing, {
    ok: false,
    errors: ['/nonexistent/flotilla.yaml: cannot be read: there is no such file'],
  })
  const directory = loadConfig({ file: '/', env: {} })
  assert.deepEqual(directory, { ok: false, errors: ['/: cannot be read: it is a directory'] })
})

test('unknown keys: line, column, and the key that was meant', () => {
  const errors = errorsOf({ text: 'store:\n  id: s1\nraft:\n  tickMz: 50\nplacemnt: {}\n' })
  assert.deepEqual(errors, [
    'flotilla.yaml:4:3: unknown key "tickMz" in raft on line 4; did you mean "tickMs"?',
    'flotilla.yaml:5:1: unknown key "placemnt" at the top on line 5; did you mean "placement"?',
  ])
})

test('a key in the wrong section is pointed to the right one', () => {
  const [error] = errorsOf({ text: 'tickMs: 50\n' })
  assert.equal(error, 'flotilla.yaml:1:1: unknown key "tickMs" at the top on line 1; did you mean "raft.tickMs"?')
})

test('a key like no other is answered with those that there are', () => {
  const [error = ''] = errorsOf({ text: 'placement: { merge: { zzzzzz: 1 } }' })
  assert.match(
    error,
    /^flotilla\.yaml:1:\d+: unknown key "zzzzzz" in placement\.merge on line 1; the keys there are bytes, afterSplit$/,
  )
})

test('unknown keys in the environment and in flags', () => {
  const errors = errorsOf({
    env: { FLOTILLA_RAFT__TICKMS: '5', FLOTILLA_NOTHING__LIKE__THIS: '1', FLOTILLA_STORE__LABEL__HOST: 'a' },
    flags: { 'raft.tickmz': '5' },
  })
  assert.match(errors[0] ?? '', /^FLOTILLA_NOTHING__LIKE__THIS: unknown setting nothing\.like\.this/)
  assert.equal(errors[1], 'FLOTILLA_RAFT__TICKMS: unknown setting raft.tickms; did you mean FLOTILLA_RAFT__TICK_MS?')
  assert.match(errors[2] ?? '', /^FLOTILLA_STORE__LABEL__HOST: unknown setting/)
  assert.equal(errors[3], '--set raft.tickmz: unknown setting raft.tickmz; did you mean raft.tickMs?')
})

test('wrong types and ranges: key, line, value and what is expected', () => {
  const text = `
raft:
  tickMs: fast
  electionTicks: "10"
  heartbeatTicks: -2
  preVote: yes please
  maxInflight: 1.5
  maxMessageBytes: 256Kb!
  compactEntries:
storage:
  engine: leveldb
  segmentBytes: 1KiB
placement:
  downAfter: 5
gateway:
  listen: 8080
observability:
  log: { level: loud }
  rpcLog: { enabled: 1 }
  tracing: { otlp: not a url }
`
  assert.deepEqual(errorsOf({ text }), [
    'flotilla.yaml:3:11: raft.tickMs on line 3 is "fast"; expected a whole number from 1 to 10000',
    'flotilla.yaml:4:18: raft.electionTicks on line 4 is "10"; expected a whole number from 2 to 1000',
    'flotilla.yaml:5:19: raft.heartbeatTicks on line 5 is -2; expected a whole number from 1 to 999',
    'flotilla.yaml:6:12: raft.preVote on line 6 is "yes please"; expected true or false',
    'flotilla.yaml:7:16: raft.maxInflight on line 7 is 1.5; expected a whole number from 1 to 65536',
    'flotilla.yaml:8:20: raft.maxMessageBytes on line 8 is "256Kb!"; expected a size from 1KiB to 16MiB, such as 64MiB, or a number of bytes',
    'flotilla.yaml:9:18: raft.compactEntries on line 9 is empty; expected a whole number from 1 to 100000000',
    'flotilla.yaml:11:11: storage.engine on line 11 is "leveldb"; expected one of classic-level, rocksdb, memory',
    'flotilla.yaml:12:17: storage.segmentBytes on line 12 is "1KiB"; expected a size from 4KiB to 1GiB, such as 64MiB, or a number of bytes',
    'flotilla.yaml:14:14: placement.downAfter on line 14 is 5; expected a duration with its unit from 1s to 30d, such as 50ms, 30s or 5m',
    'flotilla.yaml:16:11: gateway.listen on line 16 is 8080; expected host:port, such as 127.0.0.1:8080 or [::1]:8080',
    'flotilla.yaml:18:17: observability.log.level on line 18 is "loud"; expected one of debug, info, warn, error',
    'flotilla.yaml:19:22: observability.rpcLog.enabled on line 19 is 1; expected true or false',
    'flotilla.yaml:20:20: observability.tracing.otlp on line 20 is "not a url"; expected null, or the http address of a collector',
  ])
})

test('a part of a list or a map is named with its own place', () => {
  const text = `
cluster:
  bootstrap:
    stores:
      - s1
      - "s 2"
store:
  labels: { host: a, zone: 7 }
transport:
  servers:
    - nats://h:1
    - nats://h:99999
  tls: { cafile: x, handshakeFirst: 5 }
`
  const errors = errorsOf({ text })
  assert.deepEqual(
    errors.map((error) => error.replace(/; expected .*/, '')),
    [
      'flotilla.yaml:6:9: cluster.bootstrap.stores.1 on line 6 is "s 2"',
      'flotilla.yaml:8:28: store.labels.zone on line 8 is 7',
      'flotilla.yaml:12:7: transport.servers.1 on line 12 is "nats://h:99999"',
      'flotilla.yaml:13:37: transport.tls.handshakeFirst on line 13 is not valid',
      'flotilla.yaml:13:10: unknown key "cafile" in transport.tls on line 13; did you mean "caFile"?',
    ],
  )
})

test('a value where a section belongs, and a file that is no map', () => {
  assert.match(
    errorsOf({ text: 'raft: 5' })[0] ?? '',
    /^flotilla\.yaml:1:7: raft on line 1 is not a section; expected a map with some of tickMs,/,
  )
  assert.match(
    errorsOf({ text: '- a\n- b' })[0] ?? '',
    /^flotilla\.yaml:1:1: the file is not a section; .*cluster, store/,
  )
})

test('text that is not YAML', () => {
  const [error = ''] = errorsOf({ text: 'raft:\n  tickMs: [5\nstore: {}\n' })
  assert.match(error, /^flotilla\.yaml:3:1: line 3 is not valid YAML: /)
  assert.match(
    errorsOf({ text: 'raft: {}\nraft: {}\n' })[0] ?? '',
    /^flotilla\.yaml:2:1: line 2 is not valid YAML: .*unique/,
  )
  assert.match(errorsOf({ text: 'a: 1\n---\nb: 2\n' })[0] ?? '', /multiple documents/)
  const [quoting = ''] = errorsOf({ text: 'transport: { token: a } hush' })
  assert.doesNotMatch(quoting, /hush/)
})

test('aliases that multiply without bound are refused', () => {
  const level = (name: string, of: string): string => `${name}: &${name} [${Array(10).fill(`*${of}`).join(', ')}]`
  const bomb = `store:\n  labels:\n    a: &a [x, x]\n    ${level('b', 'a')}\n    ${level('c', 'b')}\n    ${level('d', 'c')}\n`
  assert.match(errorsOf({ text: bomb }).join('\n'), /store\.labels on line \d+ has too many aliases/)
})

test('wrong values in the environment and in flags are named with where they were said', () => {
  const errors = errorsOf({ env: { FLOTILLA_RAFT__TICK_MS: 'x' }, flags: { 'raft.preVote': 'maybe' } })
  assert.deepEqual(errors, [
    'FLOTILLA_RAFT__TICK_MS: raft.tickMs is "x"; expected a whole number from 1 to 10000',
    '--set raft.preVote: raft.preVote is "maybe"; expected true or false',
  ])
})

test('a wrong value is wrong even where another source overrides it', () => {
  const errors = errorsOf({ text: 'raft: { tickMs: x }', flags: { 'raft.tickMs': '50' } })
  assert.equal(errors.length, 1)
})

test('settings that contradict each other', () => {
  const cases: [string, RegExp][] = [
    [
      'raft: { electionTicks: 4, heartbeatTicks: 4 }',
      /^flotilla\.yaml:1:43: raft\.heartbeatTicks on line 1 is 4; expected less than raft\.electionTicks, which is 4$/,
    ],
    [
      'cluster: { bootstrap: { stores: [a, b], replicas: 3 } }',
      /replicas on line 1 is 3, but .* names 2; expected at most one replica/,
    ],
    ['cluster: { bootstrap: { stores: [a, b, a] } }', /stores on line 1 names a twice/],
    [
      'transport: { user: u, token: t }',
      /transport\.token on line 1 is given beside transport\.user; expected one kind/,
    ],
    ['transport: { password: p }', /transport\.password on line 1 is given without transport\.user/],
    ['transport: { embedded: true, tls: {} }', /transport\.tls on line 1 is given, but the embedded broker has no TLS/],
    ['transport: { embedded: true, creds: f }', /transport\.creds on line 1 is given, but the embedded broker/],
    ['placement: { merge: { bytes: 90MiB } }', /placement\.merge\.bytes on line 1 is 90MiB; expected at most half/],
  ]
  for (const [text, expected] of cases) {
    const errors = errorsOf({ text })
    assert.equal(errors.length, 1, text)
    assert.match(errors[0] ?? '', expected)
  }
})
