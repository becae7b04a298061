/**
 * The routes that show the cluster: status, stores, shards.
 */

import { type Key, locate, type Shard, type ShardMap } from '../../../shard-map/index.ts'
import { LIMITS } from '../../base/index.ts'
import type { ShardDescription } from '../../protocol/index.ts'
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
const LOOK_AGAIN_MS = 50

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
  exchange.sendJson(200, { shards: descriptions.map((each, place) => shardShape(asMapped(each, page[place]))), next })
}

/**
 * A leader that has cut its shard, or joined it with another, says so before the map does. Its new range beside the others of the map would leave a hole or
 * an overlap, so until the map has the change, the shard stands there as it was.
 */
function asMapped(description: ShardDescription, mapped: Shard | undefined): ShardDescription {
  const { shard } = description
  if (mapped === undefined || (mapped.start === shard.start && mapped.end === shard.end)) return description
  return { ...description, shard: mapped }
}

function shardCursor(cursor: string): number {
  const id = Number(decodeCursor(SHARDS_CURSOR, cursor))
  if (!Number.isSafeInteger(id)) throw invalidArgument('the cursor is malformed')
  return id
}

export async function showShard(exchange: Exchange): Promise<void> {
  const shard = namedShard(exchange, await viewMap(exchange))
  exchange.sendJson(200, shardShape(await describeShard(exchange, shard)))
}

export async function lookupShard(exchange: Exchange): Promise<void> {
  const key = exchange.query.bytes('key')
  if (key === undefined || key === '')
    throw invalidArgument('key is missing', 'GET /admin/shards/lookup?key=<percent-encoded bytes>')
  if (key.length > LIMITS.keyBytesMax) throw refusal('KEY_TOO_LARGE', `keys have at most ${LIMITS.keyBytesMax} bytes`)
  const options = { timeoutMs: exchange.remainingMs, signal: exchange.signal }
  let shard = await exchange.services.router.locate(key, options)
  let description = await describeShard(exchange, shard)
  // A shard knows of its own split or merge before the map of this store does, and the placement driver soon after the shard.
  while (!holds(description.shard, key)) {
    if (exchange.remainingMs <= LOOK_AGAIN_MS || exchange.signal.aborted) {
      throw refusal('NOT_READY', `shard ${shard.id} has changed, and it is not known yet which one holds the key`)
    }
    await pause(exchange, LOOK_AGAIN_MS)
    shard = locate((await viewCluster(exchange)).map, key) ?? shard
    description = await describeShard(exchange, shard)
  }
  exchange.sendJson(200, { ...jsonKey(key), shard: shardShape(description) })
}

async function describeShard(exchange: Exchange, shard: Shard): Promise<ShardDescription> {
  const [description] = await describeShards(exchange, [shard])
  if (description === undefined) throw shardNotFound(shard.id)
  return description
}

function holds({ start, end }: Shard, key: Key): boolean {
  return start <= key && (end === undefined || key < end)
}

function pause(exchange: Exchange, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    exchange.services.clock.after(delayMs, resolve)
  })
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
