import type { ShardMap, StoreId } from '../../shard-map/index.ts'
import { EMPTY_MAP } from '../../shard-map/index.ts'

/** Leaders of shards that the map does not have: of those that are younger than it, and of those that went while others came. */
const STRANGERS_MAX = 64

/**
 * What this store knows of the shard map and of who leads what. It may be behind; epochs tell. Filled by heartbeat answers, and on members of the
 * placement group by what they apply.
 */
export class MapCache {
  #map: ShardMap = EMPTY_MAP
  #leaders: Record<number, StoreId> = {}

  get map(): ShardMap {
    return this.#map
  }

  get leaders(): Readonly<Record<number, StoreId>> {
    return this.#leaders
  }

  /** Takes the map if it is newer. True when it was. */
  update(map: ShardMap): boolean {
    if (map.version <= this.#map.version) return false
    const isFewer = map.shards.length < this.#map.shards.length
    this.#map = map
    // As many shards as before may be others: one was merged away and another one split.
    if (isFewer || Object.keys(this.#leaders).length > map.shards.length + STRANGERS_MAX) this.#forgetMerged()
    return true
  }

  /** Only after merges: it looks at every shard. Leaders of shards that the map does not know yet are heard again with the next heartbeat. */
  #forgetMerged(): void {
    const leaders: Record<number, StoreId> = {}
    const { placement, shards } = this.#map
    for (const { id } of placement === undefined ? shards : [placement, ...shards]) {
      const leader = this.#leaders[id]
      if (leader !== undefined) leaders[id] = leader
    }
    this.#leaders = leaders
  }

  learnLeaders(leaders: Readonly<Record<number, StoreId>>): void {
    Object.assign(this.#leaders, leaders)
  }

  learnLeader(shard: number, store: StoreId): void {
    this.#leaders[shard] = store
  }
}
