import type { ShardMap, StoreId } from '../../shard-map/index.ts'
import { EMPTY_MAP } from '../../shard-map/index.ts'

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
    this.#map = map
    return true
  }

  learnLeaders(leaders: Readonly<Record<number, StoreId>>): void {
    Object.assign(this.#leaders, leaders)
  }

  learnLeader(shard: number, store: StoreId): void {
    this.#leaders[shard] = store
  }
}
