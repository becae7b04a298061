/** What the upkeep of a store does when the data it looks at cannot be read, or goes away. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentEvents, silentLogger } from '../../src/base/index.ts'
import { DataStoreError, LogStoreError } from '../../src/storage/index.ts'
import { Maintenance } from '../../src/store/maintenance.ts'
import type { Replica } from '../../src/store/replica.ts'
import type { SnapshotSender } from '../../src/store/snapshot-sender.ts'
import type { Store } from '../../src/store/store.ts'
import { VirtualClock } from '../transport/clocks.ts'

interface Estimate {
  readonly answer: (size: { readonly bytes: number; readonly keys: number; readonly isSettled: boolean }) => void
  readonly refuse: (error: Error) => void
}

/** A store with one shard, whose size is asked of `estimates`. */
function storeWith(clock: VirtualClock, estimates: Estimate[]): { readonly store: Store; readonly replica: Replica } {
  const data = {
    overlayBytes: 0,
    surveySize: () =>
      new Promise((answer, refuse) => {
        estimates.push({ answer, refuse })
      }),
  }
  const log = { collectGarbage: () => {} }
  const replica = {
    group: 7,
    appliedIndex: 5,
    estimatedIndex: -1,
    bytes: 1,
    keys: 1,
    shard: { start: '', end: undefined },
    load: { roll: () => {} },
    members: { observe: () => {} },
  } as unknown as Replica
  const store = {
    options: { clock, data, log, events: silentEvents, logger: silentLogger },
    replicas: new Map([[7, replica]]),
    loop: { writeSoon: () => {} },
  } as unknown as Store
  return { store, replica }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

test('sizes that cannot be read are estimated again later', async () => {
  const clock = new VirtualClock()
  const estimates: Estimate[] = []
  const { store, replica } = storeWith(clock, estimates)
  const maintenance = new Maintenance(store, {} as SnapshotSender)
  maintenance.start(() => {})
  clock.advance(6_000)
  assert.equal(estimates.length, 1)
  estimates[0]?.refuse(new DataStoreError('IO_ERROR', 'the data store could not estimate a size'))
  await settle()
  clock.advance(6_000)
  assert.equal(estimates.length, 2)
  estimates[1]?.answer({ bytes: 90, keys: 3, isSettled: true })
  await settle()
  assert.deepEqual([replica.bytes, replica.keys], [90, 3])
  await maintenance.stop(true)
})

test('a flush that fails on the disk has ended the store elsewhere; any other failure in it is not hidden', async () => {
  const clock = new VirtualClock()
  for (const [error, isHidden] of [
    [new DataStoreError('IO_ERROR', 'the data store could not flush'), true],
    [new TypeError('a bug'), false],
  ] as const) {
    const { store } = storeWith(clock, [])
    let fail: (error: Error) => void = () => {}
    Object.assign(store.options.data, {
      surveySize: () => Promise.resolve({ bytes: 0, keys: 0, isSettled: true }),
      overlayBytes: 1,
      flush: () =>
        new Promise((_, reject) => {
          fail = reject
        }),
    })
    const maintenance = new Maintenance(store, {} as SnapshotSender)
    maintenance.start(() => {})
    clock.advance(6_000)
    const stopping = maintenance.stop(false)
    // It waits for the flush; where nobody does, the rejection ends the process.
    await settle()
    fail(error)
    if (isHidden) await stopping
    else await assert.rejects(stopping, error)
  }
})

test('a log that turns out to be damaged when it is shortened ends its replica, and the next one is shortened all the same', async () => {
  const clock = new VirtualClock()
  const { store, replica: damaged } = storeWith(clock, [])
  const shortened: number[] = []
  const contained: unknown[] = []
  const rotten = new LogStoreError('DAMAGED', 'the log of group 7 is damaged')
  const logOf = (compact: (index: number) => void) => ({
    flushed: { index: 90_000 },
    log: { bytes: 0, firstIndex: () => 1 },
    firstIndex: () => 1,
    compact,
  })
  const fail = (): never => {
    throw rotten
  }
  const healthy = { ...damaged, group: 8, log: logOf((index) => shortened.push(index)) }
  Object.assign(damaged, { log: logOf(fail) })
  for (const each of [damaged, healthy]) Object.assign(each, { queue: { isEmpty: true }, isLeader: false })
  Object.assign(store, {
    replicas: new Map([
      [7, damaged],
      [8, healthy],
    ]),
  })
  Object.assign(store.options, { raft: { compactEntries: 100 } })
  Object.assign(store.options.data, {
    surveySize: () => Promise.resolve({ bytes: 0, keys: 0, isSettled: true }),
    overlayBytes: 1,
    flush: () => Promise.resolve(),
    durableState: () => undefined,
  })
  Object.assign(store.loop, {
    stats: { flushSeconds: { observe: () => {} } },
    contain: (replica: Replica, error: unknown) => contained.push(replica.group, error),
  })
  const holdIndex = (): number => Number.MAX_SAFE_INTEGER
  const maintenance = new Maintenance(store, { holdIndex } as unknown as SnapshotSender)
  maintenance.start(() => {})
  clock.advance(6_000)
  await settle()
  assert.deepEqual(contained, [7, rotten])
  assert.deepEqual(shortened, [89_900])
  await maintenance.stop(false)
})

test('it ends only when nobody reads the data any more', async () => {
  const clock = new VirtualClock()
  const estimates: Estimate[] = []
  const maintenance = new Maintenance(storeWith(clock, estimates).store, {} as SnapshotSender)
  maintenance.start(() => {})
  clock.advance(6_000)
  let hasStopped = false
  const stopping = maintenance.stop(true).then(() => {
    hasStopped = true
  })
  await settle()
  assert.equal(hasStopped, false)
  estimates[0]?.answer({ bytes: 0, keys: 0, isSettled: true })
  await stopping
})
