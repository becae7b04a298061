/** A shard's list of replicas follows the membership of its group, through joint changes too, and keeps who lives where. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { keyFromText, type Shard, shardProblems } from '../../shard-map/index.ts'
import { EMPTY_BYTES } from '../../src/base/index.ts'
import type { MembershipChange, MembershipState } from '../../src/raft/index.ts'
import { changeMembership, EMPTY_MEMBERSHIP, leaveJoint, type MembershipResult } from '../../src/raft/membership.ts'
import { encodeNewReplicas, shardWithMembership } from '../../src/store/shard-membership.ts'

const SHARD: Shard = {
  id: 7,
  start: keyFromText('a'),
  end: undefined,
  epoch: { membership: 4, range: 2 },
  replicas: [
    { id: 11, store: 's1', role: 'voter' },
    { id: 12, store: 's2', role: 'voter' },
    { id: 13, store: 's3', role: 'voter' },
  ],
}
const VOTERS: MembershipState = { ...EMPTY_MEMBERSHIP, voters: [11, 12, 13] }

function membershipOf(result: MembershipResult): MembershipState {
  assert.ok(result.ok, JSON.stringify(result))
  return result.membership
}

function replicasOf(shard: Shard): string[] {
  return shard.replicas.map(({ id, store, role }) => `${id} ${store} ${role}`)
}

const JOIN: MembershipChange = {
  transition: 'auto',
  operations: [
    { kind: 'add-voter', replica: 14 },
    { kind: 'remove', replica: 11 },
    { kind: 'add-learner', replica: 15 },
  ],
  context: encodeNewReplicas({ 14: 's4', 15: 's5' }),
}
const LEAVE: MembershipChange = { transition: 'auto', operations: [], context: EMPTY_BYTES }

it('a joint change shows who comes and who goes, and raises the epoch', () => {
  const joint = membershipOf(changeMembership(VOTERS, JOIN))
  const shard = shardWithMembership(SHARD, joint, JOIN)
  assert.deepEqual(replicasOf(shard), [
    '11 s1 outgoing',
    '12 s2 voter',
    '13 s3 voter',
    '14 s4 incoming',
    '15 s5 learner',
  ])
  assert.deepEqual(shard.epoch, { membership: 5, range: 2 })
  assert.deepEqual(shardProblems(shard), [])
})

it('leaving it needs no context: everybody is known by then', () => {
  const joint = membershipOf(changeMembership(VOTERS, JOIN))
  const shard = shardWithMembership(shardWithMembership(SHARD, joint, JOIN), membershipOf(leaveJoint(joint)), LEAVE)
  assert.deepEqual(replicasOf(shard), ['12 s2 voter', '13 s3 voter', '14 s4 voter', '15 s5 learner'])
  assert.equal(shard.epoch.membership, 6)
  assert.deepEqual(shardProblems(shard), [])
})
