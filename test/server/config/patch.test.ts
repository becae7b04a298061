/** Settings of the cluster over those of the process: what beats what, and patches judged whole. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  acceptsSetting,
  effectiveConfig,
  loadConfig,
  planPatch,
  shownSettings,
} from '../../../src/server/config/index.ts'
import { SETTINGS } from '../../../src/server/config/settings.ts'

const started = start({ 'raft.tickMs': '20', 'gateway.limits.inflight': '7' })

function start(flags: Readonly<Record<string, string>>) {
  const loaded = loadConfig({ flags, env: { FLOTILLA_PLACEMENT__DOWN_AFTER: '2m' } })
  assert.ok(loaded.ok)
  return { config: loaded.config, sources: loaded.sources }
}

function plan(patch: unknown, cluster: Readonly<Record<string, unknown>> = {}) {
  return planPatch(started, new Map(Object.entries(cluster)), patch)
}

function refused(patch: unknown, ...patterns: readonly RegExp[]): void {
  const result = plan(patch)
  assert.equal(result.ok, false, JSON.stringify(patch))
  if (result.ok) return
  assert.equal(result.errors.length, patterns.length, result.errors.join('\n'))
  for (const [place, pattern] of patterns.entries()) assert.match(result.errors[place] ?? '', pattern)
}

test('every setting is shown with its value, its default and its source', () => {
  const shown = shownSettings(effectiveConfig(started, new Map([['placement.downAfter', 9_000]])))
  assert.deepEqual(Object.keys(shown), [...SETTINGS.keys()])
  assert.deepEqual(shown['raft.tickMs'], { value: 20, default: 50, source: 'flag', dynamic: false })
  const downAfter = { value: 9_000, default: 300_000, source: 'cluster', dynamic: true, unit: 'ms' }
  assert.deepEqual(shown['placement.downAfter'], downAfter)
  assert.deepEqual(shownSettings(effectiveConfig(started, new Map()))['placement.downAfter'], {
    ...downAfter,
    value: 120_000,
    source: 'env',
  })
  assert.deepEqual(shown['gateway.listen']?.value, '127.0.0.1:8080')
  assert.deepEqual(shown['store.dir'], { value: './data/s1', default: './data/s1', source: 'default', dynamic: false })
  assert.equal(shown['transport.user']?.value, null)
  assert.equal(shown['storage.segmentBytes']?.unit, 'bytes')
})

test('what is dynamic is what the contract says', () => {
  for (const { name, dynamic } of SETTINGS.values()) {
    assert.equal(dynamic, /^(placement|gateway\.limits|observability)\./.test(name), name)
  }
})

test('secrets are replaced wherever they are shown', () => {
  const secretive = start({
    'transport.password': 'hunter2',
    'transport.user': 'u',
    'transport.servers': 'nats://u:hunter2@127.0.0.1:4222',
    'observability.tracing.otlp': 'http://u:hunter2@127.0.0.1:4318',
  })
  const cluster = new Map([['observability.tracing.otlp', 'http://x:hunter2@127.0.0.1:4318']])
  assert.doesNotMatch(JSON.stringify(shownSettings(effectiveConfig(secretive, cluster))), /hunter2/)
  const patch = { observability: { tracing: { otlp: 'ftp://x:hunter2@127.0.0.1' } } }
  assert.doesNotMatch(JSON.stringify(planPatch(secretive, cluster, patch)), /hunter2/)
})

test('a patch is nested, and what the schema makes of its values is what the cluster keeps', () => {
  const planned = plan({
    placement: { downAfter: '10s', split: { bytes: '1GiB' } },
    gateway: { limits: { valueBytes: 4096 } },
    observability: { log: { level: 'debug' }, rpcLog: { enabled: false } },
  })
  assert.ok(planned.ok)
  assert.deepEqual(planned.changes, [
    ['placement.downAfter', 10_000],
    ['placement.split.bytes', 2 ** 30],
    ['gateway.limits.valueBytes', 4096],
    ['observability.log.level', 'debug'],
    ['observability.rpcLog.enabled', false],
  ])
  assert.deepEqual(planned.shown['placement.downAfter'], {
    value: 10_000,
    default: 300_000,
    source: 'cluster',
    dynamic: true,
    unit: 'ms',
  })
  assert.equal(Object.keys(planned.shown).length, 5)
  // What is shown can be sent back.
  const again = plan({ placement: { downAfter: 10_000 } })
  assert.deepEqual(again.ok && again.changes, [['placement.downAfter', 10_000]])
})

test('null returns a setting, or all of a section, to the next source', () => {
  const cluster = { 'placement.downAfter': 1000, 'gateway.limits.inflight': 5 }
  const one = plan({ placement: { downAfter: null } }, cluster)
  assert.ok(one.ok)
  assert.deepEqual(one.changes, [['placement.downAfter', null]])
  assert.deepEqual(
    [one.shown['placement.downAfter']?.value, one.shown['placement.downAfter']?.source],
    [120_000, 'env'],
  )
  const section = plan({ gateway: { limits: null } }, cluster)
  assert.ok(section.ok)
  assert.deepEqual([section.shown['gateway.limits.inflight']?.value, section.changes.length], [7, 4])
  assert.deepEqual(plan({}), { ok: true, changes: [], shown: {} })
})

test('one mistake refuses the whole patch, and says what was meant', () => {
  refused({ placement: { downAftr: '5s' } }, /unknown setting "placement\.downAftr"; did you mean "downAfter"\?/)
  refused({ downAfter: '5s' }, /unknown setting "downAfter"; did you mean "placement\.downAfter"\?/)
  refused({ 'placement.downAfter': '5s' }, /names are nested here: \{"placement":\{"downAfter":\.\.\.\}\}/)
  refused({ nonsense: 1 }, /unknown setting "nonsense"; the sections are cluster/)
  refused(JSON.parse('{"__proto__":{"a":1}}'), /unknown setting "__proto__"/)
  refused({ raft: { tickMs: 5 } }, /raft\.tickMs cannot be changed while the cluster runs/)
  refused({ gateway: null }, ...[1, 2, 3, 4, 5].map(() => /gateway\.[\w.]+ cannot be changed/))
  refused({ placement: { downAfter: true } }, /placement\.downAfter is true; expected a duration/)
  refused({ placement: { downAfter: 5 } }, /placement\.downAfter is 5; expected a duration with its unit from 1s/)
  refused({ placement: { limits: { operatorsPerStore: '4' } } }, /operatorsPerStore is "4"; expected a whole number/)
  refused({ observability: { log: { level: 'loud' } } }, /level is "loud"; expected one of debug, info, warn, error/)
  refused({ placement: 5 }, /placement is not a section; expected an object with some of split/)
  refused([], /the patch is not a section/)
  refused(null, /the patch is not a section/)
  refused(
    { placement: { downAfter: 'x', splt: {} }, store: { id: 's9' } },
    /downAfter/,
    /unknown setting "placement\.splt"/,
    /store\.id cannot be changed/,
  )
})

test('settings that contradict each other are refused together, and a patch that ends it is taken', () => {
  refused({ placement: { merge: { bytes: '90MiB' } } }, /placement\.merge\.bytes is 90MiB; expected at most half/)
  const apart = { 'placement.merge.bytes': 90 * 2 ** 20 }
  assert.ok(plan({ placement: { downAfter: '9s' } }, apart).ok, 'what was wrong before is not its fault')
  assert.ok(plan({ placement: { split: { bytes: '1GiB' } } }, apart).ok)
})

test('what admission goes by can be changed while it runs, within bounds', () => {
  const planned = plan({ gateway: { limits: { inflightMin: 16, queueDelayMs: 250 } } })
  assert.ok(planned.ok)
  const { limits } = effectiveConfig(started, new Map(planned.changes)).config.gateway
  assert.deepEqual([limits.inflightMin, limits.queueDelayMs], [16, 250])
  refused({ gateway: { limits: { inflightMin: 0 } } }, /inflightMin is 0; expected a whole number from 1/)
  refused({ gateway: { limits: { queueDelayMs: '1s' } } }, /queueDelayMs is "1s"; expected a whole number/)
})

test('what this version does not understand of the cluster is left out', () => {
  const cluster = new Map<string, unknown>([
    ['placement.downAfter', 'soon'],
    ['raft.tickMs', 1],
    ['future.thing', 5],
    ['gateway.limits.inflight', 9],
  ])
  const { config, sources } = effectiveConfig(started, cluster)
  assert.deepEqual([config.placement.downAfter, config.raft.tickMs, config.gateway.limits.inflight], [120_000, 20, 9])
  assert.deepEqual([sources.get('placement.downAfter'), sources.get('gateway.limits.inflight')], ['env', 'cluster'])
  assert.equal(acceptsSetting('future.thing', 5), false)
  assert.equal(acceptsSetting('raft.tickMs', 20), false)
  assert.equal(acceptsSetting('placement.downAfter', 'soon'), false)
  assert.equal(acceptsSetting('placement.downAfter', null), true)
})

test('any document is refused with a sentence, or planned so that stores accept it', () => {
  const names = [...SETTINGS.keys()].flatMap((name) => name.split('.'))
  const word = fc.oneof(fc.constantFrom(...names), fc.string())
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom('5m', '64MiB', 'info', 100, true))
  const patch = fc.letrec((tie) => ({
    node: fc.oneof({ depthSize: 'small' }, value, fc.dictionary(word, tie('node'), { maxKeys: 3 })),
  })).node
  fc.assert(
    fc.property(patch, (document) => {
      const result = plan(document)
      if (!result.ok) assert.ok(result.errors.length > 0 && result.errors.every((text) => text.length > 10))
      else for (const [name, each] of result.changes) assert.ok(acceptsSetting(name, each), name)
    }),
    { numRuns: 500 },
  )
})
