/**
 * Why the schedulers would, or would not, act on one shard or one store right now: each one's decision with its reason and numbers, by the same
 * functions that plan. For `explain`; the history of what was decided is its caller's.
 */
import type { ShardId, StoreId } from '../types.ts'
import { LoadBalance } from './balance-load.ts'
import { ReplicaBalance } from './balance-replicas.ts'
import { drainPlan } from './drain.ts'
import { isolationPlan } from './isolate.ts'
import { mergePlan } from './merge.ts'
import type { Decision, Plan, SchedulerName } from './operator.ts'
import type { PlacementIndex } from './placement-index.ts'
import { decisionOf, type PlanClock, Planning } from './planning.ts'
import { repairPlan } from './repair.ts'
import { splitPlan } from './split.ts'
import { LeaderBalance } from './spread-leaders.ts'
import type { IndexedStore } from './store-load.ts'

/** Undefined when there is no such shard. */
export function explainShard(index: PlacementIndex, id: ShardId, clock: PlanClock): readonly Decision[] | undefined {
  const entry = index.shard(id)
  if (entry === undefined) return undefined
  const planning = new Planning(index, clock)
  const subject = { shard: id }
  const { operator, hold } = entry
  if (operator !== undefined || hold !== undefined) {
    const reason =
      operator === undefined
        ? `shard ${id} rests for a while after its last operator`
        : `shard ${id} has a running operator: ${operator.kind}, because ${operator.reason}`
    return [{ scheduler: schedulerOf(operator?.scheduler), ...subject, action: null, reason, numbers: {} }]
  }
  const leaving = entry.stores.find(({ statistics: { state } }) => state === 'draining' || state === 'decommissioning')
  return [
    toDecision('repair', subject, repairPlan(planning, entry)),
    toDecision('isolation', subject, isolationPlan(planning, entry)),
    ...(leaving === undefined ? [] : [toDecision('drain', subject, drainPlan(planning, entry, leaving))]),
    toDecision('split', subject, splitPlan(planning, entry)),
    toDecision('merge', subject, mergePlan(planning, entry)),
  ]
}

/** Undefined when there is no such store. */
export function explainStore(index: PlacementIndex, id: StoreId, clock: PlanClock): readonly Decision[] | undefined {
  const store = index.store(id)
  if (store === undefined) return undefined
  const planning = new Planning(index, clock)
  const subject = { store: id }
  const { state, liveness } = store.statistics
  if (state !== 'up' || liveness !== 'up') {
    const { replicas, leaders } = store.planned
    const reason = `store ${id} is ${state}, and ${liveness} by its heartbeats: no balance, and nothing new comes here`
    return [{ scheduler: 'drain', ...subject, action: null, reason, numbers: { replicas, leaders } }]
  }
  const load = new LoadBalance(planning)
  const balance = new ReplicaBalance(planning)
  return [
    toDecision('balance-load', subject, load.plan(store, 'ops')),
    toDecision('balance-load', subject, load.plan(store, 'writes')),
    toDecision('balance-replicas', subject, balance.plan(store, 'replicas', 'trade')),
    toDecision('balance-replicas', subject, balance.plan(store, 'bytes', 'trade')),
    toDecision('balance-leaders', subject, leaderPlan(new LeaderBalance(planning), store)),
  ]
}

function toDecision(
  scheduler: SchedulerName,
  subject: { readonly shard?: ShardId; readonly store?: StoreId },
  plan: Plan,
): Decision {
  if (plan.ok) return { ...subject, ...decisionOf(scheduler, plan.operator) }
  return { scheduler, ...subject, action: null, reason: plan.message, numbers: plan.numbers }
}

function leaderPlan(balance: LeaderBalance, store: IndexedStore): Plan {
  const direct = balance.direct(store)
  return direct.ok ? direct : (balance.path(store)[0] ?? direct)
}

/** A request by hand is told under repair, the first of all schedulers, which has to wait for it. */
function schedulerOf(scheduler: SchedulerName | 'by-hand' | undefined): SchedulerName {
  return scheduler === undefined || scheduler === 'by-hand' ? 'repair' : scheduler
}
