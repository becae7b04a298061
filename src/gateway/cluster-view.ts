/**
 * Asks the router what the operating routes show. Every question is bounded: a cluster in trouble is when these routes are needed, so an
 * answer with gaps beats none.
 */
import type { ShardMap, StoreInfo } from '../../shard-map/index.ts'
import type { PlacementStatus, ShardDescription } from '../protocol/index.ts'
import type { CallOptions } from '../router/index.ts'
import { allShards, type StatusShape, type StoreShape, statusShape, storeShape } from './cluster-shapes.ts'
import type { Exchange } from './exchange.ts'

/** Whoever does not answer within this is shown as far as others know it. */
const PART_TIMEOUT_MS = 2000

export interface ClusterView {
  readonly map: ShardMap
  readonly placement: PlacementStatus | undefined
}

export async function viewCluster(exchange: Exchange): Promise<ClusterView> {
  const { admin } = exchange.services.router
  const placement = await unlessUnreachable(admin.placementStatus(partOptions(exchange)))
  return { map: placement?.map ?? (await admin.map(wholeOptions(exchange))), placement }
}

export async function viewStore(exchange: Exchange, { placement }: ClusterView, info: StoreInfo): Promise<StoreShape> {
  const heard = placement?.stores.find((store) => store.id === info.id)
  // Nobody is there to ask, and waiting for the time-out would only delay the answer.
  const isSilent = info.state === 'gone' || info.state === 'registered' || heard?.liveness === 'down'
  const description = isSilent
    ? undefined
    : await unlessUnreachable(exchange.services.router.admin.describeStore(info.id, partOptions(exchange)))
  return storeShape(info, heard, description)
}

export function viewStores(exchange: Exchange, view: ClusterView): Promise<StoreShape[]> {
  return Promise.all(view.map.stores.map((info) => viewStore(exchange, view, info)))
}

export async function viewStatus(exchange: Exchange, version: string): Promise<StatusShape> {
  const view = await viewCluster(exchange)
  const [stores, shards, operators] = await Promise.all([
    viewStores(exchange, view),
    exchange.services.router.admin.describeShards(allShards(view.map), partOptions(exchange)),
    view.placement === undefined
      ? undefined
      : unlessUnreachable(exchange.services.router.admin.operate({ what: 'list-operators' }, partOptions(exchange))),
  ])
  return statusShape(version, view.map, stores, shards, view.placement, runningOf(operators))
}

/** Of the placement driver's list; 0 where it could not be had. */
function runningOf(list: unknown): number {
  const { operators = [] } = (list ?? {}) as { readonly operators?: readonly { readonly state: string }[] }
  return operators.filter(({ state }) => state === 'running').length
}

export async function viewMap(exchange: Exchange): Promise<ShardMap> {
  return exchange.services.router.admin.map(wholeOptions(exchange))
}

export function describeShards(
  exchange: Exchange,
  shards: readonly ShardMap['shards'][number][],
): Promise<ShardDescription[]> {
  return exchange.services.router.admin.describeShards(shards, wholeOptions(exchange))
}

function wholeOptions(exchange: Exchange): CallOptions {
  return { timeoutMs: exchange.remainingMs, signal: exchange.signal }
}

function partOptions(exchange: Exchange): CallOptions {
  return { timeoutMs: Math.min(PART_TIMEOUT_MS, exchange.remainingMs), signal: exchange.signal }
}

/** Undefined instead of a failure that says that the other side could not be reached in time; anything else is passed on. */
async function unlessUnreachable<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (isUnreachable(error)) return undefined
    throw error
  }
}

const UNREACHABLE: readonly string[] = [
  'TIMEOUT',
  'NO_LEADER',
  'QUORUM_LOST',
  'UNAVAILABLE',
  'NOT_READY',
  'DRAINING',
  'OVERLOADED',
]

function isUnreachable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && UNREACHABLE.includes(String(error.code))
}
