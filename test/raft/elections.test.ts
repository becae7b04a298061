/** Leader election, one test per rule (Raft §5.2, §5.4.1; Thesis §4.1, §4.2.3, §9.6). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EMPTY_MEMBERSHIP, encodeMembershipChange, type Message } from '../../src/raft/index.ts'
import { MemoryLog } from './harness/memory-log.ts'
import {
  append,
  change,
  ELECTION_TICKS,
  entry,
  heartbeat,
  ofType,
  only,
  TestNode,
  voteReply,
  voteRequest,
} from './harness/test-node.ts'

test('a replica grants one vote per term (Raft §5.2)', () => {
  const node = new TestNode()
  node.step(voteRequest(2, 1, 5, [0, 0]))
  assert.equal(only(node.drain(), 'RequestVoteReply').granted, true)
  node.step(voteRequest(3, 1, 5, [9, 4]))
  const second = only(node.drain(), 'RequestVoteReply')
  assert.equal(second.granted, false)
  assert.equal(node.raft.status().votedFor, 2)
})

test('a replica repeats the vote it gave when it is asked again (Raft §5.2)', () => {
  const node = new TestNode()
  node.step(voteRequest(2, 1, 5, [0, 0]), voteRequest(2, 1, 5, [0, 0]))
  assert.deepEqual(
    ofType(node.drain(), 'RequestVoteReply').map((reply) => reply.granted),
    [true, true],
  )
})

test('a replica that knows a leader of this term grants no vote in it, although it has not voted (Raft §5.2)', () => {
  const node = new TestNode()
  node.step(heartbeat(2, 1, 5))
  node.drain()
  assert.equal(node.raft.status().votedFor, 0)
  node.step(voteRequest(3, 1, 5, [9, 4]))
  assert.equal(only(node.drain(), 'RequestVoteReply').granted, false)
})

test('a vote goes only to a log at least as up-to-date: the later last term wins, then the longer log (Raft §5.4.1)', () => {
  const cases: readonly [readonly [number, number], boolean][] = [
    [[3, 2], true],
    [[4, 2], true],
    [[1, 3], true],
    [[2, 2], false],
    [[9, 1], false],
  ]
  for (const [last, expected] of cases) {
    const node = new TestNode({ terms: [1, 2, 2], hardState: { term: 2 } })
    node.step(voteRequest(2, 1, 5, last))
    assert.equal(only(node.drain(), 'RequestVoteReply').granted, expected, `last entry ${last.join('/')}`)
  }
})

test('votes leave only with the Ready that makes them durable (Raft §5: before responding to RPCs)', () => {
  const node = new TestNode({ options: { asyncStorage: true } })
  node.step(voteRequest(2, 1, 5, [0, 0]))
  const ready = node.takeReady()
  assert.deepEqual(ready.messages, [])
  assert.deepEqual(ready.append?.hardState, { term: 5, votedFor: 2, commitIndex: 0 })
  assert.equal(only(ready.append?.responses ?? [], 'RequestVoteReply').granted, true)
})

test('a candidate that lost becomes a follower of nobody in the same term (Raft §5.2)', () => {
  const node = new TestNode()
  node.raft.campaign()
  node.drain()
  const { term } = node
  node.step(voteReply(2, 1, term, false), voteReply(3, 1, term, false))
  assert.equal(node.raft.role, 'follower')
  assert.equal(node.raft.leader, 0)
  assert.equal(node.term, term)
})

test('a candidate counts only the first answer of each voter (Raft §5.2)', () => {
  const node = new TestNode({ voters: [1, 2, 3, 4, 5] })
  node.raft.campaign()
  node.drain()
  node.step(voteReply(2, 1, node.term, false), voteReply(2, 1, node.term, true), voteReply(3, 1, node.term, true))
  assert.equal(node.raft.role, 'candidate')
  node.step(voteReply(3, 1, node.term, true), voteReply(4, 1, node.term, true))
  assert.equal(node.raft.role, 'leader')
})

test('a candidate follows a leader of its own term (Raft §5.2)', () => {
  const messages: readonly Message[] = [append(2, 1, 1, [0, 0]), heartbeat(2, 1, 1)]
  for (const message of messages) {
    const node = new TestNode()
    node.raft.campaign()
    node.drain()
    node.step(message)
    assert.equal(node.raft.role, 'follower', message.type)
    assert.equal(node.raft.leader, 2, message.type)
  }
})

test('answers of an election that is over change nothing', () => {
  const node = new TestNode({ voters: [1, 2, 3, 4, 5] })
  node.elect(2, 3)
  node.step(voteReply(4, 1, node.term, false), voteReply(5, 1, node.term, false))
  assert.equal(node.raft.role, 'leader')
})

test('a learner never campaigns (Thesis §4.2.1)', () => {
  const node = new TestNode({ voters: [2, 3], membership: { learners: [1] } })
  node.tick(5 * ELECTION_TICKS)
  node.raft.campaign()
  assert.equal(node.raft.role, 'follower')
  assert.equal(node.term, 0)
})

test('a learner is not asked for its vote, and what it says does not count (Thesis §4.2.1)', () => {
  const node = new TestNode({ voters: [1, 2, 3], membership: { learners: [4, 5] } })
  node.raft.campaign()
  const asked = ofType(node.drain(), 'RequestVote').map((message) => message.to)
  assert.deepEqual(asked, [2, 3])
  node.step(voteReply(4, 1, 1, true), voteReply(5, 1, 1, true))
  assert.equal(node.raft.role, 'candidate')
})

test('a learner votes when it is asked: the candidate may know a newer membership (Thesis §4.2.1)', () => {
  const node = new TestNode({ voters: [2, 3], membership: { learners: [1] } })
  node.step(voteRequest(2, 1, 5, [0, 0]))
  assert.equal(only(node.drain(), 'RequestVoteReply').granted, true)
})

test('a replica outside of the membership never campaigns', () => {
  const node = new TestNode({ voters: [2, 3] })
  node.tick(5 * ELECTION_TICKS)
  node.raft.campaign()
  assert.equal(node.raft.role, 'follower')
})

test('a replica does not campaign while a snapshot it received is not durable', () => {
  const node = new TestNode({ options: { asyncStorage: true } })
  const membership = { ...EMPTY_MEMBERSHIP, voters: [1, 2, 3] }
  node.step({ type: 'InstallSnapshot', from: 2, to: 1, term: 1, snapshot: { index: 7, term: 1, membership } })
  const { append: work } = node.takeReady()
  assert.ok(work)
  node.tick(5 * ELECTION_TICKS)
  node.raft.campaign()
  assert.equal(node.raft.role, 'follower')
  node.finishWrite(work)
  node.raft.campaign()
  assert.equal(node.raft.role, 'candidate')
})

test('a replica does not campaign before it applied a committed membership change (Thesis §4.1)', () => {
  const storage = new MemoryLog()
  const data = encodeMembershipChange(change([{ kind: 'add-voter', replica: 4 }]))
  storage.append([entry(1, 1), { index: 2, term: 1, type: 'membership', data }, entry(3, 1)])
  const node = new TestNode({ hardState: { term: 1, commitIndex: 3 }, options: { asyncStorage: true } }, storage)
  node.raft.campaign()
  assert.equal(node.raft.role, 'follower')
  const { apply } = node.takeReady()
  assert.ok(apply)
  node.finishApplying(apply.entries)
  node.raft.campaign()
  assert.equal(node.raft.role, 'candidate')
})

test('an unapplied change that is not committed does not hinder a campaign', () => {
  const storage = new MemoryLog()
  const data = encodeMembershipChange(change([{ kind: 'add-voter', replica: 4 }]))
  storage.append([entry(1, 1), { index: 2, term: 1, type: 'membership', data }])
  const node = new TestNode({ hardState: { term: 1, commitIndex: 1 }, appliedIndex: 1 }, storage)
  node.raft.campaign()
  assert.equal(node.raft.role, 'candidate')
})

test('in a joint membership an election needs both majorities (Raft §6)', () => {
  const node = new TestNode({ voters: [1, 4, 5], membership: { votersOutgoing: [1, 2, 3] } })
  node.raft.campaign()
  assert.deepEqual(
    ofType(node.drain(), 'RequestVote').map((message) => message.to),
    [2, 3, 4, 5],
  )
  node.step(voteReply(4, 1, 1, true), voteReply(5, 1, 1, true))
  assert.equal(node.raft.role, 'candidate')
  node.step(voteReply(3, 1, 1, true))
  assert.equal(node.raft.role, 'leader')
})

test('in a joint membership one lost half loses the election (Raft §6)', () => {
  const node = new TestNode({ voters: [1, 4, 5], membership: { votersOutgoing: [1, 2, 3] } })
  node.raft.campaign()
  node.drain()
  node.step(voteReply(2, 1, 1, false), voteReply(3, 1, 1, false))
  assert.equal(node.raft.role, 'follower')
})

test('a candidate leads only once its own vote is durable, even with a majority of others', () => {
  const node = new TestNode({ options: { asyncStorage: true } })
  node.raft.campaign()
  const { append: work } = node.takeReady()
  assert.ok(work)
  node.step(voteReply(2, 1, 1, true), voteReply(3, 1, 1, true))
  assert.equal(node.raft.role, 'candidate')
  node.finishWrite(work)
  assert.equal(node.raft.role, 'leader')
})

test('a poll changes neither term nor vote of anybody (Thesis §9.6)', () => {
  const node = new TestNode({ options: { preVote: true }, hardState: { term: 3 } })
  node.raft.campaign()
  const asked = only(
    node.drain().filter((message) => message.to === 2),
    'PreVote',
  )
  assert.equal(asked.term, 4)
  assert.deepEqual([node.term, node.raft.status().votedFor, node.raft.role], [3, 0, 'pre-candidate'])

  const voter = new TestNode({ id: 2, hardState: { term: 3 } })
  voter.step(asked)
  assert.equal(only(voter.drain(), 'PreVoteReply').granted, true)
  assert.deepEqual([voter.term, voter.raft.status().votedFor], [3, 0])
})

test('a granted poll is followed by the election, in the term it was about (Thesis §9.6)', () => {
  const node = new TestNode({ options: { preVote: true }, hardState: { term: 3 } })
  node.raft.campaign()
  node.drain()
  node.step(voteReply(2, 1, 4, true, 'PreVoteReply'))
  assert.equal(node.raft.role, 'candidate')
  assert.deepEqual(
    ofType(node.drain(), 'RequestVote').map((message) => [message.to, message.term]),
    [
      [2, 4],
      [3, 4],
    ],
  )
})

test('a grant of an earlier poll does not count in the next one (Thesis §9.6)', () => {
  const node = new TestNode({ options: { preVote: true }, hardState: { term: 3 } })
  node.raft.campaign()
  node.drain()
  // The poll for term 3 was this replica's, too; its answer comes late.
  node.step(voteReply(2, 1, 3, true, 'PreVoteReply'))
  assert.equal(node.raft.role, 'pre-candidate')
})

test('a poll is refused to a log that is behind, with the term of the one who refuses (Thesis §9.6)', () => {
  const node = new TestNode({ terms: [1, 2], hardState: { term: 2 } })
  node.step(voteRequest(2, 1, 3, [1, 1], { type: 'PreVote' }))
  const reply = only(node.drain(), 'PreVoteReply')
  assert.deepEqual([reply.granted, reply.term], [false, 2])
})

test('a poll of an older term is answered with the present one, so that its sender catches up', () => {
  const node = new TestNode({ hardState: { term: 7 } })
  node.step(voteRequest(2, 1, 5, [0, 0], { type: 'PreVote' }))
  const reply = only(node.drain(), 'PreVoteReply')
  assert.deepEqual([reply.granted, reply.term], [false, 7])
})

test('a candidate learns from a replica that cannot lead what is committed, and campaigns by that membership', () => {
  // Joint: 1 alone replaces 1, 2, 3. Entry 2 ends the joint phase; 1 has it and does not know that it is committed.
  const storage = new MemoryLog()
  storage.append([entry(1, 1), { index: 2, term: 1, type: 'membership', data: encodeMembershipChange(change([])) }])
  const membership = { votersOutgoing: [1, 2, 3], autoLeave: true }
  const setup = { voters: [1], membership, hardState: { term: 1, commitIndex: 1 }, appliedIndex: 1 }
  const node = new TestNode(setup, storage)
  node.raft.campaign()
  node.drain()
  const removed = new TestNode({ id: 2, voters: [1], terms: [1, 1, 1], hardState: { term: 1, commitIndex: 2 } })
  removed.step(voteRequest(1, 2, node.term, [2, 1]))
  const refusal = only(removed.drain(), 'RequestVoteReply')
  assert.equal(refusal.granted, false)
  node.step(refusal)
  node.drain()
  assert.equal(node.raft.commitIndex, 2)
  assert.deepEqual(node.raft.membership.votersOutgoing, [])
  node.raft.campaign()
  node.drain()
  assert.equal(node.raft.role, 'leader')
})

test('what a refusal calls committed is believed only with the same term in the own log', () => {
  const node = new TestNode({ terms: [1, 1], hardState: { term: 1 } })
  node.raft.campaign()
  node.drain()
  node.step({
    type: 'RequestVoteReply',
    from: 2,
    to: 1,
    term: node.term,
    granted: false,
    commitIndex: 2,
    commitTerm: 3,
  })
  assert.equal(node.raft.commitIndex, 0)
})

test('a message of an older term changes nothing, and with neither PreVote nor CheckQuorum is not answered (Raft §5.1)', () => {
  const node = new TestNode({ hardState: { term: 7 }, terms: [1] })
  node.step(append(2, 1, 5, [1, 1], [5], 2), heartbeat(2, 1, 5, 1))
  assert.deepEqual(node.drain(), [])
  assert.deepEqual([node.log, node.raft.leader, node.raft.commitIndex], ['1/1', 0, 0])
})

test('with PreVote or CheckQuorum a stale leader is told the term, which deposes it', () => {
  for (const options of [{ preVote: true }, { checkQuorum: true }]) {
    const node = new TestNode({ hardState: { term: 7 }, options })
    node.step(heartbeat(2, 1, 5))
    const answer = only(node.drain(), 'AppendEntriesReply')
    assert.equal(answer.term, 7)
    const leader = new TestNode({ id: 2, hardState: { term: 4 } })
    leader.elect(3)
    leader.step(answer)
    assert.deepEqual([leader.raft.role, leader.term], ['follower', 7])
  }
})

test('a leader that hears from no quorum for an election timeout steps down (Thesis §6.2)', () => {
  const node = new TestNode({ options: { checkQuorum: true } }).lead(2)
  // The first check finds the votes and acknowledgements, the second nothing.
  node.tick(ELECTION_TICKS)
  assert.equal(node.raft.role, 'leader')
  node.tick(ELECTION_TICKS)
  assert.equal(node.raft.role, 'follower')
  assert.equal(node.raft.leader, 0)
})

test('answers of a quorum keep a leader in office; those of learners do not (Thesis §6.2)', () => {
  const options = { checkQuorum: true }
  const node = new TestNode({ voters: [1, 2, 3], membership: { learners: [4] }, options }).lead(2)
  for (let i = 0; i < 5; i++) {
    node.tick(ELECTION_TICKS)
    node.step({ type: 'HeartbeatReply', from: 3, to: 1, term: node.term, readId: 0 })
  }
  assert.equal(node.raft.role, 'leader')
  for (let i = 0; i < 2; i++) {
    node.tick(ELECTION_TICKS)
    node.step({ type: 'HeartbeatReply', from: 4, to: 1, term: node.term, readId: 0 })
  }
  assert.equal(node.raft.role, 'follower')
})
