/**
 * Maps, shards, stores and deltas as plain arrays of numbers, text and null: what JSON and MessagePack both can carry. The names say
 * nothing about bytes; `protocol` and the placement machine make those. Reading validates everything and never throws: the answer
 * is the value, or `Unreadable` with the reason.
 *
 *   map    [1, version, placement shard or null, [shard, ...], [store, ...]]
 *   delta  [1, from, to, placement shard or null, [shard, ...], [shard id, ...], [store, ...], [store id, ...]]
 *   shard  [id, start, end or null, membership epoch, range epoch, [replica id, store, role, ...]]     three fields per replica
 *   store  [id, address, [label, value, ...], incarnation, version, state]
 *
 * Roles and states are their places in the lists below, which may only grow. Keys are latin-1 text.
 */

import type { MapDelta } from './delta.ts'
import { violations } from './invariants.ts'
import { shown } from './shown.ts'
import type { Replica, ReplicaRole, Shard, ShardMap, StoreInfo } from './types.ts'

export type Plain = null | boolean | number | string | readonly Plain[]

/** Why something is not what it should be. */
export interface Unreadable {
  readonly unreadable: string
}

export function isUnreadable(value: object): value is Unreadable {
  return 'unreadable' in value
}

const FORMAT = 1
const ROLES: readonly ReplicaRole[] = ['voter', 'learner', 'incoming', 'outgoing']
const STATES: readonly StoreInfo['state'][] = ['registered', 'up', 'draining', 'decommissioning', 'gone']

export function mapToPlain(map: ShardMap): Plain {
  const placement = map.placement === undefined ? null : shardToPlain(map.placement)
  return [FORMAT, map.version, placement, map.shards.map(shardToPlain), map.stores.map(storeToPlain)]
}

/** A map that reads well but is broken (`violations`) is unreadable too. */
export function mapFromPlain(plain: unknown): ShardMap | Unreadable {
  if (!isList(plain, 5)) return unreadable('a map is a list of 5')
  const [format, version, placementPlain, shardsPlain, storesPlain] = plain
  if (format !== FORMAT) return unreadable(`map of unknown format ${shown(format)}`)
  if (!isCount(version)) return unreadable('a map has a version')
  const placement = optional(placementPlain, shardFromPlain)
  if (placement !== undefined && isUnreadable(placement)) return placement
  const shards = list(shardsPlain, shardFromPlain)
  if (isUnreadable(shards)) return shards
  const stores = list(storesPlain, storeFromPlain)
  if (isUnreadable(stores)) return stores
  const map: ShardMap = { version, placement, shards, stores }
  const [violation] = violations(map)
  return violation === undefined ? map : unreadable(`a broken map: ${violation}`)
}

export function deltaToPlain(delta: MapDelta): Plain {
  return [
    FORMAT,
    delta.from,
    delta.to,
    delta.placement === undefined ? null : shardToPlain(delta.placement),
    delta.shards.map(shardToPlain),
    delta.removedShards,
    delta.stores.map(storeToPlain),
    delta.removedStores,
  ]
}

export function deltaFromPlain(plain: unknown): MapDelta | Unreadable {
  if (!isList(plain, 8)) return unreadable('a delta is a list of 8')
  const [format, from, to, placementPlain, shardsPlain, removedShards, storesPlain, removedStores] = plain
  if (format !== FORMAT) return unreadable(`delta of unknown format ${shown(format)}`)
  if (!isCount(from) || !isCount(to)) return unreadable('a delta leads from a version to a version')
  const placement = optional(placementPlain, shardFromPlain)
  if (placement !== undefined && isUnreadable(placement)) return placement
  const shards = list(shardsPlain, shardFromPlain)
  if (isUnreadable(shards)) return shards
  const stores = list(storesPlain, storeFromPlain)
  if (isUnreadable(stores)) return stores
  if (!Array.isArray(removedShards) || !removedShards.every(isCount)) return unreadable('removed shards are ids')
  if (!Array.isArray(removedStores) || !removedStores.every(isText)) return unreadable('removed stores are ids')
  return { from, to, placement, shards, removedShards, stores, removedStores }
}

export function shardToPlain(shard: Shard): Plain {
  const replicas: Plain[] = []
  for (const { id, store, role } of shard.replicas) replicas.push(id, store, ROLES.indexOf(role))
  return [shard.id, shard.start, shard.end ?? null, shard.epoch.membership, shard.epoch.range, replicas]
}

export function shardFromPlain(plain: unknown): Shard | Unreadable {
  if (!isList(plain, 6)) return unreadable('a shard is a list of 6')
  const [id, start, endPlain, membership, range, replicasPlain] = plain
  const end = endPlain === null ? undefined : endPlain
  if (!isCount(id) || id < 1) return unreadable('a shard has an id')
  if (!isKey(start) || !(end === undefined || isKey(end))) return unreadable(`the bounds of shard ${id} are no keys`)
  if (!isCount(membership) || !isCount(range)) return unreadable(`shard ${id} has no epoch`)
  const replicas = replicasFromPlain(replicasPlain)
  if (isUnreadable(replicas)) return unreadable(`shard ${id}: ${replicas.unreadable}`)
  return { id, start, end, epoch: { membership, range }, replicas }
}

export function replicasToPlain(replicas: readonly Replica[]): Plain {
  return replicas.flatMap(({ id, store, role }): Plain[] => [id, store, ROLES.indexOf(role)])
}

export function replicasFromPlain(plain: unknown): readonly Replica[] | Unreadable {
  if (!Array.isArray(plain) || plain.length % 3 !== 0) return unreadable('replicas come in threes')
  const replicas: Replica[] = []
  for (let i = 0; i < plain.length; i += 3) {
    const [id, store, code] = plain.slice(i, i + 3) as unknown[]
    const role = isCount(code) ? ROLES[code] : undefined
    if (!isCount(id) || !isText(store) || role === undefined) return unreadable(`replica ${i / 3} is none`)
    replicas.push({ id, store, role })
  }
  return replicas
}

export function storeToPlain(store: StoreInfo): Plain {
  const labels = Object.entries(store.labels).flat()
  return [store.id, store.address, labels, store.incarnation, store.version, STATES.indexOf(store.state)]
}

export function storeFromPlain(plain: unknown): StoreInfo | Unreadable {
  if (!isList(plain, 6)) return unreadable('a store is a list of 6')
  const [id, address, labelsPlain, incarnation, version, code] = plain
  const state = isCount(code) ? STATES[code] : undefined
  if (!isText(id) || !isText(address) || !isText(incarnation) || !isText(version)) return unreadable('a store has text')
  if (state === undefined) return unreadable(`store ${id} is in no known state`)
  if (!Array.isArray(labelsPlain) || !labelsPlain.every(isText) || labelsPlain.length % 2 !== 0) {
    return unreadable(`the labels of store ${id} are no pairs`)
  }
  // Object.fromEntries defines its fields, so a label called __proto__ is a label like any other.
  const labels = Object.fromEntries(
    labelsPlain.flatMap((name, i): [string, string][] => (i % 2 === 0 ? [[name, labelsPlain[i + 1] as string]] : [])),
  )
  return { id, address, labels, incarnation, version, state }
}

function list<T extends object>(plain: unknown, read: (item: unknown) => T | Unreadable): readonly T[] | Unreadable {
  if (!Array.isArray(plain)) return unreadable('a list is missing')
  const items: T[] = []
  for (const item of plain) {
    const value = read(item)
    if (isUnreadable(value)) return value
    items.push(value)
  }
  return items
}

function optional<T>(plain: unknown, read: (item: unknown) => T): T | undefined {
  return plain === null ? undefined : read(plain)
}

function unreadable(reason: string): Unreadable {
  return { unreadable: reason }
}

function isList(value: unknown, length: number): value is readonly unknown[] {
  return Array.isArray(value) && value.length === length
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isCount(value: unknown): value is number {
  // Negative zero would not survive its own plain form.
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0)
}

/** Bytes as text: no code unit above 255. */
function isKey(value: unknown): value is string {
  if (typeof value !== 'string') return false
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) > 0xff) return false
  return true
}
