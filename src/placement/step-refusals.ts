import {
  type Epoch,
  isStoreOperator,
  type OperatorStep,
  type PlannedOperator,
  type Shard,
  type ShardId,
} from '../../shard-map/index.ts'
import { assert, present } from '../base/index.ts'
import type { OperatorRecord } from '../machine/index.ts'
import type { ErrorValue } from '../protocol/index.ts'
import { newerEpoch } from './step-requests.ts'

/** What it means for an operator that a shard's leader refused its step. Pure; `executor.ts` acts on it. */
export type RefusalVerdict =
  | { readonly kind: 'done' }
  /** `shard`: as its leader has it now. */
  | { readonly kind: 'again'; readonly shard: Shard | undefined }
  | { readonly kind: 'fail'; readonly reason: string }

export function judgeRefusal(operator: OperatorRecord, step: OperatorStep, error: ErrorValue): RefusalVerdict {
  const { plan } = operator
  assert(!isStoreOperator(plan), 'an operator of a store asks no shard')
  switch (error.code) {
    case 'STALE_EPOCH':
      return staleEpoch(operator, plan, step, error)
    case 'NOT_LEADER':
      return step.what === 'transfer-leader' && error.leader === step.to ? { kind: 'done' } : AGAIN
    case 'OPERATOR_CONFLICT':
      // A replica that is far behind. Whoever only wants it to lead hears so at once; on the way to something else there is time.
      return plan.kind === 'transfer-leader' ? { kind: 'fail', reason: error.message } : AGAIN
    case 'INVALID_ARGUMENT':
      // On the way back a learner that votes after all is not this operator's to remove.
      return operator.unwinding === undefined ? { kind: 'fail', reason: error.message } : { kind: 'done' }
    default:
      return AGAIN
  }
}

const AGAIN = { kind: 'again', shard: undefined } as const

/** The shard is not as the operator knew it: its own doing, as long as the range is the same and it has done something. */
function staleEpoch(
  operator: OperatorRecord,
  plan: PlannedOperator,
  step: OperatorStep,
  { shards }: ErrorValue,
): RefusalVerdict {
  const now = shards?.find(({ id }) => id === step.shard)
  if (now === undefined || operator.unwinding !== undefined) return { kind: 'again', shard: now }
  if (now.epoch.range !== plannedOf(plan, step.shard).range)
    return { kind: 'fail', reason: `the range of shard ${step.shard} has changed since this was planned` }
  // It was added and taken away again, or the shard became another one before that: a replica's id is for one replica, so it is not asked for anew.
  if (step.what === 'add-learner' || reachedOf(operator, step.shard) === undefined)
    return { kind: 'fail', reason: `the replicas of shard ${step.shard} have changed since this was planned` }
  return { kind: 'again', shard: now }
}

/**
 * The epoch at which a step is asked for, `mapped` being the shard's as far as known. A learner is only added at the one epoch that the operator itself
 * led to: at a later one its id may have been given and taken back, and a store never lets a replica begin that it has buried. So it is with a split, whose ids
 * are for one: only its range tells, which every split and merge changes. Story: 1. the split is done and its answer lost; 2. somebody merges the halves again;
 * 3. done once more at the newer range, the split would give the keys to a shard that every store has buried.
 */
export function askedEpoch(operator: OperatorRecord, step: OperatorStep, mapped: Epoch): Epoch {
  const reached = reachedOf(operator, step.shard)
  const { plan } = operator
  assert(!isStoreOperator(plan), 'an operator of a store asks no shard')
  if (step.what === 'add-learner' && operator.unwinding === undefined) return reached ?? plannedOf(plan, step.shard)
  const newest = newerEpoch(mapped, reached)
  return step.what === 'split' ? { ...newest, range: plannedOf(plan, step.shard).range } : newest
}

/** As the operator's last step about that shard left it. */
export function reachedOf({ reached }: OperatorRecord, id: ShardId): Epoch | undefined {
  return reached.find(({ shard }) => shard === id)?.epoch
}

/** What the operator was planned for. */
function plannedOf({ shard, epoch, other }: PlannedOperator, id: ShardId): Epoch {
  return id === shard ? epoch : present(other, 'the second shard of an operator').epoch
}
