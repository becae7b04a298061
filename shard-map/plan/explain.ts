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
import { type Decision, type Plan, refusePlan, type SchedulerName } from './operator.ts'
import type { PlacementIndex } from './placement-index.ts'
import { decisionOf, Planning } from './planning.ts'
import { repairPlan } from './repair.ts'
import type { PlanOptions } from './round.ts'
import type { IndexedShard } from './shard-entry.ts'
import { splitPlan } from './split.ts'
import { LeaderBalance } from './spread-leaders.ts'
import type { IndexedStore } from './store-load.ts'

/** Undefined when there is no such shard. */
export function explainShard(
  index: PlacementIndex,
  id: ShardId,
  options: PlanOptions,
): readonly Decision[] | undefined {
  const entry = index.shard(id)
  if (entry === undefined) return undefined
  const planning = new Planning(index, options)
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
  const balance = [
    toDecision('balance-replicas', subject, replicaBalanceOf(planning, entry)),
    toDecision('balance-leaders', subject, leaderBalanceOf(planning, entry)),
  ]
  const decisions = [
    toDecision('repair', subject, repairPlan(planning, entry)),
    toDecision('isolation', subject, isolationPlan(planning, entry)),
    ...(leaving === undefined ? [] : [toDecision('drain', subject, drainPlan(planning, entry, leaving))]),
    toDecision('split', subject, splitPlan(planning, entry)),
    toDecision('merge', subject, mergePlan(planning, entry)),
    ...balance,
  ]
  return decisions.map((decision) => unlessPaused(decision, options))
}

/** Undefined when there is no such store. */
export function explainStore(
  index: PlacementIndex,
  id: StoreId,
  options: PlanOptions,
): readonly Decision[] | undefined {
  const store = index.store(id)
  if (store === undefined) return undefined
  const planning = new Planning(index, options)
  const subject = { store: id }
  const { state, liveness } = store.statistics
  if (state !== 'up' || liveness !== 'up') {
    const { replicas, leaders } = store.planned
    const reason = `store ${id} ${awayText(store)}: no balance, and nothing new comes here`
    return [{ scheduler: 'drain', ...subject, action: null, reason, numbers: { replicas, leaders } }]
  }
  const load = new LoadBalance(planning)
  const balance = new ReplicaBalance(planning)
  const decisions = [
    toDecision('balance-load', subject, load.plan(store, 'ops')),
    toDecision('balance-load', subject, load.plan(store, 'writes')),
    toDecision('balance-replicas', subject, givenAway(balance, store, 'replicas')),
    toDecision('balance-replicas', subject, givenAway(balance, store, 'bytes')),
    toDecision('balance-leaders', subject, leaderPlan(new LeaderBalance(planning), store)),
  ]
  return decisions.map((decision) => unlessPaused(decision, options))
}

/** Nothing is decided while somebody has paused the scheduler, whatever it thinks. */
function unlessPaused(decision: Decision, { paused }: PlanOptions): Decision {
  const { scheduler, action, reason } = decision
  if (paused?.has(scheduler) !== true) return decision
  const besides = action === null ? `besides, ${reason}` : `otherwise it would act (${action}), because: ${reason}`
  return { ...decision, action: null, reason: `scheduler ${scheduler} is paused; ${besides}` }
}

function awayText({ statistics: { state, liveness } }: IndexedStore): string {
  const silence = liveness === 'suspect' ? 'is silent; its replicas are replaced when it counts as down' : 'is down'
  if (state === 'up') return silence
  return liveness === 'up' ? `is ${state}` : `is ${state}, and ${silence}`
}

/** What a store has too much of, or why it gives nothing. That one which lacks something gives nothing has its own words. */
function givenAway(balance: ReplicaBalance, store: IndexedStore, amount: 'replicas' | 'bytes'): Plan {
  const plan = balance.plan(store, amount, 'trade')
  const has = store.planned[amount]
  if (plan.ok || plan.code !== 'nothing-to-do' || has > (plan.numbers.ideal ?? has)) return plan
  return refusePlan(
    plan.code,
    `store ${store.id} has no more ${amount} than its share, so it gives none away`,
    plan.numbers,
  )
}

/** Why none of the shard's replicas is moved for balance: of its stores, the first that gives away something tells. */
function replicaBalanceOf(planning: Planning, { shard, stores }: IndexedShard): Plan {
  const balance = new ReplicaBalance(planning)
  for (const store of stores) {
    for (const amount of ['replicas', 'bytes'] as const) {
      const { state, liveness } = store.statistics
      if (state !== 'up' || liveness !== 'up') continue
      const plan = balance.plan(store, amount, 'trade')
      if (plan.ok && plan.operator.shard === shard.id) return plan
      if (plan.ok) return refusePlan('nothing-to-do', `store ${store.id} gives shard ${plan.operator.shard} away first`)
      if (plan.code !== 'nothing-to-do') return plan
    }
  }
  const message = `no store of shard ${shard.id} has more replicas or bytes than its share, within the tolerance`
  return refusePlan('nothing-to-do', message)
}

function leaderBalanceOf(planning: Planning, { shard, leader }: IndexedShard): Plan {
  if (leader === undefined) return refusePlan('no-leader', `nobody leads shard ${shard.id}`)
  const { state, liveness } = leader.statistics
  if (state !== 'up' || liveness !== 'up') return refusePlan('store-not-up', `store ${leader.id} ${awayText(leader)}`)
  const plan = leaderPlan(new LeaderBalance(planning), leader)
  if (!plan.ok || plan.operator.shard === shard.id) return plan
  const message = `store ${leader.id} gives the leadership of shard ${plan.operator.shard} away first`
  return refusePlan('nothing-to-do', message)
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
