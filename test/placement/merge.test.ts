/**
 * Merges as the placement driver carries them out, on whole clusters in memory: aligned first where that is needed, given up without a trace, gone on with by
 * the next leader of group 1, and whole with every store dying right after every step. What the steps promise by themselves is in `test/store/merge.test.ts`.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Shard } from '../../shard-map/index.ts'
import { PlacementMachine } from '../../src/machine/index.ts'
import { encodeShardCommand } from '../../src/store/shard-command.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { TestCluster, WAIT_MS } from '../store/cluster.ts'
import type { TestClusterOptions } from '../store/cluster-options.ts'
import { ask, ended, type OperatorShown, onlyShard, start, votersOf } from './people.ts'

const KEYS = ['1one', '5five', 'alpha', 'delta', 'kilo', 'november', 'tango', 'zulu']
const LONG_WAIT_MS = 60_000

/** Runs on a cluster with two shards, cut at "k", on the first three stores. */
async function withTwo(
  options: TestClusterOptions,
  run: (cluster: TestCluster, left: number, right: number) => Promise<void>,
): Promise<void> {
  await TestCluster.with({ placement: { schedulers: [] }, ...options }, async (cluster) => {
    const [left, right] = await cut(cluster, await onlyShard(cluster))
    await run(cluster, left.id, right.id)
  })
}

async function cut(cluster: TestCluster, shard: number): Promise<[Shard, Shard]> {
  const split = await start(cluster, { kind: 'split', shard, key: 'k' })
  assert.equal((await ended(cluster, split.id)).state, 'finished')
  await cluster.settle(2)
  const [left, right] = cluster.store('s1').map.map.shards
  assert(left !== undefined && right !== undefined)
  return [left, right]
}

/** The steps of a running operator, as the leader of group 1 has them; undefined when it has ended or nobody leads. */
function stepsOf(
  cluster: TestCluster,
  id: string,
): readonly { readonly state: string; readonly step: { readonly what: string } }[] | undefined {
  for (const store of cluster.runningStores()) {
    const driver = store.replicas.get(1)
    if (driver?.isLeader !== true || !(driver.machine instanceof PlacementMachine)) continue
    return driver.machine.operators.running.get(Number(id))?.steps
  }
  return undefined
}

/** Waits until `what` is the running step, as soon as it is; false when the operator ended without. */
async function stepBegins(cluster: TestCluster, { id }: OperatorShown, what: string): Promise<boolean> {
  assert(id !== null)
  for (;;) {
    const running = stepsOf(cluster, id)?.find(({ state }) => state === 'running')
    if (running?.step.what === what) return true
    if (running === undefined && (await ask(cluster, { what: 'show-operator', operator: id })).state !== 'running')
      return false
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

async function gone(cluster: TestCluster, shard: number): Promise<void> {
  await poll(`no store has shard ${shard}`, WAIT_MS, () =>
    cluster.runningStores().every((store) => !store.replicas.has(shard)),
  )
}

/** Nothing but the left shard is left, everywhere, and it has all keys. */
async function isOne(cluster: TestCluster, left: number, right: number): Promise<void> {
  await gone(cluster, right)
  await cluster.settle(1)
  const { shard } = await cluster.leader(left)
  assert.deepEqual([shard.id, shard.start, shard.end], [left, '', undefined])
}

/** Both serve, and no part of a merge is left. */
async function areTwo(cluster: TestCluster, right: number): Promise<void> {
  await cluster.settle(2)
  assert.equal((await cluster.leader(right)).merging, undefined)
  for (const key of KEYS) await cluster.client.put(key, 'after')
}

test('neighbours that stand together merge under load, asked for from either side, as the dry run says', async () => {
  await withTwo({}, async (cluster, left, right) => {
    const load = cluster.load('merge', KEYS)
    await load.succeed(100)
    let source = right
    for (const named of ['left', 'right', 'both'] as const) {
      const request = {
        kind: 'merge',
        shard: named === 'left' ? left : source,
        ...(named === 'left' ? {} : { with: left }),
      } as const
      const preview = await ask(cluster, { what: 'start', request, dryRun: true })
      const started = await start(cluster, request)
      assert.deepEqual([started.kind, started.shard], ['merge', left])
      assert.deepEqual(
        started.steps.map(({ what }) => what),
        preview.steps.map(({ what }) => what),
      )
      const end = await ended(cluster, started.id)
      assert.deepEqual([end.state, end.error], ['finished', null], JSON.stringify(end))
      assert.ok(end.steps.every(({ state }) => state === 'done'))
      await isOne(cluster, left, source)
      await load.succeed(100)
      // Cut again at the same key: to the map nothing looks changed, but the epoch does.
      const [, again] = await cut(cluster, left)
      assert.notEqual(again.id, source)
      source = again.id
      await load.succeed(50)
    }
    await load.verify()
    assert.equal(load.counts.none, 0, 'nobody was refused')
  })
})

test('neighbours on other stores with other leaders are brought together first', async () => {
  await withTwo({ stores: 5 }, async (cluster, left, right) => {
    const load = cluster.load('apart', KEYS)
    for (const to of ['s4', 's5']) {
      const from = (await votersOf(cluster, right)).find((store) => store < 's4') as string
      const moved = await start(cluster, { kind: 'move', shard: right, from, to })
      assert.equal((await ended(cluster, moved.id)).state, 'finished')
    }
    const leader = await start(cluster, { kind: 'transfer-leader', shard: right, store: 's5' })
    if (leader.id !== null) assert.equal((await ended(cluster, leader.id)).state, 'finished')
    const preview = await ask(cluster, { what: 'start', request: { kind: 'merge', shard: left }, dryRun: true })
    const started = await start(cluster, { kind: 'merge', shard: left })
    assert.deepEqual(
      started.steps.map(({ what }) => what),
      preview.steps.map(({ what }) => what),
    )
    assert.ok(started.steps.length >= 9, JSON.stringify(started))
    const end = await ended(cluster, started.id, LONG_WAIT_MS)
    assert.deepEqual([end.state, end.error], ['finished', null], JSON.stringify(end))
    await load.succeed(100)
    await load.verify()
    await isOne(cluster, left, right)
  })
})

test('a member that was away finds that its shard was merged away, although nobody whom it knew took part in that', async () => {
  await withTwo({ stores: 6 }, async (cluster, left, right) => {
    const move = async (shard: number, from: string, to: string): Promise<void> => {
      const moved = await start(cluster, { kind: 'move', shard, from, to })
      assert.equal((await ended(cluster, moved.id, LONG_WAIT_MS)).state, 'finished')
    }
    await move(right, 's1', 's4')
    await move(right, 's2', 's5')
    // What it will know of its group when it comes back is who the members are now.
    const members = (): string[] =>
      (cluster.replica('s4', right)?.shard.replicas ?? []).map(({ store }) => store).sort()
    await poll('s4 has applied it', WAIT_MS, () => members().join() === 's3,s4,s5')
    await new Promise<void>((resolve) => {
      cluster.store('s4').request({ kind: 'upkeep', compact: undefined }, WAIT_MS, () => resolve())
    })
    cluster.crash('s4')
    await move(right, 's4', 's6')
    await move(left, 's3', 's6')
    const merge = await start(cluster, { kind: 'merge', shard: left })
    const end = await ended(cluster, merge.id, LONG_WAIT_MS)
    assert.deepEqual([end.state, end.error], ['finished', null], JSON.stringify(end))
    for (const known of ['s3', 's5'])
      assert.equal(cluster.store(known).mergedInto(right), undefined, `${known} took part: the test proves nothing`)
    await cluster.start('s4')
    assert.equal(members().join(), 's3,s4,s5', 's4 knows others: the test proves nothing')
    await poll('it is found', LONG_WAIT_MS, () => !cluster.store('s4').replicas.has(right))
    await isOne(cluster, left, right)
  })
})

test('cancelled at any step, the shard serves again, or the merge turns out to be done', async () => {
  await withTwo({}, async (cluster, left, right) => {
    const load = cluster.load('cancel', KEYS)
    let source = right
    const outcomes = new Set<string>()
    for (let round = 0; round < 12; round++) {
      const started = await start(cluster, { kind: 'merge', shard: left })
      const what = round % 2 === 0 ? 'prepare-merge' : 'commit-merge'
      const isRunning = await stepBegins(cluster, started, what)
      if (isRunning) {
        await ask(cluster, { what: 'cancel-operator', operator: String(started.id) }).catch((error: unknown) => {
          assert.match(String(error), /finished already/)
        })
      }
      const end = await ended(cluster, started.id)
      outcomes.add(end.state)
      if (end.state === 'finished') {
        assert.equal(end.error, null)
        await isOne(cluster, left, source)
        source = (await cut(cluster, left))[1].id
        continue
      }
      assert.deepEqual([end.state, end.error], ['cancelled', 'somebody cancelled it'])
      assert.equal((await cluster.leader(source)).merging, undefined)
      await load.succeed(30)
    }
    assert.ok(outcomes.has('cancelled'), [...outcomes].join())
    await load.verify()
    await areTwo(cluster, source)
  })
})

test('a left shard that changes meanwhile ends the merge, and late steps of it do nothing', async () => {
  await withTwo({}, async (cluster, left, right) => {
    const load = cluster.load('void', KEYS)
    const before = (await cluster.leader(right)).shard
    const target = (await cluster.leader(left)).shard
    const prepared = await cluster.prepareMerge(left, right)
    // Somebody else moves the left shard's epoch on: the shard that was stopped for the old one can never go in.
    await cluster.change({ kind: 'fence-merge', shard: left, epoch: target.epoch, source: right })
    const started = await start(cluster, { kind: 'merge', shard: left })
    const end = await ended(cluster, started.id, LONG_WAIT_MS)
    assert.equal(end.state, 'failed', JSON.stringify(end))
    assert.match(end.error ?? '', /changed/)
    assert.equal((await cluster.leader(right)).merging, undefined)
    const leader = await cluster.leaderStore(right)
    const late = await cluster.ask(leader, { kind: 'prepare-merge', shard: right, epoch: before.epoch, target })
    assert(late.kind === 'error' && late.error.code === 'STALE_EPOCH', JSON.stringify(late))
    const commit = { kind: 'commit-merge', shard: left, epoch: target.epoch, source: prepared.source } as const
    const lateCommit = await cluster.ask(await cluster.leaderStore(left), commit)
    assert(lateCommit.kind === 'error' && lateCommit.error.code === 'STALE_EPOCH')
    await load.succeed(50)
    await load.verify()
    await areTwo(cluster, right)
  })
})

test('a merge that somebody else prepared is gone on with', async () => {
  await withTwo({}, async (cluster, left, right) => {
    await cluster.client.put('november', 'before')
    await cluster.prepareMerge(left, right)
    // The map hears of it from the shard's leader; a plan needs the picture of today.
    await cluster.mapped(right)
    const started = await start(cluster, { kind: 'merge', shard: left })
    assert.equal((await ended(cluster, started.id, LONG_WAIT_MS)).state, 'finished')
    await isOne(cluster, left, right)
    assert.equal(Buffer.from((await cluster.client.get('november')) ?? []).toString(), 'before')
  })
})

test('a merge into a shard that is itself stopped, prepared by somebody else, comes to its end and the right shard serves again', async () => {
  await withTwo({}, async (cluster, left, middle) => {
    const cutOff = await start(cluster, { kind: 'split', shard: middle, key: 't' })
    assert.equal((await ended(cluster, cutOff.id)).state, 'finished')
    await cluster.settle(3)
    const right = cluster.store('s1').map.map.shards[2]?.id
    assert(right !== undefined)
    const { source: target } = await cluster.prepareMerge(left, middle)
    // As asked of a leader on whose store the middle shard's replica is behind.
    const leader = await cluster.leader(right)
    const { epoch } = leader.shard
    const indexMin = leader.raft.commitIndex
    const proposed = leader.raft.propose(
      [encodeShardCommand({ kind: 'prepare-merge', epoch, indexMin, target })],
      'shard',
    )
    assert(proposed.ok)
    cluster.store(await cluster.leaderStore(right)).loop.wake(leader)
    await poll('it is stopped', WAIT_MS, async () => (await cluster.leader(right)).merging !== undefined)
    await cluster.mapped(right)
    await cluster.mapped(middle)
    const started = await start(cluster, { kind: 'merge', shard: right, with: middle })
    const end = await ended(cluster, started.id, LONG_WAIT_MS)
    assert.equal(end.state, 'failed', JSON.stringify(end))
    assert.match(end.error ?? '', /being merged itself/)
    assert.equal((await cluster.leader(right)).merging, undefined)
    await cluster.client.put('tango', 'again')
    // The other merge is as it was.
    const finish = await start(cluster, { kind: 'merge', shard: left, with: middle })
    assert.equal((await ended(cluster, finish.id, LONG_WAIT_MS)).state, 'finished')
    await gone(cluster, middle)
    await areTwo(cluster, right)
  })
})

for (const victim of [
  'the leader of group 1',
  'the leader of the left shard',
  'the leader of the right shard',
  'a follower',
  'everybody',
] as const) {
  test(`${victim} dies right after each step, and the merge is carried out or given up`, async () => {
    await withTwo({}, async (cluster, left, right) => {
      const load = cluster.load('crash', KEYS)
      let source = right
      for (const what of ['prepare-merge', 'commit-merge', 'finished'] as const) {
        // Apart from each other, so that it is clear who dies.
        const leaders = new Map<number, string>()
        for (const [place, shard] of [1, left, source].entries()) {
          const store = `s${place + 1}`
          leaders.set(shard, store)
          const moved = await start(cluster, { kind: 'transfer-leader', shard, store })
          if (moved.id !== null) await ended(cluster, moved.id)
        }
        const started = await start(cluster, { kind: 'merge', shard: left })
        if (what === 'finished') await ended(cluster, started.id)
        else await stepBegins(cluster, started, what)
        const follower = ['s1', 's2', 's3'].filter((store) => store !== leaders.get(left) && store !== leaders.get(1))
        const victims = {
          'the leader of group 1': [leaders.get(1)],
          'the leader of the left shard': [leaders.get(left)],
          'the leader of the right shard': [leaders.get(source)],
          'a follower': follower.slice(0, 1),
          everybody: ['s1', 's2', 's3'],
        }[victim] as readonly string[]
        for (const store of victims) cluster.crash(store)
        for (const store of victims) await cluster.start(store)
        const end = await ended(cluster, started.id, LONG_WAIT_MS)
        assert.ok(end.state === 'finished' || end.state === 'failed', JSON.stringify(end))
        if (end.state === 'finished') {
          await isOne(cluster, left, source)
          source = (await cut(cluster, left))[1].id
        } else await areTwo(cluster, source)
        await load.succeed(30)
      }
      await load.verify()
    })
  })
}

test('a store that is cut off while its shard goes away finds its place again, by log or by snapshot', async () => {
  for (const compactEntries of [10_000, 20]) {
    await withTwo({ raft: { compactEntries } }, async (cluster, left, right) => {
      const load = cluster.load(`away-${compactEntries}`, KEYS)
      await load.succeed(200)
      const leading = await Promise.all([1, left, right].map((shard) => cluster.leaderStore(shard)))
      const away = ['s1', 's2', 's3'].find((store) => !leading.includes(store)) ?? 's3'
      const others = ['s1', 's2', 's3'].filter((store) => store !== away)
      const started = await start(cluster, { kind: 'merge', shard: left })
      await stepBegins(cluster, started, 'commit-merge')
      cluster.hub.partition([away], others)
      const end = await ended(cluster, started.id, LONG_WAIT_MS)
      await load.succeed(300)
      for (const store of others) await cluster.store(store).options.data.flush()
      await load.succeed(300)
      cluster.hub.heal()
      await load.succeed(50)
      await load.verify()
      if (end.state === 'finished') await isOne(cluster, left, right)
      else await areTwo(cluster, right)
    })
  }
})
