/** Sizes, durations, addresses and suggestions: the small readers below the configuration. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  environmentName,
  formatBytes,
  formatDurationMs,
  parseBytes,
  parseDurationMs,
  parseListen,
  suggest,
} from '../../../src/server/config/index.ts'

test('sizes are read as people write them', () => {
  const cases: [unknown, number | undefined][] = [
    ['64MiB', 64 * 1024 * 1024],
    ['256KiB', 256 * 1024],
    ['256 kib', 256 * 1024],
    ['1.5GiB', 1.5 * 1024 ** 3],
    ['10MB', 10_000_000],
    ['17', 17],
    ['17B', 17],
    [17, 17],
    [0, 0],
    ['64M', undefined],
    ['MiB', undefined],
    ['-1', undefined],
    ['0.3B', undefined],
    ['1e3', undefined],
    ['', undefined],
    [1.5, undefined],
    [-1, undefined],
    [true, undefined],
    [null, undefined],
    ['9999999999999TiB', undefined],
  ]
  for (const [value, expected] of cases) assert.equal(parseBytes(value), expected, JSON.stringify(value))
})

test('durations are read with their units', () => {
  const cases: [unknown, number | undefined][] = [
    ['50ms', 50],
    ['2s', 2000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['7d', 604_800_000],
    ['1.5s', 1500],
    ['0s', 0],
    ['5', undefined],
    [5, undefined],
    ['5 m', undefined],
    ['m', undefined],
    ['-5m', undefined],
    ['0.1ms', undefined],
    ['', undefined],
  ]
  for (const [value, expected] of cases) assert.equal(parseDurationMs(value), expected, JSON.stringify(value))
})

test('what is printed is read back as the same number', () => {
  fc.assert(fc.property(fc.nat({ max: 2 ** 40 }), (bytes) => parseBytes(formatBytes(bytes)) === bytes))
  fc.assert(fc.property(fc.nat({ max: 2 ** 40 }), (ms) => parseDurationMs(formatDurationMs(ms)) === ms))
  assert.equal(formatBytes(64 * 1024 * 1024), '64MiB')
  assert.equal(formatDurationMs(300_000), '5m')
})

test('listen addresses have a host and a port', () => {
  const cases: [unknown, [string, number] | undefined][] = [
    ['127.0.0.1:8080', ['127.0.0.1', 8080]],
    ['localhost:0', ['localhost', 0]],
    ['[::1]:8080', ['::1', 8080]],
    ['db-1.example.com:65535', ['db-1.example.com', 65_535]],
    ['127.0.0.1', undefined],
    [':8080', undefined],
    ['::1:8080', undefined],
    ['127.0.0.1:65536', undefined],
    ['127.0.0.1:http', undefined],
    ['http://127.0.0.1:8080', undefined],
    ['a b:1', undefined],
    [8080, undefined],
  ]
  for (const [value, expected] of cases) {
    const listen = parseListen(value)
    assert.deepEqual(listen === undefined ? undefined : [listen.host, listen.port], expected, JSON.stringify(value))
  }
})

test('suggestions are close words only', () => {
  const words = ['tickMs', 'electionTicks', 'heartbeatTicks', 'preVote']
  assert.equal(suggest('tickMz', words), 'tickMs')
  assert.equal(suggest('tick_ms', words), 'tickMs')
  assert.equal(suggest('electoinTicks', words), 'electionTicks')
  assert.equal(suggest('zebra', words), undefined)
  assert.equal(suggest('', words), undefined)
  assert.equal(suggest('x', []), undefined)
})

test('setting names as environment variables', () => {
  assert.equal(environmentName('raft.tickMs'), 'FLOTILLA_RAFT__TICK_MS')
  assert.equal(environmentName('cluster.bootstrap.stores'), 'FLOTILLA_CLUSTER__BOOTSTRAP__STORES')
})
