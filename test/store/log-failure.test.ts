/** A log that cannot be written any more: the loop says so once, and does nothing from then on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, silentEvents, silentLogger } from '../../src/base/index.ts'
import type { Message } from '../../src/raft/index.ts'
import { type DataStore, type LogStore, LogStoreError } from '../../src/storage/index.ts'
import { Loop } from '../../src/store/loop.ts'
import type { LoopHooks } from '../../src/store/loop-hooks.ts'
import type { Replica } from '../../src/store/replica.ts'
import type { SnapshotSender } from '../../src/store/snapshot-sender.ts'
import type { Transport } from '../../src/transport/index.ts'

function loopOn(log: Partial<LogStore>) {
  const soon: (() => void)[] = []
  const failures: LogStoreError[] = []
  const heard: string[] = []
  const clock: Clock = {
    nowMs: () => 0,
    wallMs: () => 0,
    after: () => ({ cancel() {} }),
    soon: (run) => soon.push(run),
  }
  const replica = {
    group: 7,
    installing: true,
    dirty: false,
    isRetired: false,
    raft: { step: ({ type }: Message) => heard.push(type), tick: () => {}, hasReady: () => false },
  } as unknown as Replica
  const loop = new Loop({
    clock,
    log: log as LogStore,
    data: {} as DataStore,
    transport: { flush() {}, holdUntilFlush() {} } as unknown as Transport,
    events: silentEvents,
    logger: silentLogger,
    hooks: { logFailed: (error) => failures.push(error) } as Partial<LoopHooks> as LoopHooks,
    replicas: new Map([[replica.group, replica]]),
  })
  loop.start(50, {} as SnapshotSender)
  const turn = (): void => {
    for (let run = soon.shift(); run !== undefined; run = soon.shift()) run()
  }
  return { loop, replica, failures, heard, turn }
}

test('a failed write ends the loop: its owner hears why, nothing is written or heard any more', () => {
  const syncs: ((error: LogStoreError | undefined) => void)[] = []
  const { loop, replica, failures, heard, turn } = loopOn({ dirty: true, sync: (done) => syncs.push(done) })
  loop.writeSoon()
  turn()
  assert.equal(syncs.length, 1)
  const error = new LogStoreError('IO_ERROR', 'fsync failed')
  syncs[0]?.(error)
  assert.deepEqual(failures, [error])
  loop.receive(replica, { type: 'Heartbeat' } as Message)
  loop.writeSoon()
  turn()
  assert.equal(syncs.length, 1, 'a log that failed is written again')
  assert.deepEqual(heard, [])
  assert.equal(failures.length, 1)
})

test('after a good write the loop goes on', () => {
  const syncs: ((error: LogStoreError | undefined) => void)[] = []
  const { loop, replica, failures, heard, turn } = loopOn({ dirty: true, sync: (done) => syncs.push(done) })
  loop.writeSoon()
  turn()
  syncs[0]?.(undefined)
  loop.receive(replica, { type: 'Heartbeat' } as Message)
  turn()
  assert.equal(syncs.length, 2)
  assert.deepEqual([heard, failures], [['Heartbeat'], []])
})
