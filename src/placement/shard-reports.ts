import {
  compareEpochs,
  isBootstrapped,
  locate,
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

/** Whether the shard was merged away, as far as the map knows: whoever reports it has not applied that yet, and may die before it does. */
export function isMergedAway(shard: Shard, map: ShardMap): boolean {
  const owner = ownerOf(shard, map)
  return isOutdone(shard, owner) && known(shard, owner, map) === undefined
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
  const owner = ownerOf(shard, map)
  const mapped = known(shard, owner, map)
  return mapped === undefined ? !isOutdone(shard, owner) : compareEpochs(shard.epoch, mapped.epoch) === 'newer'
}

/** Whoever has the shard's first key. */
function ownerOf({ start }: Shard, map: ShardMap): Shard | undefined {
  return isBootstrapped(map) ? locate(map, start) : undefined
}

/** A store that says everything names thousands of shards: nearly all are where their keys are, and need no look at every shard. */
function known({ id }: Shard, owner: Shard | undefined, map: ShardMap): Shard | undefined {
  return owner?.id === id ? owner : shardById(map, id)
}

/** Of a shard that the map does not have: whoever owns the keys of one that was merged away has a higher range epoch. */
function isOutdone({ epoch }: Shard, owner: Shard | undefined): boolean {
  return owner !== undefined && owner.epoch.range > epoch.range
}
