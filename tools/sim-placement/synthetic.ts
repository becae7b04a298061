/**
 * Clusters made by formula: stores in zones and racks, shards of even or skewed size and load, placed so that replicas are in different zones and
 * numbers are even. What is wrong with a cluster is added by the scenarios.
 */
import {
  healthyStore,
  PLACEMENT_SHARD,
  PLAN_SETTINGS_DEFAULT,
  PlacementIndex,
  type PlannedOperator,
  type PlanSettings,
  QUIET_SHARD,
  type Replica,
  type Shard,
  type ShardStatistics,
  type StoreStatistics,
} from '../../shard-map/index.ts'
import { ModelCluster } from './model.ts'
import type { SimRandom } from './random.ts'

const MiB = 1 << 20
const ZONES = 5
const EPOCH = { membership: 1, range: 1 }

export interface Shape {
  readonly stores: number
  readonly shards: number
  readonly sizes: 'even' | 'skewed'
}

export const SIM_SETTINGS: PlanSettings = {
  ...PLAN_SETTINGS_DEFAULT,
  isolationLabels: ['zone', 'rack', 'host'],
  merge: { ...PLAN_SETTINGS_DEFAULT.merge, bytes: MiB / 4 },
  limits: { ...PLAN_SETTINGS_DEFAULT.limits, operatorsPerStore: 8, snapshotsPerStore: 8, transfersPerStore: 16 },
}

/** Stores of one rack, at least two so that losing one is more than losing a store. */
function rackSize(stores: number): number {
  return Math.max(2, Math.round(stores / 50))
}

export function syntheticStore(place: number, stores: number): StoreStatistics {
  const zone = place % ZONES
  const rack = Math.floor(place / ZONES / rackSize(stores))
  const id = `s${String(place).padStart(5, '0')}`
  return healthyStore({
    id,
    labels: { zone: `z${zone}`, rack: `z${zone}r${rack}`, host: `h${place}` },
    state: 'up',
  })
}

export function syntheticCluster(
  shape: Shape,
  random: SimRandom,
  operatorsPerStore = SIM_SETTINGS.limits.operatorsPerStore,
): ModelCluster {
  const limits = { ...SIM_SETTINGS.limits, operatorsPerStore, snapshotsPerStore: operatorsPerStore }
  const index = new PlacementIndex({ ...SIM_SETTINGS, limits })
  const cluster = new ModelCluster(index, 4 * shape.shards + 100, durationOf)
  const zones: StoreStatistics[][] = Array.from({ length: ZONES }, () => [])
  for (let place = 0; place < shape.stores; place++) {
    const store = syntheticStore(place, shape.stores)
    cluster.setStore(store)
    zones[place % ZONES]?.push(store)
  }
  const next = new Array<number>(ZONES).fill(0)
  const take = (zone: number): string => {
    const members = zones[zone] as StoreStatistics[]
    const turn = (next[zone] as number) % members.length
    // A new order for each pass, so that every store comes to share shards with every other.
    if (turn === 0) shuffle(members, random)
    next[zone] = turn + 1
    return (members[turn] as StoreStatistics).id
  }
  let replicaId = shape.shards + 100
  const led = new Map<string, number>()
  for (let i = 0; i < shape.shards; i++) {
    const replicas: Replica[] = []
    for (let r = 0; r < SIM_SETTINGS.replicas; r++) {
      // Steps of 1 or 2 through the zones, so that zones meet each other in all pairs.
      const zone = (i + r * (1 + (Math.floor(i / ZONES) % 2))) % ZONES
      replicas.push({ id: replicaId++, store: take(zone), role: 'voter' })
    }
    const shard: Shard = {
      id: PLACEMENT_SHARD + 1 + i,
      start: i === 0 ? '' : keyAt(i),
      end: i + 1 === shape.shards ? undefined : keyAt(i + 1),
      epoch: EPOCH,
      replicas,
    }
    cluster.put(shard, syntheticStatistics(shape, random, leastLeading(replicas, led)))
  }
  return cluster
}

function shuffle<T>(members: T[], random: SimRandom): void {
  for (let i = members.length - 1; i > 0; i--) {
    const other = random.below(i + 1)
    const member = members[i] as T
    members[i] = members[other] as T
    members[other] = member
  }
}

/** The replica's store that leads least so far, which now leads one more. */
function leastLeading(replicas: readonly Replica[], led: Map<string, number>): string {
  const leaders = (store: string): number => led.get(store) ?? 0
  const { store } = replicas.reduce((best, replica) => (leaders(replica.store) < leaders(best.store) ? replica : best))
  led.set(store, leaders(store) + 1)
  return store
}

/** Requests that an average store serves in a second. */
const OPS_OF_STORE = 2000

function syntheticStatistics(shape: Shape, random: SimRandom, leader: string): ShardStatistics {
  const size = shape.sizes === 'even' ? 32 * (0.9 + 0.2 * random.unit()) : 16 * Math.exp(random.bell())
  const bytes = Math.round(Math.min(90, size) * MiB)
  const ops = (OPS_OF_STORE * shape.stores) / shape.shards
  return {
    ...QUIET_SHARD,
    leader,
    bytes,
    keys: Math.round(bytes / 512),
    readsPerSecond: 0.7 * ops * (0.9 + 0.2 * random.unit()),
    writesPerSecond: 0.3 * ops * (0.9 + 0.2 * random.unit()),
  }
}

/** Keys of equal length in order of their number; text, so that they can be read. */
function keyAt(i: number): string {
  return `k${String(i).padStart(9, '0')}`
}

/** A transfer is quick; data takes a round per 32 MiB. */
function durationOf({ kind, bytesToSend }: PlannedOperator): number {
  return kind === 'transfer-leader' ? 1 : 2 + Math.ceil(bytesToSend / (32 * MiB))
}
