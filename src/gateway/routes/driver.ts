/**
 * The routes to what the placement driver knows and goes by: schedulers, its reasons, what is hot; and the stores that it is told of.
 */
import { type Key, SCHEDULERS, type SchedulerName } from '../../../shard-map/index.ts'
import { LIMITS } from '../../base/index.ts'
import type { Load } from '../../protocol/index.ts'
import { ask } from '../ask-driver.ts'
import { viewCluster, viewStore } from '../cluster-view.ts'
import type { Fields } from '../document.ts'
import type { Exchange } from '../exchange.ts'
import { invalidArgument, refusal } from '../failures.ts'
import { jsonKey } from '../json-bytes.ts'
import { percentEncode } from '../percent.ts'
import type { Handler } from '../route-definition.ts'
import { bodyFields } from './operator.ts'
import { tryForget, tryPause, tryStoreChange } from './trial.ts'

const PAUSE_SECONDS_MAX = 86_400
const LABEL_CHARS_MAX = 200
const ADDRESS_CHARS_MAX = 300
const PORT_MAX = 65_535

export async function listSchedulers(exchange: Exchange): Promise<void> {
  exchange.sendJson(200, await ask(exchange, { what: 'list-schedulers' }))
}

export async function pauseScheduler(exchange: Exchange): Promise<void> {
  const scheduler = schedulerOf(exchange)
  const fields = await bodyFields(exchange, ['seconds'], false)
  const seconds = fields.get('seconds')
  if (!Number.isSafeInteger(seconds) || (seconds as number) < 1 || (seconds as number) > PAUSE_SECONDS_MAX) {
    throw fields.refuse('seconds', `a whole number from 1 to ${PAUSE_SECONDS_MAX}`)
  }
  if (exchange.query.boolean('dry_run')) {
    return tryPause(exchange, scheduler, exchange.services.clock.wallMs() + (seconds as number) * 1000)
  }
  exchange.mayHaveWritten = true
  exchange.sendJson(200, await ask(exchange, { what: 'pause-scheduler', scheduler, seconds: seconds as number }))
}

export async function resumeScheduler(exchange: Exchange): Promise<void> {
  const scheduler = schedulerOf(exchange)
  if (exchange.query.boolean('dry_run')) return tryPause(exchange, scheduler, undefined)
  exchange.mayHaveWritten = true
  exchange.sendJson(200, await ask(exchange, { what: 'pause-scheduler', scheduler, seconds: undefined }))
}

function schedulerOf(exchange: Exchange): SchedulerName {
  const name = exchange.pathParameter('scheduler')
  const scheduler = SCHEDULERS.find((each) => each === name)
  if (scheduler !== undefined) return scheduler
  throw refusal('SCHEDULER_NOT_FOUND', 'there is no such scheduler', `One of ${SCHEDULERS.join(', ')}.`)
}

export async function explain(exchange: Exchange): Promise<void> {
  const shard = exchange.query.text('shard')
  const store = exchange.query.text('store')
  if ((shard === undefined) === (store === undefined)) {
    throw invalidArgument('one of shard and store is to be explained', 'GET /admin/explain?shard=2')
  }
  if (store !== undefined) {
    exchange.sendJson(200, await ask(exchange, { what: 'explain-store', store }))
    return
  }
  const id = /^[0-9]{1,15}$/.test(shard ?? '') ? Number(shard) : Number.NaN
  if (Number.isNaN(id)) throw invalidArgument('a shard id is a whole number')
  exchange.sendJson(200, await ask(exchange, { what: 'explain-shard', shard: id }))
}

/** Keys that the token does not cover are left out. */
export async function showHot(exchange: Exchange): Promise<void> {
  const { grant } = exchange
  const document = (await ask(exchange, { what: 'hot' })) as {
    readonly keys: readonly (Load & { readonly key: Key })[]
  }
  const keys = document.keys.filter(({ key }) => grant === undefined || grant.covers(key))
  exchange.sendJson(200, { ...document, keys: keys.map((hot) => ({ ...hot, ...jsonKey(hot.key) })) })
}

/** Bounds are keys that somebody asked for, so it is for tokens that cover all of them. */
export async function showHeatMap(exchange: Exchange): Promise<void> {
  exchange.grant?.requireRange('', undefined)
  const document = (await ask(exchange, { what: 'heat-map' })) as { readonly buckets: readonly Key[] }
  exchange.sendJson(200, { ...document, buckets: document.buckets.map(percentEncode) })
}

export async function registerStore(exchange: Exchange): Promise<void> {
  const fields = await bodyFields(exchange, ['id', 'address', 'labels'], false)
  const store = fields.text('id')
  if (!/^[\w.-]+$/.test(store) || store.length > LIMITS.storeIdCharsMax) {
    throw fields.refuse('id', `made of letters, digits, ".", "_" and "-", at most ${LIMITS.storeIdCharsMax}`)
  }
  const address = fields.text('address')
  const port = Number(/^\S+:([0-9]{1,5})$/.exec(address)?.[1] ?? 0)
  if (port < 1 || port > PORT_MAX || address.length > ADDRESS_CHARS_MAX) throw fields.refuse('address', 'a host:port')
  const labels = labelsOf(fields, false) as Record<string, string>
  if (exchange.query.boolean('dry_run')) {
    const info = { id: store, address, labels, incarnation: '', version: '', state: 'registered' } as const
    return tryStoreChange(exchange, store, { kind: 'register-store', store: info })
  }
  exchange.mayHaveWritten = true
  await ask(exchange, { what: 'register-store', store, address, labels })
  await sendStore(exchange, 201, store)
}

export async function forgetStore(exchange: Exchange): Promise<void> {
  const store = exchange.pathParameter('store')
  if (exchange.query.boolean('dry_run')) return tryForget(exchange, store)
  exchange.mayHaveWritten = true
  exchange.sendJson(200, await ask(exchange, { what: 'forget-store', store }))
}

/** Labels as a merge patch: null removes one. `weight` is a label too. */
export const patchStore: Handler = async (exchange) => {
  const store = exchange.pathParameter('store')
  const fields = await bodyFields(exchange, ['labels', 'weight'], false)
  const labels = labelsOf(fields, true)
  const weight = fields.get('weight')
  if (weight !== undefined && weight !== null && !(typeof weight === 'number' && weight >= 0 && weight <= 1000)) {
    throw fields.refuse('weight', 'a number from 0 to 1000, or null for 1')
  }
  if (weight !== undefined) labels.weight = weight === null ? null : String(weight)
  if (Object.keys(labels).length === 0) throw invalidArgument('the body changes nothing', 'Name labels, or a weight.')
  if (exchange.query.boolean('dry_run')) {
    return tryStoreChange(exchange, store, { kind: 'label-store', store, labels })
  }
  exchange.mayHaveWritten = true
  await ask(exchange, { what: 'label-store', store, labels })
  await sendStore(exchange, 200, store)
}

function labelsOf(fields: Fields, mayRemove: boolean): Record<string, string | null> {
  const plain = fields.get('labels')
  if (plain === undefined) return {}
  const expected = mayRemove ? 'a map of texts, or of null for a label to go' : 'a map of texts'
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) throw fields.refuse('labels', expected)
  const labels = Object.entries(plain)
  if (labels.length > LIMITS.labelsMax) throw fields.refuse('labels', `at most ${LIMITS.labelsMax} of them`)
  for (const [name, value] of labels) {
    const isText = typeof value === 'string' && value.length <= LABEL_CHARS_MAX
    if (!/^[\w.-]{1,63}$/.test(name) || !(isText || (mayRemove && value === null)))
      throw fields.refuse('labels', expected)
  }
  return Object.fromEntries(labels) as Record<string, string | null>
}

async function sendStore(exchange: Exchange, status: number, id: string): Promise<void> {
  const view = await viewCluster(exchange)
  const info = view.map.stores.find((store) => store.id === id)
  if (info === undefined) throw refusal('STORE_NOT_FOUND', 'there is no such store', 'GET /admin/stores lists them.')
  exchange.sendJson(status, await viewStore(exchange, view, info))
}
