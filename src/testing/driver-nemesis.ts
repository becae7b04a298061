/**
 * What people do to a cluster through its placement driver, at any moment, beside faults: operators by hand, some of them cancelled, stores that are
 * drained and taken back, and the death of whoever leads group 1. Rows of the list in `nemesis.ts`.
 */
import { type HandRequest, PLACEMENT_SHARD } from '../../shard-map/index.ts'
import type { OperateRequest } from '../protocol/index.ts'
import type { NemesisAction } from './nemesis.ts'
import type { World } from './world.ts'

const TIMEOUT_MS = 3_000
const DRAINED_MS_MAX = 8_000
/** More would only make runs slow. */
const SHARDS_MAX = 12

export const DRIVER_ACTIONS: readonly NemesisAction[] = [
  {
    name: 'operator',
    family: 'driver',
    weight: 5,
    run(world) {
      const request = drawRequest(world)
      if (request === undefined || !askDriver(world, { what: 'start', request, dryRun: false })) return undefined
      world.counts.add(`operator-${request.kind}`)
      return `asks the placement driver for ${JSON.stringify(request)}`
    },
  },
  {
    name: 'cancel',
    family: 'driver',
    weight: 2,
    run(world) {
      // Ids are counted from 1; the newest ones are the likeliest to run.
      const operator = String(world.random.between(1, 12))
      if (!askDriver(world, { what: 'cancel-operator', operator })) return undefined
      world.counts.add('cancel')
      return `cancels operator ${operator}`
    },
  },
  {
    name: 'drain',
    family: 'driver',
    weight: 2,
    run(world) {
      const store = world.random.pick(world.stores)?.id
      if (store === undefined || !askDriver(world, { what: 'drain', store, dryRun: false })) return undefined
      const ms = world.random.between(100, DRAINED_MS_MAX)
      world.later(ms, () => askDriver(world, { what: 'recommission', store, dryRun: false }))
      world.counts.add('drain')
      return `drains ${store} for ${ms} ms`
    },
  },
  {
    name: 'kill-driver',
    family: 'driver',
    weight: 2,
    run(world) {
      const store = world.stores.find(({ node }) => node?.store.replicas.get(PLACEMENT_SHARD)?.isLeader === true)
      if (store === undefined) return undefined
      const downMs = world.random.between(1, 3_000)
      world.crash(store, 'kill')
      world.startLater(store, downMs)
      world.counts.add('kill-driver')
      return `kills ${store.id}, which leads group 1, back in ${downMs} ms`
    },
  },
]

function drawRequest(world: World): HandRequest | undefined {
  const { random } = world
  const map = world.stores.find(({ node, isLost }) => node !== undefined && !isLost)?.node?.store.map.map
  const shard = random.pick([...(map?.shards ?? []), ...(map?.placement === undefined ? [] : [map.placement])])
  const store = random.pick(world.stores)?.id
  if (map === undefined || shard === undefined || store === undefined) return undefined
  const { id } = shard
  switch (random.below(7)) {
    case 0:
      return { kind: 'add-replica', shard: id, store, role: 'learner' }
    case 1:
      return { kind: 'remove-replica', shard: id, store }
    case 2:
      return { kind: 'transfer-leader', shard: id, store }
    case 3: {
      const key = random.pick(world.settings.load.keys)
      const isInside = key !== undefined && key > shard.start && (shard.end === undefined || key < shard.end)
      return isInside && map.shards.length < SHARDS_MAX ? { kind: 'split', shard: id, key } : undefined
    }
    case 4:
      return { kind: 'merge', shard: id }
    default: {
      const from = random.pick(shard.replicas)?.store
      return from === undefined ? undefined : { kind: 'move', shard: id, from, to: store }
    }
  }
}

/** False when there is nobody to ask. */
export function askDriver(world: World, request: OperateRequest): boolean {
  const gateway = world.random.pick(world.gateways())
  if (gateway === undefined) return false
  world.ask(gateway, (router) => router.admin.operate(request, { timeoutMs: TIMEOUT_MS }))
  return true
}
