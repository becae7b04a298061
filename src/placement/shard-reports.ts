import { compareEpochs, type Shard, type ShardId, type ShardMap, shardById } from '../../shard-map/index.ts'

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

function isNews(shard: Shard, map: ShardMap): boolean {
  const known = shardById(map, shard.id)
  if (known !== undefined) return compareEpochs(shard.epoch, known.epoch) === 'newer'
  // Unknown, or merged away: whoever owns its keys now has a higher range epoch.
  return !map.shards.some((other) => other.epoch.range > shard.epoch.range && covers(other, shard))
}

function covers(other: Shard, shard: Shard): boolean {
  return other.start <= shard.start && (other.end === undefined || shard.start < other.end)
}
