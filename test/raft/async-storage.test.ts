/** Asynchronous storage and what must be durable when (Raft §5, Figure 2 "Persistent state"; Thesis §10.2). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EMPTY_MEMBERSHIP, type Message } from '../../src/raft/index.ts'
import { append, heartbeat, ofType, only, TestNode, voteReply, voteRequest } from './harness/test-node.ts'

const ASYNC = { options: { asyncStorage: true } }

test('nothing is acknowledged before it is durable (Raft §5)', () => {
  const node = new TestNode(ASYNC)
  node.step(append(2, 1, 1, [0, 0], [1, 1]))
  const ready = node.takeReady()
  assert.deepEqual(ready.messages, [])
  assert.equal(ready.append?.entries.length, 2)
  const reply = only(ready.append.responses, 'AppendEntriesReply')
  assert.deepEqual([reply.to, reply.index], [2, 2])
})

test('refusals, too, wait for what was stored before them', () => {
  const node = new TestNode(ASYNC)
  node.step(append(2, 1, 1, [7, 1], [1]))
  const ready = node.takeReady()
  assert.deepEqual(ready.messages, [])
  assert.equal(only(ready.append?.responses ?? [], 'AppendEntriesReply').rejected, true)
})

test('answers to heartbeats promise nothing and leave at once', () => {
  const node = new TestNode(ASYNC)
  node.step(heartbeat(2, 1, 1))
  assert.equal(only([...node.takeReady().messages], 'HeartbeatReply').to, 2)
})

test('a write that carries only answers asks for no acknowledgement when all else is durable', () => {
  const node = new TestNode(ASYNC)
  node.step(append(2, 1, 1, [0, 0], [1]))
  node.drain()
  node.step(append(2, 1, 1, [0, 0], [1]))
  const { append: work } = node.takeReady()
  assert.ok(work)
  assert.deepEqual(
    [work.entries, work.hardState, work.snapshot, work.ack, work.mustSync],
    [[], undefined, undefined, undefined, false],
  )
  assert.equal(only(work.responses, 'AppendEntriesReply').index, 1)
})

test('entries are handed out once, while their write is on the way', () => {
  const node = new TestNode(ASYNC)
  node.step(append(2, 1, 1, [0, 0], [1]))
  const first = node.takeReady().append
  node.step(append(2, 1, 1, [1, 1], [1]))
  const second = node.takeReady().append
  assert.ok(first && second)
  assert.deepEqual([first.entries.map((entry) => entry.index), second.entries.map((entry) => entry.index)], [[1], [2]])
  node.finishWrite(first)
  node.finishWrite(second)
  assert.equal(node.raft.hasReady(), false)
})

test('entries that replace some on their way to the disk are written again from there', () => {
  const node = new TestNode(ASYNC)
  node.step(append(2, 1, 1, [0, 0], [1, 1, 1]))
  const first = node.takeReady().append
  assert.ok(first)
  node.step(append(3, 1, 2, [1, 1], [2]))
  const second = node.takeReady().append
  assert.ok(second)
  assert.deepEqual(
    second.entries.map((entry) => `${entry.term}/${entry.index}`),
    ['2/2'],
  )
  node.finishWrite(first)
  node.finishWrite(second)
  assert.equal(node.log, '1/1 2/2')
  assert.equal(node.storage.lastIndex(), 2)
  assert.equal(node.raft.hasReady(), false)
})

test('entries that replace durable ones are not durable themselves', () => {
  const node = new TestNode(ASYNC)
  node.step(append(2, 1, 1, [0, 0], [1, 1, 1]))
  const first = node.takeReady().append
  assert.ok(first)
  node.finishWrite(first)
  node.step(append(3, 1, 2, [1, 1], [2], 2))
  const second = node.takeReady()
  assert.ok(second.append)
  // Entry 1 is committed and durable; entry 2 is committed, too, but only its predecessor was ever stored here.
  assert.deepEqual(
    second.apply?.entries.map((entry) => entry.index),
    [1],
  )
  node.finishWrite(second.append)
  node.finishApplying(second.apply?.entries ?? [])
  assert.deepEqual(
    node.takeReady().apply?.entries.map((entry) => `${entry.term}/${entry.index}`),
    ['2/2'],
  )
})

test('a late acknowledgement of an entry that was replaced twice releases nothing (the ABA race)', () => {
  const node = new TestNode(ASYNC)
  node.step(append(2, 1, 1, [0, 0], [1]))
  const ofTerm1 = node.takeReady().append
  node.step(append(3, 1, 2, [0, 0], [2]))
  const ofTerm2 = node.takeReady().append
  node.step(append(2, 1, 3, [0, 0], [3]))
  const ofTerm3 = node.takeReady().append
  assert.ok(ofTerm1?.ack && ofTerm2?.ack && ofTerm3?.ack)
  // Committed by now, but not durable here: it must not be applied.
  node.step(append(2, 1, 3, [1, 3], [], 1))
  node.finishWrite(ofTerm1)
  assert.equal(node.takeReady().apply, undefined)
  node.finishWrite(ofTerm2)
  assert.equal(node.raft.hasReady() && node.takeReady().apply, false)
  node.finishWrite(ofTerm3)
  assert.equal(node.takeReady().apply?.entries[0]?.term, 3)
})

test('an acknowledgement of the right term for another entry is ignored, too', () => {
  const node = new TestNode(ASYNC)
  node.step(append(2, 1, 2, [0, 0], [1]))
  node.takeReady()
  node.step(append(2, 1, 2, [0, 0], [2], 1))
  node.takeReady()
  node.raft.appended({ term: 2, lastIndex: 1, lastTerm: 1, snapshotIndex: 0 })
  assert.equal(node.raft.hasReady(), false)
  node.raft.appended({ term: 2, lastIndex: 1, lastTerm: 2, snapshotIndex: 0 })
  assert.equal(node.takeReady().apply?.entries.length, 1)
})

test('a write that an election overtook is acknowledged by the next one', () => {
  const node = new TestNode(ASYNC)
  node.step(append(2, 1, 1, [0, 0], [1], 1))
  const first = node.takeReady().append
  node.step(voteRequest(3, 1, 2, [9, 9]))
  const second = node.takeReady().append
  assert.ok(first && second)
  node.finishWrite(first)
  assert.equal(node.raft.hasReady(), false)
  // Nothing new to write but the term, and yet it asks for the entry before it.
  assert.deepEqual(second.ack, { term: 2, lastIndex: 1, lastTerm: 1, snapshotIndex: 0 })
  node.finishWrite(second)
  assert.equal(node.takeReady().apply?.entries.length, 1)
})

test('committed entries are not handed out before they are durable here', () => {
  const node = new TestNode(ASYNC)
  node.step(append(2, 1, 1, [0, 0], [1, 1, 1], 3))
  const ready = node.takeReady()
  assert.equal(ready.apply, undefined)
  assert.ok(ready.append)
  node.finishWrite(ready.append)
  assert.equal(node.takeReady().apply?.entries.length, 3)
})

test('committed entries come in pages: the next one when the last is applied', () => {
  // Each entry weighs 16 bytes and its data.
  const node = new TestNode({ options: { asyncStorage: true, maxCommittedBytesPerReady: 40 } })
  node.step(append(2, 1, 1, [0, 0], [1, 1, 1, 1, 1], 5))
  const { append: work } = node.takeReady()
  assert.ok(work)
  node.finishWrite(work)
  const first = node.takeReady().apply
  assert.deepEqual(
    first?.entries.map((entry) => entry.index),
    [1, 2],
  )
  assert.equal(node.raft.hasReady(), false)
  node.raft.applied(1)
  assert.equal(node.raft.hasReady(), true, 'a page not finished, with room below the limit')
  assert.deepEqual(
    node.takeReady().apply?.entries.map((entry) => entry.index),
    [3],
  )
  node.raft.applied(3)
  assert.deepEqual(
    node.takeReady().apply?.entries.map((entry) => entry.index),
    [4, 5],
  )
  node.raft.applied(5)
  assert.equal(node.raft.appliedIndex, 5)
})

test('one entry above the limit of a page is handed out alone', () => {
  const node = new TestNode({ options: { asyncStorage: true, maxCommittedBytesPerReady: 1 } })
  node.step(append(2, 1, 1, [0, 0], [1, 1], 2))
  const { append: work } = node.takeReady()
  assert.ok(work)
  node.finishWrite(work)
  assert.deepEqual(
    node.takeReady().apply?.entries.map((entry) => entry.index),
    [1],
  )
  assert.equal(node.raft.hasReady(), false)
  node.raft.applied(1)
  assert.deepEqual(
    node.takeReady().apply?.entries.map((entry) => entry.index),
    [2],
  )
})

test('pages are limited in synchronous mode, too', () => {
  const node = new TestNode({ options: { maxCommittedBytesPerReady: 1 } })
  node.step(append(2, 1, 1, [0, 0], [1, 1, 1], 3))
  node.drain()
  const pages = node.readies.map((ready) => (ready.mode === 'sync' ? ready.committedEntries.length : 0))
  assert.deepEqual(
    pages.filter((count) => count > 0),
    [1, 1, 1],
  )
})

test('a received snapshot is written, acknowledged after that, and counts as applied then (Raft §7)', () => {
  const node = new TestNode(ASYNC)
  const membership = { ...EMPTY_MEMBERSHIP, voters: [1, 2, 3] }
  const snapshot = { index: 7, term: 1, membership }
  node.step({ type: 'InstallSnapshot', from: 2, to: 1, term: 1, snapshot })
  node.step(append(2, 1, 1, [7, 1], [1], 8))
  const { append: work, apply, messages } = node.takeReady()
  assert.ok(work)
  assert.deepEqual([work.snapshot, apply, messages], [snapshot, undefined, []])
  assert.deepEqual(work.ack, { term: 1, lastIndex: 8, lastTerm: 1, snapshotIndex: 7 })
  assert.equal(node.raft.appliedIndex, 0)
  const replies = ofType(node.finishWrite(work), 'AppendEntriesReply')
  assert.deepEqual(
    replies.map((reply) => reply.index),
    [7, 8],
  )
  assert.equal(node.raft.appliedIndex, 7)
  assert.deepEqual(
    node.takeReady().apply?.entries.map((entry) => entry.index),
    [8],
  )
})

test('a snapshot that is being written is not handed out twice, and counts as applied even if the term changed', () => {
  const node = new TestNode(ASYNC)
  const membership = { ...EMPTY_MEMBERSHIP, voters: [1, 2, 3] }
  node.step({ type: 'InstallSnapshot', from: 2, to: 1, term: 1, snapshot: { index: 7, term: 1, membership } })
  const { append: work } = node.takeReady()
  node.step(voteRequest(3, 1, 2, [9, 9]))
  const { append: vote } = node.takeReady()
  assert.ok(work && vote)
  assert.equal(vote.snapshot, undefined)
  node.finishWrite(work)
  assert.equal(node.raft.appliedIndex, 7)
})

// ---- what must be synced ---------------------------------------------------------------------------------------------

test('a vote must be durable even if the term is not new (Raft, Figure 2)', () => {
  const node = new TestNode({ ...ASYNC, hardState: { term: 5 } })
  node.step(voteRequest(2, 1, 5, [0, 0]))
  const { append: work } = node.takeReady()
  assert.deepEqual([work?.hardState, work?.mustSync], [{ term: 5, votedFor: 2, commitIndex: 0 }, true])
})

test('a term must be durable even without a vote (Raft, Figure 2)', () => {
  const node = new TestNode(ASYNC)
  node.step(heartbeat(2, 1, 5))
  assert.equal(node.takeReady().append?.mustSync, true)
})

test('entries must be durable (Raft, Figure 2)', () => {
  const node = new TestNode({ ...ASYNC, hardState: { term: 1 } })
  node.step(append(2, 1, 1, [0, 0], [1]))
  const { append: work } = node.takeReady()
  assert.deepEqual([work?.hardState, work?.mustSync], [undefined, true])
})

test('entries must be durable also next to a commit index, which alone need not be', () => {
  const node = new TestNode({ ...ASYNC, hardState: { term: 1 } })
  node.step(append(2, 1, 1, [0, 0], [1], 1))
  const { append: work } = node.takeReady()
  assert.deepEqual([work?.hardState?.commitIndex, work?.mustSync], [1, true])
})

test('a commit index alone need not be synced (Raft, Figure 2: volatile state)', () => {
  const node = new TestNode({ ...ASYNC, terms: [1], hardState: { term: 1 } })
  node.step(heartbeat(2, 1, 1, 1))
  const { append: work } = node.takeReady()
  assert.deepEqual([work?.hardState?.commitIndex, work?.mustSync], [1, false])
})

test('the same rules hold in synchronous mode', () => {
  const node = new TestNode({ hardState: { term: 5 }, terms: [1] })
  node.step(voteRequest(2, 1, 5, [1, 1]))
  node.drain()
  node.step(heartbeat(2, 1, 5, 1))
  node.drain()
  node.step(append(2, 1, 5, [1, 1], [5]))
  node.drain()
  assert.deepEqual(
    node.readies.map((ready) => ready.mode === 'sync' && ready.mustSync),
    [true, false, true],
  )
})

test('acknowledgements to itself never leave a synchronous replica, and are part of an asynchronous write', () => {
  const sync = new TestNode()
  assert.ok(sync.elect(2).every((message) => message.to !== 1))
  const node = new TestNode(ASYNC)
  node.raft.campaign()
  const vote = node.takeReady().append
  assert.ok(vote)
  assert.equal(only(vote.responses, 'RequestVoteReply').to, 1)
  node.finishWrite(vote)
  node.step(voteReply(2, 1, 1, true))
  const first = node.takeReady().append
  assert.equal(only(first?.responses ?? [], 'AppendEntriesReply').to, 1)
})

// ---- restart ---------------------------------------------------------------------------------------------------------

test('a restarted replica keeps term, vote and log, and starts as follower of nobody (Raft, Figure 2)', () => {
  const node = new TestNode()
  node.step(append(2, 1, 4, [0, 0], [3, 4], 1))
  node.drain()
  node.step(voteRequest(3, 1, 6, [9, 9]))
  node.drain()
  const again = new TestNode({ appliedIndex: 1 }, node.storage)
  const { term, votedFor, role, leader, commitIndex, lastIndex } = again.raft.status()
  assert.deepEqual([term, votedFor, role, leader, commitIndex, lastIndex], [6, 3, 'follower', 0, 1, 2])
  assert.equal(again.log, '3/1 4/2')
  again.step(voteRequest(2, 1, 6, [9, 9]))
  assert.equal(only(again.drain(), 'RequestVoteReply').granted, false)
})

test('a restarted replica hands out again what its state machine does not have', () => {
  const node = new TestNode({ terms: [1, 1, 1, 1], hardState: { term: 1, commitIndex: 3 }, appliedIndex: 1 })
  node.drain()
  assert.deepEqual(
    node.applied.map((entry) => entry.index),
    [2, 3],
  )
})

test('what was applied had been committed, even if the hard state does not say so', () => {
  const node = new TestNode({ terms: [1, 1, 1], hardState: { term: 1, commitIndex: 1 }, appliedIndex: 2 })
  assert.deepEqual([node.raft.commitIndex, node.raft.appliedIndex], [2, 2])
  node.drain()
  assert.deepEqual(node.applied, [])
})

test('a replica restarts from a compacted log', () => {
  const node = new TestNode({ terms: [1, 1, 2], hardState: { term: 2, commitIndex: 3 } })
  node.drain()
  node.storage.compact(3)
  const again = new TestNode({ appliedIndex: 3 }, node.storage)
  const { firstIndex, lastIndex, lastTerm } = again.raft.status()
  assert.deepEqual([firstIndex, lastIndex, lastTerm], [4, 3, 2])
  again.step(append(2, 1, 2, [3, 2], [2], 4))
  again.drain()
  assert.equal(again.raft.appliedIndex, 4)
})

test('a replica whose applied index lies outside of its log does not start', () => {
  assert.throws(() => new TestNode({ terms: [1], appliedIndex: 2 }), /outside of the log/)
  const node = new TestNode({ terms: [1, 1], hardState: { term: 1, commitIndex: 2 } })
  node.drain()
  node.storage.compact(2)
  assert.throws(() => new TestNode({ appliedIndex: 1 }, node.storage), /outside of the log/)
})

test('a hard state that equals the stored one is not written again', () => {
  const node = new TestNode({ terms: [1], hardState: { term: 3, votedFor: 2, commitIndex: 1 }, appliedIndex: 1 })
  assert.equal(node.raft.hasReady(), false)
})

test('what a Ready handed out is not changed by what comes later', () => {
  const node = new TestNode(ASYNC)
  node.step(append(2, 1, 1, [0, 0], [1, 1]))
  const work = node.takeReady().append
  const before = JSON.stringify(work)
  const next: Message = append(3, 1, 2, [0, 0], [2])
  node.step(next)
  node.takeReady()
  assert.equal(JSON.stringify(work), before)
})
