/**
 * A store whose log lost something that nobody can attribute: which replicas may begin there again. Those that got their ids later may, as the children of a
 * split; of all others nobody knows what they had promised.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentEvents } from '../../src/base/index.ts'
import { decodeRequest, encodeRaftMessage, encodeReply, type Reply, type Request } from '../../src/protocol/index.ts'
import { createMachine } from '../../src/server/machines.ts'
import { systemClock } from '../../src/server/system.ts'
import { MemoryDisk, MemoryLog, openDataStore } from '../../src/storage/index.ts'
import { Births } from '../../src/store/births.ts'
import { Burials } from '../../src/store/burials.ts'
import { Graves } from '../../src/store/graves.ts'
import { IdFence } from '../../src/store/id-fence.ts'
import { RAFT_SETTINGS_DEFAULT, type Replica, type Store } from '../../src/store/index.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { SeededRandom } from '../raft/harness/seeded-random.ts'
import { TestCluster, WAIT_MS } from './cluster.ts'

const LONG_WAIT_MS = 60_000
const UNKNOWN = 0

/** A store that asks for ids: `answers` are given one after the other, undefined for none at all. */
function asking(damaged: readonly number[], answers: (Reply | undefined)[]): { fence: IdFence; asked: string[] } {
  const asked: string[] = []
  const next = (who: string, request: Request): Reply | undefined => {
    assert.deepEqual(request, { kind: 'allocate-ids', count: 1 })
    asked.push(who)
    return answers.shift()
  }
  const transport = {
    request: (to: string, bytes: Uint8Array, _: number, done: (answer: Uint8Array | string) => void) => {
      const decoded = decodeRequest(bytes)
      assert(decoded.ok)
      const reply = next(to, decoded.value)
      done(reply === undefined ? 'timeout' : encodeReply(reply))
    },
    flush: () => {},
  }
  const fence = new IdFence({
    id: 's1',
    damaged: new Map(damaged.map((group) => [group, 'bytes hold no readable batch'])),
    options: { transport } as unknown as Store['options'],
    request: (request, _, done) => {
      const reply = next('itself', request)
      if (reply !== undefined) done(reply)
    },
  })
  return { fence, asked }
}

test('an id is asked for until there is one, and parts what came later from what may have been here', () => {
  const { fence, asked } = asking([UNKNOWN, 7], [undefined, { kind: 'done' }, { kind: 'allocate-ids', first: 40 }])
  assert.equal(fence.isLater(1_000_000), false, 'nobody knows')
  for (const driver of ['s2', 's3']) {
    fence.ask(driver)
    assert.equal(fence.isLater(1_000_000), false)
  }
  fence.ask('s1')
  assert.deepEqual(
    [39, 40, 41].map((id) => fence.isLater(id)),
    [false, false, true],
  )
  fence.ask('s2')
  assert.deepEqual(asked, ['s2', 's3', 'itself'])
})

test('a store whose log is sound, or whose damage has names, asks for nothing', () => {
  for (const damaged of [[], [7]]) {
    const { fence, asked } = asking(damaged, [{ kind: 'allocate-ids', first: 40 }])
    fence.ask('s2')
    assert.deepEqual(asked, [])
    assert.equal(fence.isLater(41), false)
  }
})

test('a replica without a log is born and called only with an id from after the damage', async () => {
  const data = await openDataStore({
    engine: { kind: 'memory', disk: new MemoryDisk() },
    overlayBytes: 1 << 20,
    clock: systemClock,
    onFatal: (error) => assert.fail(error),
  })
  const log = new MemoryLog((run) => queueMicrotask(run))
  const common = {
    clock: systemClock,
    events: silentEvents,
    data,
    log,
    graves: new Graves(),
    replicas: new Map<number, Replica>(),
    gone: () => {},
  }
  const births = new Births({
    ...common,
    storeId: 's1',
    random: new SeededRandom(1),
    raft: RAFT_SETTINGS_DEFAULT,
    createMachine,
    damaged: new Map([[UNKNOWN, 'bytes hold no readable batch']]),
    fence: { isLater: (id) => id > 40 },
    burials: new Burials({ ...common, writeSoon: () => {} }),
    damage: (_, reason) => assert.fail(reason),
    wake: () => {},
    isStopping: () => false,
  })
  assert.match(births.whyUnfit(9, 40) ?? '', /may have been lost: bytes hold no readable batch/)
  assert.equal(births.whyUnfit(9, 41), undefined)
  const heartbeat = { type: 'Heartbeat', from: 7, term: 9, commitIndex: 0, readId: 0 } as const
  assert.equal(births.call(9, { ...heartbeat, to: 40 }), undefined)
  assert.equal(births.call(9, { ...heartbeat, to: 41 })?.id, 41)
  assert.equal(births.whyUnfit(9, 41), undefined, 'now it has a log')
  await data.close()
})

test('children of a split begin where a log lost something unknown before they had their ids; what is older stays away', async () => {
  await TestCluster.with({ shards: 1, placement: { schedulers: ['repair'] } }, async (cluster) => {
    const load = cluster.load('fence', ['alpha', 'delta', 'kilo', 'november', 'tango'])
    await load.succeed(200)
    const shard = cluster.store('s1').map.map.shards[0]?.id ?? 0
    const leader = await cluster.leaderStore(shard)
    const victim = ['s1', 's2', 's3'].find((id) => id !== leader) ?? ''
    await cluster.store(victim).options.data.flush()
    await cluster.stop(victim)
    const files = cluster.files.get(victim)
    // Whole batches are gone, with the names of those that they belonged to.
    const logs = files?.paths().filter((path) => path.includes('log')) ?? []
    for (const path of logs) for (let at = 2_000; at < 6_000; at += 32) files?.flipBit(path, at, 3)
    await cluster.start(victim)
    const store = cluster.store(victim)
    assert(store.damaged.has(UNKNOWN), 'the log says whose all the damage is: the test proves nothing')
    await poll('the other damage is repaired', LONG_WAIT_MS, () => [...store.damaged.keys()].join() === `${UNKNOWN}`)
    await poll('three voters', LONG_WAIT_MS, async () => {
      const { replicas } = (await cluster.leader(shard)).shard
      return replicas.filter(({ role }) => role === 'voter').length === 3
    })
    await poll('the store has its id', WAIT_MS, () => store.fence.isLater(2 ** 40))
    // Nobody knows of this one whether it has voted here before.
    const message = { type: 'Heartbeat', from: 99, to: 3, term: 9, commitIndex: 0, readId: 0 } as const
    store.onItems('s1', 'raft', [encodeRaftMessage(4_000, message)], 'disk-s1')
    assert.equal(store.replicas.has(4_000), false)
    const children = await cluster.split(shard, 'd', 'n')
    for (const { id } of children) await cluster.agree(id)
    assert.deepEqual([...store.damaged.keys()], [UNKNOWN])
    for (const { id } of children) assert(cluster.replica(victim, id)?.isInitialised === true, `shard ${id}`)
    await cluster.restart(victim)
    for (const { id } of children) await cluster.agree(id)
    await load.succeed(100)
    await load.verify()
  })
})
