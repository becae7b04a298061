/**
 * What happens to the stores of a map: announced, updated, labelled, moved through their states, forgotten. Called by `apply.ts` alone.
 */
import type { MapChange } from './change.ts'
import { isBootstrapped, shardsOnStore, storeById } from './map.ts'
import { type Refusal, refuse } from './shard.ts'
import type { ShardMap, StoreId, StoreInfo } from './types.ts'

type Applied = { readonly ok: true; readonly map: ShardMap } | Refusal

export type StoreChange = Extract<
  MapChange,
  { readonly kind: 'register-store' | 'update-store' | 'label-store' | 'set-store-state' | 'forget-store' }
>

export function applyStoreChange(map: ShardMap, change: StoreChange): Applied {
  if (change.kind === 'register-store') return registerStore(map, change.store)
  const store = storeById(map, change.store)
  if (store === undefined) return refuse('store-unknown', `there is no store ${change.store}`)
  switch (change.kind) {
    case 'update-store':
      if (store.incarnation !== change.incarnation) return otherIncarnation(store)
      return withStore(map, { ...store, address: change.address, version: change.version })
    case 'label-store': {
      const labels = { ...store.labels }
      for (const [name, value] of Object.entries(change.labels)) {
        if (value === null) delete labels[name]
        else labels[name] = value
      }
      return withStore(map, { ...store, labels })
    }
    case 'set-store-state': {
      if (change.state === 'registered') return refuse('invalid', `store ${store.id} cannot become unknown again`)
      const replicas = shardsOnStore(map, store.id).length
      if (change.state === 'gone' && replicas > 0) {
        return refuse('store-in-use', `store ${store.id} still holds ${replicas} replicas`)
      }
      return withStore(map, { ...store, state: change.state })
    }
    case 'forget-store':
      return forgetStore(map, store)
    default:
      return refuse('invalid', `unknown change ${JSON.stringify(change satisfies never)}`)
  }
}

function registerStore(map: ShardMap, store: StoreInfo): Applied {
  if (store.id === '') return refuse('invalid', 'a store needs an id')
  const existing = storeById(map, store.id)
  if (existing === undefined) return withStore(map, { ...store, state: store.incarnation === '' ? 'registered' : 'up' })
  if (existing.state === 'gone') return refuse('store-gone', `store ${store.id} was decommissioned; forget it first`)
  const labels = { ...store.labels, ...existing.labels }
  if (store.incarnation === '') {
    if (existing.state !== 'registered') return refuse('store-exists', `store ${store.id} is in the cluster already`)
    return withStore(map, { ...existing, address: store.address, labels })
  }
  if (existing.incarnation !== '' && existing.incarnation !== store.incarnation) return otherIncarnation(existing)
  const state = existing.state === 'registered' ? 'up' : existing.state
  return withStore(map, { ...store, labels, state })
}

function otherIncarnation(store: StoreInfo): Refusal {
  return refuse(
    'store-exists',
    `store ${store.id} has another data directory; give the new one an id of its own, or decommission and forget the old one`,
  )
}

function forgetStore(map: ShardMap, store: StoreInfo): Applied {
  if (store.state !== 'registered' && store.state !== 'gone') {
    return refuse('store-in-use', `store ${store.id} is ${store.state}; decommission it first`)
  }
  if (isBootstrapped(map) && shardsOnStore(map, store.id).length > 0) {
    return refuse('store-in-use', `store ${store.id} is to hold replicas`)
  }
  const stores = map.stores.filter((other) => other !== store)
  return { ok: true, map: { ...map, version: map.version + 1, stores } }
}

/** The map with this store in the place of the one with its id; the same map when nothing differs. */
function withStore(map: ShardMap, store: StoreInfo): Applied {
  const existing = storeById(map, store.id)
  if (existing !== undefined && sameStore(existing, store)) return { ok: true, map }
  const stores = [...map.stores.filter((other) => other.id !== store.id), store].sort(byId)
  return { ok: true, map: { ...map, version: map.version + 1, stores } }
}

function byId(a: { readonly id: StoreId }, b: { readonly id: StoreId }): number {
  return a.id < b.id ? -1 : 1
}

/** Whether two descriptions of a store say the same in every field; the order of labels means nothing. */
export function sameStore(a: StoreInfo, b: StoreInfo): boolean {
  if (a === b) return true
  const names = Object.keys(a.labels)
  return (
    a.id === b.id &&
    a.address === b.address &&
    a.incarnation === b.incarnation &&
    a.version === b.version &&
    a.state === b.state &&
    names.length === Object.keys(b.labels).length &&
    names.every((name) => Object.hasOwn(b.labels, name) && a.labels[name] === b.labels[name])
  )
}
