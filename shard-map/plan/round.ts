/**
 * A round of planning: every scheduler in turn, over one index. The order is a ranking. Each scheduler lowers its own trouble and never adds to
 * that of one before it: balance keeps isolation and hot lines as they are, load keeps isolation, a merge never leaves replicas closer together.
 * So with unchanging statistics no state of the cluster comes back, and planning comes to rest. Who calls it carries the operators out, or only
 * shows them; the index is the same afterwards.
 */
import { planLoadBalance } from './balance-load.ts'
import { planReplicaBalance } from './balance-replicas.ts'
import { planDrain } from './drain.ts'
import { planIsolation } from './isolate.ts'
import { planMerges } from './merge.ts'
import { type Decision, type PlannedOperator, SCHEDULERS, type SchedulerName } from './operator.ts'
import type { PlacementIndex } from './placement-index.ts'
import { type PlanClock, Planning } from './planning.ts'
import { planRepair } from './repair.ts'
import { planSplits } from './split.ts'
import { planLeaderBalance } from './spread-leaders.ts'

export interface PlanRound {
  readonly operators: readonly PlannedOperator[]
  /** Those to act, and a bounded number of those not to. */
  readonly decisions: readonly Decision[]
}

export interface PlanOptions extends PlanClock {
  /** Schedulers that somebody has paused. */
  readonly paused?: ReadonlySet<SchedulerName>
  /** For who measures. */
  readonly watch?: PlanWatch
}

/** Hears of each scheduler when it has had its turn. */
export type PlanWatch = (scheduler: SchedulerName) => void

/** Pure but for the index, which it hands back as it was. Time depends on the stores and on what is to be done, not on the number of shards. */
export function planRound(index: PlacementIndex, options: PlanOptions): PlanRound {
  const planning = new Planning(index, options)
  for (const scheduler of SCHEDULERS) {
    if (options.paused?.has(scheduler)) {
      planning.decline(scheduler, {}, `scheduler ${scheduler} is paused`, {})
      continue
    }
    const before = planning.decisionCount
    PLANNERS[scheduler](planning)
    if (planning.decisionCount === before) planning.decline(scheduler, {}, restOf(scheduler), {})
    options.watch?.(scheduler)
  }
  return planning.finish()
}

const PLANNERS: Readonly<Record<SchedulerName, (planning: Planning) => void>> = {
  repair: planRepair,
  isolation: planIsolation,
  drain: planDrain,
  split: planSplits,
  merge: planMerges,
  'balance-load': planLoadBalance,
  'balance-replicas': planReplicaBalance,
  'balance-leaders': planLeaderBalance,
}

/** What is true when a scheduler found nothing to do. */
function restOf(scheduler: SchedulerName): string {
  switch (scheduler) {
    case 'repair':
      return 'every shard that was looked at has its replicas'
    case 'isolation':
      return 'no replicas share a label that they could avoid sharing'
    case 'drain':
      return 'no store is leaving, or what leaves is on its way'
    case 'split':
      return 'no shard is too large or too busy'
    case 'merge':
      return 'no neighbours are small, cold and old enough'
    case 'balance-load':
      return 'no store is hot'
    case 'balance-replicas':
      return 'every store is within the tolerance of its share of replicas and bytes'
    case 'balance-leaders':
      return 'every store is within the tolerance of its share of leaders'
  }
}
