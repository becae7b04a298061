import {
  compareEpochs,
  type MapChange,
  type Shard,
  type ShardId,
  type ShardMap,
  shardById,
  storeById,
} from '../../shard-map/index.ts'

/**
 * What the groups say of their shards and the map does not hold yet: membership changes, splits and merges as their leaders report them. A report
 * is kept until the map has it or something newer, because it may have to wait for another: of the two halves of a split, one alone
 * would leave keys that nobody covers. The placement service proposes what `due` answers.
 */
export class ShardReports {
  readonly #waiting = new Map<ShardId, Shard>()

  /** Takes in a report. True when it is news to the map. */
  heard(shard: Shard, map: ShardMap): boolean {
    if (!isNews(shard, map)) return false
    const waiting = this.#waiting.get(shard.id)
    if (waiting === undefined || compareEpochs(shard.epoch, waiting.epoch) === 'newer')
      this.#waiting.set(shard.id, shard)
    return true
  }

  /** Every report that the map still lacks. */
  due(map: ShardMap): readonly Shard[] {
    for (const [id, shard] of this.#waiting) if (!isNews(shard, map)) this.#waiting.delete(id)
    return [...this.#waiting.values()]
  }

  forgetAll(): void {
    this.#waiting.clear()
  }
}

/**
 * What makes the map take these reports in. It refuses a shard on a store that it does not know, and with it the shard's range and epoch; but where its replicas
 * are is for the group to say, and what is wrong with that is for repair to mend. So a store that was forgotten, or never heard of, is named to the map first,
 * as one that is expected. Story: 1. somebody adds a learner on a store past the driver; 2. the driver, which has not heard of it, lets the store go, and it
 * is forgotten; 3. from then on no split of that shard would be known to routers.
 */
export function changesFor(shards: readonly Shard[], map: ShardMap): readonly MapChange[] {
  const strangers = new Set<string>()
  for (const { replicas } of shards) {
    for (const { store } of replicas) if (storeById(map, store) === undefined) strangers.add(store)
  }
  const named = [...strangers].map((id): MapChange => {
    const store = { id, address: '', labels: {}, incarnation: '', version: '', state: 'registered' } as const
    return { kind: 'register-store', store }
  })
  return [...named, { kind: 'update-shards', shards }]
}

function isNews(shard: Shard, map: ShardMap): boolean {
  const known = shardById(map, shard.id)
  if (known !== undefined) return compareEpochs(shard.epoch, known.epoch) === 'newer'
  // Unknown, or merged away: whoever owns its keys now has a higher range epoch.
  return !map.shards.some((other) => other.epoch.range > shard.epoch.range && covers(other, shard))
}

function covers(other: Shard, shard: Shard): boolean {
  return other.start <= shard.start && (other.end === undefined || shard.start < other.end)
}
