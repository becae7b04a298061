/**
 * Stores that come and go, beside faults: one joins, one is decommissioned, one is away for so long that its replicas are made anew elsewhere and then comes
 * back, one dies for good. Rows of the list in `nemesis.ts`.
 */
import { askDriver } from './driver-nemesis.ts'
import { mayLoseData, type NemesisAction } from './nemesis.ts'
import type { World } from './world.ts'

const JOINED_MAX = 2
/** A store is down after this instead of minutes, so that repair has something to do in the time of a run. */
const DOWN_AFTER_MS = 4_000
const AWAY_MS_MIN = 6_000
const AWAY_MS_MAX = 25_000
const LEAVING_MS_MAX = 20_000

export const TOPOLOGY_ACTIONS: readonly NemesisAction[] = [
  {
    name: 'join',
    family: 'topology',
    weight: 3,
    run(world) {
      const founders = world.settings.cluster.bootstrap.stores.length
      const number = world.stores.length - founders + 1
      if (number > JOINED_MAX) return undefined
      const store = world.addStore(`j${number}`)
      store.disk.speed = world.plan.disk
      store.start()
      world.counts.add('store-joined')
      return `${store.id} joins`
    },
  },
  {
    name: 'decommission',
    family: 'topology',
    weight: 2,
    run(world) {
      const store = world.random.pick(world.stores)?.id
      if (store === undefined || !askDriver(world, { what: 'decommission', store, dryRun: false })) return undefined
      world.counts.add('decommission')
      if (world.random.chance(500)) {
        const ms = world.random.between(100, LEAVING_MS_MAX)
        world.later(ms, () => askDriver(world, { what: 'recommission', store, dryRun: false }))
        return `decommissions ${store}, and thinks better of it after ${ms} ms`
      }
      return `decommissions ${store}`
    },
  },
  {
    name: 'long-absence',
    family: 'topology',
    weight: 3,
    run(world) {
      const store = world.random.pick(world.stores.filter(({ process, isLost }) => process !== undefined && !isLost))
      if (store === undefined || !repairSoon(world)) return undefined
      const awayMs = world.random.between(AWAY_MS_MIN, AWAY_MS_MAX)
      world.crash(store, world.random.chance(500) ? 'kill' : 'power')
      world.startLater(store, awayMs)
      world.counts.add('long-absence')
      return `${store.id} is away for ${awayMs} ms`
    },
  },
  {
    name: 'die-for-good',
    family: 'topology',
    weight: 1,
    run(world) {
      const store = world.random.pick(world.stores.filter(({ process, isLost }) => process !== undefined && !isLost))
      if (store === undefined || !mayLoseData(world, store) || !repairSoon(world)) return undefined
      store.isLost = true
      world.crash(store, 'kill')
      world.counts.add('die-for-good')
      return `${store.id} dies for good`
    },
  },
]

function repairSoon(world: World): boolean {
  return askDriver(world, { what: 'configure', settings: [['placement.downAfter', DOWN_AFTER_MS]] })
}
