/**
 * Random messages, requests and replies for property tests: every kind, with the corners of every field.
 */
import fc from 'fast-check'
import { LIMITS } from '../../src/base/index.ts'
import type { KvOperationResult, KvResult } from '../../src/machine/index.ts'
import {
  ERROR_TABLE,
  type ErrorCode,
  type ErrorValue,
  type MembershipStep,
  type Reply,
  type Request,
  withVoucher,
} from '../../src/protocol/index.ts'
import type { Entry, MembershipState, Message } from '../../src/raft/index.ts'
import { key as boundKey, history, store } from '../shard-map/arbitraries.ts'
import { operate, settings } from './operate-arbitraries.ts'

export const u48 = fc.oneof(
  fc.nat(9),
  fc.maxSafeNat().map((n) => n % 2 ** 48),
  fc.constantFrom(2 ** 32, 2 ** 48 - 1),
)
const u32 = fc.oneof(fc.nat(9), fc.integer({ min: 0, max: 0xffff_ffff }))
const atLeastOne = u32.map((number) => Math.max(1, number))
const u53 = fc.oneof(fc.nat(9), fc.maxSafeNat(), fc.constant(Number.MAX_SAFE_INTEGER))
const measure = fc.oneof(
  fc.nat(),
  fc.double({ min: 0, max: 1e15, noNaN: true }).map((n) => (n === 0 ? 0 : n)),
)
const bytes = fc.uint8Array({ maxLength: 40 })
const key = boundKey.filter((text) => text.length > 0)

const replicas = fc
  .uniqueArray(
    u48.filter((id) => id > 0),
    { maxLength: 5 },
  )
  .map((ids) => ids.sort((a, b) => a - b))
export const membership: fc.Arbitrary<MembershipState> = fc.record({
  voters: replicas,
  votersOutgoing: replicas,
  learners: replicas,
  learnersNext: replicas,
  autoLeave: fc.boolean(),
})

const entryType = fc.constantFrom<Entry['type']>('normal', 'membership', 'membership-v1', 'shard')
const proposals = fc.array(fc.record({ type: entryType, data: bytes }), { maxLength: 4 })
const addressed = { from: u48, to: u48, term: u48 }

export const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    type: fc.constantFrom('RequestVote' as const, 'PreVote' as const),
    ...addressed,
    lastLogIndex: u48,
    lastLogTerm: u48,
    leadershipTransfer: fc.boolean(),
  }),
  fc.record({
    type: fc.constantFrom('RequestVoteReply' as const, 'PreVoteReply' as const),
    ...addressed,
    granted: fc.boolean(),
    commitIndex: u48,
    commitTerm: u48,
  }),
  fc
    .record({
      type: fc.constant('AppendEntries' as const),
      ...addressed,
      prevLogIndex: u48,
      prevLogTerm: u48,
      entries: fc.array(fc.record({ term: u48, type: entryType, data: bytes }), { maxLength: 4 }),
      leaderCommit: u48,
    })
    .map((append) => ({
      ...append,
      entries: append.entries.map((entry, i) => ({ index: append.prevLogIndex + 1 + i, ...entry })),
    })),
  fc.record({
    type: fc.constant('AppendEntriesReply' as const),
    ...addressed,
    index: u48,
    rejected: fc.boolean(),
    hintIndex: u48,
    hintTerm: u48,
  }),
  fc.record({ type: fc.constant('Heartbeat' as const), ...addressed, commitIndex: u48, readId: u53 }),
  fc.record({ type: fc.constantFrom('HeartbeatReply' as const, 'ReadIndex' as const), ...addressed, readId: u53 }),
  fc.record({
    type: fc.constant('InstallSnapshot' as const),
    ...addressed,
    snapshot: fc.record({ index: u48, term: u48, membership }),
  }),
  fc.record({ type: fc.constant('TimeoutNow' as const), ...addressed }),
  fc.record({ type: fc.constant('TransferLeader' as const), ...addressed, transferee: u48 }),
  fc.record({ type: fc.constant('Propose' as const), ...addressed, entries: proposals }),
  fc.record({ type: fc.constant('ReadIndexReply' as const), ...addressed, readId: u53, index: u48 }),
)

const consistency = fc.constantFrom('linearizable' as const, 'stale' as const)
const routed = { shard: u48, rangeEpoch: u32 }
const map = history.map((maps) => maps.at(-1) ?? { version: 0, placement: undefined, shards: [], stores: [] })
const shards = map.map((map) => map.shards)
const storeInfo = fc
  .record({ id: fc.string(), zone: fc.string() })
  .map(({ id, zone }) => store(id, { zone, __proto__: 'x' }))
const epoch = fc.record({ membership: u32, range: u32 })
const oneShard = shards.filter((list) => list.length > 0).map((list) => list[0] as (typeof list)[number])
const stores = fc.array(fc.string(), { maxLength: 3 })
const membershipStep: fc.Arbitrary<MembershipStep> = fc.oneof(
  fc.record({ kind: fc.constant('add-learner' as const), store: fc.string(), replica: u48 }),
  fc.record({
    kind: fc.constant('enter-joint' as const),
    promote: stores,
    demote: stores,
    lagEntriesMax: u48,
    votersMin: fc.nat(9),
  }),
  fc.record({ kind: fc.constant('leave-joint' as const) }),
  fc.record({ kind: fc.constant('remove-learner' as const), store: fc.string() }),
)
const shardRequest: fc.Arbitrary<Request> = fc.oneof(
  fc.record({ kind: fc.constant('change-membership' as const), shard: u48, epoch, step: membershipStep }),
  fc.record({
    kind: fc.constant('split' as const),
    shard: u48,
    epoch,
    cuts: fc.array(fc.record({ key: boundKey, shard: u48, replicas: fc.array(u48, { maxLength: 5 }) }), {
      maxLength: 3,
    }),
  }),
  fc.record({
    kind: fc.constantFrom('prepare-merge' as const, 'rollback-merge' as const),
    shard: u48,
    epoch,
    target: oneShard,
  }),
  fc.record({ kind: fc.constant('commit-merge' as const), shard: u48, epoch, source: oneShard }),
  fc.record({ kind: fc.constant('fence-merge' as const), shard: u48, epoch, source: u48 }),
)
const config = fc
  .record({ version: u53, settings })
  .map(({ version, settings }) => ({ version, settings: new Map(settings) }))
const load = fc.record({ readsPerSecond: measure, writesPerSecond: measure })
const leaders = fc.dictionary(fc.nat(99).map(String), fc.string()) as fc.Arbitrary<Record<number, string>>

/** As bytes carry it: without negative zero, and without the one field name that no reader takes. Names that get into documents start with a letter or digit. */
const documentValue = fc
  .jsonValue({ maxDepth: 4 })
  .map((value) => JSON.parse(JSON.stringify(value), withoutPrototype) as unknown)

function withoutPrototype(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== '__proto__'))
}

/** Without extensions. */
export const bareRequest: fc.Arbitrary<Request> = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), ...routed, command: bytes }),
  fc.record({ kind: fc.constant('get' as const), ...routed, consistency, keys: fc.array(key, { maxLength: 5 }) }),
  fc.record({
    kind: fc.constant('scan' as const),
    ...routed,
    consistency,
    start: boundKey,
    end: fc.option(boundKey, { nil: undefined }),
    reverse: fc.boolean(),
    keysOnly: fc.boolean(),
    itemsMax: atLeastOne,
    bytesMax: atLeastOne,
  }),
)

const voucher = fc.option(fc.record({ replica: u48, term: u53 }), { nil: undefined })

export const hotRequest: fc.Arbitrary<Request> = fc
  .tuple(bareRequest, voucher)
  .map(([request, word]) => (word === undefined ? request : withVoucher(request, word)))

const shardHealth = {
  samples: fc.array(fc.record({ key, hits: fc.nat() }), { maxLength: 5 }),
  hotKeys: fc.array(fc.record({ key, readsPerSecond: measure, writesPerSecond: measure }), { maxLength: 5 }),
  silent: fc.array(fc.record({ store: fc.string(), silentMs: measure }), { maxLength: 3 }),
  behind: fc.array(fc.string(), { maxLength: 3 }),
}

export const coldRequest: fc.Arbitrary<Request> = fc.oneof(
  fc.record({ kind: fc.constant('map' as const), since: u53 }),
  fc.record({ kind: fc.constant('describe' as const), shards: fc.array(u48) }),
  fc.record({
    kind: fc.constantFrom('describe-replica' as const, 'read-shard' as const),
    shard: u48,
  }),
  fc.record({
    kind: fc.constant('find-middle' as const),
    shard: u48,
    by: fc.constantFrom('size' as const, 'load' as const),
  }),
  shardRequest,
  fc.record({ kind: fc.constant('transfer-leader' as const), shard: u48, store: fc.string() }),
  fc.record({ kind: fc.constant('placement-status' as const) }),
  fc.record({ kind: fc.constant('allocate-ids' as const), count: fc.nat(LIMITS.idsPerRequestMax) }),
  fc.record({ kind: fc.constant('operate' as const), request: operate }),
  fc.record({ kind: fc.constant('learn-settings' as const), config }),
  fc.record({ kind: fc.constant('store-leaves' as const), store: fc.string(), isBack: fc.boolean() }),
  fc.record({ kind: fc.constant('upkeep' as const), compact: fc.option(u48, { nil: undefined }) }),
  fc.record({
    kind: fc.constant('store-heartbeat' as const),
    heartbeat: fc.record({
      info: storeInfo,
      sequence: u53,
      full: fc.boolean(),
      mapVersion: u53,
      replicas: fc.nat(),
      bytes: measure,
      uptimeSeconds: measure,
      led: fc
        .tuple(shards, fc.record({ term: u48, bytes: measure, keys: measure, load, ...shardHealth }))
        .map(([shards, rest]) => shards.map((shard) => ({ shard, ...rest }))),
      noLongerLed: fc.array(u48),
      snapshots: fc.nat(),
      capacityBytes: measure,
      availableBytes: measure,
      damaged: fc.array(u48),
      configVersion: u53,
    }),
  }),
)

const operationResult: fc.Arbitrary<KvOperationResult> = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), revision: u53 }),
  fc.record({ kind: fc.constant('delete' as const), deleted: fc.boolean(), revision: u53 }),
  fc.record({ kind: fc.constant('get' as const), found: fc.constant(false as const) }),
  fc.record({ kind: fc.constant('get' as const), found: fc.constant(true as const), value: bytes, revision: u53 }),
  fc.record({ kind: fc.constant('condition-failed' as const), revision: fc.option(u53, { nil: undefined }) }),
)

const result: fc.Arbitrary<KvResult> = fc.oneof(
  fc.record({ kind: fc.constant('operations' as const), results: fc.array(operationResult, { maxLength: 5 }) }),
  fc.record({
    kind: fc.constant('aborted' as const),
    index: fc.nat(999),
    revision: fc.option(u53, { nil: undefined }),
  }),
  fc.record({ kind: fc.constant('delete-range' as const), deleted: fc.nat(512), more: fc.boolean() }),
  fc.record({ kind: fc.constant('stale-epoch' as const) }),
  fc.record({ kind: fc.constant('malformed' as const), reason: fc.string({ unit: 'grapheme-ascii' }) }),
)

export const errorOf: fc.Arbitrary<ErrorValue> = fc.record(
  {
    code: fc.constantFrom(...(Object.keys(ERROR_TABLE) as ErrorCode[])),
    message: fc.string({ unit: 'grapheme' }),
    outcome: fc.constantFrom('none' as const, 'applied' as const, 'unknown' as const),
    retryable: fc.boolean(),
    shard: u48,
    leader: fc.string(),
    hint: fc.string(),
    revision: fc.option(u53),
    index: fc.nat(999),
    shards,
  },
  { requiredKeys: ['code', 'message', 'outcome', 'retryable'] },
)

const answered = {
  timing: fc.record({ raftMs: measure, applyMs: measure }),
  epoch: fc.record({ membership: u32, range: u32 }),
}
const found = fc.record({ value: bytes, revision: u53 })

export const hotReply: fc.Arbitrary<Reply> = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), result, ...answered }),
  fc.record({
    kind: fc.constant('get' as const),
    values: fc.array(fc.option(found, { nil: undefined }), { maxLength: 5 }),
    ...answered,
    stalenessMs: measure,
  }),
  fc.record({
    kind: fc.constant('scan' as const),
    items: fc.array(fc.record({ key, value: bytes, revision: u53 }), { maxLength: 5 }),
    more: fc.boolean(),
    ...answered,
    stalenessMs: measure,
  }),
)

export const coldReply: fc.Arbitrary<Reply> = fc.oneof(
  fc.record({ kind: fc.constant('error' as const), error: errorOf }),
  fc.record({ kind: fc.constant('done' as const) }),
  fc.record({ kind: fc.constant('allocate-ids' as const), first: u48 }),
  fc.record({
    kind: fc.constant('operate' as const),
    answer: fc.oneof(
      fc.record({ ok: fc.constant(true as const), document: documentValue }),
      fc.record({ ok: fc.constant(false as const), error: errorOf }),
    ),
  }),
  fc.record({ kind: fc.constant('map' as const), map: fc.option(map, { nil: undefined }), leaders }),
  fc.record({ kind: fc.constant('describe-replica' as const), replica: documentValue }),
  fc.record({
    kind: fc.constant('store-heartbeat' as const),
    answer: fc.record({
      resend: fc.boolean(),
      map: fc.option(map, { nil: undefined }),
      leaders,
      config: fc.option(config, { nil: undefined }),
      snapshotBytesPerSecond: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
    }),
  }),
  fc.record({
    kind: fc.constant('describe' as const),
    store: fc.record({
      info: storeInfo,
      replicas: fc.nat(),
      leaders: fc.nat(),
      bytes: measure,
      load,
      lag: fc.dictionary(fc.string(), fc.nat()),
      uptimeSeconds: measure,
      notReady: fc.array(fc.string()),
    }),
    shards: fc
      .tuple(
        shards,
        fc.record({
          leader: fc.option(fc.string(), { nil: undefined }),
          term: u48,
          commitIndex: u48,
          appliedIndex: u48,
          replicas: fc.array(
            fc.record({
              store: fc.string(),
              role: fc.constantFrom('voter' as const, 'learner' as const),
              matchIndex: fc.option(u48),
              state: fc.constantFrom('probe' as const, 'replicate' as const, 'snapshot' as const, null),
            }),
          ),
          bytes: measure,
          keys: measure,
          load,
          absorbed: fc.array(u48),
        }),
      )
      .map(([shards, rest]) => shards.map((shard, i) => ({ shard, ...rest, merging: shards[i + 1] }))),
  }),
  fc.record({ kind: fc.constant('shards' as const), shards }),
  fc.record({ kind: fc.constant('merged' as const), into: u48 }),
  fc.record({ kind: fc.constant('middle' as const), key: fc.option(boundKey, { nil: undefined }) }),
  fc.record({
    kind: fc.constant('placement-status' as const),
    status: fc.record({
      term: u48,
      leader: fc.string(),
      map,
      leaders,
      stores: fc.array(
        fc.record({
          id: fc.string(),
          liveness: fc.constantFrom('up' as const, 'suspect' as const, 'down' as const),
          lastHeartbeatAgoMs: measure,
          replicas: fc.nat(),
          bytes: measure,
          load,
          uptimeSeconds: measure,
        }),
      ),
    }),
  }),
)
