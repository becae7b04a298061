/**
 * Splits: a shard that is too big is cut in its middle, one that is too busy where its requests divide, which sampled keys tell. A shard whose
 * requests go to one key cannot be helped by a split, and that is said.
 */
import { shardCovers } from '../map.ts'
import type { Key, Shard } from '../types.ts'
import { shardProblem } from './expand.ts'
import { type Plan, type PlannedOperator, type PlanRefusal, refusePlan, type SplitPlace } from './operator.ts'
import type { PlacementIndex } from './placement-index.ts'
import { LOOKED_AT_MAX, type Planning } from './planning.ts'
import { hasOnlyVoters, type IndexedShard, isDataShard, isIdle } from './shard-entry.ts'
import { type KeySample, opsPerSecond, type PlanSettings } from './statistics.ts'

const SCHEDULER = 'split'

export function planSplits(planning: Planning): void {
  const { index, round } = planning
  for (const shards of [index.large, index.busy]) {
    for (const entry of shards.some(LOOKED_AT_MAX, round)) {
      if (!planning.mayGoOn(SCHEDULER)) return
      if (!isIdle(entry)) continue
      const plan = splitPlan(planning, entry)
      // The same would be true of every other shard.
      if (!plan.ok && plan.code === 'map-full') {
        planning.conclude(SCHEDULER, { shard: entry.shard.id }, plan)
        return
      }
      if (plan.ok || plan.code !== 'nothing-to-do') planning.conclude(SCHEDULER, { shard: entry.shard.id }, plan)
    }
  }
}

export function splitPlan({ index, settings, nowMs }: Planning, entry: IndexedShard): Plan {
  const { shard, statistics } = entry
  const ops = opsPerSecond(statistics)
  const numbers = {
    bytes: statistics.bytes,
    splitBytes: settings.split.bytes,
    opsPerSecond: ops,
    splitOpsPerSecond: settings.split.opsPerSecond,
  }
  const isLarge = statistics.bytes >= settings.split.bytes
  if (!isLarge && ops < settings.split.opsPerSecond) {
    return refusePlan('nothing-to-do', `shard ${shard.id} is neither large nor busy enough for a split`, numbers)
  }
  const sinceMs = nowMs - (statistics.lastSplitMs ?? Number.NEGATIVE_INFINITY)
  if (sinceMs < settings.split.pauseMs) {
    return refusePlan('too-soon', `shard ${shard.id} has just been split`, { ...numbers, sinceMs })
  }
  if (isLarge) {
    const reason = `${statistics.bytes} bytes, and ${settings.split.bytes} are enough for a shard`
    return splitAt(index, entry, { policy: 'size' }, { scheduler: SCHEDULER, reason, numbers })
  }
  const middle = middleOfLoad(shard, statistics.keySamples, settings)
  if (!middle.ok) return { ...middle, numbers: { ...numbers, ...middle.numbers } }
  const reason = `${ops} requests a second, and ${settings.split.opsPerSecond} are enough for a shard`
  return splitAt(
    index,
    entry,
    { keys: [middle.key] },
    { scheduler: SCHEDULER, reason, numbers: { ...numbers, leftShare: middle.leftShare } },
  )
}

/** The operator that cuts a shard, refused when a key is not inside of it, or when the map is as large as stores can be told. */
export function splitAt(
  index: PlacementIndex,
  entry: IndexedShard,
  at: SplitPlace,
  motive: Pick<PlannedOperator, 'scheduler' | 'reason' | 'numbers'>,
): Plan {
  const { shard } = entry
  if (!isDataShard(shard.id)) return refusePlan('not-a-data-shard', 'the placement driver’s shard is never split')
  const problem = shardProblem(entry)
  if (problem !== undefined) return problem
  if (!hasOnlyVoters(shard) && shard.replicas.some(({ role }) => role !== 'voter' && role !== 'learner')) {
    return refusePlan('in-joint', `shard ${shard.id} is between two memberships`)
  }
  if ('keys' in at) {
    const isBad = at.keys.some(
      (key, i) => !shardCovers(shard, key) || key <= shard.start || key <= (at.keys[i - 1] ?? ''),
    )
    if (isBad || at.keys.length === 0) {
      const rule = at.keys.length === 1 ? 'the split key must' : 'split keys must ascend,'
      return refusePlan('bad-split-key', `${rule} lie inside shard ${shard.id} and not be its first key`)
    }
  }
  const { mapBytes, shardCount, settings } = index
  if (mapBytes >= settings.limits.mapBytesMax) {
    const message = `the shard map is full: its ${shardCount} shards take ${mapBytes} bytes, and stores are told ${settings.limits.mapBytesMax} at most`
    return refusePlan('map-full', message, { mapBytes, mapBytesMax: settings.limits.mapBytesMax, shards: shardCount })
  }
  const influence = [{ shard: shard.id, replicas: shard.replicas.map(({ store }) => store), leader: entry.leader?.id }]
  const steps = [{ what: 'split', shard: shard.id, at } as const]
  return {
    ok: true,
    operator: { kind: 'split', shard: shard.id, epoch: shard.epoch, ...motive, steps, bytesToSend: 0, influence },
  }
}

export type LoadMiddle = { readonly ok: true; readonly key: Key; readonly leftShare: number } | PlanRefusal

/**
 * The sampled key that divides the requests best, as first key of the right half. Refused when even the best leaves one side less than
 * `sideShareMin`: then one key has the load to itself, or nearly.
 */
export function middleOfLoad(shard: Shard, samples: readonly KeySample[], settings: PlanSettings): LoadMiddle {
  const inside = samples.filter(({ key, hits }) => hits > 0 && shardCovers(shard, key))
  if (inside.length === 0) {
    return refusePlan('no-samples', `no keys of shard ${shard.id} have been sampled yet, so where to cut is unknown`)
  }
  const sorted = [...inside].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  const total = sorted.reduce((sum, { hits }) => sum + hits, 0)
  let left = 0
  let best: { readonly key: Key; readonly leftShare: number } | undefined
  for (const [i, { key, hits }] of sorted.entries()) {
    const leftShare = left / total
    const isFirstOfItsKey = sorted[i - 1]?.key !== key
    if (isFirstOfItsKey && key > shard.start && left > 0) {
      if (best === undefined || Math.abs(leftShare - 0.5) < Math.abs(best.leftShare - 0.5)) best = { key, leftShare }
    }
    left += hits
  }
  if (best !== undefined && Math.min(best.leftShare, 1 - best.leftShare) >= settings.split.sideShareMin) {
    return { ok: true, ...best }
  }
  const share = hottestShare(sorted, total)
  return refusePlan(
    'single-hot-key',
    `one key of shard ${shard.id} takes ${Math.round(share * 100)} % of its requests; no split divides a single key`,
    { hottestKeyShare: share, samples: total },
  )
}

/** The share of the most requested key; samples are in key order. */
function hottestShare(sorted: readonly KeySample[], total: number): number {
  let hottest = 0
  let hits = 0
  for (const [i, sample] of sorted.entries()) {
    hits = sorted[i - 1]?.key === sample.key ? hits + sample.hits : sample.hits
    hottest = Math.max(hottest, hits)
  }
  return hottest / total
}
