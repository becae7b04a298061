/** Linearizable reads, one test per rule (Thesis §6.4). Reads by lease have a file of their own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askedId, change, heartbeat, heartbeatReply, ofType, only, TestNode } from './harness/test-node.ts'

test('a read may run at the commit index of its request, once a quorum confirmed the leader (Thesis §6.4)', () => {
  const node = new TestNode().lead(2, 3)
  const readId = askedId(node)
  const round = ofType(node.drain(), 'Heartbeat')
  assert.deepEqual(
    round.map((message) => [message.to, message.readId]),
    [
      [2, readId],
      [3, readId],
    ],
  )
  assert.deepEqual(node.reads, [])
  // More is committed meanwhile; the read does not need it.
  node.propose('a')
  node.drain()
  node.acknowledge(2, 2)
  node.step(heartbeatReply(3, 1, 1, readId))
  node.drain()
  assert.deepEqual(node.reads, [{ readId, index: 1 }])
})

test('each attempt has a fresh id, and a confirmation of an older one does not serve it', () => {
  const node = new TestNode().lead(2, 3)
  const first = askedId(node)
  node.drain()
  const second = askedId(node)
  node.drain()
  assert.ok(second > first)
  node.step(heartbeatReply(2, 1, 1, first))
  node.drain()
  assert.deepEqual(
    node.reads.map((read) => read.readId),
    [first],
  )
})

test('all attempts of a turn share one round, and a round confirms all attempts before it', () => {
  const node = new TestNode().lead(2, 3)
  const ids = [askedId(node), askedId(node), askedId(node)]
  const round = ofType(node.drain(), 'Heartbeat')
  assert.equal(round.length, 2)
  assert.ok(round.every((message) => message.readId === ids[2]))
  node.step(heartbeatReply(2, 1, 1, ids[2]))
  node.drain()
  assert.deepEqual(
    node.reads.map((read) => read.readId),
    ids,
  )
})

test('the answer of one replica is no quorum of five', () => {
  const node = new TestNode({ voters: [1, 2, 3, 4, 5] }).lead(2, 3)
  const readId = askedId(node)
  node.drain()
  node.step(heartbeatReply(2, 1, 1, readId), heartbeatReply(2, 1, 1, readId))
  node.drain()
  assert.deepEqual(node.reads, [])
  node.step(heartbeatReply(4, 1, 1, readId))
  node.drain()
  assert.equal(node.reads.length, 1)
})

test('learners are not asked and do not confirm (Thesis §4.2.1)', () => {
  const node = new TestNode({ membership: { learners: [4, 5] } }).lead(2, 3)
  const readId = askedId(node)
  assert.deepEqual(
    ofType(node.drain(), 'Heartbeat').map((message) => message.to),
    [2, 3],
  )
  node.step(heartbeatReply(4, 1, 1, readId), heartbeatReply(5, 1, 1, readId))
  node.drain()
  assert.deepEqual(node.reads, [])
})

test('in a joint membership both majorities confirm (Raft §6)', () => {
  const node = new TestNode({ voters: [1, 4, 5], membership: { votersOutgoing: [1, 2, 3] } }).lead(2, 4)
  const readId = askedId(node)
  node.drain()
  node.step(heartbeatReply(4, 1, 1, readId), heartbeatReply(5, 1, 1, readId))
  node.drain()
  assert.deepEqual(node.reads, [])
  node.step(heartbeatReply(3, 1, 1, readId))
  node.drain()
  assert.equal(node.reads.length, 1)
})

test('answers to ordinary heartbeats confirm no read', () => {
  const node = new TestNode().lead(2, 3)
  askedId(node)
  node.drain()
  node.step(heartbeatReply(2, 1, 1), heartbeatReply(3, 1, 1))
  node.drain()
  assert.deepEqual(node.reads, [])
})

test('a lost round is repeated by the next heartbeats', () => {
  const node = new TestNode().lead(2, 3)
  const readId = askedId(node)
  node.drain()
  node.tick(1)
  const again = ofType(node.drain(), 'Heartbeat')
  assert.ok(again.length === 2 && again.every((message) => message.readId === readId))
  node.step(heartbeatReply(2, 1, 1, readId))
  node.drain()
  assert.equal(node.reads.length, 1)
  node.tick(1)
  assert.ok(ofType(node.drain(), 'Heartbeat').every((message) => message.readId === 0))
})

test('with batching a round asks only as many as a quorum needs, those that spoke last; the timer asks all again', () => {
  const node = new TestNode({ options: { batchAppends: true } }).lead(2, 3)
  node.step(heartbeatReply(3, 1, 1, 0))
  const readId = askedId(node)
  const asked = ofType(node.drain(), 'Heartbeat')
  assert.deepEqual(
    asked.map((message) => [message.to, message.readId]),
    [[3, readId]],
  )
  // The one that was asked is silent: the next heartbeat carries the attempt to everybody.
  node.tick(1)
  const again = ofType(node.drain(), 'Heartbeat')
  assert.deepEqual(
    again.map((message) => [message.to, message.readId]),
    [
      [2, readId],
      [3, readId],
    ],
  )
  node.step(heartbeatReply(2, 1, 1, readId))
  node.drain()
  assert.deepEqual(
    node.reads.map((read) => read.readId),
    [readId],
  )
  const next = askedId(node)
  assert.deepEqual(
    ofType(node.drain(), 'Heartbeat').map((message) => [message.to, message.readId]),
    [[2, next]],
  )
})

test('a group in a joint membership asks all voters for a read', () => {
  const node = new TestNode({ options: { batchAppends: true } }).lead(2, 3)
  const operations = [
    { kind: 'add-voter', replica: 4 },
    { kind: 'remove', replica: 3 },
  ] as const
  node.raft.applyMembership(change(operations, 'joint-explicit'))
  node.drain()
  askedId(node)
  assert.deepEqual(
    ofType(node.drain(), 'Heartbeat').map((message) => message.to),
    [2, 3, 4],
  )
})

test('no read before the first commit of the term: earlier commits may be unknown (Raft §8)', () => {
  const node = new TestNode({ terms: [1], hardState: { term: 1, commitIndex: 1 }, appliedIndex: 1 })
  node.elect(2)
  assert.deepEqual(node.raft.readIndex(), { ok: false, reason: 'no-commit-in-term', leader: 1 })
  node.acknowledge(2, 2)
  assert.equal(node.raft.readIndex().ok, true)
})

test('whoever does not lead refuses and names the leader', () => {
  const node = new TestNode()
  assert.deepEqual(node.raft.readIndex(), { ok: false, reason: 'not-leader', leader: 0 })
  node.step(heartbeat(2, 1, 1))
  assert.deepEqual(node.raft.readIndex(), { ok: false, reason: 'not-leader', leader: 2 })
  node.raft.campaign()
  assert.deepEqual(node.raft.readIndex(), { ok: false, reason: 'not-leader', leader: 0 })
})

test('a leader that is the only voter answers at once', () => {
  const node = new TestNode({ voters: [1], membership: { learners: [2] } })
  node.elect()
  const readId = askedId(node)
  assert.deepEqual(ofType(node.drain(), 'Heartbeat'), [])
  assert.deepEqual(node.reads, [{ readId, index: 1 }])
})

test('a single voter has to commit in its term first, like any leader', () => {
  const node = new TestNode({ voters: [1], options: { asyncStorage: true } })
  node.raft.campaign()
  const vote = node.takeReady().append
  assert.ok(vote)
  node.finishWrite(vote)
  assert.deepEqual(node.raft.readIndex(), { ok: false, reason: 'no-commit-in-term', leader: 1 })
})

test('reads of a leader that lost its office get no answer; the change of role says so', () => {
  const node = new TestNode().lead(2, 3)
  const readId = askedId(node)
  node.drain()
  node.step(heartbeat(2, 1, 2))
  node.drain()
  assert.ok(node.readies.some((ready) => ready.softState?.role === 'follower'))
  node.lead(2, 3)
  node.step(heartbeatReply(2, 1, node.term, readId), heartbeatReply(3, 1, node.term, readId))
  node.drain()
  assert.deepEqual(node.reads, [])
})

test('ids go on growing in the next time of office, and old confirmations do not reach it', () => {
  const node = new TestNode().lead(2, 3)
  const first = askedId(node)
  node.drain()
  node.step(heartbeat(2, 1, 2))
  node.drain()
  node.lead(2, 3)
  const second = askedId(node)
  node.drain()
  assert.ok(second > first)
  node.step(heartbeatReply(2, 1, 1, second))
  node.drain()
  assert.deepEqual(node.reads, [])
})

test('a follower sends back the id it was given, at once', () => {
  const node = new TestNode({ options: { asyncStorage: true } })
  node.step(heartbeat(2, 1, 1, 0, 42))
  assert.equal(only([...node.takeReady().messages], 'HeartbeatReply').readId, 42)
})

test('a smaller quorum settles the reads that wait', () => {
  const node = new TestNode({ voters: [1, 2], options: { asyncStorage: true } }).lead(2)
  node.raft.proposeMembership(change([{ kind: 'remove', replica: 2 }]))
  node.drain()
  node.acknowledge(2, 2)
  const { append: work, apply } = node.takeReady()
  assert.ok(work && apply)
  node.finishWrite(work)
  const readId = askedId(node)
  node.takeReady()
  assert.deepEqual(node.reads, [])
  node.finishApplying(apply.entries)
  node.takeReady()
  assert.deepEqual(node.reads, [{ readId, index: 2 }])
})

// ---- forwarding ------------------------------------------------------------------------------------------------------

const FORWARDING = { options: { forwardReads: true } }

test('a follower asks its leader where that is switched on', () => {
  const node = new TestNode({ id: 2, ...FORWARDING })
  node.step(heartbeat(1, 2, 1))
  node.drain()
  const readId = askedId(node)
  const request = only(node.drain(), 'ReadIndex')
  assert.deepEqual([request.to, request.readId], [1, readId])

  const leader = new TestNode().lead(2, 3)
  leader.step(request)
  const round = ofType(leader.drain(), 'Heartbeat')
  assert.equal(round.length, 2)
  leader.step(heartbeatReply(3, 1, 1, round[0]?.readId ?? 0))
  const reply = only(leader.drain(), 'ReadIndexReply')
  assert.deepEqual([reply.to, reply.readId, reply.index], [2, readId, 1])
  assert.deepEqual(leader.reads, [])
  node.step(reply)
  node.drain()
  assert.deepEqual(node.reads, [{ readId, index: 1 }])
})

test('a leader without a commit in its term does not answer followers', () => {
  const node = new TestNode()
  node.elect(2)
  node.step({ type: 'ReadIndex', from: 2, to: 1, term: 0, readId: 5 })
  assert.deepEqual(node.drain(), [])
})

test('ids of forwarded reads differ from life to life', () => {
  let next = 0
  const random = { below: (bound: number) => (next = (next + 7919) % bound) }
  const lives = [1, 2].map(() => {
    const node = new TestNode({ id: 2, options: { forwardReads: true, random } })
    node.step(heartbeat(1, 2, 1))
    return askedId(node)
  })
  assert.notEqual(lives[0], lives[1])
})

test('an answer from a leader of an older term is not taken', () => {
  const node = new TestNode({ id: 2, ...FORWARDING, hardState: { term: 3 } })
  node.step({ type: 'ReadIndexReply', from: 1, to: 2, term: 2, readId: 5, index: 9 })
  node.drain()
  assert.deepEqual(node.reads, [])
})

// ---- lease -----------------------------------------------------------------------------------------------------------

test('a voter of our term that vouches for a read stands for its round: with us it is a quorum of three', () => {
  const node = new TestNode().lead(2, 3)
  assert.equal(node.raft.vouchedReadIndex(2, node.term), 1)
  node.propose('a')
  node.drain()
  assert.equal(node.raft.vouchedReadIndex(3, node.term), 1, 'not committed yet')
  node.acknowledge(2, 2)
  node.drain()
  assert.equal(node.raft.vouchedReadIndex(3, node.term), 2)
  assert.deepEqual(ofType(node.drain(), 'Heartbeat'), [], 'and nobody is asked')
})

test('the word of a voter proves nothing when its term is another, or when the two are no quorum', () => {
  const node = new TestNode().lead(2, 3)
  for (const term of [node.term - 1, node.term + 1]) assert.equal(node.raft.vouchedReadIndex(2, term), undefined)
  assert.equal(node.raft.vouchedReadIndex(1, node.term), undefined, 'our own word is that of one')
  assert.equal(node.raft.vouchedReadIndex(9, node.term), undefined, 'a stranger')
  const five = new TestNode({ voters: [1, 2, 3, 4, 5] }).lead(2, 3)
  assert.equal(five.raft.vouchedReadIndex(2, five.term), undefined)
  const learners = new TestNode({ membership: { learners: [4] } }).lead(2, 3)
  assert.equal(learners.raft.vouchedReadIndex(4, learners.term), undefined)
  const joint = new TestNode({ voters: [1, 2, 4], membership: { votersOutgoing: [1, 2, 3] } }).lead(2, 3)
  assert.equal(joint.raft.vouchedReadIndex(4, joint.term), undefined, 'a quorum of one half only')
  assert.equal(joint.raft.vouchedReadIndex(3, joint.term), undefined, 'a quorum of the other half only')
  assert.equal(joint.raft.vouchedReadIndex(2, joint.term), 1)
})

test('who does not lead, or has not committed in its term, takes nobody’s word (Raft §8)', () => {
  const follower = new TestNode()
  follower.step(heartbeat(2, 1, 1))
  assert.equal(follower.raft.vouchedReadIndex(2, follower.term), undefined)
  const node = new TestNode()
  node.raft.campaign()
  node.drain()
  node.step({ type: 'RequestVoteReply', from: 2, to: 1, term: node.term, granted: true, commitIndex: 0, commitTerm: 0 })
  node.drain()
  assert(node.raft.isLeader)
  assert.equal(node.raft.vouchedReadIndex(2, node.term), undefined)
  node.acknowledge(1, 2)
  node.drain()
  assert.equal(node.raft.vouchedReadIndex(2, node.term), 1)
  node.step(heartbeat(3, 1, node.term + 1))
  assert.equal(node.raft.vouchedReadIndex(2, node.term), undefined, 'deposed')
})
