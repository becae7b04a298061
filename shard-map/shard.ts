/**
 * The algebra of single shards: split, merge, change of replicas. The same functions run where a shard's own group applies the change
 * and where the placement driver draws its map, so both arrive at the same descriptor. Pure; an impossible change is a refusal.
 */
import { compareEpochs } from './epoch.ts'
import type { Key, Replica, ReplicaId, Shard, ShardId } from './types.ts'

export interface Refusal {
  readonly ok: false
  readonly reason: RefusalReason
  /** For people: what was asked, and why not. */
  readonly message: string
}

export type RefusalReason =
  | 'already-bootstrapped'
  | 'not-bootstrapped'
  | 'invalid'
  | 'stale-epoch'
  | 'overlap'
  | 'uncovered'
  | 'shard-unknown'
  | 'store-unknown'
  | 'store-exists'
  | 'store-in-use'
  | 'store-gone'

export function refuse(reason: RefusalReason, message: string): Refusal {
  return { ok: false, reason, message }
}

/**
 * Cuts a shard at `key`, which becomes the first key of the right half. The left half keeps the id; the right one gets `rightId` and, store
 * by store, replicas with `rightReplicas` as their ids. Both take the next range epoch and keep the membership epoch.
 */
export function splitShard(
  shard: Shard,
  key: Key,
  rightId: ShardId,
  rightReplicas: readonly ReplicaId[],
): { readonly ok: true; readonly left: Shard; readonly right: Shard } | Refusal {
  if (key <= shard.start || (shard.end !== undefined && key >= shard.end)) {
    return refuse('invalid', `the split key is not inside shard ${shard.id}, or is its first key`)
  }
  if (rightReplicas.length !== shard.replicas.length) {
    return refuse('invalid', `${rightReplicas.length} replica ids for ${shard.replicas.length} replicas`)
  }
  if (shard.replicas.some((replica) => replica.role === 'incoming' || replica.role === 'outgoing')) {
    return refuse('invalid', `shard ${shard.id} is changing its members`)
  }
  const epoch = { membership: shard.epoch.membership, range: shard.epoch.range + 1 }
  const replicas = shard.replicas.map((replica, i) => ({ ...replica, id: rightReplicas[i] as ReplicaId }))
  return {
    ok: true,
    left: { ...shard, end: key, epoch },
    right: { id: rightId, start: key, end: shard.end, epoch, replicas },
  }
}

/**
 * Joins two neighbours; the left one survives with its id and replicas. Its range epoch rises above both, so that nothing routed by
 * either picture passes.
 */
export function mergeShards(left: Shard, right: Shard): { readonly ok: true; readonly merged: Shard } | Refusal {
  if (left.end !== right.start)
    return refuse('invalid', `shards ${left.id} and ${right.id} are not neighbours in this order`)
  for (const shard of [left, right]) {
    if (shard.replicas.some((replica) => replica.role === 'incoming' || replica.role === 'outgoing')) {
      return refuse('invalid', `shard ${shard.id} is changing its members`)
    }
  }
  const placed = (shard: Shard): string =>
    shard.replicas
      .map((replica) => `${replica.store} ${replica.role}`)
      .sort()
      .join()
  if (placed(left) !== placed(right))
    return refuse('invalid', `shards ${left.id} and ${right.id} are on different stores`)
  const epoch = { membership: left.epoch.membership, range: Math.max(left.epoch.range, right.epoch.range) + 1 }
  return { ok: true, merged: { ...left, end: right.end, epoch } }
}

/** Replaces the replicas of a shard, one step of a membership change, and takes the next membership epoch. */
export function changeReplicas(
  shard: Shard,
  replicas: readonly Replica[],
): { readonly ok: true; readonly shard: Shard } | Refusal {
  const problem = replicasProblem(replicas)
  if (problem !== undefined) return refuse('invalid', `shard ${shard.id}: ${problem}`)
  const epoch = { membership: shard.epoch.membership + 1, range: shard.epoch.range }
  return { ok: true, shard: { ...shard, replicas, epoch } }
}

/** What makes a list of replicas impossible, undefined when nothing does. */
export function replicasProblem(replicas: readonly Replica[]): string | undefined {
  if (!replicas.some((replica) => replica.role === 'voter' || replica.role === 'incoming')) return 'no voter'
  if (new Set(replicas.map((replica) => replica.store)).size !== replicas.length) return 'two replicas on one store'
  if (new Set(replicas.map((replica) => replica.id)).size !== replicas.length) return 'two replicas with one id'
  const bad = replicas.find((replica) => !Number.isSafeInteger(replica.id) || replica.id < 1)
  return bad === undefined ? undefined : `replica id ${bad.id}`
}

/** Whether two descriptors say the same in every field. */
export function sameShard(a: Shard, b: Shard): boolean {
  if (a === b) return true
  return (
    a.id === b.id &&
    a.start === b.start &&
    a.end === b.end &&
    compareEpochs(a.epoch, b.epoch) === 'same' &&
    a.replicas.length === b.replicas.length &&
    a.replicas.every((replica, i) => {
      const other = b.replicas[i] as Replica
      return replica.id === other.id && replica.store === other.store && replica.role === other.role
    })
  )
}
