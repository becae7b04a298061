/**
 * Repair: shards that have lost replicas, or have too few, too many, or some left over from changes that nobody finished. Replicas are replaced
 * when their store is down (it has been silent long enough) or gone, or when they are damaged or silent although the store lives. Comes before every
 * other scheduler; never takes a voter away that is not replaced, unless there are too many, or it is lost beyond doubt and no other store has room: then
 * it goes first, and comes back on the same store.
 */
import { isJoint } from './apply-step.ts'
import { chooseTarget } from './choose-target.ts'
import {
  addVoter,
  dropDamaged,
  dropLearner,
  dropVoter,
  leaveJoint,
  type Motive,
  promoteLearner,
  replaceVoter,
} from './expand.ts'
import { sharingOf } from './isolation.ts'
import { type Plan, refusePlan } from './operator.ts'
import { LOOKED_AT_MAX, type Planning } from './planning.ts'
import { type IndexedShard, mayBeRepaired } from './shard-entry.ts'
import { type IndexedStore, isAccepting, isLost } from './store-load.ts'

const SCHEDULER = 'repair'

export function planRepair(planning: Planning): void {
  const { index, round } = planning
  for (const store of index.stores()) {
    if (!isLost(store)) continue
    for (const shards of [store.followed, store.led]) visit(planning, shards.some(LOOKED_AT_MAX, round))
  }
  visit(planning, index.irregular.some(LOOKED_AT_MAX, round))
}

function visit(planning: Planning, shards: Iterable<IndexedShard>): void {
  for (const entry of shards) {
    if (!planning.mayGoOn(SCHEDULER)) return
    if (!mayBeRepaired(entry)) continue
    const plan = repairPlan(planning, entry)
    if (plan.ok || plan.code !== 'nothing-to-do') planning.conclude(SCHEDULER, { shard: entry.shard.id }, plan)
  }
}

/** The next thing that the shard needs; what comes after it is planned when it is done. */
export function repairPlan(planning: Planning, entry: IndexedShard): Plan {
  const { shard, stores, leader } = entry
  if (leader === undefined || isLost(leader)) {
    return refusePlan('no-leader', `nobody leads shard ${shard.id}; its members can change only when a quorum is back`)
  }
  if (isJoint(shard)) return leaveJoint(entry, because('a membership change was begun and not finished'))
  const leftOver = leftOverLearner(entry)
  const voters = stores.filter((_, i) => shard.replicas[i]?.role === 'voter')
  const failing = voters.filter((store) => isFailing(entry, store))
  const { replicas } = planning.settings
  if (leftOver !== undefined) return learnerPlan(entry, leftOver, voters.length < replicas)
  const numbers = { voters: voters.length, failing: failing.length, replicas }
  const lost = failing[0]
  if (voters.length > replicas) {
    const reason = `${voters.length} voters instead of ${replicas}`
    return dropOne(planning, entry, lost === undefined ? voters : failing, { scheduler: SCHEDULER, reason, numbers })
  }
  if (lost !== undefined) {
    const target = chooseTarget(
      planning,
      entry,
      stores.filter((store) => store !== lost),
    )
    if (!target.ok) {
      // Its store lives and could take another one, but not beside this one.
      if (!mayGoFirst(entry, lost) || failing.length > 1) return target
      const reason = `the replica on store ${lost.id} is lost although the store lives; it goes, so that it can be made anew`
      return dropDamaged(entry, lost, { scheduler: SCHEDULER, reason, numbers })
    }
    const motive = {
      scheduler: SCHEDULER,
      reason: `${lossOf(entry, lost)}, so its replica is replaced`,
      numbers,
    } as const
    return replaceVoter(entry, lost, target.store, planning.settings, motive)
  }
  if (voters.length < replicas) {
    const target = chooseTarget(planning, entry, stores)
    if (!target.ok) return target
    const reason = `${voters.length} voters instead of ${replicas}`
    return addVoter(entry, target.store, planning.settings, { scheduler: SCHEDULER, reason, numbers })
  }
  const silent = voters.find((store) => store.statistics.liveness !== 'up')
  const but =
    silent === undefined ? '' : `; that on store ${silent.id}, which is silent, is replaced when it counts as down`
  return refusePlan('nothing-to-do', `shard ${shard.id} has its ${replicas} voters${but}`, numbers)
}

function because(reason: string): Motive {
  return { scheduler: SCHEDULER, reason, numbers: {} }
}

function isFailing({ statistics }: IndexedShard, store: IndexedStore): boolean {
  return isLost(store) || statistics.downReplicas.includes(store.id)
}

/**
 * Without it the shard is one loss away from its last quorum, so silence is not enough: a store that is silent itself may come back with a sound replica,
 * perhaps the very one that is needed next.
 */
function mayGoFirst({ statistics }: IndexedShard, store: IndexedStore): boolean {
  return store.statistics.liveness === 'up' && !isLost(store) && statistics.lostReplicas.includes(store.id)
}

function lossOf({ statistics }: IndexedShard, store: IndexedStore): string {
  if (isLost(store)) return `store ${store.id} is ${store.statistics.state === 'gone' ? 'gone' : 'down'}`
  const isCertain = statistics.lostReplicas.includes(store.id)
  return `the replica on store ${store.id} ${isCertain ? 'is lost although the store lives' : 'does not answer its leader'}`
}

/** A learner that nobody wants, or that is lost. */
function leftOverLearner(entry: IndexedShard): IndexedStore | undefined {
  const { shard, statistics, stores } = entry
  return stores.find(
    (store, i) =>
      shard.replicas[i]?.role === 'learner' &&
      (!statistics.wantedLearners.includes(store.id) || isFailing(entry, store)),
  )
}

function learnerPlan(entry: IndexedShard, learner: IndexedStore, isNeeded: boolean): Plan {
  const reason = `the learner on store ${learner.id} is left over from a change that nobody finished`
  const { pendingReplicas } = entry.statistics
  if (isNeeded && !isFailing(entry, learner) && !pendingReplicas.includes(learner.id)) {
    return promoteLearner(entry, learner, because(`${reason}, and a voter is missing`))
  }
  return dropLearner(entry, learner, because(reason))
}

/** The first of `voters` that can go, the most dispensable first. A leader can go only when another can lead. */
function dropOne(planning: Planning, entry: IndexedShard, voters: readonly IndexedStore[], motive: Motive): Plan {
  const staying = entry.stores
  const rank = (store: IndexedStore): number => sharingOf(staying.filter((other) => other !== store))
  const order = [...voters].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      Number(isAccepting(a)) - Number(isAccepting(b)) ||
      Number(a === entry.leader) - Number(b === entry.leader) ||
      b.planned.replicas - a.planned.replicas,
  )
  let refusal: Plan | undefined
  for (const store of order) {
    const plan = dropVoter(entry, store, planning.settings, motive)
    if (plan.ok) return plan
    refusal ??= plan
  }
  return refusal ?? refusePlan('nothing-to-do', `shard ${entry.shard.id} has no voter that could go`)
}
