/**
 * Drain and decommission. A draining store gives its leaders away and keeps its replicas; a decommissioned one gives those too, the placement
 * driver's own among them. Whoever is lost instead of leaving is the business of repair.
 */
import { chooseHeir, chooseTarget } from './choose-target.ts'
import { givingLimit } from './eligibility.ts'
import { dropLearner, dropVoter, replaceVoter, transferLeader } from './expand.ts'
import { type Plan, refusePlan } from './operator.ts'
import { LOOKED_AT_MAX, type Planning } from './planning.ts'
import { type IndexedShard, isIdle } from './shard-entry.ts'
import { type IndexedStore, isLost } from './store-load.ts'

const SCHEDULER = 'drain'

export function planDrain(planning: Planning): void {
  for (const store of planning.index.stores()) {
    const { state } = store.statistics
    if ((state !== 'draining' && state !== 'decommissioning') || isLost(store)) continue
    visit(planning, store, store.led)
    if (state === 'decommissioning') visit(planning, store, store.followed)
  }
}

function visit(planning: Planning, store: IndexedStore, shards: IndexedStore['led']): void {
  for (const entry of shards.some(LOOKED_AT_MAX, planning.round)) {
    if (!planning.mayGoOn(SCHEDULER)) return
    if (!isIdle(entry)) continue
    const plan = drainPlan(planning, entry, store)
    planning.conclude(SCHEDULER, { shard: entry.shard.id, store: store.id }, plan)
    // The limit is the store's own, so that the other shards would hear the same.
    if (!plan.ok && plan.code === 'store-limit') return
  }
}

/** What brings the shard away from a store that is leaving. */
export function drainPlan(planning: Planning, entry: IndexedShard, from: IndexedStore): Plan {
  const { state } = from.statistics
  if (entry.leader === from) {
    const heir = chooseHeir(planning, entry)
    if (heir !== undefined) {
      const reason = `store ${from.id} is ${state}, so it gives its leaders away`
      const numbers = { leaders: from.planned.leaders, heirLeaders: heir.planned.leaders }
      return transferLeader(entry, heir, { scheduler: SCHEDULER, reason, numbers })
    }
    if (state === 'draining') {
      return refusePlan('no-target', `no other replica of shard ${entry.shard.id} can lead now`, {
        replicas: entry.stores.length,
      })
    }
  }
  return state === 'decommissioning'
    ? leavePlan(planning, entry, from)
    : refusePlan('nothing-to-do', `a draining store keeps its replica of shard ${entry.shard.id}`)
}

function leavePlan(planning: Planning, entry: IndexedShard, from: IndexedStore): Plan {
  const { shard, stores } = entry
  const { settings } = planning
  const limit = givingLimit(from, settings)
  if (limit !== undefined) return limit
  const voters = shard.replicas.filter(({ role }) => role === 'voter').length
  const numbers = { replicas: from.planned.replicas, voters }
  const motive = { scheduler: SCHEDULER, reason: `store ${from.id} is decommissioning`, numbers } as const
  const role = shard.replicas[stores.indexOf(from)]?.role
  if (role === 'learner') return dropLearner(entry, from, motive)
  if (voters > settings.replicas) return dropVoter(entry, from, settings, motive, chooseHeir(planning, entry))
  const target = chooseTarget(
    planning,
    entry,
    stores.filter((store) => store !== from),
  )
  return target.ok ? replaceVoter(entry, from, target.store, settings, motive) : target
}
