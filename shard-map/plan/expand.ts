/**
 * From "move this replica there" to steps. Every change of voters goes through a learner that has caught up and a joint membership; nobody is
 * removed who votes, and a shard is never left with fewer voters than it should have (or than it has, when it has too few). What cannot be done
 * is a refusal with the reason. Planners and requests by hand use the same functions.
 */
import type { StoreId } from '../types.ts'
import { isJoint } from './apply-step.ts'
import { leaderProblem, replicaProblem } from './eligibility.ts'
import {
  type Numbers,
  type OperatorKind,
  type OperatorStep,
  type Plan,
  type PlannedOperator,
  type PlanRefusal,
  refusePlan,
} from './operator.ts'
import { hasOnlyVoters, type IndexedShard } from './shard-entry.ts'
import type { PlanSettings } from './statistics.ts'
import type { IndexedStore } from './store-load.ts'

/** Who wants it, and why. */
export interface Motive {
  readonly scheduler: PlannedOperator['scheduler']
  readonly reason: string
  readonly numbers: Numbers
}

/** Why nothing can be done to the shard's members now. */
export function shardProblem(entry: IndexedShard): PlanRefusal | undefined {
  const { id } = entry.shard
  if (entry.operator !== undefined) {
    return refusePlan('shard-busy', `shard ${id} has a running operator: ${entry.operator.kind}`)
  }
  if (entry.leader === undefined) return refusePlan('no-leader', `nobody leads shard ${id}`)
  return isJoint(entry.shard) ? refusePlan('in-joint', `shard ${id} is between two memberships`) : undefined
}

/** Another voter instead of the one on `from`; when that one leads, the new one takes over. */
export function replaceVoter(
  entry: IndexedShard,
  from: IndexedStore,
  to: IndexedStore,
  settings: PlanSettings,
  motive: Motive,
): Plan {
  const problem = shardProblem(entry) ?? voterProblem(entry, from) ?? replicaProblem(to, entry, settings)
  if (problem !== undefined) return problem
  const { shard } = entry
  const isLeader = entry.leader === from
  const steps: OperatorStep[] = [
    ...arrival(shard.id, to.id),
    { what: 'enter-joint', shard: shard.id, promote: [to.id], demote: [from.id] },
    // The new voter may lead as soon as it is one; who is being demoted must not lead when the joint membership ends.
    ...(isLeader ? [{ what: 'transfer-leader', shard: shard.id, to: to.id } as const] : []),
    { what: 'leave-joint', shard: shard.id },
    { what: 'remove-learner', shard: shard.id, store: from.id },
  ]
  const replicas = entry.stores.map((store) => (store === from ? to.id : store.id))
  return operatorOf(entry, 'move', motive, steps, replicas, isLeader ? to.id : entry.leader?.id)
}

export function addVoter(entry: IndexedShard, to: IndexedStore, settings: PlanSettings, motive: Motive): Plan {
  const problem = shardProblem(entry) ?? replicaProblem(to, entry, settings)
  if (problem !== undefined) return problem
  const { id } = entry.shard
  const steps: OperatorStep[] = [
    ...arrival(id, to.id),
    { what: 'enter-joint', shard: id, promote: [to.id], demote: [] },
    { what: 'leave-joint', shard: id },
  ]
  return operatorOf(entry, 'add-replica', motive, steps, [...idsOf(entry.stores), to.id], entry.leader?.id)
}

/** A replica that keeps the data and has no vote, for a person who wants one. */
export function addLearner(entry: IndexedShard, to: IndexedStore, settings: PlanSettings, motive: Motive): Plan {
  const problem = shardProblem(entry) ?? replicaProblem(to, entry, settings)
  if (problem !== undefined) return problem
  const replicas = [...idsOf(entry.stores), to.id]
  return operatorOf(entry, 'add-replica', motive, arrival(entry.shard.id, to.id), replicas, entry.leader?.id)
}

/** One voter less; refused when too few would remain. A leader hands over to `heir` first, or to the first voter that can lead. */
export function dropVoter(
  entry: IndexedShard,
  from: IndexedStore,
  settings: PlanSettings,
  motive: Motive,
  heir?: IndexedStore,
): Plan {
  const problem = shardProblem(entry) ?? voterProblem(entry, from)
  if (problem !== undefined) return problem
  const { shard } = entry
  const voters = shard.replicas.filter(({ role }) => role === 'voter').length
  if (voters - 1 < settings.replicas) {
    return refusePlan(
      'below-replication-factor',
      `shard ${shard.id} has ${voters} voters and should have ${settings.replicas}, so none can be removed; move it instead`,
      { voters, replicas: settings.replicas },
    )
  }
  const next = heir ?? entry.stores.find((store) => store !== from && leaderProblem(store, entry) === undefined)
  const isLeader = entry.leader === from
  if (isLeader && next === undefined) {
    return refusePlan('no-target', `no other replica of shard ${shard.id} can lead`)
  }
  const steps: OperatorStep[] = [
    ...(isLeader && next !== undefined ? [{ what: 'transfer-leader', shard: shard.id, to: next.id } as const] : []),
    { what: 'enter-joint', shard: shard.id, promote: [], demote: [from.id] },
    { what: 'leave-joint', shard: shard.id },
    { what: 'remove-learner', shard: shard.id, store: from.id },
  ]
  const replicas = idsOf(entry.stores).filter((id) => id !== from.id)
  return operatorOf(entry, 'remove-replica', motive, steps, replicas, isLeader ? next?.id : entry.leader?.id)
}

/**
 * Takes the vote from a replica that cannot run any more, although too few remain: it counted for nothing. Whoever adds the missing one may choose the
 * same store. Refused unless a majority of the others is left to decide.
 */
export function dropDamaged(entry: IndexedShard, from: IndexedStore, motive: Motive): Plan {
  const problem = shardProblem(entry) ?? voterProblem(entry, from)
  if (problem !== undefined) return problem
  const { shard } = entry
  const voters = shard.replicas.filter(({ role }) => role === 'voter').length
  if (voters < 3 || entry.leader === from) {
    return refusePlan(
      'no-target',
      `shard ${shard.id} has too few sound replicas to go on without the one on ${from.id}`,
    )
  }
  const steps: OperatorStep[] = [
    { what: 'enter-joint', shard: shard.id, promote: [], demote: [from.id] },
    { what: 'leave-joint', shard: shard.id },
    { what: 'remove-learner', shard: shard.id, store: from.id },
  ]
  const replicas = idsOf(entry.stores).filter((id) => id !== from.id)
  return operatorOf(entry, 'remove-replica', motive, steps, replicas, entry.leader?.id)
}

export function dropLearner(entry: IndexedShard, from: IndexedStore, motive: Motive): Plan {
  const problem = shardProblem(entry)
  if (problem !== undefined) return problem
  if (roleOn(entry, from) !== 'learner') {
    return refusePlan('not-there', `shard ${entry.shard.id} has no learner on store ${from.id}`)
  }
  const steps: OperatorStep[] = [{ what: 'remove-learner', shard: entry.shard.id, store: from.id }]
  const replicas = idsOf(entry.stores).filter((id) => id !== from.id)
  return operatorOf(entry, 'remove-learner', motive, steps, replicas, entry.leader?.id)
}

/** A learner that has caught up becomes a voter. */
export function promoteLearner(entry: IndexedShard, store: IndexedStore, motive: Motive): Plan {
  const problem = shardProblem(entry)
  if (problem !== undefined) return problem
  const { id } = entry.shard
  if (roleOn(entry, store) !== 'learner') {
    return refusePlan('not-there', `shard ${id} has no learner on store ${store.id}`)
  }
  const steps: OperatorStep[] = [
    { what: 'wait-caught-up', shard: id, store: store.id },
    { what: 'enter-joint', shard: id, promote: [store.id], demote: [] },
    { what: 'leave-joint', shard: id },
  ]
  return operatorOf(entry, 'promote-learner', motive, steps, idsOf(entry.stores), entry.leader?.id)
}

/** Ends a membership change that somebody began and did not end; those who were demoted go. */
export function leaveJoint(entry: IndexedShard, motive: Motive): Plan {
  const { shard } = entry
  if (entry.operator !== undefined || entry.leader === undefined) return shardProblem(entry) as PlanRefusal
  if (!isJoint(shard)) return refusePlan('nothing-to-do', `shard ${shard.id} is not between two memberships`)
  const demoted = shard.replicas.filter(({ role }) => role === 'outgoing').map(({ store }) => store)
  const heir = shard.replicas.find(
    ({ role }, i) =>
      (role === 'voter' || role === 'incoming') && leaderProblem(entry.stores[i] as IndexedStore, entry) === undefined,
  )
  const isLeaving = demoted.includes(entry.leader.id)
  if (isLeaving && heir === undefined) return refusePlan('no-target', `no voter to stay can lead shard ${shard.id}`)
  const steps: OperatorStep[] = [
    ...(isLeaving && heir !== undefined ? [{ what: 'transfer-leader', shard: shard.id, to: heir.store } as const] : []),
    { what: 'leave-joint', shard: shard.id },
    ...demoted.map((store) => ({ what: 'remove-learner', shard: shard.id, store }) as const),
  ]
  const replicas = idsOf(entry.stores).filter((id) => !demoted.includes(id))
  return operatorOf(entry, 'leave-joint', motive, steps, replicas, isLeaving ? heir?.store : entry.leader.id)
}

export function transferLeader(entry: IndexedShard, to: IndexedStore, motive: Motive): Plan {
  const problem = shardProblem(entry) ?? leaderProblem(to, entry)
  if (problem !== undefined) return problem
  if (entry.leader === to) {
    return refusePlan('nothing-to-do', `store ${to.id} leads shard ${entry.shard.id} already`)
  }
  const steps: OperatorStep[] = [{ what: 'transfer-leader', shard: entry.shard.id, to: to.id }]
  return operatorOf(entry, 'transfer-leader', motive, steps, idsOf(entry.stores), to.id)
}

/**
 * Makes `moved` stand where `anchor` stands, leader included: the steps before a merge. New replicas come first, then one joint membership
 * changes all of them at once.
 */
export function alignSteps(
  moved: IndexedShard,
  anchor: IndexedShard,
  settings: PlanSettings,
):
  | { readonly ok: true; readonly steps: readonly OperatorStep[]; readonly arriving: readonly IndexedStore[] }
  | PlanRefusal {
  const { id } = moved.shard
  const promote = anchor.stores.filter((store) => !moved.stores.includes(store))
  const demote = moved.stores.filter((store) => !anchor.stores.includes(store))
  for (const entry of [moved, anchor]) {
    const problem = shardProblem(entry)
    if (problem !== undefined) return problem
    if (hasOnlyVoters(entry.shard)) continue
    return refusePlan('replica-unfit', `shard ${entry.shard.id} has replicas that do not vote`)
  }
  for (const store of promote) {
    const problem = replicaProblem(store, moved, settings)
    if (problem !== undefined) return problem
  }
  if (demote.length > promote.length && anchor.stores.length < settings.replicas) {
    return refusePlan('below-replication-factor', `shard ${anchor.shard.id} has only ${anchor.stores.length} replicas`)
  }
  const leader = anchor.leader as IndexedStore
  const steps: OperatorStep[] = promote.flatMap((store) => arrival(id, store.id))
  const transfer = moved.leader === leader ? [] : [{ what: 'transfer-leader', shard: id, to: leader.id } as const]
  if (promote.length + demote.length === 0) return { ok: true, steps: [...steps, ...transfer], arriving: [] }
  steps.push({ what: 'enter-joint', shard: id, promote: idsOf(promote), demote: idsOf(demote) })
  steps.push(...transfer, { what: 'leave-joint', shard: id })
  for (const store of demote) steps.push({ what: 'remove-learner', shard: id, store: store.id })
  return { ok: true, steps, arriving: promote }
}

function operatorOf(
  entry: IndexedShard,
  kind: OperatorKind,
  motive: Motive,
  steps: readonly OperatorStep[],
  replicas: readonly StoreId[],
  leader: StoreId | undefined,
): Plan {
  const { shard, statistics } = entry
  const bytesToSend = steps.some(({ what }) => what === 'add-learner') ? statistics.bytes : 0
  const influence = [{ shard: shard.id, replicas, leader }]
  return { ok: true, operator: { kind, shard: shard.id, epoch: shard.epoch, ...motive, steps, bytesToSend, influence } }
}

function arrival(shard: number, store: StoreId): OperatorStep[] {
  return [
    { what: 'add-learner', shard, store },
    { what: 'wait-caught-up', shard, store },
  ]
}

function roleOn(entry: IndexedShard, store: IndexedStore) {
  return entry.shard.replicas[entry.stores.indexOf(store)]?.role
}

function voterProblem(entry: IndexedShard, store: IndexedStore): PlanRefusal | undefined {
  const role = roleOn(entry, store)
  if (role === 'voter') return undefined
  if (role === undefined) return refusePlan('not-there', `store ${store.id} has no replica of shard ${entry.shard.id}`)
  return refusePlan('not-a-voter', `the replica of shard ${entry.shard.id} on store ${store.id} does not vote`)
}

function idsOf(stores: readonly IndexedStore[]): StoreId[] {
  return stores.map((store) => store.id)
}
