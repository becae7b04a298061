/**
 * Merges: two small and cold neighbours become one shard, so that a key space that has emptied does not keep its groups. What a split has made is
 * left alone for a while, and a merged shard stays far below the size and the load that would split it again.
 */

import { canTakeReplica, givingLimit } from './eligibility.ts'
import { alignSteps, type Motive } from './expand.ts'
import { sharingOf } from './isolation.ts'
import { type Plan, type PlanRefusal, refusePlan } from './operator.ts'
import type { PlacementIndex } from './placement-index.ts'
import { LOOKED_AT_MAX, type Planning } from './planning.ts'
import { type IndexedShard, isDataShard, isIdle, isSettled } from './shard-entry.ts'
import { opsPerSecond, type PlanSettings } from './statistics.ts'

const SCHEDULER = 'merge'
/** What is merged has at most this share of what splits it again. */
const OF_SPLIT_MAX = 0.5

export function planMerges(planning: Planning): void {
  const { index, settings } = planning
  let shards = index.dataShardCount
  for (const entry of index.small.some(LOOKED_AT_MAX, planning.round)) {
    if (!planning.mayGoOn(SCHEDULER) || shards <= settings.merge.shardsMin) return
    if (!isIdle(entry)) continue
    const plan = mergePlan(planning, entry)
    if (!plan.ok && isUsual(plan)) continue
    if (planning.conclude(SCHEDULER, { shard: entry.shard.id }, plan)) shards--
  }
}

/** Most small shards have a neighbour that is not; saying so for each would bury the rest. */
function isUsual({ code }: PlanRefusal): boolean {
  return code === 'nothing-to-do' || code === 'no-neighbour' || code === 'too-big' || code === 'too-busy'
}

/** The merge of a shard with its right neighbour. */
export function mergePlan(planning: Planning, left: IndexedShard): Plan {
  const { index, settings, nowMs } = planning
  if (index.dataShardCount <= settings.merge.shardsMin) {
    return refusePlan('nothing-to-do', `the cluster keeps at least ${settings.merge.shardsMin} shards`)
  }
  const right = rightNeighbour(index, left)
  if (right === undefined) return refusePlan('no-neighbour', `shard ${left.shard.id} has no neighbour on its right`)
  for (const entry of [left, right]) {
    const problem = smallProblem(entry, settings, nowMs)
    if (problem !== undefined) return problem
  }
  const numbers = { leftBytes: left.statistics.bytes, rightBytes: right.statistics.bytes }
  const reason = `shards ${left.shard.id} and ${right.shard.id} are small and cold`
  const plan = mergeInto(left, right, settings, { scheduler: SCHEDULER, reason, numbers })
  if (!plan.ok) return plan
  const moved = plan.operator.steps[0]?.shard === left.shard.id ? left : right
  const anchor = moved === left ? right : left
  if (sharingOf(anchor.stores) > sharingOf(moved.stores)) {
    return refusePlan(
      'worse-isolation',
      `shard ${anchor.shard.id} is less isolated than ${moved.shard.id}; isolation comes first`,
    )
  }
  for (const store of anchor.stores) {
    if (moved.stores.includes(store) || canTakeReplica(store, moved, settings)) continue
    return refusePlan('store-limit', `store ${store.id} can take no replica of shard ${moved.shard.id} now`)
  }
  for (const store of moved.stores) {
    const limit = anchor.stores.includes(store) ? undefined : givingLimit(store, settings)
    if (limit !== undefined) return limit
  }
  return plan
}

/**
 * The steps by which two neighbours become the left one. Who has fewer bytes moves to where the other is; equal ones move so that less is sent.
 */
export function mergeInto(left: IndexedShard, right: IndexedShard, settings: PlanSettings, motive: Motive): Plan {
  if (!isDataShard(left.shard.id) || !isDataShard(right.shard.id)) {
    return refusePlan('not-a-data-shard', 'the placement driver’s shard is never merged')
  }
  if (left.shard.end === undefined || left.shard.end !== right.shard.start) {
    return refusePlan('no-neighbour', `shards ${left.shard.id} and ${right.shard.id} are not neighbours in this order`)
  }
  const silent = silenceProblem(left) ?? silenceProblem(right)
  if (silent !== undefined) return silent
  const movesLeft = left.statistics.bytes < right.statistics.bytes
  const moved = movesLeft ? left : right
  const anchor = movesLeft ? right : left
  const aligned = alignSteps(moved, anchor, settings)
  if (!aligned.ok) return aligned
  const steps = [
    ...aligned.steps,
    { what: 'prepare-merge', shard: right.shard.id, into: left.shard.id } as const,
    { what: 'commit-merge', shard: right.shard.id, into: left.shard.id } as const,
  ]
  const replicas = anchor.stores.map(({ id }) => id)
  return {
    ok: true,
    operator: {
      kind: 'merge',
      shard: left.shard.id,
      epoch: left.shard.epoch,
      other: { shard: right.shard.id, epoch: right.shard.epoch },
      ...motive,
      steps,
      bytesToSend: aligned.arriving.length > 0 ? moved.statistics.bytes : 0,
      influence: [
        { shard: left.shard.id, replicas, leader: anchor.leader?.id },
        { shard: right.shard.id, replicas: [], leader: undefined },
      ],
    },
  }
}

export function rightNeighbour(index: PlacementIndex, left: IndexedShard): IndexedShard | undefined {
  const { end, id } = left.shard
  return end === undefined || !isDataShard(id) ? undefined : index.shardFrom(end)
}

/** Why a shard is not for merging now. Two that pass are together at most at `OF_SPLIT_MAX` of what splits. */
function smallProblem(entry: IndexedShard, settings: PlanSettings, nowMs: number): PlanRefusal | undefined {
  const { shard, statistics } = entry
  const { merge, split } = settings
  if (!isIdle(entry)) return refusePlan('shard-busy', `shard ${shard.id} has a running operator or rests after one`)
  const bytesMax = Math.min(merge.bytes, (split.bytes * OF_SPLIT_MAX) / 2)
  if (merge.bytes === 0 || statistics.bytes > bytesMax) {
    return refusePlan(
      'too-big',
      `shard ${shard.id} has ${statistics.bytes} bytes; merged are those up to ${bytesMax}`,
      {
        bytes: statistics.bytes,
        bytesMax,
      },
    )
  }
  const ops = opsPerSecond(statistics)
  const opsMax = Math.min(merge.opsPerSecond, (split.opsPerSecond * OF_SPLIT_MAX) / 2)
  if (ops > opsMax) {
    return refusePlan(
      'too-busy',
      `shard ${shard.id} serves ${ops} requests a second; merged are those up to ${opsMax}`,
      {
        opsPerSecond: ops,
        opsPerSecondMax: opsMax,
      },
    )
  }
  const lastMs = Math.max(statistics.lastSplitMs ?? -Infinity, statistics.lastMergeMs ?? -Infinity)
  if (nowMs - lastMs < merge.afterSplitMs) {
    return refusePlan('too-soon', `shard ${shard.id} was split or merged a short while ago`, {
      sinceMs: nowMs - lastMs,
      afterSplitMs: merge.afterSplitMs,
    })
  }
  if (!isSettled(entry) || shard.replicas.length !== settings.replicas) {
    return refusePlan('replica-unfit', `shard ${shard.id} does not have exactly ${settings.replicas} sound voters`)
  }
  return undefined
}

/** Every replica has to say how far it is before a shard is stopped; a merge that cannot would be tried in vain again and again. */
function silenceProblem(entry: IndexedShard): PlanRefusal | undefined {
  const silent = entry.stores.find((store) => store.statistics.liveness !== 'up')
  if (silent === undefined) return undefined
  const { id, statistics: of } = silent
  return refusePlan('store-not-up', `store ${id}, which has a replica of shard ${entry.shard.id}, is ${of.liveness}`)
}
