import {
  applyChange,
  covering,
  EMPTY_MAP,
  type Key,
  locate,
  type Shard,
  type ShardId,
  type ShardMap,
  type StoreId,
} from '../../shard-map/index.ts'

/** Leaders of shards that the map does not have, being younger than it; more are of shards that went while others came. */
const STRANGERS_MAX = 64

/**
 * What a router believes about the cluster: the map, and who leads what. Belief may be wrong; stores answer a wrong request with the
 * cure, and the cure is learned here.
 */
export class ClusterView {
  #map: ShardMap = EMPTY_MAP
  readonly #leaders = new Map<ShardId, StoreId>()

  get map(): ShardMap {
    return this.#map
  }

  get isEmpty(): boolean {
    return this.#map.version === 0
  }

  learn(map: ShardMap | undefined, leaders: Readonly<Record<number, StoreId>>): void {
    if (map !== undefined && map.version > this.#map.version) {
      const isFewer = map.shards.length < this.#map.shards.length
      this.#map = map
      // As many shards as before may be others: one was merged away and another one split.
      if (isFewer || this.#leaders.size > map.shards.length + STRANGERS_MAX) this.#forgetMerged()
    }
    for (const [shard, store] of Object.entries(leaders)) this.#leaders.set(Number(shard), store)
  }

  #forgetMerged(): void {
    const { placement, shards } = this.#map
    const known = new Set(shards.map(({ id }) => id))
    if (placement !== undefined) known.add(placement.id)
    for (const shard of this.#leaders.keys()) if (!known.has(shard)) this.#leaders.delete(shard)
  }

  /** Shards as a store knows them now; the map from the placement driver will follow. */
  learnShards(shards: readonly Shard[]): void {
    const applied = applyChange(this.#map, { kind: 'update-shards', shards })
    // The version stays the driver's: what was learned here must not hide its next map.
    if (applied.ok) this.#map = { ...applied.map, version: this.#map.version }
  }

  learnLeader(shard: ShardId, store: StoreId | undefined): void {
    if (store === undefined) this.#leaders.delete(shard)
    else this.#leaders.set(shard, store)
  }

  locate(key: Key): Shard | undefined {
    return this.isEmpty ? undefined : locate(this.#map, key)
  }

  covering(start: Key, end: Key | undefined): readonly Shard[] {
    return this.isEmpty ? [] : covering(this.#map, start, end)
  }

  leaderOf(shard: ShardId): StoreId | undefined {
    return this.#leaders.get(shard)
  }

  /** Stores that hold a replica of the shard. */
  storesOf(shard: Shard): readonly StoreId[] {
    return shard.replicas.map((replica) => replica.store)
  }

  get allStores(): readonly StoreId[] {
    return this.#map.stores.filter((store) => store.state !== 'gone').map((store) => store.id)
  }
}
