/** Logs are shortened up to what a flush has made durable, not up to what was applied meanwhile. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentEvents } from '../../src/base/index.ts'
import type { Entry, MembershipState } from '../../src/raft/index.ts'
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

/** One flush of a store whose replica has applied up to `appliedIndex` when the flush, which took in all up to `flushedIndex`, has ended. */
async function flush(flushedIndex: number, appliedIndex: number, compactEntries: number): Promise<ReplicaLog> {
  const log = new MemoryLog(() => {}).create(GROUP, 1, { index: 0, term: 0 })
  log.append(
    Array.from({ length: 100 }, (_, i): Entry => ({ index: i + 1, term: 2, type: 'normal', data: NO_BYTES })),
    undefined,
  )
  const replicaLog = new ReplicaLog(log, { index: 0, term: 0, membership: MEMBERSHIP })
  const replica = {
    group: GROUP,
    appliedIndex,
    membership: MEMBERSHIP,
    log: replicaLog,
    isLeader: false,
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
