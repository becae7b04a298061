/** Where settings come from, what they are when nobody says anything, and what comes out of printing them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatConfig, formatSettings, REDACTED, redactConfig } from '../../../src/server/config/index.ts'
import { configOf, errorsOf, load, loadGood } from './support.ts'

const MiB = 1024 * 1024

test('the defaults are those that are documented', () => {
  assert.deepEqual(configOf({}), {
    cluster: { id: 'dev', bootstrap: { stores: ['s1', 's2', 's3'], replicas: 3, shards: 8 } },
    store: { id: 's1', dir: './data/s1', labels: {} },
    transport: {
      servers: ['nats://127.0.0.1:4222'],
      embedded: 'auto',
      tls: undefined,
      user: undefined,
      password: undefined,
      token: undefined,
      nkey: undefined,
      clusterKey: undefined,
      clusterKeyAccepted: undefined,
      creds: undefined,
    },
    storage: { engine: 'classic-level', segmentBytes: 64 * MiB, overlayBytes: 32 * MiB },
    raft: {
      tickMs: 50,
      electionTicks: 10,
      heartbeatTicks: 2,
      preVote: true,
      checkQuorum: true,
      maxInflight: 256,
      maxMessageBytes: 256 * 1024,
      compactEntries: 10_000,
    },
    placement: {
      split: { bytes: 96 * MiB, opsPerSecond: 2000 },
      merge: { bytes: 20 * MiB, afterSplit: 3_600_000 },
      downAfter: 300_000,
      limits: { operatorsPerStore: 4, snapshotBytesPerSecond: 64 * MiB },
    },
    gateway: {
      listen: { host: '127.0.0.1', port: 8080, text: '127.0.0.1:8080' },
      tls: null,
      tokens: [],
      allowAnonymous: false,
      cors: { origins: [] },
      limits: { valueBytes: MiB, inflight: 2000, inflightMin: 128, queueDelayMs: 100 },
    },
    observability: {
      log: { level: 'info', format: 'auto' },
      events: { level: 'debug' },
      rpcLog: { enabled: true, maxRows: 200_000 },
      tracing: { otlp: null, ratio: 1 },
    },
  })
})

test('an empty file, an empty section and a comment say nothing', () => {
  const defaults = configOf({})
  for (const text of ['', '# nothing\n', 'raft:\n', 'raft: {}\ncluster: { bootstrap: }\n', '{}', '\uFEFF{}']) {
    assert.deepEqual(configOf({ text }), defaults, JSON.stringify(text))
  }
})

test('JSON is read as well as YAML', () => {
  const config = configOf({ text: '{"raft": {"tickMs": 20}, "store": {"labels": {"host": "a"}}}' })
  assert.equal(config.raft.tickMs, 20)
  assert.deepEqual(config.store.labels, { host: 'a' })
})

test('anchors stand for what they name', () => {
  const config = configOf({ text: 'store: { id: &me s2 }\ncluster: { bootstrap: { stores: [*me] } }' })
  assert.deepEqual(config.cluster.bootstrap.stores, ['s2'])
  assert.equal(config.cluster.bootstrap.replicas, 1)
})

test('defaults that depend on other settings follow them, whatever their source', () => {
  assert.equal(configOf({ env: { FLOTILLA_STORE__ID: 'b' } }).store.dir, './data/b')
  const flags = { 'cluster.bootstrap.stores': 'only' }
  const { config, sources } = loadGood({ flags })
  assert.equal(config.cluster.bootstrap.replicas, 1)
  assert.equal(sources.get('cluster.bootstrap.replicas'), 'default')
})

test('flags beat the environment, that beats the file, that beats the default, and each setting knows its source', () => {
  const text = 'raft: { tickMs: 11, electionTicks: 21, heartbeatTicks: 3 }'
  const env = { FLOTILLA_RAFT__TICK_MS: '12', FLOTILLA_RAFT__ELECTION_TICKS: '22' }
  const { config, sources } = loadGood({ text, env, flags: { 'raft.tickMs': '13' } })
  assert.deepEqual(
    [config.raft.tickMs, config.raft.electionTicks, config.raft.heartbeatTicks, config.raft.maxInflight],
    [13, 22, 3, 256],
  )
  assert.deepEqual(
    ['tickMs', 'electionTicks', 'heartbeatTicks', 'maxInflight'].map((key) => sources.get(`raft.${key}`)),
    ['flag', 'env', 'file', 'default'],
  )
})

test('every setting has a source', () => {
  const { config, sources } = loadGood({})
  const names = (tree: object, prefix: string): string[] =>
    Object.entries(tree).flatMap(([key, value]) =>
      [
        'cluster',
        'bootstrap',
        'store',
        'transport',
        'storage',
        'raft',
        'placement',
        'split',
        'merge',
        'limits',
        'gateway',
        'observability',
        'log',
        'events',
        'rpcLog',
        'tracing',
        'cors',
      ].includes(key)
        ? names(value as object, `${prefix}${key}.`)
        : [`${prefix}${key}`],
    )
  assert.deepEqual([...sources.keys()].sort(), names(config, '').sort())
})

test('text becomes the type of its setting', () => {
  const config = configOf({
    env: {
      FLOTILLA_CLUSTER__BOOTSTRAP__STORES: 's1, s2,s3',
      FLOTILLA_CLUSTER__BOOTSTRAP__SHARDS: '16',
      FLOTILLA_TRANSPORT__EMBEDDED: 'false',
      FLOTILLA_TRANSPORT__TOKEN: '0123',
      FLOTILLA_TRANSPORT__TLS: '{ caFile: ca.pem }',
      FLOTILLA_TRANSPORT__TLS__REJECT_UNAUTHORIZED: 'false',
      FLOTILLA_STORE__LABELS: 'host=a,zone=z=1',
      FLOTILLA_STORAGE__SEGMENT_BYTES: '1MiB',
      FLOTILLA_PLACEMENT__DOWN_AFTER: '90s',
      FLOTILLA_GATEWAY__TLS: 'null',
      FLOTILLA_RAFT__PRE_VOTE: 'false',
    },
    flags: { 'transport.servers': '["nats://a:1", "nats://b:2"]', 'observability.log.level': 'warn' },
  })
  assert.deepEqual(config.cluster.bootstrap, { stores: ['s1', 's2', 's3'], replicas: 3, shards: 16 })
  assert.equal(config.transport.embedded, false)
  assert.equal(config.transport.token, '0123')
  assert.deepEqual(config.transport.tls, { caFile: 'ca.pem', rejectUnauthorized: false })
  assert.deepEqual(config.store.labels, { host: 'a', zone: 'z=1' })
  assert.equal(config.storage.segmentBytes, MiB)
  assert.equal(config.placement.downAfter, 90_000)
  assert.equal(config.raft.preVote, false)
  assert.deepEqual(config.transport.servers, ['nats://a:1', 'nats://b:2'])
  assert.equal(config.observability.log.level, 'warn')
})

test('parts of a map may be given one by one', () => {
  const env = { FLOTILLA_STORE__LABELS__HOST: 'a', FLOTILLA_STORE__LABELS__ZONE: '7' }
  assert.deepEqual(configOf({ env }).store.labels, { host: 'a', zone: '7' })
  assert.deepEqual(configOf({ text: 'store: { labels: { rack: r } }', env }).store.labels, { host: 'a', zone: '7' })
})

test('other variables of the environment are not configuration', () => {
  const env = { FLOTILLA_NATS: 'x', FLOTILLA_ENDPOINT: 'y', FLOTILLA_TOKEN: 'z', OTHER__RAFT__TICK_MS: '1', PATH: '/' }
  assert.deepEqual(configOf({ env }), configOf({}))
})

test('null in an optional credential is none, null in transport.tls refuses encryption', () => {
  const { transport } = configOf({ text: 'transport: { user: null, token: , tls: null }' })
  assert.deepEqual([transport.user, transport.token, transport.tls], [undefined, undefined, null])
})

test('what is allowed but probably not meant is said', () => {
  const advised = (text: string): string => loadGood({ text }).warnings.join('\n')
  assert.equal(advised('store: { id: s1 }'), '')
  assert.match(
    advised('cluster:\n  bootstrap: { replicas: 2 }'),
    /^flotilla\.yaml:2:\d+: .*replicas on line 2 is 2; an odd/,
  )
  assert.match(advised('store: { id: s9 }'), /store\.id on line 1 is s9, .* joins a cluster that exists/)
  assert.equal(advised('observability: { tracing: { otlp: "http://127.0.0.1:4318" } }'), '')
})

test('secrets are not shown, and everything else is', () => {
  const config = configOf({
    text: `
transport: { servers: ['nats://user:hush@h:1', 'hush@h:2', 'nats://h:3'], password: hush, user: me, tls: { key: hush, caFile: hush } }
gateway: { tokens: [{ name: hush, hash: 'sha256:${'0'.repeat(64)}', role: read }] }
observability: { tracing: { otlp: 'http://user:hush@h:4318/v1' } }`,
  })
  const shown = redactConfig(config)
  assert.doesNotMatch(JSON.stringify(shown) + formatConfig(shown), /hush/)
  assert.deepEqual(shown.transport.servers, [`nats://${REDACTED}@h:1`, `${REDACTED}@h:2`, 'nats://h:3'])
  assert.equal(shown.transport.user, 'me')
  assert.equal(shown.transport.password, REDACTED)
  assert.deepEqual(shown.gateway.tokens, [REDACTED])
  assert.deepEqual(redactConfig(configOf({})), configOf({}))
  assert.equal(config.transport.password, 'hush')
})

test('complaints do not show secrets either', () => {
  const errors = errorsOf({
    text: `
transport:
  servers: ['nats://user:hush@h st']
  password: [hush]
  tls: { key: [hush], rejectUnauthorized: hush }
gateway: { tokens: { hush: hush } }
observability: { tracing: { otlp: 'ftp://user:hush@h' } }`,
    env: { FLOTILLA_GATEWAY__TOKENS: '[hush, 5]' },
  })
  assert.equal(errors.length, 8, errors.join('\n'))
  assert.doesNotMatch(errors.join('\n'), /hush/)
})

test('property: a printed configuration is read back as itself', () => {
  const identifier = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,20}$/)
  const word = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme-ascii' })
  const settings = fc.record({
    'cluster.id': identifier,
    'cluster.bootstrap.stores': fc.uniqueArray(identifier, { minLength: 1, maxLength: 7 }),
    'cluster.bootstrap.shards': fc.integer({ min: 1, max: 1000 }),
    'store.id': identifier,
    'store.dir': word,
    'store.labels': fc.dictionary(identifier, fc.string({ maxLength: 20 }), { maxKeys: 5 }),
    'transport.embedded': fc.constantFrom('auto', false, true),
    'transport.token': fc.option(word, { nil: null }),
    'storage.segmentBytes': fc.integer({ min: 4096, max: 2 ** 30 }),
    'raft.preVote': fc.boolean(),
    'raft.tickMs': fc.integer({ min: 1, max: 10_000 }),
    'placement.downAfter': fc.integer({ min: 1000, max: 10 ** 9 }).map((ms) => `${ms}ms`),
    'gateway.listen': fc.integer({ min: 0, max: 65_535 }).map((port) => `[::1]:${port}`),
    'observability.log.level': fc.constantFrom('debug', 'info', 'warn', 'error'),
  })
  fc.assert(
    fc.property(settings, (values) => {
      const config = configOf({ text: formatSettings(values, 'Made by a test.') })
      assert.deepEqual(configOf({ text: formatConfig(config) }), config)
    }),
    { numRuns: 60 },
  )
})

test('property: no text makes the loader throw', () => {
  const key = fc.constantFrom(
    'raft',
    'tickMs',
    'store',
    'labels',
    'gateway',
    'tls',
    'tokens',
    '__proto__',
    'constructor',
    '<<',
  )
  const line = fc.tuple(
    fc.nat({ max: 4 }),
    key,
    fc.constantFrom('', '5', '[a', '{b: c}', '*a', '&a x', '- q', '"', '|', '? z', '!!int x'),
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const result = load({
        text: lines.map(([indent, name, value]) => `${' '.repeat(indent)}${name}: ${value}\n`).join(''),
      })
      assert.ok(result.ok || result.errors.length > 0)
    }),
    { numRuns: 200 },
  )
})
