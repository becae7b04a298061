/** Leadership transfer, one test per rule (Thesis §3.10). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  append,
  change,
  ELECTION_TICKS,
  heartbeat,
  ofType,
  only,
  rejection,
  TestNode,
  voteRequest,
} from './harness/test-node.ts'

test('a target that has everything is told to campaign at once', () => {
  const node = new TestNode().lead(2, 3)
  node.raft.transferLeader(2)
  assert.equal(only(node.drain(), 'TimeoutNow').to, 2)
})

test('a target that lacks entries gets them first', () => {
  const node = new TestNode().lead(2, 3)
  node.propose('a')
  node.drain()
  node.raft.transferLeader(2)
  assert.deepEqual(ofType(node.drain(), 'TimeoutNow'), [])
  node.acknowledge(2, 2)
  assert.equal(only(node.drain(), 'TimeoutNow').to, 2)
})

test('only the target is told to campaign', () => {
  const node = new TestNode().lead(2, 3)
  node.propose('a')
  node.drain()
  node.raft.transferLeader(2)
  node.acknowledge(2, 3)
  assert.deepEqual(ofType(node.drain(), 'TimeoutNow'), [])
})

test('the target campaigns at once, without a poll, and says why', () => {
  const node = new TestNode({ id: 2, options: { preVote: true, checkQuorum: true } })
  node.step(heartbeat(1, 2, 1))
  node.drain()
  node.step({ type: 'TimeoutNow', from: 1, to: 2, term: 1 })
  assert.equal(node.raft.role, 'candidate')
  const requests = ofType(node.drain(), 'RequestVote')
  assert.deepEqual(
    requests.map((request) => [request.to, request.leadershipTransfer]),
    [
      [1, true],
      [3, true],
    ],
  )
})

test('an ordinary election does not claim to be a transfer', () => {
  const node = new TestNode()
  node.raft.campaign()
  assert.deepEqual(
    ofType(node.drain(), 'RequestVote').map((request) => request.leadershipTransfer),
    [false, false],
  )
})

test('votes for a transfer are granted although the leader is alive, all others are not (Thesis §4.2.3)', () => {
  const options = { checkQuorum: true }
  const node = new TestNode({ id: 3, options })
  node.step(heartbeat(1, 3, 1))
  node.drain()
  node.step(voteRequest(2, 3, 2, [5, 1]))
  assert.deepEqual(node.drain(), [])
  node.step(voteRequest(2, 3, 2, [5, 1], { leadershipTransfer: true }))
  assert.equal(only(node.drain(), 'RequestVoteReply').granted, true)

  const leader = new TestNode({ options }).lead(2, 3)
  leader.step(voteRequest(2, 1, 2, [5, 1], { leadershipTransfer: true }))
  assert.equal(only(leader.drain(), 'RequestVoteReply').granted, true)
  assert.equal(leader.raft.role, 'follower')
})

test('a leader that hands over refuses proposals', () => {
  const node = new TestNode().lead(2, 3)
  node.raft.transferLeader(2)
  assert.deepEqual(node.propose('a'), { ok: false, reason: 'transferring', leader: 1 })
})

test('a transfer that takes longer than an election timeout is given up, and proposals are taken again', () => {
  const node = new TestNode().lead(2, 3)
  node.tick(ELECTION_TICKS - 1)
  node.raft.transferLeader(2)
  // The time counts from the request.
  node.tick(ELECTION_TICKS - 1)
  assert.equal(node.raft.status().transferee, 2)
  node.tick(1)
  assert.equal(node.raft.status().transferee, 0)
  assert.equal(node.propose('a').ok, true)
})

test('a joint membership that could not be left during a transfer is left when the transfer is given up (Thesis §4.3)', () => {
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
  node.raft.transferLeader(2)
  node.finishApplying(apply.entries)
  assert.equal(node.raft.lastIndex, 2, 'nothing is proposed while it hands over')
  // Nobody proposes anything, so only time can end it.
  node.tick(ELECTION_TICKS)
  assert.equal(node.raft.status().transferee, 0)
  assert.equal(node.raft.lastIndex, 3)
  node.tick(ELECTION_TICKS)
  assert.equal(node.raft.lastIndex, 3, 'and it is proposed once')
})

test('a leader that was given up as such forgets the transfer', () => {
  const node = new TestNode().lead(2, 3)
  node.raft.transferLeader(2)
  node.step(heartbeat(3, 1, 2))
  node.drain()
  assert.equal(node.raft.status().transferee, 0)
  node.lead(2, 3)
  assert.equal(node.raft.status().transferee, 0)
  assert.equal(node.propose('a').ok, true)
})

test('a transfer to the leader itself, to a learner or to a stranger is ignored', () => {
  const node = new TestNode({ membership: { learners: [4] } }).lead(2, 3)
  for (const to of [1, 4, 99]) {
    node.raft.transferLeader(to)
    assert.equal(node.raft.status().transferee, 0, `to ${to}`)
  }
  assert.deepEqual(node.drain(), [])
})

test('a new target replaces the one before; the same one again changes nothing', () => {
  const node = new TestNode().lead(2, 3)
  node.raft.transferLeader(2)
  node.raft.transferLeader(2)
  assert.equal(ofType(node.drain(), 'TimeoutNow').length, 1)
  node.raft.transferLeader(3)
  assert.equal(node.raft.status().transferee, 3)
  assert.equal(only(node.drain(), 'TimeoutNow').to, 3)
})

test('a wish for the leader itself ends the transfer that is under way', () => {
  const node = new TestNode().lead(2, 3)
  node.raft.transferLeader(2)
  node.raft.transferLeader(1)
  assert.equal(node.raft.status().transferee, 0)
})

test('a target that is no voter any more ends the transfer', () => {
  const node = new TestNode({ options: { asyncStorage: true } }).lead(2, 3)
  node.raft.proposeMembership(change([{ kind: 'remove', replica: 2 }]))
  node.drain()
  node.acknowledge(2, 3)
  const { append: work, apply } = node.takeReady()
  assert.ok(work && apply)
  node.finishWrite(work)
  node.raft.transferLeader(2)
  assert.equal(node.raft.status().transferee, 2)
  node.finishApplying(apply.entries)
  assert.equal(node.raft.status().transferee, 0)
})

test('a follower passes the wish on to its leader', () => {
  const node = new TestNode({ id: 3 })
  node.raft.transferLeader(2)
  assert.deepEqual(node.drain(), [])
  node.step(heartbeat(1, 3, 1))
  node.drain()
  node.raft.transferLeader(2)
  const wish = only(node.drain(), 'TransferLeader')
  assert.deepEqual([wish.to, wish.transferee], [1, 2])
  const leader = new TestNode().lead(2, 3)
  leader.step(wish)
  assert.equal(leader.raft.status().transferee, 2)
})

test('a target whose log turned out to be behind is brought up to date before it is told', () => {
  const node = new TestNode({ terms: [1, 1], hardState: { term: 1 } })
  node.elect(2)
  node.acknowledge(3, 2)
  node.drain()
  node.raft.transferLeader(3)
  node.drain()
  node.step(rejection(3, 1, node.term, 2, [1, 1]))
  const sent = only(node.drain(), 'AppendEntries')
  const target = new TestNode({ id: 3, terms: [1], hardState: { term: 1 } })
  target.step(sent)
  node.step(...target.drain())
  assert.equal(only(node.drain(), 'TimeoutNow').to, 3)
})

test('a replica that may not lead ignores the call to campaign', () => {
  const node = new TestNode({ id: 4, voters: [1, 2, 3], membership: { learners: [4] } })
  node.step(append(1, 4, 1, [0, 0]))
  node.drain()
  node.step({ type: 'TimeoutNow', from: 1, to: 4, term: 1 })
  assert.equal(node.raft.role, 'follower')
})
