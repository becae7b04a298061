/**
 * Upkeep that people ask for: snapshots taken now and logs shortened now, store by store, as an operator that they can follow. Nothing moves and no
 * shard changes, so it needs no epoch and is in nobody's way. To cancel it takes nothing back.
 */
import { shardById, storeById } from '../map.ts'
import type { ShardId, ShardMap, StoreId } from '../types.ts'
import { type PlanRefusal, refusePlan } from './operator.ts'

export type UpkeepKind = 'snapshot' | 'compact'

export type UpkeepStep =
  /** Everything that the store has applied is durable in its engine: what a restart begins with, and what a follower would be sent. */
  | { readonly what: 'flush-store'; readonly store: StoreId }
  /** Then the store's log of the group holds nothing that is durable in the engine and that no live follower needs. */
  | { readonly what: 'compact-log'; readonly store: StoreId; readonly group: ShardId }

export interface UpkeepOperator {
  readonly kind: UpkeepKind
  /** Undefined: the whole cluster. */
  readonly group: ShardId | undefined
  /** One sentence for people. */
  readonly reason: string
  readonly steps: readonly UpkeepStep[]
}

export type UpkeepPlan = { readonly ok: true; readonly operator: UpkeepOperator } | PlanRefusal

/** Stores that do not live are left out, and named in the reason. */
export function planUpkeep(
  map: ShardMap,
  kind: UpkeepKind,
  group: ShardId | undefined,
  lives: (store: StoreId) => boolean,
): UpkeepPlan {
  const on = group === undefined ? map.stores.map(({ id }) => id) : storesOf(map, group)
  if (on === undefined) return refusePlan('shard-unknown', `there is no shard ${group}`)
  const members = on.filter((id) => isMember(map, id))
  const living = members.filter(lives)
  if (living.length === 0) return refusePlan('no-target', 'no store that could do it is up')
  const away = members.filter((id) => !living.includes(id))
  const left = away.length === 0 ? '' : `; left out, because they do not answer: ${away.join(', ')}`
  const steps = living.map(
    (store): UpkeepStep =>
      kind === 'compact' && group !== undefined
        ? { what: 'compact-log', store, group }
        : { what: 'flush-store', store },
  )
  return { ok: true, operator: { kind, group, reason: `somebody asked for it${left}`, steps } }
}

function storesOf(map: ShardMap, group: ShardId): readonly StoreId[] | undefined {
  const shard = map.placement?.id === group ? map.placement : shardById(map, group)
  return shard?.replicas.map(({ store }) => store)
}

function isMember(map: ShardMap, id: StoreId): boolean {
  const state = storeById(map, id)?.state
  return state !== undefined && state !== 'registered' && state !== 'gone'
}

export function upkeepStepToText(step: UpkeepStep): string {
  return step.what === 'flush-store'
    ? `make durable what store ${step.store} has applied`
    : `shorten the log of shard ${step.group} on store ${step.store}`
}
