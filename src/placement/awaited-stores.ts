import type { OperatorStep, PlannedOperator, StoreId } from '../../shard-map/index.ts'
import { SUSPECT_AFTER_MS } from './liveness.ts'

/**
 * The stores that a step can do nothing without, and for how long they may be silent before nobody waits for them any more. Pure: the executor asks
 * before each attempt, and ends the operator early instead of repeating for minutes what a dead store will not answer.
 */

/** A new leader must answer at once, and choosing another costs nothing. */
const LEADER_SILENT_MS_MAX = SUSPECT_AFTER_MS
/** A copy under way is worth a restart of the store that receives it, also on a busy machine. */
const RECEIVER_SILENT_MS_MAX = 15_000
/**
 * The same for a single replica whose store lives, as the shard's leader sees it: leaders look every few seconds and tell after ten, so short silences
 * are not to be told from old ones.
 */
export const REPLICA_SILENT_MS_MAX = 30_000

export interface Awaited {
  readonly stores: readonly StoreId[]
  readonly silentMsMax: number
}

/** Undefined when the step is the shard's leader's affair alone. */
export function awaitedBy(step: OperatorStep): Awaited | undefined {
  switch (step.what) {
    case 'transfer-leader':
      return { stores: [step.to], silentMsMax: LEADER_SILENT_MS_MAX }
    case 'wait-caught-up':
      return { stores: [step.store], silentMsMax: RECEIVER_SILENT_MS_MAX }
    case 'enter-joint':
      return { stores: step.promote, silentMsMax: RECEIVER_SILENT_MS_MAX }
    case 'add-learner':
    case 'leave-joint':
    case 'remove-learner':
    case 'split':
    case 'prepare-merge':
    case 'commit-merge':
    case 'rollback-merge':
      return undefined
  }
}

/** Every store that some step of the operator waits for. */
export function awaitedOf({ steps }: PlannedOperator): readonly StoreId[] {
  return steps.flatMap((step) => awaitedBy(step)?.stores ?? [])
}
