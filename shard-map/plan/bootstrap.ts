/**
 * The first map of a cluster: which shards there are, and on which stores. Every store computes the same answer from the same
 * configuration, whatever the order in which it lists the stores, because the placement driver's group must exist before there is
 * anybody to ask. Called by the composition roots and by the CLI to show what a configuration would do.
 */
import type { MapChange } from '../change.ts'
import {
  type Epoch,
  PLACEMENT_SHARD,
  type Replica,
  type ReplicaId,
  type Shard,
  type StoreId,
  type StoreInfo,
} from '../types.ts'
import { planBoundaries } from './boundaries.ts'

const FIRST_EPOCH: Epoch = { membership: 1, range: 1 }

/** The shards that a new cluster gets unless told otherwise. */
export const BOOTSTRAP_SHARDS_DEFAULT = 8

/**
 * The placement driver's own shard: one voter on each of up to `replicasMax` stores, those with the lowest ids, with 1, 2, 3... as replica
 * ids. `stores` are those of the bootstrap configuration.
 */
export function planPlacementShard(stores: readonly StoreId[], replicasMax: number): Shard {
  const chosen = [...new Set(stores)].sort().slice(0, Math.max(1, replicasMax))
  return {
    id: PLACEMENT_SHARD,
    start: '',
    end: undefined,
    epoch: FIRST_EPOCH,
    replicas: chosen.map((store, i): Replica => ({ id: i + 1, store, role: 'voter' })),
  }
}

export interface BootstrapPlan {
  readonly change: MapChange & { readonly kind: 'bootstrap' }
  /** The first id for shards and replicas that the plan has not used. */
  readonly nextId: number
}

/**
 * `shards` data shards with ids from 2, `replicas` voters each (fewer when there are fewer stores), as even over the stores and as far
 * apart in zones and hosts as possible. The first replica, which campaigns first, goes round the stores.
 */
export function planBootstrap(options: {
  readonly stores: readonly StoreInfo[]
  readonly replicas: number
  readonly shards?: number
}): BootstrapPlan {
  const stores = [...options.stores].sort((a, b) => (a.id < b.id ? -1 : 1))
  const count = options.shards ?? BOOTSTRAP_SHARDS_DEFAULT
  const placement = planPlacementShard(
    stores.map((store) => store.id),
    options.replicas,
  )
  const boundaries = planBoundaries(count)
  let nextId: ReplicaId = Math.max(PLACEMENT_SHARD + 1 + count, placement.replicas.length + 1)
  const chooser = new ReplicaChooser(stores)
  const shards: Shard[] = []
  for (let i = 0; i < count; i++) {
    const replicas: Replica[] = []
    for (const store of chooser.choose(i, options.replicas))
      replicas.push({ id: nextId++, store: store.id, role: 'voter' })
    const start = i === 0 ? '' : (boundaries[i - 1] as string)
    shards.push({ id: PLACEMENT_SHARD + 1 + i, start, end: boundaries[i], epoch: FIRST_EPOCH, replicas })
  }
  return { change: { kind: 'bootstrap', placement, shards, stores }, nextId }
}

/** Gives each shard its stores, remembering how many replicas each store has been given. */
class ReplicaChooser {
  readonly #stores: readonly StoreInfo[]
  readonly #given = new Map<StoreInfo, number>()

  constructor(stores: readonly StoreInfo[]) {
    this.#stores = stores
  }

  choose(shard: number, replicas: number): readonly StoreInfo[] {
    const chosen: StoreInfo[] = []
    while (chosen.length < Math.min(replicas, this.#stores.length)) {
      // The first goes round; for the others the turn only breaks ties.
      const turn = shard % this.#stores.length
      const candidates = [...this.#stores.slice(turn), ...this.#stores.slice(0, turn)].filter(
        (store) => !chosen.includes(store),
      )
      const best =
        chosen.length === 0 ? candidates[0] : candidates.reduce((a, b) => (this.#isBetter(b, a, chosen) ? b : a))
      chosen.push(best as StoreInfo)
    }
    for (const store of chosen) this.#given.set(store, this.#replicasOf(store) + 1)
    return chosen
  }

  #replicasOf(store: StoreInfo): number {
    return this.#given.get(store) ?? 0
  }

  #isBetter(a: StoreInfo, b: StoreInfo, chosen: readonly StoreInfo[]): boolean {
    const zones = sharing(a, chosen, 'zone') - sharing(b, chosen, 'zone')
    if (zones !== 0) return zones < 0
    const hosts = sharing(a, chosen, 'host') - sharing(b, chosen, 'host')
    if (hosts !== 0) return hosts < 0
    return this.#replicasOf(a) < this.#replicasOf(b)
  }
}

/** How many of the chosen stores have the same value for a label; stores without the label share nothing. */
function sharing(store: StoreInfo, chosen: readonly StoreInfo[], label: string): number {
  const value = store.labels[label]
  return value === undefined ? 0 : chosen.filter((other) => other.labels[label] === value).length
}
