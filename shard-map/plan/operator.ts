/**
 * Operators as plain data: what is to happen to a shard, step by step, with the reason in words and the numbers behind it. Planners and
 * requests by hand make them with the same functions, so that a dry run shows what the real run does. The placement driver carries them out;
 * nothing here does.
 */
import type { Epoch, Key, ReplicaId, ShardId, StoreId } from '../types.ts'

export const SCHEDULERS = [
  'repair',
  'isolation',
  'drain',
  'split',
  'merge',
  'balance-load',
  'balance-replicas',
  'balance-leaders',
] as const

/** Who wanted it, in the order in which they are asked. */
export type SchedulerName = (typeof SCHEDULERS)[number]

export type OperatorKind =
  | 'move'
  | 'add-replica'
  | 'remove-replica'
  | 'remove-learner'
  | 'promote-learner'
  | 'leave-joint'
  | 'transfer-leader'
  | 'split'
  | 'merge'

/** Where to cut: at given keys, or where the store finds the middle. */
export type SplitPlace = { readonly keys: readonly Key[] } | { readonly policy: 'size' | 'load' }

/** Each step names its shard, because a merge changes two. */
export type OperatorStep =
  /** The replica's id comes from the placement driver; `replicaId` is there once it has been given. */
  | { readonly what: 'add-learner'; readonly shard: ShardId; readonly store: StoreId; readonly replicaId?: ReplicaId }
  | { readonly what: 'wait-caught-up'; readonly shard: ShardId; readonly store: StoreId }
  | {
      readonly what: 'enter-joint'
      readonly shard: ShardId
      readonly promote: readonly StoreId[]
      readonly demote: readonly StoreId[]
    }
  | { readonly what: 'leave-joint'; readonly shard: ShardId }
  | { readonly what: 'remove-learner'; readonly shard: ShardId; readonly store: StoreId }
  | { readonly what: 'transfer-leader'; readonly shard: ShardId; readonly to: StoreId }
  | { readonly what: 'split'; readonly shard: ShardId; readonly at: SplitPlace }
  /** `shard` stops and goes into its left neighbour `into`. */
  | { readonly what: 'prepare-merge'; readonly shard: ShardId; readonly into: ShardId }
  | { readonly what: 'commit-merge'; readonly shard: ShardId; readonly into: ShardId }
  /** `shard` serves again; only on the way back, and in vain when `into` has taken it in already. */
  | { readonly what: 'rollback-merge'; readonly shard: ShardId; readonly into: ShardId }

/** Where a shard will be once the operator is done; counted from the moment it begins. */
export interface Influence {
  readonly shard: ShardId
  readonly replicas: readonly StoreId[]
  readonly leader: StoreId | undefined
}

export interface PlannedOperator {
  readonly kind: OperatorKind
  readonly shard: ShardId
  /** Void as soon as the shard has another one. */
  readonly epoch: Epoch
  /** The second shard of a merge, bound in the same way. */
  readonly other?: { readonly shard: ShardId; readonly epoch: Epoch }
  readonly scheduler: SchedulerName | 'by-hand'
  /** One sentence for people. */
  readonly reason: string
  readonly numbers: Numbers
  readonly steps: readonly OperatorStep[]
  /** What each new replica has to be sent. */
  readonly bytesToSend: number
  /** Shards that are taken while it runs, and where they will be. */
  readonly influence: readonly Influence[]
}

export type Numbers = Readonly<Record<string, number>>

/** Why a scheduler did something, or did not. */
export interface Decision {
  readonly scheduler: SchedulerName
  readonly shard?: ShardId
  readonly store?: StoreId
  /** The operator in a few words, null when nothing is done. */
  readonly action: string | null
  /** Why nothing is done, for programs. */
  readonly refusal?: PlanRefusalCode
  readonly reason: string
  readonly numbers: Numbers
}

export type PlanRefusalCode =
  | 'shard-unknown'
  | 'shard-busy'
  | 'no-leader'
  | 'in-joint'
  | 'store-unknown'
  | 'store-not-up'
  | 'store-limit'
  | 'no-room'
  | 'already-there'
  | 'not-there'
  | 'not-a-voter'
  | 'replica-unfit'
  | 'below-replication-factor'
  | 'not-a-data-shard'
  | 'bad-split-key'
  | 'map-full'
  | 'single-hot-key'
  | 'no-samples'
  | 'no-neighbour'
  | 'too-big'
  | 'too-busy'
  | 'too-soon'
  | 'worse-isolation'
  | 'no-target'
  | 'nothing-to-do'

export interface PlanRefusal {
  readonly ok: false
  readonly code: PlanRefusalCode
  /** One sentence for people. */
  readonly message: string
  readonly numbers: Numbers
}

export type Plan = { readonly ok: true; readonly operator: PlannedOperator } | PlanRefusal

export function refusePlan(code: PlanRefusalCode, message: string, numbers: Numbers = {}): PlanRefusal {
  return { ok: false, code, message, numbers }
}

/** A step in words, as `--dry-run` and `operator show` print it. */
export function stepToText(step: OperatorStep): string {
  switch (step.what) {
    case 'add-learner':
      return `add a learner of shard ${step.shard} on ${step.store}`
    case 'wait-caught-up':
      return `wait until the replica of shard ${step.shard} on ${step.store} has caught up`
    case 'enter-joint': {
      const parts = [
        ...(step.promote.length > 0 ? [`promote ${step.promote.join(', ')}`] : []),
        ...(step.demote.length > 0 ? [`demote ${step.demote.join(', ')}`] : []),
      ]
      return `enter the joint membership of shard ${step.shard}: ${parts.join(', ')}`
    }
    case 'leave-joint':
      return `leave the joint membership of shard ${step.shard}`
    case 'remove-learner':
      return `remove the learner of shard ${step.shard} on ${step.store}`
    case 'transfer-leader':
      return `let ${step.to} lead shard ${step.shard}`
    case 'split':
      return 'keys' in step.at
        ? `split shard ${step.shard} at ${step.at.keys.length} ${step.at.keys.length === 1 ? 'key' : 'keys'}`
        : `split shard ${step.shard} at its middle by ${step.at.policy}`
    case 'prepare-merge':
      return `stop shard ${step.shard} for its merge into ${step.into}`
    case 'commit-merge':
      return `merge shard ${step.shard} into ${step.into}`
    case 'rollback-merge':
      return `let shard ${step.shard} serve again, unless it is a part of ${step.into} already`
  }
}
