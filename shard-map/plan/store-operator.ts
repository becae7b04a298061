/**
 * Operators that are about stores rather than about one shard's replicas. What happens to a store that is to leave, as an operator that people can follow:
 * the drain scheduler moves its leaders and replicas with operators of their own, and this one waits for them. Cancelling it takes the store back, and so does
 * an operator of its own.
 */
import { shardsOnStore, storeById } from '../map.ts'
import type { ShardMap, StoreId, StoreInfo } from '../types.ts'
import { type PlannedOperator, type PlanRefusal, refusePlan } from './operator.ts'
import { type UpkeepKind, type UpkeepOperator, type UpkeepStep, upkeepStepToText } from './upkeep.ts'

type LeavingKind = 'drain' | 'decommission'
/** `recommission` takes a store back that was to leave. */
type StayKind = LeavingKind | 'recommission'
export type StoreOperatorKind = StayKind | UpkeepKind

export type StoreStep =
  | UpkeepStep
  /** Done when the store leads nothing. */
  | { readonly what: 'give-leaders'; readonly store: StoreId }
  /** Done when no shard has a replica there. */
  | { readonly what: 'give-replicas'; readonly store: StoreId }
  /** The map calls the store gone. */
  | { readonly what: 'retire'; readonly store: StoreId }
  /** The map calls the store up. */
  | { readonly what: 'take-back'; readonly store: StoreId }

export interface LeavingOperator {
  readonly kind: StayKind
  readonly store: StoreId
  /** One sentence for people. */
  readonly reason: string
  readonly steps: readonly StoreStep[]
}

export type StoreOperator = LeavingOperator | UpkeepOperator

export function isStoreOperator(operator: PlannedOperator | StoreOperator): operator is StoreOperator {
  return !('shard' in operator)
}

export type StorePlan = { readonly ok: true; readonly operator: LeavingOperator } | PlanRefusal

/** `replicas`: voters that each shard should have; a store goes for good only when as many others remain. */
export function planStoreOperator(map: ShardMap, kind: LeavingKind, store: StoreId, replicas: number): StorePlan {
  const info = storeById(map, store)
  if (info === undefined) return refusePlan('store-unknown', `there is no store ${store}`)
  const problem = stateProblem(kind, info)
  if (problem !== undefined) return refusePlan('store-not-up', problem)
  const others = map.stores.filter((other) => other !== info && other.state === 'up').length
  if (kind === 'drain') {
    if (others === 0) return refusePlan('no-target', `no other store could lead the shards of store ${store}`)
    return planned({ kind, store, reason: BY_HAND, steps: [{ what: 'give-leaders', store }] })
  }
  if (others < replicas && shardsOnStore(map, store).length > 0) {
    return refusePlan(
      'below-replication-factor',
      `without store ${store} only ${others} stores are up, and each shard should have ${replicas} replicas: add a store first`,
      { stores: others, replicas },
    )
  }
  const steps: LeavingOperator['steps'] = [
    { what: 'give-leaders', store },
    { what: 'give-replicas', store },
    { what: 'retire', store },
  ]
  return planned({ kind, store, reason: BY_HAND, steps })
}

/** A store that is draining or being decommissioned is to stay after all. */
export function planRecommission(map: ShardMap, store: StoreId): StorePlan {
  const info = storeById(map, store)
  if (info === undefined) return refusePlan('store-unknown', `there is no store ${store}`)
  if (info.state !== 'draining' && info.state !== 'decommissioning') {
    return refusePlan('store-not-up', `store ${store} is ${info.state}, so there is nothing to take back`)
  }
  return planned({ kind: 'recommission', store, reason: BY_HAND, steps: [{ what: 'take-back', store }] })
}

const BY_HAND = 'somebody asked for it'

function planned(operator: LeavingOperator): StorePlan {
  return { ok: true, operator }
}

function stateProblem(kind: LeavingKind, { id, state }: StoreInfo): string | undefined {
  switch (state) {
    case 'up':
      return undefined
    case 'registered':
      return `store ${id} is only registered and has nothing to give away; DELETE /admin/nodes/${id} forgets it`
    case 'draining':
      return kind === 'drain' ? `store ${id} is draining already` : undefined
    case 'decommissioning':
      return `store ${id} is being decommissioned already`
    case 'gone':
      return `store ${id} was decommissioned already`
  }
}

export function storeStepToText(step: StoreStep): string {
  switch (step.what) {
    case 'give-leaders':
      return `give away the leaders of store ${step.store}`
    case 'give-replicas':
      return `give away the replicas of store ${step.store}`
    case 'retire':
      return `call store ${step.store} gone`
    case 'take-back':
      return `take store ${step.store} back`
    case 'flush-store':
    case 'compact-log':
      return upkeepStepToText(step)
  }
}
