/** What winds the election timer and what does not (Raft §5.2, Thesis §4.2.3); the random source fixes the timeout at its least. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  append,
  ELECTION_TICKS,
  heartbeat,
  ofType,
  only,
  TestNode,
  voteReply,
  voteRequest,
} from './harness/test-node.ts'

/** Ticks one short of the timeout, lets something happen, ticks one short again: silence means that it wound the timer. */
function windsTimer(node: TestNode, happen: () => void): boolean {
  node.tick(ELECTION_TICKS - 1)
  assert.equal(node.raft.role, 'follower')
  happen()
  node.drain()
  node.tick(ELECTION_TICKS - 1)
  return node.raft.role === 'follower'
}

test('a follower that hears nothing campaigns after its timeout, not a tick earlier (Raft §5.2)', () => {
  const node = new TestNode()
  node.tick(ELECTION_TICKS - 1)
  assert.equal(node.raft.role, 'follower')
  node.tick(1)
  assert.equal(node.raft.role, 'candidate')
})

test('timeouts are drawn anew for each election from one to two election times (Raft §5.2)', () => {
  const draws: number[] = []
  const random = {
    below: (bound: number) => {
      draws.push(bound)
      return bound - 1
    },
  }
  const node = new TestNode({ options: { random } })
  node.tick(2 * ELECTION_TICKS - 2)
  assert.equal(node.raft.role, 'follower')
  const before = draws.length
  node.tick(1)
  assert.equal(node.raft.role, 'candidate')
  assert.ok(draws.length > before)
  assert.ok(draws.every((bound) => bound === ELECTION_TICKS))
})

test('a candidate whose election gets nowhere starts the next one (Raft §5.2)', () => {
  const node = new TestNode()
  node.tick(ELECTION_TICKS)
  node.tick(ELECTION_TICKS)
  assert.deepEqual([node.raft.role, node.term], ['candidate', 2])
})

test('a heartbeat of the leader winds the election timer (Raft §5.2)', () => {
  const node = new TestNode()
  node.step(heartbeat(2, 1, 1))
  assert.equal(
    windsTimer(node, () => node.step(heartbeat(2, 1, 1))),
    true,
  )
})

test('AppendEntries of the leader winds the election timer, also a refused one (Raft §5.2)', () => {
  const node = new TestNode()
  node.step(heartbeat(2, 1, 1))
  assert.equal(
    windsTimer(node, () => node.step(append(2, 1, 1, [0, 0], [1]))),
    true,
  )
  const other = new TestNode()
  other.step(heartbeat(2, 1, 1))
  assert.equal(
    windsTimer(other, () => other.step(append(2, 1, 1, [9, 1], [1]))),
    true,
  )
})

test('a message of a leader that is over does not wind the election timer (Raft §5.2)', () => {
  const node = new TestNode({ hardState: { term: 5 } })
  assert.equal(
    windsTimer(node, () => node.step(heartbeat(2, 1, 4))),
    false,
  )
})

test('granting a vote winds the election timer (Raft §5.2)', () => {
  const node = new TestNode({ hardState: { term: 5 } })
  // Of the same term, so that nothing but the grant can have wound it.
  assert.equal(
    windsTimer(node, () => node.step(voteRequest(2, 1, 5, [0, 0]))),
    true,
  )
})

test('refusing a vote does not wind the election timer (Raft §5.2)', () => {
  const node = new TestNode({ hardState: { term: 5 }, terms: [1] })
  assert.equal(
    windsTimer(node, () => node.step(voteRequest(2, 1, 5, [0, 0]))),
    false,
  )
})

test('granting a poll does not wind the election timer (Thesis §9.6)', () => {
  const node = new TestNode({ hardState: { term: 5 } })
  assert.equal(
    windsTimer(node, () => node.step(voteRequest(2, 1, 6, [0, 0], { type: 'PreVote' }))),
    false,
  )
})

test('forgetting the leader does not wind the election timer', () => {
  const node = new TestNode()
  node.step(heartbeat(2, 1, 1))
  assert.equal(
    windsTimer(node, () => node.raft.forgetLeader()),
    false,
  )
})

test('votes are refused while a leader was heard of less than an election time ago, and not a tick longer (Thesis §4.2.3)', () => {
  const node = new TestNode({ options: { checkQuorum: true, random: { below: (bound) => bound - 1 } } })
  node.step(heartbeat(2, 1, 1))
  node.drain()
  node.tick(ELECTION_TICKS - 1)
  node.step(voteRequest(3, 1, 2, [9, 1]))
  assert.deepEqual(node.drain(), [])
  assert.equal(node.term, 1)
  node.tick(1)
  node.step(voteRequest(3, 1, 2, [9, 1]))
  assert.equal(only(node.drain(), 'RequestVoteReply').granted, true)
})

test('a leader refuses votes while it has a quorum (Thesis §4.2.3)', () => {
  const node = new TestNode({ options: { checkQuorum: true } }).lead(2)
  node.step(voteRequest(3, 1, 9, [9, 1]))
  assert.deepEqual(node.drain(), [])
  assert.equal(node.raft.role, 'leader')
})

test('a follower that forgot its leader votes at once (CheckQuorum)', () => {
  const node = new TestNode({ options: { checkQuorum: true } })
  node.step(heartbeat(2, 1, 1))
  node.drain()
  node.raft.forgetLeader()
  node.step(voteRequest(3, 1, 2, [9, 1]))
  assert.equal(only(node.drain(), 'RequestVoteReply').granted, true)
})

test('the leader is not forgotten where reads rely on leases', () => {
  const node = new TestNode({ options: { checkQuorum: true, readMode: 'lease' } })
  node.step(heartbeat(2, 1, 1))
  node.raft.forgetLeader()
  assert.equal(node.raft.leader, 2)
})

test('a leader sends a heartbeat to every member each heartbeat time, learners too, in ascending order of ids (Raft §5.2)', () => {
  const node = new TestNode({ voters: [1, 2, 10], membership: { learners: [9, 33] }, options: { heartbeatTicks: 3 } })
  node.elect(10)
  node.tick(2)
  assert.deepEqual(node.drain(), [])
  node.tick(1)
  assert.deepEqual(
    ofType(node.drain(), 'Heartbeat').map((message) => message.to),
    [2, 9, 10, 33],
  )
})

test('a leader does not campaign however long it leads', () => {
  const node = new TestNode().lead(2)
  node.tick(10 * ELECTION_TICKS)
  node.raft.campaign()
  assert.deepEqual([node.raft.role, node.term], ['leader', 1])
})

test('ticks of an idle follower produce no work', () => {
  const node = new TestNode()
  node.step(heartbeat(2, 1, 1))
  node.drain()
  node.tick(ELECTION_TICKS - 1)
  assert.equal(node.raft.hasReady(), false)
  node.step(voteReply(2, 1, 1, true))
  assert.equal(node.raft.hasReady(), false)
})
