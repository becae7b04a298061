/** What a leader may have on its way to a peer: probe, replicate, snapshot, and the limits in messages and bytes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EMPTY_MEMBERSHIP, type ProgressStatus } from '../../src/raft/index.ts'
import { appendReply, ELECTION_TICKS, heartbeatReply, ofType, only, rejection, TestNode } from './harness/test-node.ts'

function progressOf(node: TestNode, id: number): ProgressStatus {
  const progress = node.raft.status().progress.get(id)
  assert.ok(progress, `progress of ${id}`)
  return progress
}

test('a peer whose log is unknown gets one message with entries at a time', () => {
  const node = new TestNode()
  node.elect(2)
  assert.deepEqual([progressOf(node, 3).state, progressOf(node, 3).isPaused], ['probe', true])
  node.propose('a')
  assert.deepEqual(node.drain(), [])
})

test('a peer whose log is known gets entries ahead of its acknowledgements', () => {
  const node = new TestNode().lead(2, 3)
  node.propose('a')
  node.propose('b')
  node.drain()
  const { state, matchIndex, nextIndex, inflightMessages } = progressOf(node, 2)
  assert.deepEqual([state, matchIndex, nextIndex, inflightMessages], ['replicate', 1, 4, 2])
})

test('a full window of messages stops sending until something is acknowledged', () => {
  const node = new TestNode({ voters: [1, 2], options: { maxInflightMessages: 2 } }).lead(2)
  for (const text of ['a', 'b', 'c']) node.propose(text)
  assert.equal(ofType(node.drain(), 'AppendEntries').length, 2)
  assert.equal(progressOf(node, 2).isPaused, true)
  node.acknowledge(2, 2)
  const next = ofType(node.drain(), 'AppendEntries').filter((message) => message.entries.length > 0)
  assert.deepEqual(
    next.map((message) => message.entries.map((entry) => entry.index)),
    [[4]],
  )
})

test('an acknowledgement frees the part of the window that it covers, no more', () => {
  const node = new TestNode({ voters: [1, 2] }).lead(2)
  for (const text of ['a', 'b', 'c', 'd']) node.propose(text)
  node.drain()
  assert.equal(progressOf(node, 2).inflightMessages, 4)
  node.acknowledge(3, 2)
  assert.equal(progressOf(node, 2).inflightMessages, 2)
  // Out of order and repeated: nothing to free.
  node.acknowledge(2, 2)
  node.acknowledge(3, 2)
  assert.equal(progressOf(node, 2).inflightMessages, 2)
  node.acknowledge(5, 2)
  assert.equal(progressOf(node, 2).inflightMessages, 0)
})

test('the window is limited in bytes, too', () => {
  const node = new TestNode({ voters: [1, 2], options: { maxInflightBytes: 100 } }).lead(2)
  for (let i = 0; i < 5; i++) node.propose('x'.repeat(50))
  // The message that crosses the limit still leaves; the next one waits.
  assert.equal(ofType(node.drain(), 'AppendEntries').length, 2)
  assert.equal(progressOf(node, 2).isWindowFull, true)
  assert.ok(progressOf(node, 2).inflightBytes >= 100)
  node.acknowledge(2, 2)
  assert.equal(ofType(node.drain(), 'AppendEntries').filter((message) => message.entries.length > 0).length, 1)
})

test('a heartbeat answer lets a stopped peer be asked again, with an empty message when the window is full', () => {
  const node = new TestNode({ voters: [1, 2], options: { maxInflightMessages: 1 } }).lead(2)
  node.propose('a')
  node.propose('b')
  node.drain()
  node.step(heartbeatReply(2, 1, 1))
  const probe = only(node.drain(), 'AppendEntries')
  assert.deepEqual([probe.prevLogIndex, probe.entries.length], [2, 0])
})

test('a message holds at most the bytes allowed, but at least one entry', () => {
  const node = new TestNode({ voters: [1, 2], options: { maxMessageBytes: 100 } })
  node.elect(2)
  node.propose('a'.repeat(30), 'b'.repeat(30), 'c'.repeat(500), 'd')
  node.drain()
  node.acknowledge(1, 2)
  const sizes = ofType(node.drain(), 'AppendEntries')
    .filter((message) => message.entries.length > 0)
    .map((message) => message.entries.map((entry) => entry.data.length))
  assert.deepEqual(sizes, [[30, 30], [500], [1]])
})

test('a refusal that was overtaken is ignored while replicating', () => {
  const node = new TestNode({ voters: [1, 2] }).lead(2)
  node.propose('a')
  node.drain()
  node.step(rejection(2, 1, 1, 1, [0, 0]))
  assert.deepEqual(node.drain(), [])
  assert.equal(progressOf(node, 2).state, 'replicate')
})

test('a refusal beyond what is known to match starts probing right behind that', () => {
  const node = new TestNode({ voters: [1, 2] }).lead(2)
  node.propose('a')
  node.propose('b')
  node.drain()
  node.step(rejection(2, 1, 1, 2, [1, 1]))
  const probe = only(node.drain(), 'AppendEntries')
  assert.deepEqual([probe.prevLogIndex, probe.entries.length], [1, 2])
  assert.equal(progressOf(node, 2).state, 'probe')
})

test('a refusal of another message than the one being probed with is ignored', () => {
  const node = new TestNode({ terms: [1, 1, 1], hardState: { term: 1 } })
  node.elect(2)
  assert.equal(progressOf(node, 3).nextIndex, 4)
  node.step(rejection(3, 1, node.term, 2, [0, 0]))
  assert.deepEqual(node.drain(), [])
  assert.equal(progressOf(node, 3).nextIndex, 4)
  node.step(rejection(3, 1, node.term, 3, [1, 1]))
  assert.equal(only(node.drain(), 'AppendEntries').prevLogIndex, 1)
})

test('an acknowledgement never lowers what is known to match', () => {
  const node = new TestNode({ voters: [1, 2] }).lead(2)
  node.propose('a', 'b')
  node.drain()
  node.acknowledge(3, 2)
  node.acknowledge(2, 2)
  assert.equal(progressOf(node, 2).matchIndex, 3)
})

test('an unreachable peer is probed again from where it is known to be', () => {
  const node = new TestNode({ voters: [1, 2] }).lead(2)
  node.propose('a')
  node.drain()
  node.raft.reportUnreachable(2)
  const { state, nextIndex, inflightMessages } = progressOf(node, 2)
  assert.deepEqual([state, nextIndex, inflightMessages], ['probe', 2, 0])
})

// ---- snapshots -------------------------------------------------------------------------------------------------------

/** A leader whose log begins at 6, so that an empty peer 3 needs a snapshot. */
function leaderWithCompactedLog(): TestNode {
  const node = new TestNode({ terms: [1, 1, 1, 1, 1], hardState: { term: 1, commitIndex: 5 } })
  node.lead(2)
  node.storage.offer = () => ({ index: 6, term: 2, membership: { ...EMPTY_MEMBERSHIP, voters: [1, 2, 3] } })
  node.storage.compact(6)
  return node
}

/** Peer 3 says that it has nothing. */
function askForSnapshot(node: TestNode): void {
  node.step(rejection(3, 1, node.term, 5, [0, 0]))
}

test('a peer that needs compacted entries gets a snapshot, and nothing more until that is settled (Raft §7)', () => {
  const node = leaderWithCompactedLog()
  askForSnapshot(node)
  assert.equal(only(node.drain(), 'InstallSnapshot').snapshot.index, 6)
  const { state, pendingSnapshotIndex, nextIndex, isPaused } = progressOf(node, 3)
  assert.deepEqual([state, pendingSnapshotIndex, nextIndex, isPaused], ['snapshot', 6, 7, true])
  node.propose('a')
  node.step(heartbeatReply(3, 1, node.term))
  assert.ok(node.drain().every((message) => message.to !== 3))
})

test('no snapshot is sent to a peer that was not heard from', () => {
  const node = new TestNode({ options: { checkQuorum: true } }).lead(2, 3)
  node.propose('a', 'b', 'c')
  node.drain()
  node.acknowledge(4, 2)
  node.tick(ELECTION_TICKS)
  node.drain()
  assert.equal(progressOf(node, 3).recentlyActive, false)
  node.storage.compact(4)
  node.storage.offer = () => ({ index: 4, term: 1, membership: { ...EMPTY_MEMBERSHIP, voters: [1, 2, 3] } })
  node.raft.reportUnreachable(3)
  node.propose('d')
  assert.deepEqual(ofType(node.drain(), 'InstallSnapshot'), [])
  assert.deepEqual([progressOf(node, 3).state, progressOf(node, 3).nextIndex], ['probe', 2])
  // As soon as it speaks, it gets one.
  node.step(heartbeatReply(3, 1, 1))
  assert.equal(ofType(node.drain(), 'InstallSnapshot').length, 1)
})

test('a peer that answers counts as heard right after each check for a quorum too, and one that does not only until the next', () => {
  const node = new TestNode({ options: { checkQuorum: true } }).lead(2, 3)
  for (const id of [2, 3]) node.step(heartbeatReply(id, 1, node.term))
  node.tick(ELECTION_TICKS)
  const heard = (): boolean[] => [2, 3].map((id) => progressOf(node, id).heardLately)
  assert.equal(progressOf(node, 2).recentlyActive, false)
  assert.deepEqual(heard(), [true, true])
  node.step(heartbeatReply(2, 1, node.term))
  node.tick(ELECTION_TICKS)
  assert.deepEqual(heard(), [true, false])
})

test('no snapshot is sent while none can be described; it is tried again later', () => {
  const node = leaderWithCompactedLog()
  const offer = node.storage.offer
  node.storage.offer = () => ({ index: 0, term: 0, membership: EMPTY_MEMBERSHIP })
  askForSnapshot(node)
  assert.deepEqual(ofType(node.drain(), 'InstallSnapshot'), [])
  node.storage.offer = offer
  node.step(heartbeatReply(3, 1, node.term))
  assert.equal(ofType(node.drain(), 'InstallSnapshot').length, 1)
})

test('a peer that acknowledges what the log continues replicates again', () => {
  const node = leaderWithCompactedLog()
  askForSnapshot(node)
  node.propose('a')
  node.drain()
  node.step(appendReply(3, 1, node.term, 6))
  assert.equal(progressOf(node, 3).state, 'replicate')
  assert.deepEqual(
    only(node.drain(), 'AppendEntries').entries.map((entry) => entry.index),
    [7],
  )
})

test('an acknowledgement before what the log continues leaves the snapshot pending', () => {
  const node = leaderWithCompactedLog()
  askForSnapshot(node)
  node.drain()
  node.step(appendReply(3, 1, node.term, 3))
  assert.deepEqual(node.drain(), [])
  assert.deepEqual([progressOf(node, 3).state, progressOf(node, 3).pendingSnapshotIndex], ['snapshot', 6])
})

test('a delivered snapshot makes the peer probed behind it, once it speaks', () => {
  const node = leaderWithCompactedLog()
  askForSnapshot(node)
  node.drain()
  node.raft.reportSnapshot(3, true)
  const { state, nextIndex, isPaused } = progressOf(node, 3)
  assert.deepEqual([state, nextIndex, isPaused], ['probe', 7, true])
  node.step(heartbeatReply(3, 1, node.term))
  assert.equal(only(node.drain(), 'AppendEntries').prevLogIndex, 6)
})

test('a failed snapshot is sent again, once the peer speaks', () => {
  const node = leaderWithCompactedLog()
  askForSnapshot(node)
  node.drain()
  node.raft.reportSnapshot(3, false)
  const { state, nextIndex, isPaused } = progressOf(node, 3)
  assert.deepEqual([state, nextIndex, isPaused], ['probe', 1, true])
  node.step(heartbeatReply(3, 1, node.term))
  assert.equal(ofType(node.drain(), 'InstallSnapshot').length, 1)
})

test('a report about a peer that has no snapshot pending changes nothing', () => {
  const node = leaderWithCompactedLog()
  const before = progressOf(node, 2)
  node.raft.reportSnapshot(2, false)
  node.raft.reportSnapshot(99, true)
  assert.deepEqual(progressOf(node, 2), before)
})

// ---- uncommitted bytes -----------------------------------------------------------------------------------------------

test('proposals beyond the uncommitted bytes are refused as overloaded, until some are committed', () => {
  const node = new TestNode({ voters: [1, 2], options: { maxUncommittedBytes: 200 } }).lead(2)
  assert.equal(node.propose('x'.repeat(80)).ok, true)
  assert.equal(node.propose('x'.repeat(80)).ok, true)
  const { lastIndex } = node.raft
  assert.deepEqual(node.propose('x'.repeat(80)), { ok: false, reason: 'overloaded', leader: 1 })
  assert.equal(node.raft.lastIndex, lastIndex)
  node.drain()
  node.acknowledge(2, 2)
  node.drain()
  assert.equal(node.propose('x'.repeat(80)).ok, true)
})

test('a proposal that is larger than the limit by itself passes when nothing else is uncommitted', () => {
  const node = new TestNode({ voters: [1, 2], options: { maxUncommittedBytes: 50 } }).lead(2)
  assert.equal(node.raft.status().uncommittedBytes, 0)
  assert.equal(node.propose('x'.repeat(1000)).ok, true)
  assert.equal(node.propose('').ok, false)
})

test('a new leader does not answer for the uncommitted bytes of its former time', () => {
  const node = new TestNode({ voters: [1, 2], options: { maxUncommittedBytes: 100 } }).lead(2)
  node.propose('x'.repeat(90))
  node.drain()
  node.step({ type: 'Heartbeat', from: 2, to: 1, term: 2, commitIndex: 0, readId: 0 })
  node.drain()
  node.elect(2)
  node.acknowledge(3, 2)
  node.drain()
  assert.equal(node.raft.status().uncommittedBytes, 0)
})

test('proposals of one call are taken together or not at all', () => {
  const node = new TestNode({ voters: [1, 2], options: { maxUncommittedBytes: 100 } }).lead(2)
  node.propose('a')
  const { lastIndex } = node.raft
  assert.equal(node.propose('b', 'x'.repeat(100)).ok, false)
  assert.equal(node.raft.lastIndex, lastIndex)
})
