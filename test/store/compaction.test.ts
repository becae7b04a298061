/** Logs are shortened up to what a flush has made durable, not up to what was applied meanwhile. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentEvents } from '../../src/base/index.ts'
import type { Entry, MembershipState, ProgressStatus } from '../../src/raft/index.ts'
import { MemoryLog } from '../../src/storage/index.ts'
import { Maintenance } from '../../src/store/maintenance.ts'
import type { Replica } from '../../src/store/replica.ts'
import { ReplicaLog } from '../../src/store/replica-log.ts'
import type { SnapshotSender } from '../../src/store/snapshot-sender.ts'
import { encodeStateRecord } from '../../src/store/state-record.ts'
import type { Store } from '../../src/store/store.ts'

const GROUP = 7
const MEMBERSHIP: MembershipState = {
  voters: [1],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
}
const NO_BYTES = new Uint8Array(0)

type Follower = Pick<ProgressStatus, 'matchIndex' | 'state' | 'heardLately'>

/**
 * One flush of a store whose replica, with a log of 100 entries of this size, has applied up to `appliedIndex` when the flush, which took in all up to
 * `flushedIndex`, has ended. It leads when it has followers.
 */
async function flush(
  flushedIndex: number,
  appliedIndex: number,
  compactEntries: number,
  entryBytes = 0,
  followers: readonly Follower[] = [],
): Promise<ReplicaLog> {
  const log = new MemoryLog(() => {}).create(GROUP, 1, { index: 0, term: 0 })
  const data = new Uint8Array(entryBytes)
  log.append(
    Array.from({ length: 100 }, (_, i): Entry => ({ index: i + 1, term: 2, type: 'normal', data })),
    undefined,
  )
  const replicaLog = new ReplicaLog(log, { index: 0, term: 0, membership: MEMBERSHIP })
  const replica = {
    group: GROUP,
    appliedIndex,
    membership: MEMBERSHIP,
    log: replicaLog,
    id: 1,
    isLeader: followers.length > 0,
    raft: { status: () => ({ progress: new Map(followers.map((follower, i) => [i + 2, follower])) }) },
    queue: { isEmpty: true },
  }
  const record = encodeStateRecord(flushedIndex, 2, NO_BYTES, NO_BYTES)
  const store = {
    options: {
      clock: { nowMs: () => 0 },
      data: { overFull: false, overlayBytes: 1, flush: async () => {}, durableState: () => record },
      events: silentEvents,
      raft: { compactEntries },
    },
    loop: { stats: { flushSeconds: { observe: () => {} } } },
    replicas: new Map([[GROUP, replica as unknown as Replica]]),
  } as unknown as Store
  const sender = { holdIndex: () => Number.POSITIVE_INFINITY } as unknown as SnapshotSender
  await new Maintenance(store, sender).stop(true)
  return replicaLog
}

test('what was applied during the flush stays in the log, and so does what should be kept', async () => {
  const log = await flush(60, 95, 10)
  assert.deepEqual([log.flushed.index, log.flushed.term], [60, 2])
  assert.equal(log.firstIndex(), 51)
  assert.equal(log.lastIndex(), 100)
})

test('a log is not shortened before there is enough of it', async () => {
  const log = await flush(19, 95, 10)
  assert.equal(log.flushed.index, 19)
  assert.equal(log.firstIndex(), 1)
})

const KiB = 1024
const FOLLOWING: Follower = { matchIndex: 40, state: 'replicate', heardLately: true }

test('few entries of many bytes are shortened, but not in front of a follower that catches up', async () => {
  assert.equal((await flush(60, 95, 1_000, 300 * KiB)).firstIndex(), 1, 'less than is enough')
  assert.equal((await flush(60, 95, 1_000, 400 * KiB)).firstIndex(), 61, 'nobody needs it')
  assert.equal((await flush(60, 95, 1_000, 400 * KiB, [FOLLOWING, { ...FOLLOWING, matchIndex: 90 }])).firstIndex(), 41)
  const others: Follower[] = [
    { ...FOLLOWING, heardLately: false },
    { ...FOLLOWING, state: 'snapshot' },
  ]
  for (const other of others) assert.equal((await flush(60, 95, 1_000, 400 * KiB, [other])).firstIndex(), 61)
})

test('a log does not grow for a follower without end, in bytes or in entries', async () => {
  assert.equal((await flush(60, 95, 1_000, 1_400 * KiB, [FOLLOWING])).firstIndex(), 61)
  assert.equal((await flush(60, 95, 10, 0, [{ ...FOLLOWING, matchIndex: 15 }])).firstIndex(), 51)
  assert.equal((await flush(60, 95, 10, 0, [FOLLOWING])).firstIndex(), 41)
})
