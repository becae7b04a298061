/**
 * The cluster as JSON: stores, shards and the summary, from what the router describes. Pure; the shapes are those of the public contract.
 */
import {
  PLACEMENT_SHARD,
  type Replica,
  type Shard,
  type ShardMap,
  type StoreId,
  type StoreInfo,
} from '../../shard-map/index.ts'
import type {
  Load,
  PlacementStatus,
  ReplicaDescription,
  ShardDescription,
  StoreDescription,
} from '../protocol/index.ts'
import { percentEncode } from './percent.ts'

export interface StoreShape {
  readonly id: string
  readonly address: string
  readonly labels: Readonly<Record<string, string>>
  readonly state: 'up' | 'suspect' | 'down' | 'draining' | 'decommissioning' | 'gone' | 'registered'
  readonly replicas: number
  readonly leaders: number
  readonly bytes: number
  readonly load: Load
  readonly version: string
  readonly lag: Readonly<Record<StoreId, number>>
  readonly uptimeSeconds: number
  readonly notReady?: readonly string[]
}

export interface ShardShape {
  readonly id: number
  readonly kind: 'placement' | 'data'
  readonly start?: string
  readonly end?: string | null
  readonly epoch: { readonly membership: number; readonly range: number }
  readonly leader: string | null
  readonly term: number
  readonly commitIndex: number
  readonly appliedIndex: number
  readonly replicas: readonly ReplicaDescription[]
  readonly bytes: number
  readonly keys: number
  readonly load: Load
}

export interface StatusShape {
  readonly health: string
  readonly ok: boolean
  readonly version: string
  readonly stores: { readonly total: number; readonly up: number }
  readonly shards: {
    readonly total: number
    readonly leaderless: readonly number[]
    readonly underReplicated: readonly number[]
  }
  readonly leaders: Readonly<Record<StoreId, number>>
  readonly operators: { readonly running: number }
  readonly placement: { readonly leader: string | null; readonly term: number }
}

type PlacementView = PlacementStatus['stores'][number]

/** `placement` is what the placement driver heard of the store, `described` what the store itself says; either may be missing. */
export function storeShape(
  info: StoreInfo,
  placement: PlacementView | undefined,
  described: StoreDescription | undefined,
): StoreShape {
  const known = described ?? placement
  return {
    id: info.id,
    address: info.address,
    labels: info.labels,
    state: stateOf(info, placement, described),
    replicas: known?.replicas ?? 0,
    leaders: described?.leaders ?? 0,
    bytes: known?.bytes ?? 0,
    load: known?.load ?? { readsPerSecond: 0, writesPerSecond: 0 },
    version: described?.info.version ?? info.version,
    lag: described?.lag ?? {},
    uptimeSeconds: known?.uptimeSeconds ?? 0,
    ...(described === undefined ? {} : { notReady: described.notReady }),
  }
}

/** A store that was told to leave is leaving whether it answers or not; of others it matters whether they answer. */
function stateOf(
  info: StoreInfo,
  placement: PlacementView | undefined,
  described: StoreDescription | undefined,
): StoreShape['state'] {
  if (info.state !== 'up') return info.state
  if (placement !== undefined) return placement.liveness
  return described === undefined ? 'suspect' : 'up'
}

export function shardShape(description: ShardDescription): ShardShape {
  const { shard } = description
  const isPlacement = shard.id === PLACEMENT_SHARD
  return {
    id: shard.id,
    kind: isPlacement ? 'placement' : 'data',
    ...(isPlacement
      ? {}
      : { start: percentEncode(shard.start), end: shard.end === undefined ? null : percentEncode(shard.end) }),
    epoch: { membership: shard.epoch.membership, range: shard.epoch.range },
    leader: description.leader ?? null,
    term: description.term,
    commitIndex: description.commitIndex,
    appliedIndex: description.appliedIndex,
    replicas: description.replicas,
    bytes: description.bytes,
    keys: description.keys,
    load: description.load,
  }
}

/** Every shard, the placement driver's own first. */
export function allShards(map: ShardMap): readonly Shard[] {
  return map.placement === undefined ? map.shards : [map.placement, ...map.shards]
}

export function statusShape(
  version: string,
  map: ShardMap,
  stores: readonly StoreShape[],
  shards: readonly ShardDescription[],
  placement: PlacementStatus | undefined,
  operatorsRunning: number,
): StatusShape {
  const up = new Set(
    stores.filter((store) => store.state !== 'down' && store.state !== 'gone').map((store) => store.id),
  )
  const leaderless = shards.filter((shard) => shard.leader === undefined).map(({ shard }) => shard.id)
  const underReplicated = underReplicatedShards(map, up)
  const expected = stores.filter((store) => store.state !== 'registered' && store.state !== 'gone')
  const isUp = (store: StoreShape): boolean => store.state !== 'down' && store.state !== 'suspect'
  const troubles = [
    trouble(expected.filter((store) => !isUp(store)).length, 'store does not answer', 'stores do not answer'),
    trouble(leaderless.length, 'shard has no leader', 'shards have no leader'),
    trouble(underReplicated.length, 'shard is under-replicated', 'shards are under-replicated'),
    placement === undefined ? 'the placement driver does not answer' : '',
  ].filter((sentence) => sentence !== '')
  return {
    health:
      troubles.length === 0
        ? 'healthy: every store answers and every shard has a leader'
        : `degraded: ${troubles.join(', ')}`,
    ok: troubles.length === 0,
    version,
    stores: { total: stores.length, up: expected.filter(isUp).length },
    shards: { total: map.shards.length, leaderless, underReplicated },
    leaders: leadersPerStore(stores, shards),
    operators: { running: operatorsRunning },
    placement: { leader: placement?.leader ?? null, term: placement?.term ?? 0 },
  }
}

function trouble(count: number, one: string, many: string): string {
  return count === 0 ? '' : `${count} ${count === 1 ? one : many}`
}

/** Shards with fewer voters on living stores than the best replicated shard has voters: what is wanted is not written in the map. */
function underReplicatedShards(map: ShardMap, up: ReadonlySet<StoreId>): number[] {
  const shards = allShards(map)
  const wanted = Math.max(0, ...shards.map((shard) => shard.replicas.filter(isVoter).length))
  return shards
    .filter((shard) => shard.replicas.filter((replica) => isVoter(replica) && up.has(replica.store)).length < wanted)
    .map((shard) => shard.id)
}

function isVoter(replica: Replica): boolean {
  return replica.role === 'voter' || replica.role === 'incoming'
}

function leadersPerStore(stores: readonly StoreShape[], shards: readonly ShardDescription[]): Record<StoreId, number> {
  const counts = new Map<StoreId, number>(stores.map((store) => [store.id, 0]))
  for (const { leader } of shards) if (leader !== undefined) counts.set(leader, (counts.get(leader) ?? 0) + 1)
  return Object.fromEntries(counts)
}
