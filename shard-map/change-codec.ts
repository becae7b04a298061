/**
 * Changes of a map as plain arrays, beginning with their kind's number; see `codec.ts` for the parts and for how failure looks. The
 * placement driver's log holds them, so numbers stay what they are and new kinds get new ones.
 *
 *   [0, placement, [shard, ...], [store, ...]]      bootstrap         [5, store]                               forget-store
 *   [1, store]                                      register-store    [6, [shard, ...]]                        update-shards
 *   [2, store, incarnation, address, version]       update-store      [7, id, m, r, key, id, [replica, ...]]   split
 *   [3, store, [label, value or null, ...]]         label-store       [8, left, m, r, right, m, r]             merge
 *   [4, store, state]                               set-store-state   [9, id, m, r, replicas]                  change-replicas
 */

import type { MapChange } from './change.ts'
import {
  isUnreadable,
  type Plain,
  replicasFromPlain,
  replicasToPlain,
  shardFromPlain,
  shardToPlain,
  storeFromPlain,
  storeToPlain,
  type Unreadable,
} from './codec.ts'
import { shown } from './shown.ts'
import type { Shard, StoreInfo } from './types.ts'

const STATES: readonly string[] = ['registered', 'up', 'draining', 'decommissioning', 'gone']

export function changeToPlain(change: MapChange): Plain {
  switch (change.kind) {
    case 'bootstrap':
      return [0, shardToPlain(change.placement), change.shards.map(shardToPlain), change.stores.map(storeToPlain)]
    case 'register-store':
      return [1, storeToPlain(change.store)]
    case 'update-store':
      return [2, change.store, change.incarnation, change.address, change.version]
    case 'label-store':
      return [3, change.store, Object.entries(change.labels).flat()]
    case 'set-store-state':
      return [4, change.store, change.state]
    case 'forget-store':
      return [5, change.store]
    case 'update-shards':
      return [6, change.shards.map(shardToPlain)]
    case 'split': {
      const { epoch } = change
      return [7, change.shard, epoch.membership, epoch.range, change.key, change.rightId, change.rightReplicas]
    }
    case 'merge': {
      const { leftEpoch, rightEpoch } = change
      return [
        8,
        change.left,
        leftEpoch.membership,
        leftEpoch.range,
        change.right,
        rightEpoch.membership,
        rightEpoch.range,
      ]
    }
    case 'change-replicas': {
      const { epoch } = change
      return [9, change.shard, epoch.membership, epoch.range, replicasToPlain(change.replicas)]
    }
    default:
      return change satisfies never
  }
}

/** The first number that no kind has yet. */
const KINDS_END = 10

/** The kind of a change that only a newer release knows; undefined for everything else, whether it can be read or not. */
export function foreignChange(plain: unknown): string | undefined {
  const [kind] = Array.isArray(plain) ? (plain as unknown[]) : []
  return isCount(kind) && kind >= KINDS_END ? `change kind ${kind}` : undefined
}

export function changeFromPlain(plain: unknown): MapChange | Unreadable {
  if (!Array.isArray(plain)) return { unreadable: 'a change is a list' }
  const [kind, ...fields] = plain as unknown[]
  const change = readChange(kind, fields)
  return change ?? { unreadable: `no change of kind ${shown(kind)} has these ${fields.length} fields` }
}

function readChange(kind: unknown, fields: readonly unknown[]): MapChange | Unreadable | undefined {
  switch (kind) {
    case 0:
      return readBootstrap(fields)
    case 1: {
      const store = storeFromPlain(fields[0])
      return isUnreadable(store) ? store : { kind: 'register-store', store }
    }
    case 2: {
      if (fields.length !== 4 || !fields.every(isText)) return undefined
      const [store, incarnation, address, version] = fields as [string, string, string, string]
      return { kind: 'update-store', store, incarnation, address, version }
    }
    case 3:
      return readLabels(fields)
    case 4: {
      const [store, state] = fields
      if (!isText(store) || !isState(state)) return undefined
      return { kind: 'set-store-state', store, state }
    }
    case 5:
      return isText(fields[0]) ? { kind: 'forget-store', store: fields[0] } : undefined
    case 6: {
      const shards = readAll(fields[0], shardFromPlain)
      return shards === undefined || isUnreadable(shards) ? shards : { kind: 'update-shards', shards }
    }
    case 7: {
      const [shard, membership, range, key, rightId, rightReplicas] = fields
      if (![shard, membership, range, rightId].every(isCount) || !isText(key)) return undefined
      if (!Array.isArray(rightReplicas) || !rightReplicas.every(isCount)) return undefined
      const epoch = { membership: membership as number, range: range as number }
      return { kind: 'split', shard: shard as number, epoch, key, rightId: rightId as number, rightReplicas }
    }
    case 8: {
      if (fields.length !== 6 || !fields.every(isCount)) return undefined
      const [left, leftMembership, leftRange, right, rightMembership, rightRange] = fields as [
        number,
        number,
        number,
        number,
        number,
        number,
      ]
      return {
        kind: 'merge',
        left,
        leftEpoch: { membership: leftMembership, range: leftRange },
        right,
        rightEpoch: { membership: rightMembership, range: rightRange },
      }
    }
    case 9: {
      const [shard, membership, range, plain] = fields
      if (![shard, membership, range].every(isCount)) return undefined
      const replicas = replicasFromPlain(plain)
      if (isUnreadable(replicas)) return replicas
      const epoch = { membership: membership as number, range: range as number }
      return { kind: 'change-replicas', shard: shard as number, epoch, replicas }
    }
    default:
      return undefined
  }
}

function readBootstrap(fields: readonly unknown[]): MapChange | Unreadable | undefined {
  const placement = shardFromPlain(fields[0])
  if (isUnreadable(placement)) return placement
  const shards = readAll<Shard>(fields[1], shardFromPlain)
  if (shards === undefined || isUnreadable(shards)) return shards
  const stores = readAll<StoreInfo>(fields[2], storeFromPlain)
  if (stores === undefined || isUnreadable(stores)) return stores
  return { kind: 'bootstrap', placement, shards, stores }
}

function readLabels(fields: readonly unknown[]): MapChange | undefined {
  const [store, pairs] = fields
  if (!isText(store) || !Array.isArray(pairs) || pairs.length % 2 !== 0) return undefined
  const entries: [string, string | null][] = []
  for (let i = 0; i < pairs.length; i += 2) {
    const [name, value] = pairs.slice(i, i + 2) as unknown[]
    if (!isText(name) || !(value === null || isText(value))) return undefined
    entries.push([name, value])
  }
  return { kind: 'label-store', store, labels: Object.fromEntries(entries) }
}

function readAll<T extends object>(
  plain: unknown,
  read: (item: unknown) => T | Unreadable,
): readonly T[] | Unreadable | undefined {
  if (!Array.isArray(plain)) return undefined
  const items: T[] = []
  for (const item of plain) {
    const value = read(item)
    if (isUnreadable(value)) return value
    items.push(value)
  }
  return items
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isState(value: unknown): value is StoreInfo['state'] {
  return isText(value) && STATES.includes(value)
}

function isCount(value: unknown): value is number {
  // Negative zero would not survive its own plain form.
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0)
}
