/**
 * The documents that routes take and give, as schemas. They describe; the handlers check by hand, because a hot path cannot afford more and
 * because their refusals say more.
 */
import { z } from 'zod'

const load = z.object({ readsPerSecond: z.number(), writesPerSecond: z.number() }).meta({ id: 'Load' })
const encoding = z.enum(['utf8', 'base64'])
const revision = z
  .int()
  .min(0)
  .describe('Below 2^53; grows with every write of the key; not comparable between shards.')

export const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('Stable; what programs should look at.'),
    retryable: z.boolean(),
    outcome: z.enum(['none', 'applied', 'unknown']).describe('Whether the write happened.'),
    shard: z.int().optional(),
    leader: z.string().optional(),
    hint: z.string().optional(),
    revision: revision.nullable().optional(),
    index: z.int().optional(),
    requestId: z.string(),
  })
  .meta({ id: 'Problem' })

export const postRequest = z.object({ value: z.string(), encoding: encoding.optional() }).meta({ id: 'PostRequest' })

export const postAnswer = z
  .object({ key: z.string(), keyEncoding: z.literal('base64').optional(), revision })
  .meta({ id: 'PostAnswer' })

export const entry = z
  .object({ key: z.string(), keyEncoding: z.literal('base64').optional(), value: z.string(), encoding, revision })
  .meta({ id: 'Entry' })

const listedEntry = z
  .object({
    key: z.string(),
    keyEncoding: z.literal('base64').optional(),
    value: z.string().optional(),
    encoding: encoding.optional(),
    revision,
  })
  .meta({ id: 'ListedEntry' })

export const page = z
  .object({ items: z.array(listedEntry), next: z.string().nullable().describe('The cursor of the next page.') })
  .meta({ id: 'Page' })

export const streamLine = z.union([listedEntry, z.object({ error: problem })]).meta({ id: 'StreamLine' })

export const rangeDeleteAnswer = z.object({ deleted: z.int() }).meta({ id: 'RangeDeleteAnswer' })

export const batchRequest = z
  .object({
    ops: z
      .array(
        z.object({
          op: z.enum(['put', 'delete', 'get']),
          key: z.string(),
          keyEncoding: encoding.optional(),
          value: z.string().optional(),
          encoding: encoding.optional(),
          ifRevision: revision.optional(),
          ifAbsent: z.boolean().optional(),
        }),
      )
      .max(1000),
    atomic: z.boolean().optional(),
  })
  .meta({ id: 'BatchRequest' })

export const batchAnswer = z
  .object({
    results: z.array(
      z.union([
        z.object({
          ok: z.literal(true),
          revision: revision.optional(),
          value: z.string().optional(),
          encoding: encoding.optional(),
          deleted: z.union([z.literal(0), z.literal(1)]).optional(),
          found: z.boolean().optional(),
        }),
        z.object({ ok: z.literal(false), error: problem }),
      ]),
    ),
  })
  .meta({ id: 'BatchAnswer' })

export const store = z
  .looseObject({
    id: z.string(),
    address: z.string(),
    labels: z.record(z.string(), z.string()),
    state: z.enum(['up', 'suspect', 'down', 'draining', 'decommissioning', 'gone', 'registered']),
    replicas: z.int(),
    leaders: z.int(),
    bytes: z.number(),
    load,
    version: z.string(),
    lag: z.record(z.string(), z.number()),
    uptimeSeconds: z.number(),
  })
  .meta({ id: 'Store' })

export const stores = z.object({ stores: z.array(store) }).meta({ id: 'Stores' })

export const shard = z
  .looseObject({
    id: z.int(),
    kind: z.enum(['placement', 'data']),
    start: z.string().optional().describe('Percent-encoded; empty is the lowest key.'),
    end: z.string().nullable().optional().describe('Percent-encoded; null is beyond the highest key.'),
    epoch: z.object({ membership: z.int(), range: z.int() }),
    leader: z.string().nullable(),
    term: z.int(),
    commitIndex: z.int(),
    appliedIndex: z.int(),
    replicas: z.array(
      z.object({
        store: z.string(),
        role: z.enum(['voter', 'learner']),
        matchIndex: z.int().nullable(),
        state: z.enum(['probe', 'replicate', 'snapshot']).nullable(),
      }),
    ),
    bytes: z.number().describe('An estimate.'),
    keys: z
      .number()
      .describe('An estimate: a key that was written again counts twice until both writes are in the engine.'),
    load,
  })
  .meta({ id: 'Shard' })

export const shards = z.object({ shards: z.array(shard), next: z.string().nullable() }).meta({ id: 'Shards' })

export const lookup = z
  .object({ key: z.string(), keyEncoding: z.literal('base64').optional(), shard })
  .meta({ id: 'Lookup' })

export const operator = z
  .looseObject({
    id: z.string().nullable(),
    kind: z.string(),
    shard: z.int(),
    state: z.enum(['running', 'finished', 'failed', 'cancelled']),
    reason: z.string(),
    steps: z.array(
      z.object({
        what: z.string(),
        state: z.enum(['waiting', 'running', 'done', 'failed']),
        startedAt: z.string().optional(),
        endedAt: z.string().optional(),
      }),
    ),
    createdAt: z.string(),
    endedAt: z.string().nullable(),
    error: z.string().nullable(),
  })
  .meta({ id: 'Operator' })

export const operators = z.object({ operators: z.array(operator) }).meta({ id: 'Operators' })

export const handRequests = {
  'transfer-leader': z.object({ store: z.string() }).meta({ id: 'TransferLeaderRequest' }),
  move: z.object({ from: z.string(), to: z.string() }).meta({ id: 'MoveRequest' }),
  'add-replica': z
    .object({ store: z.string(), role: z.enum(['voter', 'learner']).optional() })
    .meta({ id: 'AddReplicaRequest' }),
  'remove-replica': z.object({ store: z.string() }).meta({ id: 'RemoveReplicaRequest' }),
  split: z
    .object({
      key: z.string().optional(),
      keyEncoding: encoding.optional(),
      policy: z.enum(['size', 'load']).optional(),
    })
    .meta({ id: 'SplitRequest' }),
  merge: z.object({ with: z.int().optional() }).meta({ id: 'MergeRequest' }),
} as const

const labels = z.record(z.string(), z.string())

export const registerRequest = z
  .object({ id: z.string(), address: z.string(), labels: labels.optional() })
  .meta({ id: 'RegisterStoreRequest' })

export const storePatch = z
  .object({ labels: z.record(z.string(), z.string().nullable()).optional(), weight: z.number().nullable().optional() })
  .meta({ id: 'StorePatch' })

export const scheduler = z
  .looseObject({
    name: z.string(),
    paused: z.boolean(),
    pausedUntil: z.string().nullable(),
    lastRunAt: z.string().nullable(),
  })
  .meta({ id: 'Scheduler' })

export const schedulers = z.object({ schedulers: z.array(scheduler) }).meta({ id: 'Schedulers' })

export const snapshotRequest = z.object({ shard: z.int().optional() }).meta({ id: 'SnapshotRequest' })

export const pauseRequest = z.object({ seconds: z.int().min(1).max(86_400) }).meta({ id: 'PauseRequest' })

export const explanation = z
  .looseObject({
    subject: z.looseObject({}),
    decisions: z.array(
      z.looseObject({
        ts: z.string(),
        scheduler: z.string(),
        action: z.string().nullable(),
        reason: z.string(),
        numbers: z.record(z.string(), z.number()),
      }),
    ),
  })
  .meta({ id: 'Explanation' })

const hotLoad = { readsPerSecond: z.number(), writesPerSecond: z.number() }

export const hot = z
  .object({
    shards: z.array(z.object({ shard: z.int(), ...hotLoad })),
    keys: z.array(
      z.looseObject({ key: z.string(), keyEncoding: z.literal('base64').optional(), shard: z.int(), ...hotLoad }),
    ),
  })
  .meta({ id: 'Hot' })

export const heatMap = z
  .object({
    from: z.string().describe('ISO 8601, where the first step begins'),
    to: z.string().describe('ISO 8601, where the last step ends'),
    stepSeconds: z.number(),
    buckets: z.array(z.string()).describe('The first key of each bucket, percent-encoded; the last one has no end'),
    reads: z
      .array(z.array(z.number()))
      .describe('Reads per second: for each step a list with a number for each bucket'),
    writes: z.array(z.array(z.number())).describe('Writes per second, likewise'),
  })
  .meta({ id: 'HeatMap' })

export const status = z
  .looseObject({
    health: z.string(),
    ok: z.boolean(),
    version: z.string(),
    stores: z.object({ total: z.int(), up: z.int() }),
    shards: z.object({ total: z.int(), leaderless: z.array(z.int()), underReplicated: z.array(z.int()) }),
    leaders: z.record(z.string(), z.int()),
    operators: z.object({ running: z.int() }),
    placement: z.object({ leader: z.string().nullable(), term: z.int() }),
  })
  .meta({ id: 'Status' })

export const event = z
  .object({
    id: z.string(),
    ts: z.string().describe('ISO 8601'),
    level: z.enum(['debug', 'info', 'warn', 'error']),
    type: z.string(),
    store: z.string(),
    group: z.int().optional(),
    term: z.int().optional(),
    index: z.int().optional(),
    peer: z.string().optional(),
    traceId: z.string().optional(),
    data: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Event' })

export const events = z.object({ events: z.array(event) }).meta({ id: 'Events' })

export const call = z
  .object({
    id: z.string(),
    ts: z.string().describe('ISO 8601'),
    from: z.string(),
    to: z.string(),
    type: z.string(),
    group: z.int(),
    term: z.int(),
    entries: z.int(),
    bytes: z.int(),
    latencyMs: z.number().nullable(),
    heartbeat: z.boolean(),
    error: z.string().nullable(),
  })
  .meta({ id: 'Call' })

export const calls = z.object({ calls: z.array(call) }).meta({ id: 'Calls' })

const setting = z
  .looseObject({
    value: z.unknown().describe('Sizes in bytes, durations in milliseconds.'),
    default: z.unknown(),
    source: z.enum(['default', 'file', 'env', 'flag', 'cluster']),
    dynamic: z.boolean().describe('May be changed while the cluster runs.'),
    unit: z.enum(['bytes', 'ms']).optional(),
  })
  .meta({ id: 'Setting' })

export const settings = z.record(z.string(), setting).meta({ id: 'Settings' })

export const settingsHistory = z
  .object({
    changes: z.array(
      z.looseObject({
        version: z.int(),
        ts: z.string(),
        by: z.string().describe('The name of a token, or an address.'),
        settings: z.array(
          z.object({ name: z.string(), before: z.unknown(), after: z.unknown() }).describe('Null: not set.'),
        ),
      }),
    ),
  })
  .meta({ id: 'SettingsHistory' })

export const live = z.object({ status: z.literal('alive') }).meta({ id: 'Live' })
export const ready = z.looseObject({ ready: z.boolean(), reasons: z.array(z.string()) }).meta({ id: 'Ready' })
export const version = z.looseObject({ name: z.string(), version: z.string() }).meta({ id: 'Version' })
export const anyDocument = z.looseObject({}).meta({ id: 'Document' })
