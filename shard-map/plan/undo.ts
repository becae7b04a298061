/**
 * The way back from an operator that failed or was cancelled. It begins wherever the operator stood, also when nobody knows whether the last step
 * happened: each step here may be asked for in vain. A joint membership is always left forwards, because that is the only way out (Raft §6); then
 * whoever does not vote and came or was demoted with the operator goes. A merge that has begun to stop a shard has moved everybody before; there the
 * shard has to serve again, and nothing else matters.
 */
import type { StoreId } from '../types.ts'
import type { OperatorStep, PlannedOperator } from './operator.ts'

/** `begun`: how many of its steps were begun. A `remove-learner` among the steps back is done when that replica votes. */
export function undoSteps(operator: PlannedOperator, begun: number): readonly OperatorStep[] {
  const done = operator.steps.slice(0, begun)
  const stopped = done.find((step) => step.what === 'prepare-merge')
  if (stopped?.what === 'prepare-merge') return [{ ...stopped, what: 'rollback-merge' }]
  const steps: OperatorStep[] = []
  // All changes of members are of one shard: of a merge's two, the one that moves.
  const shard = done.find(({ what }) => what === 'add-learner' || what === 'enter-joint')?.shard ?? operator.shard
  const learners = new Set<StoreId>()
  let joint: 'not' | 'entered' | 'left' = 'not'
  for (const step of done) {
    if (step.shard !== shard) continue
    switch (step.what) {
      case 'add-learner':
        learners.add(step.store)
        break
      case 'enter-joint':
        joint = 'entered'
        for (const store of step.demote) learners.add(store)
        break
      case 'leave-joint':
        joint = 'left'
        break
      case 'remove-learner':
        learners.add(step.store)
        break
      case 'wait-caught-up':
      case 'transfer-leader':
      case 'split':
      case 'prepare-merge':
      case 'commit-merge':
      case 'rollback-merge':
        break
    }
  }
  if (joint !== 'not') steps.push({ what: 'leave-joint', shard })
  for (const store of learners) steps.push({ what: 'remove-learner', shard, store })
  return steps
}
