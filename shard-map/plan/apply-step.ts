/**
 * What a step of an operator makes of a shard's replicas: the theory of membership changes that the expansions promise to keep. Used offline
 * by what-if runs, simulations and tests; in a running cluster the shard's own group does this.
 */
import { changeReplicas, type Refusal, refuse } from '../shard.ts'
import type { Replica, ReplicaId, Shard } from '../types.ts'
import type { OperatorStep } from './operator.ts'

export type AppliedStep = { readonly ok: true; readonly shard: Shard } | Refusal

/**
 * The shard after a step that concerns its members; steps that change no member give the shard itself. Splits and merges concern two shards
 * and belong to `splitShard` and `mergeShards`. `freshId` is asked for the id of a new learner that has none yet.
 */
export function applyStep(shard: Shard, step: OperatorStep, freshId: () => ReplicaId): AppliedStep {
  if (step.shard !== shard.id) return refuse('invalid', `the step is about shard ${step.shard}, not ${shard.id}`)
  const { replicas } = shard
  switch (step.what) {
    case 'add-learner': {
      if (isJoint(shard)) return refuse('invalid', `shard ${shard.id} is in a joint membership`)
      const learner: Replica = { id: step.replicaId ?? freshId(), store: step.store, role: 'learner' }
      return changeReplicas(shard, [...replicas, learner])
    }
    case 'remove-learner': {
      if (isJoint(shard)) return refuse('invalid', `shard ${shard.id} is in a joint membership`)
      const replica = replicas.find(({ store }) => store === step.store)
      if (replica?.role !== 'learner') return refuse('invalid', `shard ${shard.id} has no learner on ${step.store}`)
      return changeReplicas(
        shard,
        replicas.filter((other) => other !== replica),
      )
    }
    case 'enter-joint':
      return enterJoint(shard, step)
    case 'leave-joint': {
      if (!isJoint(shard)) return refuse('invalid', `shard ${shard.id} is not in a joint membership`)
      return changeReplicas(shard, replicas.map(settled))
    }
    case 'wait-caught-up':
      return replicas.some(({ store }) => store === step.store)
        ? { ok: true, shard }
        : refuse('invalid', `shard ${shard.id} has no replica on ${step.store}`)
    case 'transfer-leader': {
      const role = replicas.find(({ store }) => store === step.to)?.role
      return role === 'voter' || role === 'incoming'
        ? { ok: true, shard }
        : refuse('invalid', `shard ${shard.id} has no voter to stay on ${step.to}`)
    }
    case 'split':
    case 'prepare-merge':
    case 'commit-merge':
    case 'rollback-merge':
      return { ok: true, shard }
  }
}

export function isJoint(shard: Shard): boolean {
  return shard.replicas.some(({ role }) => role === 'incoming' || role === 'outgoing')
}

function enterJoint(shard: Shard, step: OperatorStep & { readonly what: 'enter-joint' }): AppliedStep {
  if (isJoint(shard)) return refuse('invalid', `shard ${shard.id} is in a joint membership already`)
  for (const [stores, role] of [
    [step.promote, 'learner'],
    [step.demote, 'voter'],
  ] as const) {
    const wrong = stores.find((store) => !shard.replicas.some((other) => other.store === store && other.role === role))
    if (wrong !== undefined) return refuse('invalid', `shard ${shard.id} has no ${role} on ${wrong}`)
  }
  const replicas = shard.replicas.map((replica): Replica => {
    if (step.promote.includes(replica.store)) return { ...replica, role: 'incoming' }
    return step.demote.includes(replica.store) ? { ...replica, role: 'outgoing' } : replica
  })
  return changeReplicas(shard, replicas)
}

function settled(replica: Replica): Replica {
  if (replica.role === 'incoming') return { ...replica, role: 'voter' }
  return replica.role === 'outgoing' ? { ...replica, role: 'learner' } : replica
}
