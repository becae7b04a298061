/**
 * A store whose log lost something that nobody can attribute: which replicas may begin there again. Those that got their ids later may, as the children of a
 * split; of all others nobody knows what they had promised.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentEvents, silentLogger } from '../../src/base/index.ts'
import { decodeRequest, encodeRaftMessage, encodeReply, type Reply, type Request } from '../../src/protocol/index.ts'
import { createMachine } from '../../src/server/machines.ts'
import { systemClock } from '../../src/server/system.ts'
import { type LogStore, MemoryDisk, type MemoryFiles, MemoryLog, openDataStore } from '../../src/storage/index.ts'
import { Births } from '../../src/store/births.ts'
import { Burials } from '../../src/store/burials.ts'
import { Graves } from '../../src/store/graves.ts'
import { IdFence } from '../../src/store/id-fence.ts'
import { RAFT_SETTINGS_DEFAULT, type Replica, type Store } from '../../src/store/index.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { SeededRandom } from '../raft/harness/seeded-random.ts'
import { damagedGroups, memoryFiles, openLog, segmentFiles, sync } from '../storage/log/support.ts'
import { TestCluster } from './cluster.ts'

const LONG_WAIT_MS = 60_000
const UNKNOWN = 0

/** A store that asks for ids: `answers` are given one after the other, undefined for none at all. */
function asking(damaged: readonly number[], answers: (Reply | undefined)[], log: LogStore) {
  const asked: string[] = []
  const damage = new Map(damaged.map((group) => [group, 'bytes hold no readable batch']))
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
  const host = {
    id: 's1',
    state: 'running',
    damaged: damage,
    options: { transport, log, logger: silentLogger } as unknown as Store['options'],
    loop: { writeSoon: () => {} } as Store['loop'],
    request: (request: Request, _: number, done: (reply: Reply) => void) => {
      const reply = next('itself', request)
      if (reply !== undefined) done(reply)
    },
  } as const
  return { fence: new IdFence(host, () => damage.delete(UNKNOWN)), asked, damage }
}

/** A log that lost bytes of which nobody knows whose they were, and the files that it is on. */
async function losing(): Promise<MemoryFiles> {
  const files = memoryFiles(4)
  const log = openLog(files)
  for (let group = 1; group <= 9; group++) {
    log.create(group, group, { index: 0, term: 0 })
    await sync(log)
  }
  lose(files, 500, 900)
  return files
}

function sizeOf(files: MemoryFiles): number {
  return files.read(segmentFiles(files)[0] ?? '').length
}

function lose(files: MemoryFiles, from: number, to: number): void {
  const [file] = segmentFiles(files)
  for (let at = from; at < to; at += 8) files.flipBit(file ?? '', at, 3)
}

function losses(fence: IdFence, ids: readonly number[]): boolean[] {
  return ids.map((id) => fence.lossOf(id) !== undefined)
}

test('an id is asked for until there is one, and parts what came later from what may have been here, also for the next process', async () => {
  const files = await losing()
  const log = openLog(files)
  assert(damagedGroups(log).includes(UNKNOWN))
  const answers: (Reply | undefined)[] = [undefined, { kind: 'done' }, { kind: 'allocate-ids', first: 40 }]
  const { fence, asked, damage } = asking([UNKNOWN, 7], answers, log)
  assert.match(fence.lossOf(1_000_000) ?? '', /no readable batch/, 'nobody knows')
  for (const driver of ['s2', 's3']) {
    fence.ask(driver)
    assert.deepEqual(losses(fence, [1_000_000]), [true])
  }
  fence.ask('s1')
  assert.deepEqual(losses(fence, [39, 40, 41]), [true, true, false])
  assert.match(fence.lossOf(40) ?? '', /before replica id 40 was given out/)
  fence.ask('s2')
  assert.deepEqual(asked, ['s2', 's3', 'itself'])
  assert.deepEqual([...damage.keys()], [7], 'it concerns nobody who begins now')

  // What is begun after it stands behind it in the log.
  log.create(50, 41, { index: 0, term: 0 })
  await sync(log)
  const behind = sizeOf(files)
  for (let group = 51; group < 60; group++) {
    log.create(group, group, { index: 0, term: 0 })
    await sync(log)
  }
  const next = openLog(files)
  assert(!damagedGroups(next).includes(UNKNOWN))
  const again = asking([], [], next)
  assert.deepEqual(losses(again.fence, [40, 41]), [true, false])
  again.fence.ask('s2')
  assert.deepEqual(again.asked, [])

  // New damage could be that of anybody once more.
  lose(files, behind + 100, behind + 500)
  const third = openLog(files)
  assert(damagedGroups(third).includes(UNKNOWN))
  const anew = asking([UNKNOWN], [{ kind: 'allocate-ids', first: 90 }], third)
  assert.deepEqual(losses(anew.fence, [41, 91]), [true, true])
  anew.fence.ask('s3')
  assert.deepEqual(losses(anew.fence, [41, 90, 91]), [true, true, false])
})

test('an answer that comes when the store stops, or a second time, is too late', async () => {
  const log = openLog(await losing())
  let answer: (reply: Reply) => void = () => assert.fail('nobody asked')
  const damaged = new Map([[UNKNOWN, 'bytes hold no readable batch']])
  const host = {
    id: 's1',
    state: 'stopping' as Store['state'],
    damaged,
    options: { log, logger: silentLogger } as unknown as Store['options'],
    loop: { writeSoon: () => {} } as Store['loop'],
    request: (_: Request, __: number, done: (reply: Reply) => void) => {
      answer = done
    },
  }
  const fence = new IdFence(host, () => damaged.delete(UNKNOWN))
  fence.ask('s1')
  answer({ kind: 'allocate-ids', first: 40 })
  assert(damagedGroups(log).includes(UNKNOWN) && damaged.has(UNKNOWN))
  host.state = 'running'
  fence.ask('s1')
  answer({ kind: 'allocate-ids', first: 41 })
  answer({ kind: 'allocate-ids', first: 42 })
  assert.deepEqual(losses(fence, [41, 42]), [true, false])
})

test('a store whose log is sound, or whose damage has names, asks for nothing', () => {
  for (const damaged of [[], [7]]) {
    const { fence, asked } = asking(damaged, [{ kind: 'allocate-ids', first: 40 }], openLog(memoryFiles(1)))
    fence.ask('s2')
    assert.deepEqual(asked, [])
    assert.equal(fence.lossOf(1), undefined)
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
    damaged: new Map(),
    gone: () => {},
  }
  const births = new Births({
    ...common,
    storeId: 's1',
    random: new SeededRandom(1),
    raft: RAFT_SETTINGS_DEFAULT,
    createMachine,
    fence: { lossOf: (id) => (id > 40 ? undefined : 'bytes hold no readable batch') },
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
    await poll(
      'the damage is repaired, or concerns nobody who begins now',
      LONG_WAIT_MS,
      () => store.damaged.size === 0,
    )
    await poll('three voters', LONG_WAIT_MS, async () => {
      const { replicas } = (await cluster.leader(shard)).shard
      return replicas.filter(({ role }) => role === 'voter').length === 3
    })
    assert.equal(store.fence.lossOf(2 ** 40), undefined)
    assert(store.fence.lossOf(3) !== undefined)
    // Nobody knows of this one whether it has voted here before.
    const message = { type: 'Heartbeat', from: 99, to: 3, term: 9, commitIndex: 0, readId: 0 } as const
    store.onItems('s1', 'raft', [encodeRaftMessage(4_000, message)], 'disk-s1')
    assert.equal(store.replicas.has(4_000), false)
    const children = await cluster.split(shard, 'd', 'n')
    for (const { id } of children) await cluster.agree(id)
    assert.equal(store.damaged.size, 0)
    for (const { id } of children) assert(cluster.replica(victim, id)?.isInitialised === true, `shard ${id}`)
    // Ids that are given out before a restart, and begin after it.
    const [parent, ...rest] = [shard, ...children.map(({ id }) => id)]
    const ids = new Set(rest)
    await cluster.stop(victim)
    const late = await cluster.split(parent, 'b')
    for (const { id } of late) ids.add(id)
    await cluster.start(victim)
    assert.equal(cluster.store(victim).damaged.size, 0, 'the damage is still on the disk, and known')
    for (const id of [parent, ...ids]) await cluster.agree(id)
    for (const id of ids) assert(cluster.replica(victim, id)?.isInitialised === true, `shard ${id} after the restart`)
    cluster.store(victim).onItems('s1', 'raft', [encodeRaftMessage(4_000, message)], 'disk-s1')
    assert.equal(cluster.store(victim).replicas.has(4_000), false, 'what is older is still refused')
    await load.succeed(100)
    await load.verify()
  })
})
