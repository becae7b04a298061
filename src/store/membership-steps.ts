import type { Replica as Member, Shard, StoreId } from '../../shard-map/index.ts'
import { EMPTY_BYTES, unreachable } from '../base/index.ts'
import type { ErrorValue, MembershipStep } from '../protocol/index.ts'
import type { MembershipChange, ProgressStatus } from '../raft/index.ts'
import { impossible, notYet } from './refusals.ts'
import { encodeNewReplicas } from './shard-membership.ts'

/**
 * Judges one step of a membership change against the shard as its leader has it: is it done already, can it be done, or why not? Pure; the
 * request handler proposes what comes out. A shard never has fewer voters than asked for, and no voter is removed directly.
 */
export type StepVerdict =
  | { readonly kind: 'done' }
  | { readonly kind: 'propose'; readonly change: MembershipChange }
  /** The leader itself is to go: it hands its leadership to this member first. */
  | { readonly kind: 'hand-over'; readonly to: Member }
  | { readonly kind: 'refuse'; readonly error: ErrorValue }

/** What the leader knows beside the shard. */
export interface StepContext {
  readonly shard: Shard
  readonly self: StoreId
  readonly lastIndex: number
  readonly progress: ReadonlyMap<number, Pick<ProgressStatus, 'matchIndex' | 'state' | 'heardLately'>>
}

/** Whether the shard is as the step would leave it, so that somebody who asks again is told so. */
export function isStepDone(shard: Shard, step: MembershipStep): boolean {
  const on = (store: StoreId): Member | undefined => shard.replicas.find((replica) => replica.store === store)
  switch (step.kind) {
    case 'add-learner':
      return on(step.store)?.id === step.replica
    case 'enter-joint': {
      const promoted = step.promote.every((store) => isIncoming(on(store)))
      return promoted && step.demote.every((store) => !isIncoming(on(store)))
    }
    case 'leave-joint':
      return !isJoint(shard)
    case 'remove-learner':
      return on(step.store) === undefined
    default:
      return unreachable(step)
  }
}

/** A step for the very epoch that the shard has. */
export function judgeStep(step: MembershipStep, context: StepContext): StepVerdict {
  const { shard } = context
  switch (step.kind) {
    case 'add-learner':
      return addLearner(step.store, step.replica, shard)
    case 'enter-joint':
      return enterJoint(step, context)
    case 'leave-joint': {
      if (!isJoint(shard)) return { kind: 'done' }
      const own = shard.replicas.find((replica) => replica.store === context.self)
      if (own?.role === 'outgoing') return handOver(context)
      return propose({ transition: 'auto', operations: [], context: EMPTY_BYTES })
    }
    case 'remove-learner': {
      const member = shard.replicas.find((replica) => replica.store === step.store)
      if (member === undefined) return { kind: 'done' }
      if (isJoint(shard)) return refuse(impossible(shard.id, `shard ${shard.id} must leave its joint membership first`))
      if (member.role !== 'learner') {
        return refuse(
          impossible(shard.id, `the replica of shard ${shard.id} on store ${step.store} votes: demote it first`),
        )
      }
      return propose(simple('remove', member.id))
    }
    default:
      return unreachable(step)
  }
}

function addLearner(store: StoreId, replica: number, shard: Shard): StepVerdict {
  if (isJoint(shard)) return refuse(impossible(shard.id, `shard ${shard.id} must leave its joint membership first`))
  const present = shard.replicas.find((member) => member.store === store)
  if (present !== undefined) {
    return present.id === replica
      ? { kind: 'done' }
      : refuse(impossible(shard.id, `store ${store} holds replica ${present.id} of shard ${shard.id} already`))
  }
  if (shard.replicas.some((member) => member.id >= replica)) {
    return refuse(impossible(shard.id, `replica id ${replica} is not above those that shard ${shard.id} has`))
  }
  return propose({ ...simple('add-learner', replica), context: encodeNewReplicas({ [replica]: store }) })
}

function enterJoint(step: MembershipStep & { kind: 'enter-joint' }, context: StepContext): StepVerdict {
  const { shard, self, progress, lastIndex } = context
  const { id } = shard
  if (isJoint(shard)) {
    // Whoever asks may have learnt the epoch from the very change that it asks for: the map brings it to the next driver before the step is noted.
    return isStepDone(shard, step)
      ? { kind: 'done' }
      : refuse(impossible(id, `shard ${id} is in a joint membership already`))
  }
  const operations: { readonly kind: 'add-voter' | 'add-learner'; readonly replica: number }[] = []
  for (const store of step.promote) {
    const member = shard.replicas.find((replica) => replica.store === store)
    if (member?.role !== 'learner') return refuse(impossible(id, `store ${store} holds no learner of shard ${id}`))
    const seen = progress.get(member.id)
    const behind = lastIndex - (seen?.matchIndex ?? 0)
    // One that was just added counts as heard before it says anything, and a short log leaves it few entries behind: only what it has stored shows that it is there.
    const isThere = seen !== undefined && seen.matchIndex > 0 && seen.heardLately
    if (!isThere || seen.state === 'snapshot' || behind > step.lagEntriesMax) {
      const how =
        seen?.state === 'snapshot'
          ? 'is still receiving its snapshot'
          : `is ${behind} entries behind, or does not answer`
      const allowed = `at most ${step.lagEntriesMax} are allowed`
      return refuse(notYet(id, `the learner of shard ${id} on store ${store} ${how}; ${allowed}`))
    }
    operations.push({ kind: 'add-voter', replica: member.id })
  }
  for (const store of step.demote) {
    const member = shard.replicas.find((replica) => replica.store === store)
    if (member?.role !== 'voter' || step.promote.includes(store)) {
      return refuse(impossible(id, `store ${store} holds no voter of shard ${id}`))
    }
    operations.push({ kind: 'add-learner', replica: member.id })
  }
  if (operations.length === 0) return refuse(impossible(id, 'a joint membership changes at least one voter'))
  const voters = shard.replicas.filter((replica) => replica.role === 'voter').length
  const left = voters + step.promote.length - step.demote.length
  if (left < Math.max(1, step.votersMin)) {
    return refuse(impossible(id, `shard ${id} would keep ${left} voters of the ${step.votersMin} that it must have`))
  }
  // From its entry on the joint membership needs a majority of those that stay: without it nothing is ever committed again, not even the way back.
  const stay = shard.replicas.filter(
    ({ store, role }) => step.promote.includes(store) || (role === 'voter' && !step.demote.includes(store)),
  )
  const silent = stay.filter((member) => member.store !== self && progress.get(member.id)?.heardLately !== true)
  if (2 * silent.length >= stay.length) {
    const who = silent.map(({ store }) => store).join(', ')
    return refuse(notYet(id, `too few of the voters that shard ${id} would keep answer: not those on ${who}`))
  }
  return propose({ transition: 'joint-explicit', operations, context: EMPTY_BYTES })
}

/** To the member that stays and is furthest along. */
function handOver({ shard, progress }: StepContext): StepVerdict {
  let best: Member | undefined
  for (const member of shard.replicas) {
    if (member.role !== 'voter' && member.role !== 'incoming') continue
    const match = progress.get(member.id)?.matchIndex ?? 0
    if (best === undefined || match > (progress.get(best.id)?.matchIndex ?? 0)) best = member
  }
  return best === undefined
    ? refuse(impossible(shard.id, `shard ${shard.id} has nobody else to lead it`))
    : { kind: 'hand-over', to: best }
}

function simple(kind: 'add-learner' | 'remove', replica: number): MembershipChange {
  return { transition: 'auto', operations: [{ kind, replica }], context: EMPTY_BYTES }
}

function propose(change: MembershipChange): StepVerdict {
  return { kind: 'propose', change }
}

function refuse(error: ErrorValue): StepVerdict {
  return { kind: 'refuse', error }
}

function isJoint(shard: Shard): boolean {
  return shard.replicas.some((replica) => replica.role === 'incoming' || replica.role === 'outgoing')
}

function isIncoming(member: Member | undefined): boolean {
  return member?.role === 'voter' || member?.role === 'incoming'
}
