/** Membership changes of a running group, one test per rule (Raft §6; Thesis §4). The algebra itself has property tests. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8Encode } from '../../src/base/index.ts'
import {
  decodeMembershipChange,
  EMPTY_MEMBERSHIP,
  encodeMembershipChange,
  type MembershipChange,
  type Message,
} from '../../src/raft/index.ts'
import { append, change, entry, ofType, only, TestNode, voteReply } from './harness/test-node.ts'

const ADD_4 = change([{ kind: 'add-voter', replica: 4 }])
const ADD_5 = change([{ kind: 'add-voter', replica: 5 }])

function typesOf(node: TestNode): string[] {
  return node.storage.all().map((one) => one.type)
}

test('a change takes effect when its entry is applied', () => {
  const node = new TestNode().lead(2, 3)
  assert.deepEqual(node.raft.proposeMembership(ADD_4), { ok: true, forwarded: false, index: 2, term: 1 })
  node.drain()
  assert.deepEqual(node.raft.membership.voters, [1, 2, 3])
  node.acknowledge(2, 2)
  const messages = node.drain()
  assert.deepEqual(node.raft.membership.voters, [1, 2, 3, 4])
  // The new member is probed at once.
  assert.ok(messages.some((message) => message.to === 4))
})

test('a second change waits until the first is applied; an empty entry takes its place (Thesis §4.1)', () => {
  const node = new TestNode().lead(2, 3)
  assert.equal(node.raft.proposeMembership(ADD_4).ok, true)
  assert.deepEqual(node.raft.proposeMembership(ADD_5), { ok: false, reason: 'change-pending', index: 3, term: 1 })
  node.drain()
  assert.deepEqual(typesOf(node), ['normal', 'membership', 'normal'])
  node.acknowledge(3, 2)
  node.drain()
  assert.equal(node.raft.proposeMembership(ADD_5).ok, true)
})

test('committed is not enough: the first change must be applied before the second is proposed (Thesis §4.1)', () => {
  const node = new TestNode({ options: { asyncStorage: true } }).lead(2, 3)
  node.raft.proposeMembership(ADD_4)
  const { append: work } = node.takeReady()
  assert.ok(work)
  node.finishWrite(work)
  node.acknowledge(2, 2)
  assert.equal(node.raft.commitIndex, 2)
  const refused = node.raft.proposeMembership(ADD_5)
  assert.equal(refused.ok === false && refused.reason, 'change-pending')
})

test('of two changes in one forwarded message only the first is taken', () => {
  const node = new TestNode().lead(2, 3)
  const entries = [ADD_4, ADD_5].map((one) => ({ type: 'membership' as const, data: encodeMembershipChange(one) }))
  const propose: Message = { type: 'Propose', from: 2, to: 1, term: 0, entries }
  node.step(propose)
  node.drain()
  assert.deepEqual(typesOf(node), ['normal', 'membership', 'normal'])
  // What others may still hold is not changed.
  assert.deepEqual(
    entries.map((one) => one.type),
    ['membership', 'membership'],
  )
})

test('a new leader assumes that its predecessors left a change behind (Thesis §4.1)', () => {
  const node = new TestNode({ terms: [1, 1], hardState: { term: 1 } })
  node.elect(2)
  const refused = node.raft.proposeMembership(ADD_4)
  assert.equal(refused.ok === false && refused.reason, 'change-pending')
  // The empty entry of its term is 3, the refused change 4; once its predecessors' entries are applied, it may.
  node.drain()
  node.acknowledge(4, 2)
  node.drain()
  assert.equal(node.raft.proposeMembership(ADD_4).ok, true)
})

test('in a joint membership only leaving it is accepted, and outside of one leaving is not (Raft §6)', () => {
  const joint = new TestNode({ membership: { votersOutgoing: [1, 2, 3] } }).lead(2, 3)
  const refused = joint.raft.proposeMembership(ADD_4)
  assert.equal(refused.ok === false && refused.reason, 'joint')
  assert.equal(joint.raft.proposeMembership(change([])).ok, true)
  const simple = new TestNode().lead(2, 3)
  const leaving = simple.raft.proposeMembership(change([]))
  assert.equal(leaving.ok === false && leaving.reason, 'not-joint')
})

test('a change that could never be applied is refused: it would stop every replica', () => {
  const node = new TestNode({ voters: [1] })
  node.elect()
  const refused = node.raft.proposeMembership(change([{ kind: 'remove', replica: 1 }]))
  assert.equal(refused.ok === false && refused.reason, 'illegal')
  const data = Uint8Array.of(9)
  node.step({ type: 'Propose', from: 2, to: 1, term: 0, entries: [{ type: 'membership', data }] })
  node.drain()
  assert.ok(typesOf(node).every((type) => type === 'normal'))
  assert.deepEqual(node.raft.membership.voters, [1])
})

test('a joint membership that leaves by itself does so only after entering it was applied, and once (Thesis §4.3)', () => {
  const node = new TestNode({ options: { asyncStorage: true } }).lead(2, 3)
  const joint = change([{ kind: 'add-voter', replica: 4 }], 'joint-implicit')
  assert.equal(node.raft.proposeMembership(joint).ok, true)
  const { append: work } = node.takeReady()
  assert.ok(work)
  node.finishWrite(work)
  node.acknowledge(2, 2)
  const { append: commit, apply } = node.takeReady()
  assert.ok(commit && apply)
  node.finishWrite(commit)
  assert.equal(node.raft.lastIndex, 2)
  node.finishApplying(apply.entries)
  assert.equal(node.raft.lastIndex, 3)
  assert.equal(node.raft.membership.autoLeave, true)
  node.propose('a')
  node.drain()
  node.acknowledge(4, 2, 4)
  node.drain()
  assert.deepEqual(node.raft.membership, { ...EMPTY_MEMBERSHIP, voters: [1, 2, 3, 4] })
  assert.deepEqual(
    node.storage.all().map((one) => one.type),
    ['normal', 'membership', 'membership', 'normal'],
  )
})

test('a new leader does not end a joint membership before it applied all of its predecessors’ entries (Thesis §4.3)', () => {
  const node = new TestNode({
    terms: [1, 1, 1],
    hardState: { term: 1, commitIndex: 3 },
    appliedIndex: 1,
    membership: { votersOutgoing: [1, 2, 3], autoLeave: true },
    options: { asyncStorage: true },
  })
  node.raft.campaign()
  const { append: vote } = node.takeReady()
  assert.ok(vote)
  node.finishWrite(vote)
  node.step(voteReply(2, 1, 2, true), voteReply(3, 1, 2, true))
  assert.equal(node.raft.lastIndex, 4)
  node.raft.applied(2)
  assert.equal(node.raft.lastIndex, 4)
  node.raft.applied(3)
  assert.equal(node.raft.lastIndex, 5)
})

test('a new leader finishes the joint phase of its predecessor (Thesis §4.3)', () => {
  const membership = { votersOutgoing: [1, 2, 3], autoLeave: true }
  const node = new TestNode({ terms: [1], hardState: { term: 1, commitIndex: 1 }, appliedIndex: 1, membership })
  node.lead(2, 3)
  assert.equal(node.raft.lastIndex, 3)
  node.acknowledge(3, 2, 3)
  node.drain()
  assert.deepEqual(node.raft.membership.votersOutgoing, [])
})

test('an explicit joint membership stays until it is left (Thesis §4.3)', () => {
  const node = new TestNode().lead(2, 3)
  node.raft.proposeMembership(change([{ kind: 'add-voter', replica: 4 }], 'joint-explicit'))
  node.drain()
  node.acknowledge(2, 2)
  node.drain()
  assert.deepEqual(node.raft.membership.votersOutgoing, [1, 2, 3])
  assert.equal(node.raft.lastIndex, 2)
})

test('a smaller quorum commits at once what it has stored already (Thesis §4.2.2)', () => {
  const node = new TestNode({ voters: [1, 2] }).lead(2)
  node.raft.proposeMembership(change([{ kind: 'remove', replica: 2 }]))
  node.propose('a')
  node.drain()
  node.acknowledge(2, 2)
  node.drain()
  // Alone now, the leader has all of entry 3's quorum.
  assert.equal(node.raft.commitIndex, 3)
})

test('a leader that removed itself takes no proposals and does not count itself (Raft §6)', () => {
  const node = new TestNode().lead(2, 3)
  node.raft.proposeMembership(change([{ kind: 'remove', replica: 1 }]))
  node.propose('a')
  node.drain()
  node.acknowledge(2, 2)
  node.drain()
  assert.deepEqual(node.propose('b'), { ok: false, reason: 'removed', leader: 1 })
  node.acknowledge(3, 2)
  assert.equal(node.raft.commitIndex, 2)
  node.acknowledge(3, 3)
  assert.equal(node.raft.commitIndex, 3)
})

test('a leader that removed itself steps down where that is switched on (Raft §6)', () => {
  const node = new TestNode({ options: { stepDownOnRemoval: true } }).lead(2, 3)
  node.raft.proposeMembership(change([{ kind: 'remove', replica: 1 }]))
  node.drain()
  node.acknowledge(2, 2)
  node.drain()
  assert.equal(node.raft.role, 'follower')
})

test('a demoted leader steps down where that is switched on', () => {
  const node = new TestNode({ options: { stepDownOnRemoval: true } }).lead(2, 3)
  node.raft.proposeMembership(change([{ kind: 'add-learner', replica: 1 }]))
  node.drain()
  node.acknowledge(2, 2)
  node.drain()
  assert.equal(node.raft.role, 'follower')
  node.raft.campaign()
  assert.equal(node.raft.role, 'follower')
})

test('a snapshot of a membership without this replica is ignored', () => {
  const node = new TestNode({ terms: [1], hardState: { term: 1, commitIndex: 1 }, appliedIndex: 1 })
  const membership = { ...EMPTY_MEMBERSHIP, voters: [2, 3] }
  node.step({ type: 'InstallSnapshot', from: 2, to: 1, term: 1, snapshot: { index: 7, term: 1, membership } })
  const messages = node.drain()
  assert.equal(node.storage.lastIndex(), 1)
  assert.equal(only(messages, 'AppendEntriesReply').index, 1)
  assert.deepEqual(node.raft.membership.voters, [1, 2, 3])
})

test('a snapshot is accepted by a learner and by a voter that is on its way out', () => {
  for (const membership of [
    { ...EMPTY_MEMBERSHIP, voters: [2, 3], learners: [1] },
    { ...EMPTY_MEMBERSHIP, voters: [2, 3], votersOutgoing: [1, 2] },
  ]) {
    const node = new TestNode()
    node.step({ type: 'InstallSnapshot', from: 2, to: 1, term: 1, snapshot: { index: 7, term: 1, membership } })
    assert.equal(only(node.drain(), 'AppendEntriesReply').index, 7)
    assert.deepEqual(node.raft.membership, membership)
  }
})

test('a snapshot replaces a log that does not contain it (Raft §7)', () => {
  const node = new TestNode({ terms: [1, 1, 1], hardState: { term: 1 } })
  const membership = { ...EMPTY_MEMBERSHIP, voters: [1, 2, 9] }
  node.step({ type: 'InstallSnapshot', from: 2, to: 1, term: 2, snapshot: { index: 3, term: 2, membership } })
  const messages = node.drain()
  assert.equal(only(messages, 'AppendEntriesReply').index, 3)
  assert.deepEqual([node.storage.firstIndex(), node.storage.lastIndex()], [4, 3])
  assert.deepEqual([node.raft.commitIndex, node.raft.appliedIndex], [3, 3])
  assert.deepEqual(node.raft.membership, membership)
  node.step(append(2, 1, 2, [3, 2], [2]))
  assert.equal(only(node.drain(), 'AppendEntriesReply').index, 4)
})

test('a snapshot that the log contains only moves the commit index; what follows it stays (Raft §7, step 6)', () => {
  const node = new TestNode({ terms: [1, 1, 1], hardState: { term: 1 } })
  const membership = { ...EMPTY_MEMBERSHIP, voters: [1, 2, 9] }
  node.step({ type: 'InstallSnapshot', from: 2, to: 1, term: 1, snapshot: { index: 2, term: 1, membership } })
  assert.equal(node.raft.commitIndex, 2)
  assert.equal(only(node.drain(), 'AppendEntriesReply').index, 2)
  assert.equal(node.log, '1/1 1/2 1/3')
  assert.deepEqual(node.raft.membership.voters, [1, 2, 3])
})

test('a snapshot older than the commit index changes nothing (Raft §7)', () => {
  const node = new TestNode({ terms: [1, 1, 1], hardState: { term: 1, commitIndex: 3 }, appliedIndex: 3 })
  const membership = { ...EMPTY_MEMBERSHIP, voters: [1, 2, 9] }
  node.step({ type: 'InstallSnapshot', from: 2, to: 1, term: 1, snapshot: { index: 2, term: 1, membership } })
  assert.equal(only(node.drain(), 'AppendEntriesReply').index, 3)
  assert.deepEqual([node.log, node.raft.commitIndex], ['1/1 1/2 1/3', 3])
})

test('a change applied while a snapshot is being installed is part of the snapshot already', () => {
  const node = new TestNode({ options: { asyncStorage: true } })
  const data = encodeMembershipChange(ADD_4)
  node.step({
    ...(append(2, 1, 1, [0, 0], [1], 1) as Message & { type: 'AppendEntries' }),
    entries: [{ ...entry(1, 1), type: 'membership', data }],
  })
  const first = node.takeReady()
  assert.ok(first.append)
  node.finishWrite(first.append)
  const { apply } = node.takeReady()
  assert.ok(apply)
  // Later changes removed 4 again and brought 5.
  const membership = { ...EMPTY_MEMBERSHIP, voters: [1, 2, 3, 5] }
  node.step({ type: 'InstallSnapshot', from: 2, to: 1, term: 1, snapshot: { index: 9, term: 1, membership } })
  node.finishApplying(apply.entries)
  assert.deepEqual(node.raft.membership, membership)
})

test('ids of two digits and more are ordered as numbers', () => {
  const node = new TestNode({ voters: [10, 9, 2, 1] }).lead(2, 9, 10)
  node.raft.proposeMembership(change([{ kind: 'add-voter', replica: 100 }]))
  node.drain()
  node.acknowledge(2, 2, 9)
  node.drain()
  assert.deepEqual(node.raft.membership.voters, [1, 2, 9, 10, 100])
  assert.deepEqual([...node.raft.status().progress.keys()], [1, 2, 9, 10, 100])
})

// ---- bytes -----------------------------------------------------------------------------------------------------------

test('a change survives its bytes', () => {
  const changes: MembershipChange[] = [
    change([]),
    change([{ kind: 'add-learner', replica: 300 }], 'joint-explicit'),
    {
      transition: 'joint-implicit',
      operations: [
        { kind: 'remove', replica: 2 ** 40 },
        { kind: 'update', replica: 1 },
        { kind: 'add-voter', replica: Number.MAX_SAFE_INTEGER },
      ],
      context: utf8Encode('who asked'),
    },
  ]
  for (const one of changes) {
    assert.deepEqual(decodeMembershipChange(encodeMembershipChange(one)), { ok: true, value: one })
  }
})

test('malformed bytes of a change are refused, each with its reason', () => {
  const cases: readonly [readonly number[], string][] = [
    [[], 'truncated'],
    [[0], 'truncated'],
    [[0, 1], 'truncated'],
    [[0, 1, 0], 'truncated'],
    [[0, 1, 0, 0x80], 'truncated'],
    [[7, 0], 'unknown-transition'],
    [[0, 1, 7, 1], 'unknown-operation'],
    [[0, 0x80, 0x80, 1], 'too-many-operations'],
    [[0, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], 'number-out-of-range'],
    [[0, 1, 0, ...new Array<number>(40).fill(0x80), 1], 'number-out-of-range'],
  ]
  for (const [bytes, error] of cases) {
    assert.deepEqual(decodeMembershipChange(Uint8Array.from(bytes)), { ok: false, error }, bytes.join(' '))
  }
})

test('what is sent to a removed peer ends with the change', () => {
  const node = new TestNode().lead(2, 3)
  node.raft.proposeMembership(change([{ kind: 'remove', replica: 3 }]))
  node.drain()
  node.acknowledge(2, 2)
  node.drain()
  node.propose('a')
  node.tick(1)
  assert.ok(ofType(node.drain(), 'AppendEntries').every((message) => message.to === 2))
})
