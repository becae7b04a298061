/** What the upkeep of a store does when the data it looks at cannot be read, or goes away. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentEvents, silentLogger } from '../../src/base/index.ts'
import { DataStoreError } from '../../src/storage/index.ts'
import { Maintenance } from '../../src/store/maintenance.ts'
import type { Replica } from '../../src/store/replica.ts'
import type { SnapshotSender } from '../../src/store/snapshot-sender.ts'
import type { Store } from '../../src/store/store.ts'
import { VirtualClock } from '../transport/clocks.ts'

interface Estimate {
  readonly answer: (size: { readonly bytes: number; readonly keys: number }) => void
  readonly refuse: (error: Error) => void
}

/** A store with one shard, whose size is asked of `estimates`. */
function storeWith(clock: VirtualClock, estimates: Estimate[]): { readonly store: Store; readonly replica: Replica } {
  const data = {
    overlayBytes: 0,
    approximateSize: () =>
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
  estimates[1]?.answer({ bytes: 90, keys: 3 })
  await settle()
  assert.deepEqual([replica.bytes, replica.keys], [90, 3])
  await maintenance.stop(true)
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
  estimates[0]?.answer({ bytes: 0, keys: 0 })
  await stopping
})
