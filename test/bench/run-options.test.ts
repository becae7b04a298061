/** The flags of `bench run`: what they mean and what is refused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationMs, parseHttpEndpoint, parseRunFlags, type RunFlags, UsageError } from '../../bench/run/index.ts'

const DEFAULTS: RunFlags = {
  target: 'flotilla-http',
  workload: 'put',
  readRatio: '0.5',
  connections: '64',
  duration: '10s',
  warmUp: '2s',
  valueBytes: '256',
  keys: '10000',
  distribution: 'uniform',
  keyPrefix: 'bench',
  keyLayout: 'spread',
  seed: '1',
  timeout: '10s',
  leaders: false,
  preload: true,
}

test('the workload decides the share of reads and whether to preload', () => {
  const of = (workload: string, preload = true) => {
    const options = parseRunFlags({ ...DEFAULTS, workload, preload })
    return [options.readRatio, options.preload]
  }
  assert.deepEqual(
    [of('put'), of('get'), of('mix')],
    [
      [0, false],
      [1, true],
      [0.5, true],
    ],
  )
  assert.deepEqual(of('get', false), [1, false])
})

test('each target has its own endpoints unless told otherwise', () => {
  assert.equal(parseRunFlags(DEFAULTS).endpoints.length, 3)
  assert.deepEqual(parseRunFlags({ ...DEFAULTS, target: 'jetstream' }).endpoints, ['nats://127.0.0.1:4222'])
  assert.deepEqual(parseRunFlags({ ...DEFAULTS, endpoints: 'a:1, b:2' }).endpoints, ['a:1', 'b:2'])
})

const REFUSED: readonly (readonly [keyof RunFlags, string])[] = [
  ['target', 'redis'],
  ['workload', 'scan'],
  ['readRatio', '1.5'],
  ['readRatio', ''],
  ['connections', '0'],
  ['connections', '1.5'],
  ['rate', '-3'],
  ['duration', 'soon'],
  ['duration', '0s'],
  ['valueBytes', '23'],
  ['valueBytes', '1048577'],
  ['keys', '0'],
  ['distribution', 'normal'],
  ['keyPrefix', 'a b'],
  ['keyLayout', 'flat'],
  ['seed', 'x'],
  ['token', 'a\r\nHost: evil'],
]
for (const [flag, text] of REFUSED) {
  test(`${flag} ${JSON.stringify(text)} is refused by its name`, () => {
    assert.throws(
      () => parseRunFlags({ ...DEFAULTS, [flag]: text }),
      (error) => error instanceof UsageError && error.message.startsWith('--'),
    )
  })
}

test('durations have units', () => {
  assert.deepEqual(
    ['250ms', '1.5s', '2m', '1h', '3'].map((text) => durationMs('--x', text, 0)),
    [250, 1500, 120_000, 3_600_000, 3000],
  )
})

test('endpoints are host and port', () => {
  assert.deepEqual(parseHttpEndpoint('127.0.0.1:80'), { host: '127.0.0.1', port: 80 })
  assert.deepEqual(parseHttpEndpoint('http://db.example:8080/'), { host: 'db.example', port: 8080 })
  assert.deepEqual(parseHttpEndpoint('[::1]:8080'), { host: '::1', port: 8080 })
  for (const text of ['', 'host', 'host:0', 'host:70000', 'https://host:1', 'a b:1', '::1:80:x']) {
    assert.throws(() => parseHttpEndpoint(text), UsageError, text)
  }
})
