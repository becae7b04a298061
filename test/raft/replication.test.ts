/** Log replication and commitment, one test per rule (Raft §5.3, §5.4.2, §8; Figures 2, 7 and 8). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message } from '../../src/raft/index.ts'
import { RaftLog } from '../../src/raft/log.ts'
import {
  append,
  appendReply,
  entry,
  heartbeat,
  heartbeatReply,
  ofType,
  only,
  rejection,
  TestNode,
  voteReply,
} from './harness/test-node.ts'

// ---- commitment ------------------------------------------------------------------------------------------------------

test('a leader never commits an entry of an older term by counting replicas (Raft §5.4.2, Figure 8)', () => {
  const node = new TestNode({ terms: [1, 2], hardState: { term: 3 } })
  node.elect(2)
  // Entry 2, of term 2, is on a majority now; only the entry of its own term, 3, may commit it.
  node.acknowledge(2, 2, 3)
  assert.equal(node.raft.commitIndex, 0)
  node.acknowledge(3, 3)
  assert.equal(node.raft.commitIndex, 3)
})

test('an entry is committed once a majority stored it, and everything before it with it (Raft §5.3)', () => {
  const node = new TestNode({ voters: [1, 2, 3, 4, 5], terms: [1, 1], hardState: { term: 1 } })
  node.elect(2, 3)
  node.acknowledge(3, 2)
  assert.equal(node.raft.commitIndex, 0)
  node.acknowledge(3, 4)
  assert.equal(node.raft.commitIndex, 3)
})

test('a new leader appends an entry of its own term first (Raft §8)', () => {
  const node = new TestNode({ terms: [1], hardState: { term: 1 } })
  const messages = node.elect(2)
  assert.equal(node.log, '1/1 2/2')
  const sent = ofType(messages, 'AppendEntries')
  assert.deepEqual(
    sent.map((message) => [message.to, message.prevLogIndex, message.prevLogTerm, message.entries.length]),
    [
      [2, 1, 1, 1],
      [3, 1, 1, 1],
    ],
  )
})

test('learners do not count for commitment (Thesis §4.2.1)', () => {
  const node = new TestNode({ voters: [1, 2, 3], membership: { learners: [4, 5] } })
  node.elect(2)
  node.acknowledge(1, 4, 5)
  assert.equal(node.raft.commitIndex, 0)
})

test('in a joint membership both majorities must store an entry (Raft §6)', () => {
  const node = new TestNode({ voters: [1, 4, 5], membership: { votersOutgoing: [1, 2, 3] } })
  node.elect(2, 4)
  node.acknowledge(1, 4, 5)
  assert.equal(node.raft.commitIndex, 0)
  node.acknowledge(1, 2)
  assert.equal(node.raft.commitIndex, 1)
})

test('a leader counts itself only once its own entry is durable (Thesis §10.2.1)', () => {
  const node = new TestNode({ options: { asyncStorage: true } })
  node.raft.campaign()
  const { append: vote } = node.takeReady()
  assert.ok(vote)
  node.finishWrite(vote)
  node.step(voteReply(2, 1, 1, true))
  const { append: first, messages } = node.takeReady()
  assert.ok(first)
  // It sends while its own write is on the way.
  assert.equal(ofType(messages, 'AppendEntries').length, 2)
  node.acknowledge(1, 2)
  assert.equal(node.raft.commitIndex, 0)
  node.finishWrite(first)
  assert.equal(node.raft.commitIndex, 1)
})

test('a leader may commit by the others alone, but applies nothing that its own disk does not have', () => {
  const node = new TestNode({ options: { asyncStorage: true } })
  node.raft.campaign()
  const { append: vote } = node.takeReady()
  assert.ok(vote)
  node.finishWrite(vote)
  node.step(voteReply(2, 1, 1, true))
  const { append: first } = node.takeReady()
  assert.ok(first)
  node.acknowledge(1, 2, 3)
  assert.equal(node.raft.commitIndex, 1)
  assert.equal(node.takeReady().apply, undefined)
  node.finishWrite(first)
  assert.equal(node.takeReady().apply?.entries.length, 1)
})

test('a follower commits no further than what the message verified (Raft, Figure 2, AppendEntries step 5)', () => {
  const node = new TestNode({ terms: [1, 1, 1], hardState: { term: 1 } })
  // The leader committed 3 entries of its own; of this log it knows only the first.
  node.step(append(2, 1, 2, [1, 1], [], 3))
  assert.equal(node.raft.commitIndex, 1)
})

test('a follower commits no further than the leader did', () => {
  const node = new TestNode()
  node.step(append(2, 1, 1, [0, 0], [1, 1, 1], 2))
  assert.equal(node.raft.commitIndex, 2)
})

test('a follower acknowledges what the message verified, not all that it has (Raft §5.3)', () => {
  const node = new TestNode({ terms: [1, 1, 1], hardState: { term: 1 } })
  node.step(append(2, 1, 2, [1, 1], []))
  assert.equal(only(node.drain(), 'AppendEntriesReply').index, 1)
  node.step(append(2, 1, 2, [1, 1], [1]))
  assert.equal(only(node.drain(), 'AppendEntriesReply').index, 2)
})

test('a follower takes the commit index of a heartbeat (Raft §5.3)', () => {
  const node = new TestNode({ terms: [1, 1, 1], hardState: { term: 1 } })
  node.step(heartbeat(2, 1, 1, 2))
  assert.equal(node.raft.commitIndex, 2)
  node.drain()
  assert.deepEqual(
    node.applied.map((entry) => entry.index),
    [1, 2],
  )
})

test('a heartbeat calls nothing committed that its receiver may not have (Raft §5.3)', () => {
  const node = new TestNode()
  node.elect(2)
  node.acknowledge(1, 2)
  node.drain()
  node.tick(1)
  const commits = ofType(node.drain(), 'Heartbeat').map((message) => [message.to, message.commitIndex])
  assert.deepEqual(commits, [
    [2, 1],
    [3, 0],
  ])
})

test('a commit index beyond the log means that the log lost entries, which stops the replica', () => {
  const node = new TestNode({ terms: [1], hardState: { term: 1 } })
  assert.throws(() => node.step(heartbeat(2, 1, 1, 2)), /lost entries/)
})

// ---- log matching ----------------------------------------------------------------------------------------------------

test('entries are refused where the previous one does not match (Raft §5.3)', () => {
  const cases: readonly [readonly [number, number], boolean][] = [
    [[2, 1], true],
    [[2, 2], false],
    [[3, 1], false],
    [[0, 0], true],
  ]
  for (const [previous, accepted] of cases) {
    const node = new TestNode({ terms: [1, 1], hardState: { term: 1 } })
    node.step(append(2, 1, 2, previous, [2]))
    assert.equal(only(node.drain(), 'AppendEntriesReply').rejected, !accepted, previous.join('/'))
  }
})

test('a conflicting entry and all that follow it are replaced (Raft §5.3, Figure 2 step 3)', () => {
  const node = new TestNode({ terms: [1, 1, 1, 1], hardState: { term: 1 } })
  node.step(append(2, 1, 2, [1, 1], [1, 2]))
  node.drain()
  assert.equal(node.log, '1/1 1/2 2/3')
  assert.equal(node.storage.lastIndex(), 3)
})

test('a delayed or repeated message that does not conflict removes nothing (Raft §5.3, Figure 2 step 3)', () => {
  const node = new TestNode()
  node.step(append(2, 1, 1, [0, 0], [1, 1, 1]))
  node.drain()
  node.step(append(2, 1, 1, [0, 0], [1]), append(2, 1, 1, [1, 1], []), append(2, 1, 1, [0, 0], [1, 1]))
  node.drain()
  assert.equal(node.log, '1/1 1/2 1/3')
})

test('a repeated message keeps also what is not durable yet', () => {
  const node = new TestNode({ options: { asyncStorage: true } })
  node.step(append(2, 1, 1, [0, 0], [1, 1, 1]))
  const { append: work } = node.takeReady()
  node.step(append(2, 1, 1, [0, 0], [1]))
  assert.equal(node.log, '1/1 1/2 1/3')
  assert.deepEqual(node.takeReady().append?.entries, [])
  assert.equal(work?.entries.length, 3)
})

test('entries below the commit index are answered with the commit index (Raft §5.3)', () => {
  const node = new TestNode({ terms: [1, 1, 1], hardState: { term: 1, commitIndex: 3 } })
  node.step(append(2, 1, 2, [1, 1], [1]))
  const reply = only(node.drain(), 'AppendEntriesReply')
  assert.deepEqual([reply.rejected, reply.index], [false, 3])
})

test('no message touches committed entries, whatever it says (Raft §5.4.3, state machine safety)', () => {
  const node = new TestNode({ terms: [1, 1, 1], hardState: { term: 1, commitIndex: 2 } })
  node.step(append(2, 1, 2, [0, 0], [9, 9, 9]))
  node.drain()
  assert.equal(node.log, '1/1 1/2 1/3')
  // The log itself refuses, should the rule above ever be lost.
  const log = new RaftLog(node.storage, { applyOnlyDurable: false, applyingBytesMax: 1, bufferedBytesMax: 1 })
  log.commitTo(2)
  assert.throws(() => log.tryAppend(1, 1, [entry(2, 9)]), /conflicts below commit index 2/)
})

test('a follower offers the last place where its term does not exceed the leader’s, skipping whole terms (Raft §5.3)', () => {
  const node = new TestNode({ terms: [1, 1, 4, 4, 5, 5], hardState: { term: 5 } })
  node.step(append(2, 1, 6, [9, 3]))
  const beyond = only(node.drain(), 'AppendEntriesReply')
  assert.deepEqual([beyond.index, beyond.hintIndex, beyond.hintTerm], [9, 2, 1])
  node.step(append(2, 1, 6, [5, 4]))
  const within = only(node.drain(), 'AppendEntriesReply')
  assert.deepEqual([within.index, within.hintIndex, within.hintTerm], [5, 4, 4])
})

test('a leader continues the search below the hint, skipping whole terms of its own (Raft §5.3)', () => {
  const node = new TestNode({ terms: [1, 3, 3, 3, 5], hardState: { term: 5 } })
  node.elect(2)
  // The follower has entries of term 2 where this leader has term 3.
  node.step(rejection(2, 1, node.term, 5, [4, 2]))
  const probe = only(node.drain(), 'AppendEntries')
  assert.deepEqual([probe.to, probe.prevLogIndex, probe.prevLogTerm], [2, 1, 1])
})

test('every kind of divergent log is brought in line in few rounds (Raft §5.3, Figure 7)', () => {
  const leaderTerms = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]
  const followers: Readonly<Record<string, number[]>> = {
    a: [1, 1, 1, 4, 4, 5, 5, 6, 6],
    b: [1, 1, 1, 4],
    c: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    d: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    e: [1, 1, 1, 4, 4, 4, 4],
    f: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  }
  for (const [name, terms] of Object.entries(followers)) {
    const leader = new TestNode({ terms: leaderTerms, hardState: { term: 7 } })
    const follower = new TestNode({ id: 2, terms, hardState: { term: 7 } })
    let toFollower: Message[] = leader.elect(3).filter((message) => message.to === 2)
    let rounds = 0
    for (; rounds < 4 && toFollower.length > 0; rounds++) {
      follower.step(...toFollower)
      leader.step(...follower.drain())
      toFollower = leader.drain().filter((message) => message.to === 2)
    }
    assert.equal(follower.log, leader.log, `follower ${name}`)
    assert.ok(rounds <= 3, `follower ${name} took ${rounds} rounds`)
  }
})

test('equal indexes with different ids are answered in ascending order of ids, also with two digits', () => {
  const node = new TestNode({ voters: [1, 12, 3, 100, 20] })
  const sent = ofType(node.elect(3, 12), 'AppendEntries')
  assert.deepEqual(
    sent.map((message) => message.to),
    [3, 12, 20, 100],
  )
})

// ---- proposals -------------------------------------------------------------------------------------------------------

test('proposals of one call travel together, get consecutive indexes and say where they are', () => {
  const node = new TestNode().lead(2, 3)
  const proposed = node.propose('a', 'b', 'c')
  assert.deepEqual(proposed, { ok: true, forwarded: false, firstIndex: 2, term: 1 })
  const sent = ofType(node.drain(), 'AppendEntries')
  assert.deepEqual(
    sent.map((message) => [message.to, message.entries.map((entry) => entry.index)]),
    [
      [2, [2, 3, 4]],
      [3, [2, 3, 4]],
    ],
  )
})

test('each call is sent at once when appends are not batched', () => {
  const node = new TestNode().lead(2, 3)
  node.propose('a')
  node.propose('b')
  assert.deepEqual(
    ofType(node.drain(), 'AppendEntries').map((message) => [message.to, message.entries.length]),
    [
      [2, 1],
      [3, 1],
      [2, 1],
      [3, 1],
    ],
  )
})

test('a follower refuses proposals and names its leader, 0 when it knows none', () => {
  const node = new TestNode()
  assert.deepEqual(node.propose('a'), { ok: false, reason: 'not-leader', leader: 0 })
  node.step(heartbeat(2, 1, 1))
  assert.deepEqual(node.propose('a'), { ok: false, reason: 'not-leader', leader: 2 })
  node.drain()
})

test('a follower sends proposals on where that is switched on', () => {
  const node = new TestNode({ options: { forwardProposals: true } })
  assert.deepEqual(node.propose('a'), { ok: false, reason: 'not-leader', leader: 0 })
  node.step(heartbeat(2, 1, 1))
  node.drain()
  assert.deepEqual(node.propose('a'), { ok: true, forwarded: true, leader: 2 })
  const forwarded = only(node.drain(), 'Propose')
  const leader = new TestNode({ id: 2 }).lead(3)
  leader.step(forwarded)
  assert.equal(leader.raft.lastIndex, 2)
})

test('a forwarded proposal that finds no leader is reported as dropped', () => {
  const propose: Message = { type: 'Propose', from: 3, to: 1, term: 0, entries: [] }
  for (const forwardProposals of [false, true]) {
    const node = new TestNode({ options: { forwardProposals } })
    assert.deepEqual(node.raft.step(propose), { ok: false, error: 'proposal-dropped' })
  }
  const candidate = new TestNode()
  candidate.raft.campaign()
  assert.deepEqual(candidate.raft.step(propose), { ok: false, error: 'proposal-dropped' })
})

// ---- who may speak ---------------------------------------------------------------------------------------------------

test('answers of replicas that are no members are refused', () => {
  const node = new TestNode().lead(2)
  for (const message of [appendReply(9, 1, 1, 1), heartbeatReply(9, 1, 1), voteReply(9, 1, 1, true)]) {
    assert.deepEqual(node.raft.step(message), { ok: false, error: 'unknown-sender' }, message.type)
  }
})

test('requests of replicas that are no members are heard: they may belong to a newer membership (Raft §6)', () => {
  const node = new TestNode()
  assert.deepEqual(node.raft.step(append(9, 1, 1, [0, 0], [1])), { ok: true })
  assert.equal(node.raft.leader, 9)
})

test('messages in this replica’s own name, or for another one, are refused', () => {
  const node = new TestNode()
  assert.deepEqual(node.raft.step(heartbeat(1, 1, 1)), { ok: false, error: 'local-message' })
  assert.deepEqual(node.raft.step(heartbeat(2, 3, 1)), { ok: false, error: 'misaddressed' })
  assert.equal(node.raft.leader, 0)
})

test('two leaders of one term cannot be: a replica that meets the other one stops', () => {
  const node = new TestNode().lead(2)
  assert.throws(() => node.step(append(2, 1, 1, [0, 0])), /both lead term 1/)
})
