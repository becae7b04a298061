/**
 * A map and a change give a new map, or a refusal that says why. Every new map covers each key exactly once; a change that would break
 * that is refused whole. A change that changes nothing answers the very same map, so callers compare by identity.
 */
import type { MapChange } from './change.ts'
import { compareEpochs } from './epoch.ts'
import { shardProblems, violations } from './invariants.ts'
import { EMPTY_MAP, isBootstrapped, shardById } from './map.ts'
import { changeReplicas, mergeShards, type Refusal, refuse, splitShard } from './shard.ts'
import { applyStoreChange } from './store-changes.ts'
import { type Epoch, PLACEMENT_SHARD, type Shard, type ShardId, type ShardMap } from './types.ts'
import { updateShards } from './update-shards.ts'

export type Applied = { readonly ok: true; readonly map: ShardMap } | Refusal

export function applyChange(map: ShardMap, change: MapChange): Applied {
  switch (change.kind) {
    case 'bootstrap':
      return bootstrap(map, change)
    case 'register-store':
    case 'update-store':
    case 'label-store':
    case 'set-store-state':
    case 'forget-store':
      return applyStoreChange(map, change)
    case 'update-shards':
      return updateShards(map, change.shards)
    case 'split': {
      const shard = expected(map, change.shard, change.epoch)
      if ('ok' in shard) return shard
      if (shardById(map, change.rightId) !== undefined) return refuse('invalid', `shard ${change.rightId} exists`)
      const split = splitShard(shard, change.key, change.rightId, change.rightReplicas)
      return split.ok ? replace(map, [shard], [split.left, split.right]) : split
    }
    case 'merge': {
      const left = expected(map, change.left, change.leftEpoch)
      if ('ok' in left) return left
      const right = expected(map, change.right, change.rightEpoch)
      if ('ok' in right) return right
      const merge = mergeShards(left, right)
      return merge.ok ? replace(map, [left, right], [merge.merged]) : merge
    }
    case 'change-replicas': {
      const shard = expected(map, change.shard, change.epoch)
      if ('ok' in shard) return shard
      const changed = changeReplicas(shard, change.replicas)
      if (!changed.ok) return changed
      if (shard.id === PLACEMENT_SHARD) {
        return { ok: true, map: { ...map, version: map.version + 1, placement: changed.shard } }
      }
      return replace(map, [shard], [changed.shard])
    }
    default:
      return refuse('invalid', `unknown change ${JSON.stringify(change satisfies never)}`)
  }
}

function bootstrap(map: ShardMap, change: MapChange & { kind: 'bootstrap' }): Applied {
  if (isBootstrapped(map)) return refuse('already-bootstrapped', 'the cluster has its shards already')
  const known = new Set(change.stores.map((store) => store.id))
  // Stores may have registered before the first shards existed; they stay.
  const stores = [...change.stores, ...map.stores.filter((store) => !known.has(store.id))]
  const next: ShardMap = {
    version: map.version + 1,
    placement: change.placement,
    shards: [...change.shards].sort((a, b) => (a.start < b.start ? -1 : 1)),
    stores: stores.sort((a, b) => (a.id < b.id ? -1 : 1)),
  }
  const [problem] = [...violations(next), ...(next.shards.length === 0 ? ['no shards'] : [])]
  return problem === undefined ? { ok: true, map: next } : refuse('invalid', problem)
}

/** The shard if the map has it with exactly this epoch. */
function expected(map: ShardMap, id: ShardId, epoch: Epoch): Shard | Refusal {
  const shard = shardById(map, id)
  if (shard === undefined) return refuse('shard-unknown', `there is no shard ${id}`)
  if (compareEpochs(shard.epoch, epoch) === 'same') return shard
  return refuse('stale-epoch', `shard ${id} is at epoch ${shard.epoch.membership}.${shard.epoch.range}`)
}

/** Puts neighbours in the place of neighbours that cover the same keys. */
function replace(map: ShardMap, before: readonly Shard[], after: readonly Shard[]): Applied {
  for (const shard of after) {
    const [problem] = shardProblems(shard)
    if (problem !== undefined) return refuse('invalid', problem)
  }
  const place = map.shards.indexOf(before[0] as Shard)
  if (place < 0) return refuse('invalid', 'the placement shard has no range')
  const shards = [...map.shards]
  shards.splice(place, before.length, ...after)
  return { ok: true, map: { ...map, version: map.version + 1, shards } }
}

/** A map after several changes, or the first refusal. */
export function applyChanges(changes: readonly MapChange[], map: ShardMap = EMPTY_MAP): Applied {
  let current = map
  for (const change of changes) {
    const applied = applyChange(current, change)
    if (!applied.ok) return applied
    current = applied.map
  }
  return { ok: true, map: current }
}
