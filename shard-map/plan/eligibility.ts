/**
 * May this store take a replica, or lead? Problems that forbid it to everybody are told apart from limits, which only planners respect: a
 * person who asks for a move by hand has it, even when the store is busy. Used by the expansions and by every planner.
 */
import { type PlanRefusal, refusePlan } from './operator.ts'
import type { IndexedShard } from './shard-entry.ts'
import type { PlanSettings } from './statistics.ts'
import { type IndexedStore, isAccepting } from './store-load.ts'

/** Why a replica of the shard cannot go to the store, undefined when it can. */
export function replicaProblem(
  store: IndexedStore,
  shard: IndexedShard,
  settings: PlanSettings,
): PlanRefusal | undefined {
  const { state, liveness } = store.statistics
  if (state !== 'up' || liveness !== 'up') {
    return refusePlan('store-not-up', `store ${store.id} is ${state === 'up' ? liveness : state} and takes no replicas`)
  }
  if (shard.stores.includes(store)) {
    return refusePlan('already-there', `store ${store.id} has a replica of shard ${shard.shard.id} already`)
  }
  if (!hasRoom(store, shard.statistics.bytes, settings)) {
    const { availableBytes, capacityBytes } = store.statistics
    return refusePlan(
      'no-room',
      `store ${store.id} has no room for the ${shard.statistics.bytes} bytes of shard ${shard.shard.id}`,
      { availableBytes, capacityBytes, receivingBytes: store.receivingBytes, bytes: shard.statistics.bytes },
    )
  }
  return undefined
}

/** Whether `bytes` more, beside all that is on its way, leave the store the free space that it should keep. */
export function hasRoom(store: IndexedStore, bytes: number, settings: PlanSettings): boolean {
  const { availableBytes, capacityBytes } = store.statistics
  return capacityBytes === 0 || availableBytes - store.receivingBytes - bytes >= capacityBytes * settings.freeRatioMin
}

/** Why no replica should be taken away from the store just now. */
export function givingLimit(store: IndexedStore, settings: PlanSettings): PlanRefusal | undefined {
  const { limits } = settings
  if (store.replicaOperators < limits.operatorsPerStore) return undefined
  const count = `${store.replicaOperators} ${store.replicaOperators === 1 ? 'operator' : 'operators'}`
  return refusePlan('store-limit', `store ${store.id} has ${count} running already`, {
    operators: store.replicaOperators,
    operatorsPerStore: limits.operatorsPerStore,
  })
}

/** Why the store's replica cannot lead the shard, undefined when it can. */
export function leaderProblem(store: IndexedStore, shard: IndexedShard): PlanRefusal | undefined {
  const place = shard.stores.indexOf(store)
  const role = shard.shard.replicas[place]?.role
  if (role === undefined) return refusePlan('not-there', `store ${store.id} has no replica of shard ${shard.shard.id}`)
  if (role !== 'voter' && role !== 'incoming') {
    return refusePlan('not-a-voter', `the replica of shard ${shard.shard.id} on store ${store.id} does not vote`)
  }
  const { state, liveness } = store.statistics
  if (state !== 'up' || liveness !== 'up') {
    return refusePlan('store-not-up', `store ${store.id} is ${state === 'up' ? liveness : state} and takes no leaders`)
  }
  const { downReplicas, pendingReplicas } = shard.statistics
  if (downReplicas.includes(store.id) || pendingReplicas.includes(store.id)) {
    return refusePlan('replica-unfit', `the replica of shard ${shard.shard.id} on store ${store.id} is down or behind`)
  }
  return undefined
}

/** Whether nothing but limits can keep a planner from giving the store a replica. The same rules without words, for long searches. */
export function couldHold(store: IndexedStore, shard: IndexedShard, settings: PlanSettings): boolean {
  return isAccepting(store) && !shard.stores.includes(store) && hasRoom(store, shard.statistics.bytes, settings)
}

/** Whether operators leave the store time to take a replica. */
export function isWithinLimits(store: IndexedStore, { limits }: PlanSettings): boolean {
  return (
    store.replicaOperators < limits.operatorsPerStore &&
    store.statistics.snapshots < limits.snapshotsPerStore &&
    store.receiving < limits.snapshotsPerStore
  )
}

export function canTakeReplica(store: IndexedStore, shard: IndexedShard, settings: PlanSettings): boolean {
  return isWithinLimits(store, settings) && couldHold(store, shard, settings)
}

/** Whether neither a problem nor a limit keeps a planner from letting the store lead. */
export function canTakeLeader(store: IndexedStore, shard: IndexedShard, settings: PlanSettings): boolean {
  return (
    isAccepting(store) &&
    store.transfers < settings.limits.transfersPerStore &&
    store !== shard.leader &&
    leaderProblem(store, shard) === undefined
  )
}

/** Stores that take part in balance: they accept, and have room for more. */
export function isBalanced(store: IndexedStore, settings: PlanSettings): boolean {
  return isAccepting(store) && hasRoom(store, 0, settings)
}
