/**
 * What goes wrong in the simulated clusters: each scenario takes a cluster that is at rest and disturbs it, or makes one that never was even.
 */
import { PLACEMENT_SHARD, type StoreStatistics } from '../../shard-map/index.ts'
import type { ModelCluster } from './model.ts'
import type { SimRandom } from './random.ts'
import { type Shape, syntheticStore } from './synthetic.ts'

export interface Scenario {
  readonly name: ScenarioName
  readonly says: string
  readonly sizes: Shape['sizes']
  readonly disturb: (cluster: ModelCluster, shape: Shape, random: SimRandom) => void
}

export const SCENARIO_NAMES = [
  'skewed-sizes',
  'skewed-load',
  'rack-lost',
  'stores-added',
  'store-drained',
  'emptied',
] as const
export type ScenarioName = (typeof SCENARIO_NAMES)[number]

export const SCENARIOS: Readonly<Record<ScenarioName, Scenario>> = {
  'skewed-sizes': {
    name: 'skewed-sizes',
    says: 'shard sizes vary by a factor of a hundred, and one store in ten holds twice its share',
    sizes: 'skewed',
    disturb: (cluster, shape) => crowd(cluster, shape.stores, 10),
  },
  'skewed-load': {
    name: 'skewed-load',
    says: 'what one store in fifty leads gets eight times the requests',
    sizes: 'even',
    disturb: heat,
  },
  'rack-lost': {
    name: 'rack-lost',
    says: 'all stores of one rack are down',
    sizes: 'even',
    disturb: (cluster) => {
      for (const store of storesOf(cluster)) {
        if (store.labels.rack === 'z0r0') cluster.setStore({ ...store, liveness: 'down' })
      }
      cluster.elect()
    },
  },
  'stores-added': {
    name: 'stores-added',
    says: 'ten stores join, empty (one for each fifty in small clusters)',
    sizes: 'even',
    disturb: (cluster, { stores }) => {
      const added = Math.max(1, Math.min(10, Math.round(stores / 50)))
      for (let i = 0; i < added; i++) cluster.setStore(syntheticStore(stores + i, stores))
    },
  },
  'store-drained': {
    name: 'store-drained',
    says: 'one store is decommissioned, another drained of leaders',
    sizes: 'even',
    disturb: (cluster) => {
      const [first, second] = storesOf(cluster)
      if (first !== undefined) cluster.setStore({ ...first, state: 'decommissioning' })
      if (second !== undefined) cluster.setStore({ ...second, state: 'draining' })
    },
  },
  emptied: {
    name: 'emptied',
    says: 'one shard in a hundred has lost nearly all its data, with its neighbours',
    sizes: 'even',
    disturb: (cluster) => {
      for (const { shard, statistics } of [...cluster.shards.values()]) {
        if (shard.id % 800 < 8)
          cluster.put(shard, { ...statistics, bytes: 4096, keys: 8, readsPerSecond: 0, writesPerSecond: 0 })
      }
    },
  },
}

function storesOf(cluster: ModelCluster): StoreStatistics[] {
  return [...cluster.index.stores()].map(({ statistics }) => statistics)
}

/** One store in `every` gets a replica of its zone's neighbour for each second one of its own: twice the share, isolation as before. */
function crowd(cluster: ModelCluster, stores: number, every: number): void {
  const ids = storesOf(cluster).map(({ id }) => id)
  const crowded = new Map<string, string>()
  // Five zones go round, so the store five places on is in the same zone.
  for (let place = 0; place + 5 < stores; place += every) crowded.set(ids[place + 5] as string, ids[place] as string)
  for (const { shard, statistics } of [...cluster.shards.values()]) {
    if (shard.id === PLACEMENT_SHARD || shard.id % 2 === 0) continue
    const held = new Set(shard.replicas.map(({ store }) => store))
    const replicas = shard.replicas.map((replica) => {
      const to = crowded.get(replica.store)
      return to === undefined || held.has(to) ? replica : { ...replica, store: to }
    })
    const leader = statistics.leader
    const place = shard.replicas.findIndex(({ store }) => store === leader)
    cluster.put({ ...shard, replicas }, { ...statistics, leader: replicas[place]?.store })
  }
}

function heat(cluster: ModelCluster, { stores }: Shape, random: SimRandom): void {
  const hot = new Set<string>()
  const all = storesOf(cluster)
  while (hot.size < Math.max(1, Math.round(stores / 50))) hot.add((all[random.below(stores)] as StoreStatistics).id)
  for (const { shard, statistics } of [...cluster.shards.values()]) {
    if (statistics.leader === undefined || !hot.has(statistics.leader)) continue
    const times = 8 * (0.5 + random.unit())
    const { readsPerSecond, writesPerSecond } = statistics
    cluster.put(shard, {
      ...statistics,
      readsPerSecond: readsPerSecond * times,
      writesPerSecond: writesPerSecond * times,
    })
  }
}
