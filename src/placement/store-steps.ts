import type { ShardId, StoreId, StoreStep } from '../../shard-map/index.ts'
import { unreachable } from '../base/index.ts'
import type { PlacementCommand, PlacementResult } from '../machine/index.ts'
import type { Reply, Request } from '../protocol/index.ts'
import type { LeaderCalls } from './leader-calls.ts'

/**
 * One attempt at a step that is about a store rather than about one shard's replicas. Steps of a store that leaves wait for what schedulers do; upkeep is
 * asked of the store itself. `executor.ts` repeats attempts and remembers.
 */
export interface StoreStepContext {
  readonly calls: Pick<LeaderCalls, 'askStore'>
  readonly leadersOn: (store: StoreId) => number
  readonly replicasOn: (store: StoreId) => number
  /** Undefined when it did not come through, or nobody knows. */
  readonly propose: (command: PlacementCommand, done: (result: PlacementResult | undefined) => void) => void
}

export type StoreStepVerdict =
  | { readonly kind: 'done' }
  /** Not yet, and why. */
  | { readonly kind: 'again'; readonly reason: string }

/** A flush of a full overlay onto a slow disk. */
const UPKEEP_TIMEOUT_MS = 30_000
/** Stores that do not do their upkeep in this time have other troubles. A store that leaves may take as long as it needs. */
const UPKEEP_MS_MAX = 60_000

export function storeStepLimitMs(step: StoreStep): number {
  return step.what === 'flush-store' || step.what === 'compact-log' ? UPKEEP_MS_MAX : Number.POSITIVE_INFINITY
}

export function tryStoreStep(
  step: StoreStep,
  context: StoreStepContext,
  verdict: (verdict: StoreStepVerdict) => void,
): void {
  const { store } = step
  switch (step.what) {
    case 'give-leaders': {
      const leaders = context.leadersOn(store)
      verdict(leaders === 0 ? DONE : again(`store ${store} leads ${leaders} shards`))
      return
    }
    case 'give-replicas': {
      const replicas = context.replicasOn(store)
      verdict(replicas === 0 ? DONE : again(`store ${store} holds ${replicas} replicas`))
      return
    }
    case 'retire':
    case 'take-back': {
      const state = step.what === 'retire' ? 'gone' : 'up'
      context.propose({ kind: 'change', change: { kind: 'set-store-state', store, state } }, (result) => {
        if (result?.kind === 'applied') verdict(DONE)
        else verdict(again(result?.kind === 'refused' ? result.message : 'group 1 did not answer'))
      })
      return
    }
    case 'flush-store':
      askUpkeep({ kind: 'upkeep', compact: undefined }, store, context, verdict)
      return
    case 'compact-log':
      askUpkeep({ kind: 'upkeep', compact: step.group }, store, context, verdict)
      return
    default:
      unreachable(step)
  }
}

function askUpkeep(
  request: Request & { readonly kind: 'upkeep'; readonly compact: ShardId | undefined },
  store: StoreId,
  { calls }: StoreStepContext,
  verdict: (verdict: StoreStepVerdict) => void,
): void {
  calls.askStore(store, request, UPKEEP_TIMEOUT_MS, (reply: Reply | undefined) => {
    if (reply?.kind === 'done') verdict(DONE)
    else verdict(again(reply?.kind === 'error' ? reply.error.message : `store ${store} does not answer`))
  })
}

const DONE: StoreStepVerdict = { kind: 'done' }

function again(reason: string): StoreStepVerdict {
  return { kind: 'again', reason }
}
