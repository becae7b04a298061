/** The two modes for speed: one append per peer and turn, and commits that wait for the next message. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { append, appendReply, change, heartbeatReply, ofType, only, rejection, TestNode } from './harness/test-node.ts'

const BATCHED = { options: { batchAppends: true } }
const QUIET = { options: { quietCommits: true } }

test('batched: each peer gets one message with everything new at the end of the turn', () => {
  const node = new TestNode(BATCHED).lead(2, 3)
  node.propose('a')
  node.propose('b', 'c')
  node.propose('d')
  const sent = ofType(node.drain(), 'AppendEntries')
  assert.deepEqual(
    sent.map((message) => [message.to, message.prevLogIndex, message.entries.map((entry) => entry.index)]),
    [
      [2, 1, [2, 3, 4, 5]],
      [3, 1, [2, 3, 4, 5]],
    ],
  )
  // Both peers and the disk get the very same entries, not copies of them.
  assert.equal(sent[0]?.entries, sent[1]?.entries)
})

test('batched: more than fits in a message leaves in several, as far as the window allows', () => {
  const options = { batchAppends: true, maxMessageBytes: 100, maxInflightMessages: 2 }
  const node = new TestNode({ voters: [1, 2], options }).lead(2)
  for (let i = 0; i < 8; i++) node.propose('x'.repeat(34))
  const sent = ofType(node.drain(), 'AppendEntries')
  assert.deepEqual(
    sent.map((message) => message.entries.map((entry) => entry.index)),
    [
      [2, 3],
      [4, 5],
    ],
  )
  node.acknowledge(3, 2)
  const next = ofType(node.drain(), 'AppendEntries').filter((message) => message.entries.length > 0)
  assert.deepEqual(
    next.map((message) => message.entries.map((entry) => entry.index)),
    [[6, 7]],
  )
})

test('batched: the entries of a turn and the commit index they come with are one message', () => {
  const node = new TestNode({ voters: [1, 2], options: { batchAppends: true } }).lead(2)
  node.propose('a')
  node.drain()
  node.acknowledge(2, 2)
  node.propose('b')
  const sent = only(node.drain(), 'AppendEntries')
  assert.deepEqual([sent.entries.length, sent.leaderCommit], [1, 2])
})

test('batched: a peer that is being probed still gets one message at a time', () => {
  const node = new TestNode({ ...BATCHED, terms: [1, 1], hardState: { term: 1 } })
  node.elect(2)
  node.propose('a')
  assert.deepEqual(node.drain(), [])
  node.step(rejection(3, 1, node.term, 2, [0, 0]))
  const probe = only(node.drain(), 'AppendEntries')
  assert.deepEqual([probe.to, probe.prevLogIndex, probe.entries.length], [3, 0, 4])
})

test('batched: a follower acknowledges the appends of a turn once, with the furthest index', () => {
  const node = new TestNode(BATCHED)
  node.step(append(2, 1, 1, [0, 0], [1]), append(2, 1, 1, [1, 1], [1]), append(2, 1, 1, [0, 0], [1]))
  const replies = ofType(node.drain(), 'AppendEntriesReply')
  assert.ok(replies.every((reply) => !reply.rejected))
  assert.deepEqual(
    replies.map((reply) => reply.index),
    [2, 1],
    'only a later index may stand for an earlier one',
  )
})

test('batched: acknowledgements are not merged across a refusal, a term or a leader', () => {
  const node = new TestNode(BATCHED)
  node.step(append(2, 1, 1, [0, 0], [1]), append(2, 1, 1, [9, 1], [1]), append(2, 1, 1, [1, 1], [1]))
  node.step(append(3, 1, 2, [2, 1], [2]))
  const replies = ofType(node.drain(), 'AppendEntriesReply')
  assert.deepEqual(
    replies.map((reply) => [reply.to, reply.term, reply.rejected, reply.index]),
    [
      [2, 1, false, 1],
      [2, 1, true, 9],
      [2, 1, false, 2],
      [3, 2, false, 3],
    ],
  )
})

test('batched: every stale leader is told the term', () => {
  const node = new TestNode({ hardState: { term: 5 }, options: { batchAppends: true, checkQuorum: true } })
  node.step(append(2, 1, 3, [0, 0]), append(3, 1, 4, [0, 0]))
  assert.deepEqual(
    ofType(node.drain(), 'AppendEntriesReply').map((reply) => [reply.to, reply.term]),
    [
      [2, 5],
      [3, 5],
    ],
  )
})

test('batched: acknowledgements to one leader in two terms are two', () => {
  const node = new TestNode(BATCHED)
  node.step(append(2, 1, 1, [0, 0], [1]), append(2, 1, 2, [1, 1], [2]))
  assert.deepEqual(
    ofType(node.drain(), 'AppendEntriesReply').map((reply) => [reply.term, reply.index]),
    [
      [1, 1],
      [2, 2],
    ],
  )
})

test('batched: a leader acknowledges to itself once per turn', () => {
  const node = new TestNode({ options: { batchAppends: true, asyncStorage: true } }).lead(2, 3)
  node.propose('a')
  node.propose('b')
  const { append: work } = node.takeReady()
  assert.equal(only(work?.responses ?? [], 'AppendEntriesReply').index, 3)
})

test('batched: heartbeat answers repair a gap once per heartbeat, not once per read', () => {
  const node = new TestNode({ voters: [1, 2], options: { batchAppends: true } }).lead(2)
  node.propose('a')
  node.drain()
  node.tick(1)
  node.drain()
  node.step(heartbeatReply(2, 1, 1))
  assert.equal(ofType(node.drain(), 'AppendEntries').length, 1)
  node.step(heartbeatReply(2, 1, 1), heartbeatReply(2, 1, 1))
  assert.deepEqual(node.drain(), [])
  node.tick(1)
  node.drain()
  node.step(heartbeatReply(2, 1, 1))
  assert.equal(ofType(node.drain(), 'AppendEntries').length, 1)
})

test('batched: what was noted for peers is forgotten with the leadership', () => {
  const node = new TestNode(BATCHED).lead(2, 3)
  node.propose('a')
  node.step({ type: 'Heartbeat', from: 2, to: 1, term: 2, commitIndex: 0, readId: 0 })
  assert.deepEqual(ofType(node.drain(), 'AppendEntries'), [])
})

test('not batched, not quiet: an advance of the commit index is sent at once', () => {
  const node = new TestNode().lead(2, 3)
  node.propose('a')
  node.drain()
  node.acknowledge(2, 2)
  const sent = ofType(node.drain(), 'AppendEntries')
  assert.deepEqual(
    sent.map((message) => [message.to, message.entries.length, message.leaderCommit]),
    [
      [2, 0, 2],
      [3, 0, 2],
    ],
  )
})

test('quiet: an advance of the commit index sends nothing; the next append carries it', () => {
  const node = new TestNode(QUIET).lead(2, 3)
  node.propose('a')
  node.drain()
  node.acknowledge(2, 2, 3)
  assert.deepEqual(node.drain(), [])
  assert.equal(node.raft.commitIndex, 2)
  node.propose('b')
  assert.ok(ofType(node.drain(), 'AppendEntries').every((message) => message.leaderCommit === 2))
})

test('quiet: without a next append the heartbeat carries the commit index', () => {
  const node = new TestNode(QUIET).lead(2, 3)
  node.propose('a')
  node.drain()
  node.acknowledge(2, 2, 3)
  node.drain()
  node.tick(1)
  assert.deepEqual(
    ofType(node.drain(), 'Heartbeat').map((message) => message.commitIndex),
    [2, 2],
  )
})

test('quiet: an acknowledgement that comes late causes no message by itself', () => {
  const node = new TestNode(QUIET).lead(2, 3)
  node.propose('a')
  node.drain()
  node.acknowledge(2, 2)
  node.step(appendReply(3, 1, 1, 2))
  assert.deepEqual(node.drain(), [])
})

test('quiet: a membership change is announced at once, also to those it removes', () => {
  const node = new TestNode({ options: { quietCommits: true, batchAppends: true, stepDownOnRemoval: true } }).lead(2, 3)
  node.raft.proposeMembership(change([{ kind: 'remove', replica: 3 }]))
  node.drain()
  node.acknowledge(2, 2)
  const sent = ofType(node.drain(), 'AppendEntries')
  assert.deepEqual(
    sent.map((message) => [message.to, message.leaderCommit]),
    [
      [2, 2],
      [3, 2],
    ],
  )
})

test('quiet: a leader tells the others of its own removal before it steps down', () => {
  const node = new TestNode({ options: { quietCommits: true, batchAppends: true, stepDownOnRemoval: true } }).lead(2, 3)
  node.raft.proposeMembership(change([{ kind: 'remove', replica: 1 }]))
  node.drain()
  node.acknowledge(2, 2)
  const sent = ofType(node.drain(), 'AppendEntries')
  assert.deepEqual(
    sent.map((message) => [message.to, message.leaderCommit]),
    [
      [2, 2],
      [3, 2],
    ],
  )
  assert.equal(node.raft.role, 'follower')
})
