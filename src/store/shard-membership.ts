import type { Replica, ReplicaRole, Shard, StoreId } from '../../shard-map/index.ts'
import { utf8Decode, utf8Encode } from '../base/index.ts'
import type { MembershipChange, MembershipState } from '../raft/index.ts'

/**
 * Keeps a shard's list of replicas in step with the membership its group has applied. A membership change says in its context on
 * which stores new replicas live, because the core knows replicas only by number.
 */
export function encodeNewReplicas(stores: Readonly<Record<number, StoreId>>): Uint8Array {
  return utf8Encode(JSON.stringify(stores))
}

function decodeNewReplicas(context: Uint8Array): Record<number, StoreId> {
  if (context.length === 0) return {}
  return JSON.parse(utf8Decode(context) ?? '{}') as Record<number, StoreId>
}

export function shardWithMembership(shard: Shard, membership: MembershipState, change: MembershipChange): Shard {
  const stores = new Map<number, StoreId>(shard.replicas.map((replica) => [replica.id, replica.store]))
  for (const [id, store] of Object.entries(decodeNewReplicas(change.context))) stores.set(Number(id), store)
  const joint = membership.votersOutgoing.length > 0
  const roles = new Map<number, ReplicaRole>()
  for (const id of membership.votersOutgoing) roles.set(id, 'outgoing')
  for (const id of membership.voters) roles.set(id, joint && !roles.has(id) ? 'incoming' : 'voter')
  for (const id of membership.learners) roles.set(id, 'learner')
  const replicas: Replica[] = [...roles]
    .sort(([left], [right]) => left - right)
    .map(([id, role]) => ({ id, role, store: stores.get(id) ?? '' }))
  return { ...shard, replicas, epoch: { ...shard.epoch, membership: shard.epoch.membership + 1 } }
}
