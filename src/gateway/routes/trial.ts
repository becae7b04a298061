/**
 * `dry_run=true` on the routes that need no plan of the placement driver: what such a change would leave behind, found by the rules that the driver
 * itself goes by, from what can be read. Changes nothing. An answer is true of the moment at which the cluster was looked at.
 */
import { applyChange, type MapChange, type StoreId, type StoreInfo } from '../../../shard-map/index.ts'
import { ask } from '../ask-driver.ts'
import { type ClusterView, viewCluster, viewStore } from '../cluster-view.ts'
import type { Exchange } from '../exchange.ts'
import { refusal } from '../failures.ts'

/** Answers with the store as the change would leave it. */
export async function tryStoreChange(exchange: Exchange, id: StoreId, change: MapChange): Promise<void> {
  const { view, stores } = await tryChange(exchange, change)
  const info = stores.find((store) => store.id === id)
  if (info === undefined) throw storeUnknown(id)
  exchange.sendJson(200, await viewStore(exchange, view, info))
}

/** Answers with the id of the store that would be forgotten. */
export async function tryForget(exchange: Exchange, store: StoreId): Promise<void> {
  await tryChange(exchange, { kind: 'forget-store', store })
  exchange.sendJson(200, { store })
}

/** Answers with the operator as it is now: it is for the driver to say how much of it can be taken back. */
export async function tryCancel(exchange: Exchange, id: string): Promise<void> {
  const operator = (await ask(exchange, { what: 'show-operator', operator: id })) as { readonly state: string }
  if (operator.state !== 'running') {
    throw refusal('OPERATOR_CONFLICT', `operator ${id} is ${operator.state} already`, 'nothing is left to cancel')
  }
  exchange.sendJson(200, operator)
}

/** `untilMs`: of the wall clock, as the scheduler would be paused; undefined where it would go on. */
export async function tryPause(exchange: Exchange, name: string, untilMs: number | undefined): Promise<void> {
  const { schedulers } = (await ask(exchange, { what: 'list-schedulers' })) as {
    readonly schedulers: readonly { readonly name: string }[]
  }
  const scheduler = schedulers.find((each) => each.name === name)
  if (scheduler === undefined) throw refusal('SCHEDULER_NOT_FOUND', 'there is no such scheduler')
  const pausedUntil = untilMs === undefined ? null : new Date(untilMs).toISOString()
  exchange.sendJson(200, { ...scheduler, paused: untilMs !== undefined, pausedUntil })
}

async function tryChange(
  exchange: Exchange,
  change: MapChange,
): Promise<{ readonly view: ClusterView; readonly stores: readonly StoreInfo[] }> {
  const view = await viewCluster(exchange)
  const applied = applyChange(view.map, change)
  if (applied.ok) return { view, stores: applied.map.stores }
  if (applied.reason === 'store-unknown') throw refusal('STORE_NOT_FOUND', applied.message, 'flotilla store ls')
  throw refusal('OPERATOR_CONFLICT', applied.message, 'flotilla store ls')
}

function storeUnknown(id: StoreId): Error {
  return refusal('STORE_NOT_FOUND', `there is no store ${id}`, 'flotilla store ls')
}
