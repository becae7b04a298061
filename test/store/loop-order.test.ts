/** A turn that comes late: what was said while the process slept is heard before time passes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, silentEvents, silentLogger } from '../../src/base/index.ts'
import type { Message } from '../../src/raft/index.ts'
import type { DataStore, LogStore } from '../../src/storage/index.ts'
import { Loop } from '../../src/store/loop.ts'
import type { LoopHooks } from '../../src/store/loop-hooks.ts'
import type { Replica } from '../../src/store/replica.ts'
import type { SnapshotSender } from '../../src/store/snapshot-sender.ts'
import type { Transport } from '../../src/transport/index.ts'

test('messages that waited are met before the tick that has become due', () => {
  const timers: (() => void)[] = []
  const soon: (() => void)[] = []
  const clock: Clock = {
    nowMs: () => 0,
    wallMs: () => 0,
    after(_delayMs, run) {
      timers.push(run)
      return { cancel() {} }
    },
    soon: (run) => soon.push(run),
  }
  const order: string[] = []
  const replica = {
    group: 7,
    // Nothing comes after messages and time for a replica that takes in a snapshot.
    installing: true,
    dirty: false,
    isRetired: false,
    raft: {
      step: ({ type }: Message) => order.push(type),
      tick: () => order.push('tick'),
      hasReady: () => false,
    },
  } as unknown as Replica
  const loop = new Loop({
    clock,
    log: { dirty: false } as unknown as LogStore,
    data: {} as DataStore,
    transport: { flush() {}, holdUntilFlush() {} } as unknown as Transport,
    events: silentEvents,
    logger: silentLogger,
    hooks: {} as LoopHooks,
    replicas: new Map([[replica.group, replica]]),
  })
  loop.start(50, {} as SnapshotSender)
  // The process wakes up: its timer is long due, and behind it stands what the leader said meanwhile.
  timers.shift()?.()
  for (const type of ['Heartbeat', 'AppendEntries'] as const) loop.receive(replica, { type } as Message)
  for (let run = soon.shift(); run !== undefined; run = soon.shift()) run()
  assert.deepEqual(order, ['Heartbeat', 'AppendEntries', 'tick'])
})
