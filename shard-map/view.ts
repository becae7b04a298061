/**
 * A map as one router sees it: the placement driver's, mended with what stores said since when they refused a request. For finding
 * shards by key only. A view covers every key like any map, but the rest of a shard that is known to have shrunk stays in it under the
 * old epoch, so an id may stand in it twice, until the next map of the placement driver replaces the whole.
 */
import { compareEpochs } from './epoch.ts'
import { shardOverlaps, shardPlace } from './map.ts'
import { PLACEMENT_SHARD, type Shard, type ShardMap } from './types.ts'

/**
 * The view with `shard` in it, which wins over what it overlaps if it is newer; otherwise the very same view. Keeps the version, so that the
 * driver's next map is still newer. A whole view is needed: an empty one stays empty.
 */
export function withShard(view: ShardMap, shard: Shard): ShardMap {
  if (shard.id === PLACEMENT_SHARD) {
    const known = view.placement
    const isNewer = known === undefined || compareEpochs(shard.epoch, known.epoch) === 'newer'
    return isNewer ? { ...view, placement: shard } : view
  }
  const first = Math.max(0, shardPlace(view.shards, shard.start))
  const replaced: Shard[] = []
  for (let place = first; place < view.shards.length; place++) {
    const other = view.shards[place] as Shard
    if (!shardOverlaps(other, shard.start, shard.end)) break
    const isOlder =
      other.id === shard.id
        ? compareEpochs(other.epoch, shard.epoch) === 'older'
        : other.epoch.range < shard.epoch.range
    if (!isOlder) return view
    replaced.push(other)
  }
  const [lowest] = replaced
  const highest = replaced.at(-1)
  if (lowest === undefined || highest === undefined) return view
  const pieces: Shard[] = [shard]
  if (lowest.start < shard.start) pieces.unshift({ ...lowest, end: shard.start })
  if (shard.end !== undefined && (highest.end === undefined || shard.end < highest.end)) {
    pieces.push({ ...highest, start: shard.end })
  }
  return { ...view, shards: view.shards.toSpliced(first, replaced.length, ...pieces) }
}
