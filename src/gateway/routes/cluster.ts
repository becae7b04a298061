/**
 * The routes that show the cluster: status, stores, shards.
 */

import type { Shard, ShardMap } from '../../../shard-map/index.ts'
import { LIMITS } from '../../base/index.ts'
import { allShards, shardShape } from '../cluster-shapes.ts'
import { describeShards, viewCluster, viewMap, viewStatus, viewStore, viewStores } from '../cluster-view.ts'
import { decodeCursor, encodeCursor } from '../cursor.ts'
import type { Exchange } from '../exchange.ts'
import { invalidArgument, refusal } from '../failures.ts'
import { jsonKey } from '../json-bytes.ts'
import type { Handler } from '../route-definition.ts'

export function showStatus(version: string): Handler {
  return async (exchange) => exchange.sendJson(200, await viewStatus(exchange, version))
}

export async function listStores(exchange: Exchange): Promise<void> {
  const view = await viewCluster(exchange)
  exchange.sendJson(200, { stores: await viewStores(exchange, view) })
}

export async function showStore(exchange: Exchange): Promise<void> {
  const id = exchange.pathParameter('store')
  const view = await viewCluster(exchange)
  const info = view.map.stores.find((store) => store.id === id)
  if (info === undefined) throw refusal('STORE_NOT_FOUND', 'there is no such store', 'GET /admin/stores lists them.')
  exchange.sendJson(200, await viewStore(exchange, view, info))
}

const SHARDS_CURSOR = 'shards'

export async function listShards(exchange: Exchange): Promise<void> {
  const limit = exchange.query.count('limit', LIMITS.scanPageItemsMax) ?? LIMITS.scanPageItemsMax
  const cursor = exchange.query.text('cursor')
  const after = cursor === undefined ? -1 : shardCursor(cursor)
  // By id, so that a split or merge between two pages neither hides nor repeats a shard.
  const shards = [...allShards(await viewMap(exchange))].sort((a, b) => a.id - b.id).filter((shard) => shard.id > after)
  const page = shards.slice(0, limit)
  const last = page.at(-1)
  const descriptions = page.length === 0 ? [] : await describeShards(exchange, page)
  const next = last !== undefined && shards.length > page.length ? encodeCursor(SHARDS_CURSOR, String(last.id)) : null
  exchange.sendJson(200, { shards: descriptions.map(shardShape), next })
}

function shardCursor(cursor: string): number {
  const id = Number(decodeCursor(SHARDS_CURSOR, cursor))
  if (!Number.isSafeInteger(id)) throw invalidArgument('the cursor is malformed')
  return id
}

export async function showShard(exchange: Exchange): Promise<void> {
  const shard = namedShard(exchange, await viewMap(exchange))
  await sendShard(exchange, shard, (shape) => shape)
}

export async function lookupShard(exchange: Exchange): Promise<void> {
  const key = exchange.query.bytes('key')
  if (key === undefined || key === '')
    throw invalidArgument('key is missing', 'GET /admin/shards/lookup?key=<percent-encoded bytes>')
  if (key.length > LIMITS.keyBytesMax) throw refusal('KEY_TOO_LARGE', `keys have at most ${LIMITS.keyBytesMax} bytes`)
  const shard = await exchange.services.router.locate(key, { timeoutMs: exchange.remainingMs, signal: exchange.signal })
  await sendShard(exchange, shard, (shape) => ({ ...jsonKey(key), shard: shape }))
}

async function sendShard(
  exchange: Exchange,
  shard: Shard,
  wrap: (shape: ReturnType<typeof shardShape>) => unknown,
): Promise<void> {
  const [description] = await describeShards(exchange, [shard])
  if (description === undefined) throw shardNotFound(shard.id)
  exchange.sendJson(200, wrap(shardShape(description)))
}

/** The shard that the path names. */
export function namedShard(exchange: Exchange, map: ShardMap): Shard {
  const id = shardId(exchange)
  const shard = allShards(map).find((candidate) => candidate.id === id)
  if (shard === undefined) throw shardNotFound(id)
  return shard
}

export function shardId(exchange: Exchange): number {
  const text = exchange.pathParameter('shard')
  const id = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(id)) throw invalidArgument('a shard id is a whole number')
  return id
}

function shardNotFound(id: number): Error {
  return refusal('SHARD_NOT_FOUND', `there is no shard ${id}`, 'GET /admin/shards lists them.')
}
