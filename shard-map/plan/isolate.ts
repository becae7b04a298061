/**
 * Isolation: replicas that share a zone or a host although others are free. Such shards are kept in classes of equal sharing, so that a round
 * looks at the worst first and passes over all that cannot be better with the stores there are.
 */
import { chooseTarget, type Target } from './choose-target.ts'
import { givingLimit } from './eligibility.ts'
import { replaceVoter } from './expand.ts'
import { sharingMin, sharingOf } from './isolation.ts'
import { type Plan, type PlanRefusal, refusePlan } from './operator.ts'
import { LOOKED_AT_MAX, type Planning } from './planning.ts'
import { type IndexedShard, isIdle, isSettled } from './shard-entry.ts'
import { type IndexedStore, isAccepting } from './store-load.ts'

const SCHEDULER = 'isolation'

export function planIsolation(planning: Planning): void {
  const { index, settings } = planning
  const accepting = [...index.stores()].filter(isAccepting)
  for (const { sharing, replicas, shards } of index.sharingClasses()) {
    if (sharing <= sharingMin(accepting, replicas, settings.isolationLabels.length)) continue
    for (const entry of shards.some(LOOKED_AT_MAX, planning.round)) {
      if (!planning.mayGoOn(SCHEDULER)) return
      if (!isIdle(entry) || !isSettled(entry)) continue
      const plan = isolationPlan(planning, entry)
      if (plan.ok || plan.code !== 'nothing-to-do') planning.conclude(SCHEDULER, { shard: entry.shard.id }, plan)
    }
  }
}

/** The move that brings the replicas farthest apart. */
export function isolationPlan(planning: Planning, entry: IndexedShard): Plan {
  const { shard, stores } = entry
  const { settings } = planning
  const sharing = sharingOf(stores)
  const labels = settings.isolationLabels.join(' or ')
  if (sharing === 0) return refusePlan('nothing-to-do', `no two replicas of shard ${shard.id} share a ${labels}`)
  let best: { readonly from: IndexedStore; readonly target: Target } | undefined
  let refusal: PlanRefusal | undefined
  for (const [i, from] of stores.entries()) {
    if (shard.replicas[i]?.role !== 'voter') continue
    const staying = stores.filter((store) => store !== from)
    // Only who shares something is worth moving.
    if (sharingOf(staying) === sharing) continue
    refusal = givingLimit(from, settings)
    if (refusal !== undefined) continue
    const target = chooseTarget(planning, entry, staying)
    if (!target.ok) refusal = target
    else if (isBetter(target, from, best)) best = { from, target }
  }
  if (best === undefined || best.target.sharing >= sharing) {
    return refusePlan(
      'no-target',
      refusal?.message ?? `no store would bring the replicas of shard ${shard.id} farther apart`,
      { sharing },
    )
  }
  const numbers = { sharing, sharingAfter: best.target.sharing }
  const reason = `its replica on ${best.from.id} shares a ${labels} with another; ${best.target.store.id} shares less`
  return replaceVoter(entry, best.from, best.target.store, settings, { scheduler: SCHEDULER, reason, numbers })
}

function isBetter(
  target: Target,
  from: IndexedStore,
  best: { readonly from: IndexedStore; readonly target: Target } | undefined,
): boolean {
  if (best === undefined || target.sharing !== best.target.sharing) {
    return best === undefined || target.sharing < best.target.sharing
  }
  return from.planned.replicas > best.from.planned.replicas
}
