import type { Epoch, OperatorStep, Shard } from '../../shard-map/index.ts'
import { assert, unreachable } from '../base/index.ts'
import type { MembershipStep, Reply, Request, ShardCut, ShardDescription } from '../protocol/index.ts'
import type { MergeStep } from './merge-steps.ts'

/**
 * What is asked of a shard's leader for one step of an operator, and what its answer means; merges have their own file. Pure; `executor.ts` sends it and remembers.
 */

/** A learner may be voted in when it is no further behind than this: what a busy shard writes in a fraction of a second. */
const LAG_ENTRIES_MAX = 1_000

export interface StepContext {
  /** The shard as far as known; its leader may know better, and says so. */
  readonly shard: Shard
  /** No older than what earlier steps have reached. */
  readonly epoch: Epoch
  /** Voters that a shard should have. */
  readonly replicas: number
  /** Numbers for the shards and replicas of a split. */
  readonly freshIds: readonly number[]
  /** Where a split by size or load is to be, once it has been found. */
  readonly middle: string | undefined
}

export type StepRequest =
  | { readonly kind: 'ask'; readonly request: Request }
  | { readonly kind: 'impossible'; readonly reason: string }

export function requestOf(step: Exclude<OperatorStep, MergeStep>, context: StepContext): StepRequest {
  const { shard, epoch } = context
  switch (step.what) {
    case 'add-learner':
      assert(step.replicaId !== undefined, `the learner on ${step.store} was given no id`)
      return membership(context, { kind: 'add-learner', store: step.store, replica: step.replicaId })
    case 'wait-caught-up':
      return ask({ kind: 'describe', shards: [step.shard] })
    case 'enter-joint': {
      const voters = shard.replicas.filter(({ role }) => role === 'voter').length
      const votersMin = Math.min(context.replicas, voters)
      const { promote, demote } = step
      return membership(context, { kind: 'enter-joint', promote, demote, lagEntriesMax: LAG_ENTRIES_MAX, votersMin })
    }
    case 'leave-joint':
      return membership(context, { kind: 'leave-joint' })
    case 'remove-learner':
      return membership(context, { kind: 'remove-learner', store: step.store })
    case 'transfer-leader':
      return ask({ kind: 'transfer-leader', shard: step.shard, store: step.to })
    case 'split': {
      const keys = 'keys' in step.at ? step.at.keys : context.middle === undefined ? undefined : [context.middle]
      if (keys === undefined)
        return ask({ kind: 'find-middle', shard: step.shard, by: 'policy' in step.at ? step.at.policy : 'size' })
      const cuts = cutsOf(keys, shard.replicas.length, context.freshIds)
      if (cuts === undefined)
        return { kind: 'impossible', reason: `shard ${shard.id} has another number of replicas now` }
      return ask({ kind: 'split', shard: step.shard, epoch, cuts })
    }
    default:
      return unreachable(step)
  }
}

function membership({ shard, epoch }: StepContext, step: MembershipStep): StepRequest {
  return ask({ kind: 'change-membership', shard: shard.id, epoch, step })
}

function ask(request: Request): StepRequest {
  return { kind: 'ask', request }
}

function cutsOf(keys: readonly string[], replicas: number, freshIds: readonly number[]): ShardCut[] | undefined {
  const width = 1 + replicas
  if (freshIds.length !== keys.length * width) return undefined
  return keys.map((key, place) => {
    const [shard, ...ids] = freshIds.slice(place * width, (place + 1) * width)
    assert(shard !== undefined, 'a cut without an id')
    return { key, shard, replicas: ids }
  })
}

/** Whether the leader's description says that the replica on `store` has caught up; a sentence when it has not. */
export function caughtUp(reply: Reply & { kind: 'describe' }, shard: number, store: string): true | string {
  const description = reply.shards.find((each: ShardDescription) => each.shard.id === shard)
  if (description === undefined) return `nobody leads shard ${shard} where its leader was`
  const replica = description.replicas.find((each) => each.store === store)
  if (replica === undefined) return `shard ${shard} has no replica on store ${store} yet`
  const behind = description.commitIndex - (replica.matchIndex ?? 0)
  if (replica.state === 'snapshot') return `the replica on store ${store} is receiving its snapshot`
  return behind <= LAG_ENTRIES_MAX && replica.state === 'replicate'
    ? true
    : `the replica on store ${store} is ${behind} entries behind`
}

/** The newer of two epochs of one shard. */
export function newerEpoch(epoch: Epoch, other: Epoch | undefined): Epoch {
  if (other === undefined) return epoch
  if (other.range !== epoch.range) return other.range > epoch.range ? other : epoch
  return other.membership > epoch.membership ? other : epoch
}

/** How long a step may take on one leader of group 1 before the operator is given up. */
export function timeoutMs(step: OperatorStep): number {
  switch (step.what) {
    case 'wait-caught-up':
      // A snapshot of a large shard over a busy network.
      return 600_000
    case 'transfer-leader':
      return 20_000
    case 'add-learner':
    case 'enter-joint':
    case 'leave-joint':
    case 'remove-learner':
    case 'split':
    case 'prepare-merge':
      return 60_000
    case 'commit-merge':
      // Meanwhile the shard serves nobody.
      return 10_000
    case 'rollback-merge':
      // Nobody else would let the shard serve again.
      return Number.POSITIVE_INFINITY
  }
}
