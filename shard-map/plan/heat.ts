/**
 * When a store is hot. `ops` are the requests that it serves as leader, `writes` those that it keeps as replica; each store has a line that
 * follows its weight. The planner that cools moves load from above the line to where there is clearly less, and no planner that comes after may bring a store
 * more load than leaves it well below the line: so what one planner does for load, another does not undo for numbers, and loads that waver take nobody
 * over the line again.
 */
import { leaderIdeals } from './ideals.ts'
import type { PlacementIndex } from './placement-index.ts'
import type { IndexedShard } from './shard-entry.ts'
import type { IndexedStore } from './store-load.ts'

export type HeatDimension = 'ops' | 'writes'

export class Heat {
  readonly #ideals: Readonly<Record<HeatDimension, ReadonlyMap<IndexedStore, number>>>
  readonly #ratio: number
  readonly #opsMin: number

  constructor(index: PlacementIndex) {
    this.#ideals = { ops: leaderIdeals(index, 'ops'), writes: leaderIdeals(index, 'writes') }
    this.#ratio = index.settings.hot.ratio
    this.#opsMin = index.settings.hot.opsPerSecondMin
  }

  ideal(store: IndexedStore, dimension: HeatDimension): number {
    return this.#ideals[dimension].get(store) ?? 0
  }

  /** Above this the store is hot. */
  line(store: IndexedStore, dimension: HeatDimension): number {
    return Math.max(this.#opsMin, this.ideal(store, dimension) * (1 + this.#ratio))
  }

  excess(store: IndexedStore, dimension: HeatDimension): number {
    return store.planned[dimension] - this.line(store, dimension)
  }

  /** What the store takes and is still well below its hot line. */
  coolRoom(store: IndexedStore, dimension: HeatDimension): number {
    return Math.max(this.#opsMin * 0.8, this.ideal(store, dimension) * (1 + this.#ratio / 2)) - store.planned[dimension]
  }

  /** What a cool store takes and is still clearly less above its share than the giver was: how a few heavy shards are spread. */
  relativeRoom(store: IndexedStore, dimension: HeatDimension, from: IndexedStore): number {
    if (this.coolRoom(store, dimension) <= 0) return 0
    const giver = this.ideal(from, dimension)
    const level = giver > 0 ? from.planned[dimension] / giver - this.#ratio / 2 : 0
    return this.ideal(store, dimension) * level - store.planned[dimension]
  }

  /**
   * Whether a move for another reason than load may bring the shard's replica here, and its leader. Not up to the line itself: a store that was cooled to
   * just below it and then given leaders for their number would be over it with the next breath of its load, for ever.
   */
  allows(
    store: IndexedStore,
    shard: IndexedShard,
    moves: { readonly leader: boolean; readonly replica: boolean },
  ): boolean {
    if (moves.leader && shard.ops > 0 && shard.ops > this.coolRoom(store, 'ops')) return false
    return !moves.replica || shard.writes === 0 || shard.writes <= this.coolRoom(store, 'writes')
  }
}
