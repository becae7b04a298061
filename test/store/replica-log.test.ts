/** What a replica offers as its snapshot and what it may forget: both end where the data is durable, however far the log has come. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry, MembershipState } from '../../src/raft/index.ts'
import { MemoryLog } from '../../src/storage/index.ts'
import { ReplicaLog } from '../../src/store/replica-log.ts'

const MEMBERSHIP: MembershipState = {
  voters: [1],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
}

function logOf(entries: number): ReplicaLog {
  const log = new MemoryLog(() => {}).create(7, 1, { index: 0, term: 0 })
  const all = Array.from(
    { length: entries },
    (_, i): Entry => ({ index: i + 1, term: 2, type: 'normal', data: new Uint8Array(1) }),
  )
  log.append(all, undefined)
  return new ReplicaLog(log, { index: 0, term: 0, membership: MEMBERSHIP })
}

test('the snapshot is the state that is durable, not the end of the log', () => {
  const log = logOf(10)
  assert.deepEqual(log.snapshot(), { index: 0, term: 0, membership: MEMBERSHIP })
  const later: MembershipState = { ...MEMBERSHIP, voters: [1, 2] }
  log.flushedTo(6, 2, later)
  assert.deepEqual(log.snapshot(), { index: 6, term: 2, membership: later })
  assert.equal(log.lastIndex(), 10)
})

test('what is not durable in the data store is never forgotten', () => {
  const log = logOf(10)
  log.flushedTo(6, 2, MEMBERSHIP)
  log.compact(6)
  assert.equal(log.firstIndex(), 7)
  assert.throws(() => log.compact(7), /compact at 7, flushed is 6/)
  assert.equal(log.firstIndex(), 7)
})
