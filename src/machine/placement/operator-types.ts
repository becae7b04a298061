import type {
  Epoch,
  OperatorStep,
  PlannedOperator,
  SchedulerName,
  ShardId,
  StoreId,
  StoreOperator,
  StoreStep,
} from '../../../shard-map/index.ts'

/**
 * Operators as the placement group remembers them: what was planned, how far it has come, how it ended. Times are wall-clock milliseconds of
 * whoever proposed the command, because the machine has no clock.
 */
export interface StepRecord {
  readonly step: OperatorStep | StoreStep
  readonly state: 'waiting' | 'running' | 'done' | 'failed'
  readonly startedMs: number | undefined
  readonly endedMs: number | undefined
}

export interface ReachedEpoch {
  readonly shard: ShardId
  readonly epoch: Epoch
}

export type OperatorEnd = 'finished' | 'failed' | 'cancelled'

export interface OperatorRecord {
  readonly id: number
  readonly plan: PlannedOperator | StoreOperator
  readonly state: 'running' | OperatorEnd
  /** It runs, and only to undo what it did: how it will end. */
  readonly unwinding: 'failed' | 'cancelled' | undefined
  readonly steps: readonly StepRecord[]
  /** Epochs of its shards as the last steps that are done left them; whoever leads such a shard must have applied as much. */
  readonly reached: readonly ReachedEpoch[]
  /** Numbers for the shards and replicas that a split makes. */
  readonly freshIds: readonly number[]
  readonly createdMs: number
  readonly endedMs: number | undefined
  /** Why it failed or was cancelled. */
  readonly error: string | undefined
}

/** A learner that somebody asked for and that therefore stays. */
export interface WantedLearner {
  readonly shard: ShardId
  readonly store: StoreId
}

/** The last change of a shard's range that an operator made. */
export interface RangeChange {
  readonly shard: ShardId
  readonly kind: 'split' | 'merge'
  readonly atMs: number
}

export type OperatorCommand =
  /** Each is taken or refused by itself. */
  | {
      readonly kind: 'start-operators'
      readonly operators: readonly (PlannedOperator | StoreOperator)[]
      readonly atMs: number
    }
  /** The step is done; the next one begins, or the operator has finished. `reached` is the epoch of the step's shard then. */
  | {
      readonly kind: 'advance-operator'
      readonly id: number
      readonly step: number
      readonly reached: Epoch | undefined
      readonly atMs: number
    }
  /**
   * The operator goes no further: `steps` are the way back. It ends at once when there are none. `finished` means that all was done after all, which
   * only came out on the way back.
   */
  | {
      readonly kind: 'unwind-operator'
      readonly id: number
      readonly outcome: OperatorEnd
      readonly reason: string
      readonly steps: readonly OperatorStep[]
      readonly atMs: number
    }
  /** `untilMs` undefined lets it run again. */
  | { readonly kind: 'pause-scheduler'; readonly scheduler: SchedulerName; readonly untilMs: number | undefined }

export type OperatorRefusal = 'operator-unknown' | 'operator-conflict' | 'operator-ended'

export type StartedOperator =
  | { readonly ok: true; readonly operator: OperatorRecord }
  | { readonly ok: false; readonly message: string }

export type OperatorResult =
  | { readonly kind: 'operators-started'; readonly started: readonly StartedOperator[] }
  | { readonly kind: 'operator'; readonly operator: OperatorRecord }
  | { readonly kind: 'scheduler-paused' }
  | { readonly kind: 'refused'; readonly reason: OperatorRefusal; readonly message: string }
