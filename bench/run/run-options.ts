/**
 * The options of `bench run` as a checked value: text from the command line in, numbers with units or a sentence about what is wrong out.
 * Pure; `program.ts` declares the flags and hands their texts over.
 */
import { LIMITS } from '../../src/base/index.ts'
import type { HttpEndpoint } from '../http/index.ts'
import {
  KEY_COUNT_MAX,
  KEY_DISTRIBUTIONS,
  KEY_LAYOUTS,
  KEY_PREFIX_PATTERN,
  type KeyDistribution,
  type KeyLayout,
  VALUE_BYTES_MIN,
} from '../load/index.ts'

export const TARGETS = ['flotilla-http', 'flotilla-native', 'etcd-http', 'jetstream'] as const
export type TargetName = (typeof TARGETS)[number]

export const WORKLOADS = ['put', 'get', 'mix'] as const

export const DEFAULT_ENDPOINTS: Readonly<Record<TargetName, string>> = {
  'flotilla-http': '127.0.0.1:8080,127.0.0.1:8081,127.0.0.1:8082',
  'flotilla-native': 'nats://127.0.0.1:4222',
  'etcd-http': '127.0.0.1:2379',
  jetstream: 'nats://127.0.0.1:4222',
}

/** What the flags say, as text. */
export interface RunFlags {
  readonly target: string
  readonly endpoints?: string
  readonly workload: string
  readonly readRatio: string
  readonly connections: string
  readonly rate?: string
  readonly duration: string
  readonly warmUp: string
  readonly valueBytes: string
  readonly keys: string
  readonly distribution: string
  readonly keyPrefix: string
  readonly keyLayout: string
  readonly seed: string
  readonly timeout: string
  readonly token?: string
  readonly leaders: boolean
  readonly preload: boolean
  readonly json?: string
}

export interface RunOptions {
  readonly target: TargetName
  readonly endpoints: readonly string[]
  readonly readRatio: number
  readonly lanes: number
  readonly ratePerSecond: number | undefined
  readonly durationMs: number
  readonly warmUpMs: number
  readonly valueBytes: number
  readonly keyCount: number
  readonly distribution: KeyDistribution
  readonly keyPrefix: string
  readonly keyLayout: KeyLayout
  readonly seed: number
  readonly timeoutMs: number
  readonly token: string | undefined
  /** Over HTTP, send every operation to the store that leads its key. */
  readonly leaders: boolean
  readonly preload: boolean
  readonly jsonFile: string | undefined
}

/** The user asked for something that cannot be: the message says what, and exit code 2 follows. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const LANES_MAX = 10_000
const RATE_MAX = 1_000_000
const DURATION_MS_MAX = 24 * 3_600_000

/** Throws UsageError with one sentence that names the flag. */
export function parseRunFlags(flags: RunFlags): RunOptions {
  const target = oneOf('--target', flags.target, TARGETS)
  const workload = oneOf('--workload', flags.workload, WORKLOADS)
  const ratio = decimal('--read-ratio', flags.readRatio, 0, 1)
  const readRatio = workload === 'put' ? 0 : workload === 'get' ? 1 : ratio
  if (!KEY_PREFIX_PATTERN.test(flags.keyPrefix)) {
    throw new UsageError(`--key-prefix ${flags.keyPrefix} may only contain letters, digits, "_", "-" and "/"`)
  }
  // A line break in a token would end the header and begin another.
  if (flags.token !== undefined && !/^[\x21-\x7e]+$/.test(flags.token)) {
    throw new UsageError('--token may only contain printable ASCII without spaces')
  }
  return {
    target,
    endpoints: (flags.endpoints ?? DEFAULT_ENDPOINTS[target]).split(',').map((endpoint) => endpoint.trim()),
    readRatio,
    lanes: whole('--connections', flags.connections, 1, LANES_MAX),
    ratePerSecond: flags.rate === undefined ? undefined : decimal('--rate', flags.rate, 0.1, RATE_MAX),
    durationMs: durationMs('--duration', flags.duration, 1),
    warmUpMs: durationMs('--warm-up', flags.warmUp, 0),
    valueBytes: whole('--value-bytes', flags.valueBytes, VALUE_BYTES_MIN, LIMITS.valueBytesMax),
    keyCount: whole('--keys', flags.keys, 1, KEY_COUNT_MAX),
    distribution: oneOf('--distribution', flags.distribution, KEY_DISTRIBUTIONS),
    keyPrefix: flags.keyPrefix,
    keyLayout: oneOf('--key-layout', flags.keyLayout, KEY_LAYOUTS),
    seed: whole('--seed', flags.seed, 0, 2 ** 31 - 1),
    timeoutMs: durationMs('--timeout', flags.timeout, 1),
    token: flags.token,
    leaders: flags.leaders,
    preload: flags.preload && readRatio > 0,
    jsonFile: flags.json,
  }
}

/** `host:port`, `http://host:port` or `[::1]:port`. */
export function parseHttpEndpoint(text: string): HttpEndpoint {
  const match = /^(?:http:\/\/)?(\[[0-9A-Fa-f:.]+\]|[^/:\s]+):(\d{1,5})\/?$/.exec(text)
  const [, host, port] = match ?? []
  if (host === undefined || port === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw new UsageError(`the endpoint ${JSON.stringify(text)} is not host:port`)
  }
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

const DURATION_UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** `500ms`, `10s`, `2m`, `1h`; a bare number is seconds. */
export function durationMs(flag: string, text: string, minMs: number): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text)
  const value = Number(match?.[1]) * (DURATION_UNITS_MS[match?.[2] ?? 's'] ?? Number.NaN)
  if (!(value >= minMs && value <= DURATION_MS_MAX)) {
    throw new UsageError(`${flag} ${text} is not a duration such as 500ms, 10s or 2m`)
  }
  return value
}

export function whole(flag: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isInteger(value) || value < min || value > max) {
    throw new UsageError(`${flag} ${text} is not a whole number from ${min} to ${max}`)
  }
  return value
}

export function decimal(flag: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= min && value <= max)) {
    throw new UsageError(`${flag} ${text} is not a number from ${min} to ${max}`)
  }
  return value
}

function oneOf<const T extends string>(flag: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((candidate) => candidate === text)
  if (choice === undefined) throw new UsageError(`${flag} ${text} is not one of ${choices.join(', ')}`)
  return choice
}
