/**
 * What a start makes of a log and a state that do not go together: a process may die after a snapshot was put in place and before the log was told.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentEvents } from '../../src/base/index.ts'
import type { Entry } from '../../src/raft/index.ts'
import { createMachine } from '../../src/server/machines.ts'
import { systemClock } from '../../src/server/system.ts'
import { MemoryDisk, MemoryLog, openDataStore } from '../../src/storage/index.ts'
import { Births } from '../../src/store/births.ts'
import { Burials } from '../../src/store/burials.ts'
import { Graves } from '../../src/store/graves.ts'
import { RAFT_SETTINGS_DEFAULT, type Replica } from '../../src/store/index.ts'
import { initialRecord } from '../../src/store/initial-state.ts'
import { encodeDescriptor, encodeStateRecord } from '../../src/store/state-record.ts'
import { SeededRandom } from '../raft/harness/seeded-random.ts'
import { bootstrapped } from '../shard-map/arbitraries.ts'

const SNAPSHOT = { index: 12, term: 3 }

interface Stored {
  readonly start: { readonly index: number; readonly term: number }
  /** Terms of the entries that follow. */
  readonly terms: readonly number[]
}

/** Starts a store whose data is the snapshot's and whose log holds `stored`. */
async function revive(stored: Stored): Promise<{ readonly replica: Replica | undefined; readonly damage: string[] }> {
  const [shard] = bootstrapped(3, 1).shards
  const own = shard?.replicas[0]
  assert(shard !== undefined && own !== undefined)
  const disk = new MemoryDisk()
  const data = await openDataStore({
    engine: { kind: 'memory', disk },
    overlayBytes: 1024 * 1024,
    clock: systemClock,
    onFatal: (error) => assert.fail(error),
  })
  data.setState(
    shard.id,
    encodeStateRecord(SNAPSHOT.index, SNAPSHOT.term, encodeDescriptor(initialRecord(shard, own.id)), Buffer.alloc(0)),
  )
  const log = new MemoryLog((run) => queueMicrotask(run))
  const entries = stored.terms.map(
    (term, place): Entry => ({ index: stored.start.index + 1 + place, term, type: 'normal', data: Buffer.from('x') }),
  )
  log.create(shard.id, own.id, stored.start).append(entries, { term: 3, votedFor: own.id, commitIndex: 0 })
  const replicas = new Map<number, Replica>()
  const damage: string[] = []
  const graves = new Graves()
  const common = {
    clock: systemClock,
    events: silentEvents,
    data,
    log,
    graves,
    replicas,
    damaged: new Map(),
    gone: () => {},
  }
  const births = new Births({
    ...common,
    storeId: own.store,
    random: new SeededRandom(1),
    raft: RAFT_SETTINGS_DEFAULT,
    createMachine,
    fence: { lossOf: () => undefined },
    burials: new Burials({ ...common, writeSoon: () => {} }),
    damage: (_, reason) => damage.push(reason),
    wake: () => {},
    isStopping: () => false,
  })
  births.revive()
  await data.close()
  return { replica: replicas.get(shard.id), damage }
}

/** Where the log of the revived replica begins and ends, and the term where it begins. */
async function logOf(stored: Stored): Promise<unknown> {
  const { replica, damage } = await revive(stored)
  assert.deepEqual(damage, [])
  assert(replica !== undefined)
  const { log } = replica.log
  assert.deepEqual(log.hardState.term, 3, 'what it promised stays')
  return { first: log.firstIndex(), last: log.lastIndex(), termBefore: log.term(log.firstIndex() - 1) }
}

const AT_SNAPSHOT = { first: 13, last: 12, termBefore: 3 }

test('a log that ends before the snapshot begins anew after it', async () => {
  assert.deepEqual(await logOf({ start: { index: 5, term: 1 }, terms: [1, 1] }), AT_SNAPSHOT)
})

test('a log that a deposed leader filled beyond the snapshot begins anew after it', async () => {
  // Kept, its entries would pass for applied up to the snapshot, and no leader could ever make the rest of it match.
  assert.deepEqual(await logOf({ start: { index: 5, term: 1 }, terms: Array(12).fill(2) }), AT_SNAPSHOT)
})

test('a log that has what the state holds stays as it is', async () => {
  const terms = [1, 1, 2, 2, 3, 3, 3, 3, 3]
  assert.deepEqual(await logOf({ start: { index: 5, term: 1 }, terms }), { first: 6, last: 14, termBefore: 1 })
  assert.deepEqual(await logOf({ start: SNAPSHOT, terms: [3] }), { first: 13, last: 13, termBefore: 3 })
})

test('a log that begins after what the state holds is damage', async () => {
  const { replica, damage } = await revive({ start: { index: 13, term: 3 }, terms: [3] })
  assert.equal(replica, undefined)
  assert.match(damage[0] ?? '', /begins at 14/)
})
