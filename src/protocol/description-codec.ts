/**
 * Descriptions of stores, shards and of the placement driver's knowledge, as MessagePack lists inside replies.
 *
 *   describe          [[store, replicas, leaders, bytes, load, [store id, lag, ...], uptimeSeconds, [not ready because, ...]],
 *                      [[shard, leader or null, term, commitIndex, appliedIndex, [replica, ...], bytes, keys, load,
 *                        shard it is merged into or null, [shard id that it took in, ...]], ...]]
 *   replica           [store id, role, matchIndex or null, state or null]
 *   load              [readsPerSecond, writesPerSecond]
 *   placement-status  [term, leader, map, [shard id, leader, ...],
 *                      [[store id, liveness, lastHeartbeatAgoMs, replicas, bytes, load, uptimeSeconds], ...]]
 */
import {
  mapFromPlain,
  mapToPlain,
  shardFromPlain,
  shardToPlain,
  storeFromPlain,
  storeToPlain,
} from '../../shard-map/index.ts'
import type { FieldReader } from './field-reader.ts'
import { defined, leadersToPlain, readLeaders } from './heartbeat-codec.ts'
import type {
  Load,
  PlacementStatus,
  ReplicaDescription,
  Reply,
  ShardDescription,
  StoreDescription,
} from './requests.ts'

/** Places in these lists are what is sent: they may only grow. */
const ROLES = ['voter', 'learner'] as const
const STATES = ['probe', 'replicate', 'snapshot'] as const
const LIVENESS = ['up', 'suspect', 'down'] as const

export function descriptionToPlain(reply: Reply & { kind: 'describe' }): readonly unknown[] {
  const { store } = reply
  return [
    [
      storeToPlain(store.info),
      store.replicas,
      store.leaders,
      store.bytes,
      loadToPlain(store.load),
      Object.entries(store.lag).flat(),
      store.uptimeSeconds,
      store.notReady,
    ],
    reply.shards.map(shardDescriptionToPlain),
  ]
}

function shardDescriptionToPlain(description: ShardDescription): readonly unknown[] {
  return [
    shardToPlain(description.shard),
    description.leader ?? null,
    description.term,
    description.commitIndex,
    description.appliedIndex,
    description.replicas.map(({ store, role, matchIndex, state }) => [
      store,
      ROLES.indexOf(role),
      matchIndex,
      state === null ? null : STATES.indexOf(state),
    ]),
    description.bytes,
    description.keys,
    loadToPlain(description.load),
    description.merging === undefined ? null : shardToPlain(description.merging),
    description.absorbed,
  ]
}

/** Undefined, or marked as failed, when it is none. */
export function readDescription(fields: FieldReader): (Reply & { kind: 'describe' }) | undefined {
  const store = fields.nested(readStoreDescription)
  const shards = defined(fields.list(readShardDescription))
  return store === undefined ? undefined : { kind: 'describe', store, shards }
}

function readStoreDescription(fields: FieldReader): StoreDescription | undefined {
  const info = fields.model(storeFromPlain)
  if (info === undefined) return undefined
  return {
    info,
    replicas: fields.count(),
    leaders: fields.count(),
    bytes: fields.measure(),
    load: fields.nested(readLoad),
    lag: Object.fromEntries(fields.flat(2, (pair) => [pair.text(), pair.count()] as const)),
    uptimeSeconds: fields.measure(),
    notReady: fields.flat(1, (reasons) => reasons.text()),
  }
}

function readShardDescription(fields: FieldReader): ShardDescription | undefined {
  const shard = fields.model(shardFromPlain)
  if (shard === undefined) return undefined
  return {
    shard,
    leader: fields.optional(() => fields.text()),
    term: fields.count(),
    commitIndex: fields.count(),
    appliedIndex: fields.count(),
    replicas: fields.list(
      (replica): ReplicaDescription => ({
        store: replica.text(),
        role: replica.choice(ROLES),
        matchIndex: replica.optional(() => replica.count()) ?? null,
        state: replica.optional(() => replica.choice(STATES)) ?? null,
      }),
    ),
    bytes: fields.measure(),
    keys: fields.measure(),
    load: fields.nested(readLoad),
    merging: fields.optional(() => fields.model(shardFromPlain)),
    absorbed: fields.optional(() => fields.flat(1, (ids) => ids.count())) ?? [],
  }
}

export function placementStatusToPlain(status: PlacementStatus): readonly unknown[] {
  return [
    status.term,
    status.leader,
    mapToPlain(status.map),
    leadersToPlain(status.leaders),
    status.stores.map(({ id, liveness, lastHeartbeatAgoMs, replicas, bytes, load, uptimeSeconds }) => [
      id,
      LIVENESS.indexOf(liveness),
      lastHeartbeatAgoMs,
      replicas,
      bytes,
      loadToPlain(load),
      uptimeSeconds,
    ]),
  ]
}

/** Undefined, or marked as failed, when it is none. */
export function readPlacementStatus(fields: FieldReader): (Reply & { kind: 'placement-status' }) | undefined {
  const term = fields.count()
  const leader = fields.text()
  const map = fields.model(mapFromPlain)
  if (map === undefined) return undefined
  const leaders = readLeaders(fields)
  const stores = fields.list((store) => ({
    id: store.text(),
    liveness: store.choice(LIVENESS),
    lastHeartbeatAgoMs: store.measure(),
    replicas: store.count(),
    bytes: store.measure(),
    load: store.nested(readLoad),
    uptimeSeconds: store.measure(),
  }))
  return { kind: 'placement-status', status: { term, leader, map, leaders, stores } }
}

function loadToPlain(load: Load): readonly number[] {
  return [load.readsPerSecond, load.writesPerSecond]
}

function readLoad(fields: FieldReader): Load {
  return { readsPerSecond: fields.measure(), writesPerSecond: fields.measure() }
}
