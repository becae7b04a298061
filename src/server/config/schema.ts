/**
 * The one schema of the configuration: every setting with its kind, its default and its nature. Everything else in this folder reads it; nothing
 * repeats it. The defaults of `store.dir` and `cluster.bootstrap.replicas` depend on other settings and are filled in by the loader.
 */
import { z } from 'zod'
import { LIMITS, present } from '../../base/index.ts'
import { parseListen } from './address.ts'
import {
  brokerAddresses,
  choice,
  document,
  duration,
  flag,
  identifier,
  identifiers,
  type Leaf,
  labels,
  listen,
  optional,
  optionalText,
  origins,
  share,
  size,
  text,
  whole,
} from './leaf.ts'
import { tokens } from './tokens.ts'

const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB
const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** What is known of a setting beyond its schema. */
export interface SettingMeta {
  readonly leaf: Leaf<unknown>
  /** The effective value where nothing is said; undefined where there is none, or where it depends on other settings. */
  readonly default: unknown
  /** May change while the process runs. */
  readonly dynamic: boolean
  /** `value`: never shown. `url`: credentials inside of it are never shown. */
  readonly secret?: 'value' | 'url'
}

/** Filled while this module loads, constant afterwards. */
const metas = new Map<z.ZodType, SettingMeta>()

function setting<T>(
  leaf: Leaf<T>,
  nature: Partial<Pick<SettingMeta, 'dynamic' | 'secret'>> & { readonly default?: NoInfer<T> } = {},
): z.ZodType<T> {
  const schema =
    nature.default === undefined ? leaf.schema : z._default<z.ZodType<T>>(leaf.schema, nature.default as never)
  metas.set(schema, { dynamic: false, ...nature, leaf: leaf as Leaf<unknown>, default: nature.default })
  return schema
}

/** The meta data of a leaf of `configSchema`. */
export function metaOf(schema: z.ZodType): SettingMeta {
  return present(metas.get(schema), 'the meta data of a setting')
}

const pathOrText = z.string().min(1).exactOptional()

/** Names as in the `nats` client. */
const transportTls = z.strictObject({
  certFile: pathOrText,
  cert: pathOrText,
  keyFile: pathOrText,
  key: pathOrText,
  caFile: pathOrText,
  ca: pathOrText,
  handshakeFirst: z.boolean().exactOptional(),
  rejectUnauthorized: z.boolean().exactOptional(),
})

const gatewayTls = z.strictObject({ certFile: z.string().min(1), keyFile: z.string().min(1), caFile: pathOrText })

/** A map that may also be null. */
function nullableMap<Map extends z.ZodObject>(map: Map, nullMeans: string): Leaf<z.output<Map> | null> {
  const keys = Object.keys(map.shape)
  return document(map.nullable(), `null ${nullMeans}, or a map with some of ${keys.join(', ')}`, keys)
}

const cluster = z.strictObject({
  id: setting(identifier(), { default: 'dev' }),
  bootstrap: z.strictObject({
    stores: setting(identifiers(), { default: ['s1', 's2', 's3'] }),
    replicas: setting(whole(1, 9)),
    shards: setting(whole(1, 65_536), { default: 8 }),
  }),
})

const store = z.strictObject({
  id: setting(identifier(), { default: 's1' }),
  dir: setting(text('the path of a directory')),
  labels: setting(labels(), { default: {} }),
})

const transport = z.strictObject({
  servers: setting(brokerAddresses(), { default: ['nats://127.0.0.1:4222'], secret: 'url' }),
  embedded: setting(choice('auto', true, false), { default: 'auto' }),
  tls: setting(optional(nullableMap(transportTls, 'to refuse encryption')), { secret: 'value' }),
  user: setting(optionalText('a text')),
  password: setting(optionalText('a text'), { secret: 'value' }),
  token: setting(optionalText('a text'), { secret: 'value' }),
  nkey: setting(optionalText('the seed of an NKey'), { secret: 'value' }),
  creds: setting(optionalText('the path of a .creds file')),
  clusterKey: setting(optionalText('a secret text of at least 32 characters'), { secret: 'value' }),
  clusterKeyAccepted: setting(optionalText('a secret text of at least 32 characters, or none'), { secret: 'value' }),
})

const storage = z.strictObject({
  engine: setting(choice('classic-level', 'rocksdb', 'memory'), { default: 'classic-level' }),
  segmentBytes: setting(size(4 * KiB, GiB), { default: 64 * MiB }),
  overlayBytes: setting(size(64 * KiB, 16 * GiB), { default: 32 * MiB }),
})

const raft = z.strictObject({
  tickMs: setting(whole(1, 10_000), { default: 50 }),
  electionTicks: setting(whole(2, 1000), { default: 10 }),
  heartbeatTicks: setting(whole(1, 999), { default: 2 }),
  preVote: setting(flag(), { default: true }),
  checkQuorum: setting(flag(), { default: true }),
  maxInflight: setting(whole(1, 65_536), { default: 256 }),
  maxMessageBytes: setting(size(KiB, LIMITS.messageBytesMax), { default: 256 * KiB }),
  compactEntries: setting(whole(1, 100_000_000), { default: 10_000 }),
})

const placement = z.strictObject({
  split: z.strictObject({
    bytes: setting(size(64 * KiB, 1024 * GiB), { default: 96 * MiB, dynamic: true }),
    opsPerSecond: setting(whole(1, 10_000_000), { default: 2000, dynamic: true }),
  }),
  merge: z.strictObject({
    bytes: setting(size(0, 1024 * GiB), { default: 20 * MiB, dynamic: true }),
    afterSplit: setting(duration(SECOND_MS, 30 * DAY_MS), { default: HOUR_MS, dynamic: true }),
  }),
  downAfter: setting(duration(SECOND_MS, 30 * DAY_MS), { default: 5 * MINUTE_MS, dynamic: true }),
  limits: z.strictObject({
    operatorsPerStore: setting(whole(1, 1000), { default: 4, dynamic: true }),
    snapshotBytesPerSecond: setting(size(64 * KiB, 1024 * GiB), { default: 64 * MiB, dynamic: true }),
  }),
})

const gateway = z.strictObject({
  listen: setting(listen(), { default: present(parseListen('127.0.0.1:8080'), 'the default of gateway.listen') }),
  tls: setting(nullableMap(gatewayTls, 'for none'), { default: null }),
  tokens: setting(tokens(), { default: [], secret: 'value' }),
  allowAnonymous: setting(flag(), { default: false }),
  cors: z.strictObject({ origins: setting(origins(), { default: [] }) }),
  limits: z.strictObject({
    valueBytes: setting(size(1, LIMITS.valueBytesMax), { default: LIMITS.valueBytesMax, dynamic: true }),
    inflight: setting(whole(1, 100_000), { default: 2000, dynamic: true }),
    inflightMin: setting(whole(1, 100_000), { default: 128, dynamic: true }),
    queueDelayMs: setting(whole(1, 60_000), { default: 100, dynamic: true }),
  }),
})

const observability = z.strictObject({
  log: z.strictObject({
    level: setting(choice('debug', 'info', 'warn', 'error'), { default: 'info', dynamic: true }),
    format: setting(choice('auto', 'json', 'pretty'), { default: 'auto', dynamic: true }),
  }),
  events: z.strictObject({
    level: setting(choice('debug', 'info', 'warn', 'error'), { default: 'debug', dynamic: true }),
  }),
  rpcLog: z.strictObject({
    enabled: setting(flag(), { default: true, dynamic: true }),
    maxRows: setting(whole(0, 10_000_000), { default: 200_000, dynamic: true }),
  }),
  tracing: z.strictObject({
    otlp: setting(document(z.url({ protocol: /^https?$/ }).nullable(), 'null, or the http address of a collector'), {
      default: null,
      dynamic: true,
      secret: 'url',
    }),
    ratio: setting(share(), { default: 1, dynamic: true }),
  }),
})

export const configSchema = z.strictObject({
  cluster,
  store,
  transport,
  storage,
  raft,
  placement,
  gateway,
  observability,
})

type DeepReadonly<T> = T extends (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T

/**
 * The effective configuration. Sizes are bytes, durations (`placement.downAfter`) milliseconds, whatever they were written as.
 */
export type Config = DeepReadonly<z.output<typeof configSchema>>
