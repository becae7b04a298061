/**
 * Which store should get a replica: the one that keeps the replicas farthest apart, and among those the emptiest. Every planner that brings a
 * replica somewhere because it must, asks here; balance has its own reasons.
 */
import { canTakeLeader, canTakeReplica, couldHold } from './eligibility.ts'
import { sharingOf, sharingWith } from './isolation.ts'
import { type PlanRefusal, refusePlan } from './operator.ts'
import type { Planning } from './planning.ts'
import type { IndexedShard } from './shard-entry.ts'
import { type IndexedStore, isAccepting } from './store-load.ts'

export interface Target {
  readonly ok: true
  readonly store: IndexedStore
  /** The sharing of the staying replicas and this one. */
  readonly sharing: number
}

/** For a replica beside those that stay. */
export function chooseTarget(
  planning: Planning,
  entry: IndexedShard,
  staying: readonly IndexedStore[],
): Target | PlanRefusal {
  const { settings } = planning
  let best: IndexedStore | undefined
  let bestSharing = Number.POSITIVE_INFINITY
  let leastSharing = Number.POSITIVE_INFINITY
  for (const store of planning.targets) {
    if (!couldHold(store, entry, settings)) continue
    const sharing = sharingWith(store, staying)
    leastSharing = Math.min(leastSharing, sharing)
    if (sharing >= bestSharing || !canTakeReplica(store, entry, settings)) continue
    best = store
    bestSharing = sharing
    if (sharing === 0) break
  }
  if (best === undefined) return noTarget(planning, entry)
  if (bestSharing > leastSharing) {
    // A second move would follow this one; waiting for a better store is less work and leaves the replicas apart.
    const message = `the stores that keep the replicas of shard ${entry.shard.id} apart are busy with other operators`
    return refusePlan('store-limit', message, { sharing: bestSharing, sharingMin: leastSharing })
  }
  return { ok: true, store: best, sharing: sharingOf(staying) + bestSharing }
}

/** The voter that could lead and leads least for its weight. */
export function chooseHeir(planning: Planning, entry: IndexedShard): IndexedStore | undefined {
  let best: IndexedStore | undefined
  for (const store of entry.stores) {
    if (!canTakeLeader(store, entry, planning.settings)) continue
    if (best === undefined || leadersPerWeight(store) < leadersPerWeight(best)) best = store
  }
  return best
}

function leadersPerWeight(store: IndexedStore): number {
  return (store.planned.leaders + 1) / store.statistics.weight
}

function noTarget({ index }: Planning, entry: IndexedShard): PlanRefusal {
  let stores = 0
  let accepting = 0
  for (const store of index.stores()) {
    stores++
    if (isAccepting(store) && !entry.stores.includes(store)) accepting++
  }
  const why = accepting === 0 ? 'no other store is up' : `the ${accepting} other stores are busy or full`
  return refusePlan('no-target', `no store can take a replica of shard ${entry.shard.id}: ${why}`, {
    stores,
    accepting,
  })
}
