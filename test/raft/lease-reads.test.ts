/** Reads by lease, one test per rule (Thesis §6.4.1): as fast as a lookup, as long as clocks run alike. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askedId, ELECTION_TICKS, heartbeatReply, ofType, TestNode, voteRequest } from './harness/test-node.ts'

const LEASE = { options: { checkQuorum: true, readMode: 'lease' as const } }

/** A leader whose heartbeats were answered just now. */
function leaderWithLease(): TestNode {
  const node = new TestNode(LEASE).lead(2, 3)
  node.tick(1)
  answerHeartbeats(node, 2)
  return node
}

function answerHeartbeats(node: TestNode, ...from: number[]): void {
  const readId = ofType(node.drain(), 'Heartbeat')[0]?.readId ?? 0
  node.step(...from.map((one) => heartbeatReply(one, 1, node.term, readId)))
  node.drain()
}

test('with a lease a read is answered at once (Thesis §6.4.1)', () => {
  const node = leaderWithLease()
  const readId = askedId(node)
  assert.deepEqual(ofType(node.drain(), 'Heartbeat'), [])
  assert.deepEqual(node.reads, [{ readId, index: 1 }])
})

test('without a confirmed round there is no lease, and a read takes one', () => {
  const node = new TestNode(LEASE).lead(2, 3)
  const readId = askedId(node)
  assert.equal(ofType(node.drain(), 'Heartbeat').length, 2)
  assert.deepEqual(node.reads, [])
  node.step(heartbeatReply(2, 1, 1, readId))
  node.drain()
  assert.equal(node.reads.length, 1)
})

test('a lease ends before its voters would elect somebody else (Thesis §6.4.1)', () => {
  const node = leaderWithLease()
  // Another replica that heard the same heartbeat votes from tick E on; one tick is lost on either side.
  node.tick(ELECTION_TICKS - 2)
  askedId(node)
  node.drain()
  assert.equal(node.reads.length, 1)
  node.tick(1)
  node.drain()
  askedId(node)
  node.drain()
  assert.equal(node.reads.length, 1)
  assert.equal(node.raft.role, 'leader')
})

test('answers of less than a quorum renew no lease', () => {
  const node = new TestNode({ voters: [1, 2, 3, 4, 5], ...LEASE }).lead(2, 3)
  node.tick(1)
  answerHeartbeats(node, 2)
  askedId(node)
  node.drain()
  assert.deepEqual(node.reads, [])
})

test('a leader that told somebody to campaign trusts no lease any more in its term (Thesis §6.4.1)', () => {
  const node = leaderWithLease()
  node.raft.transferLeader(2)
  node.drain()
  askedId(node)
  node.drain()
  assert.deepEqual(node.reads, [])
  // Also long after the transfer was given up: the message may still be on its way.
  for (let i = 0; i < 3 * ELECTION_TICKS; i++) {
    node.tick(1)
    answerHeartbeats(node, 2, 3)
  }
  assert.equal(node.raft.status().transferee, 0)
  const before = node.reads.length
  askedId(node)
  node.drain()
  assert.equal(node.reads.length, before)
})

test('a lease does not outlive the office', () => {
  const node = leaderWithLease()
  node.step(voteRequest(2, 1, 5, [9, 1], { leadershipTransfer: true }))
  node.drain()
  node.elect(2)
  node.acknowledge(node.raft.lastIndex, 2)
  askedId(node)
  node.drain()
  assert.deepEqual(node.reads, [])
})

test('reads by lease need CheckQuorum', () => {
  assert.throws(() => new TestNode({ options: { readMode: 'lease' } }), /need checkQuorum/)
})
