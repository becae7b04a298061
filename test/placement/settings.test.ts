/** Settings of the cluster on whole clusters in memory: every store goes by them when the change is answered, or hears of them later, and they outlive everybody. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FlotillaError, type OperateRequest } from '../../src/protocol/index.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { TestCluster, WAIT_MS } from '../store/cluster.ts'
import { ask } from './people.ts'

type Settings = Extract<OperateRequest, { readonly what: 'configure' }>['settings']

interface Kept {
  readonly version: number
  readonly settings: Readonly<Record<string, unknown>>
  readonly unreached?: readonly string[]
}

const configure = (cluster: TestCluster, settings: Settings, expectedVersion?: number) =>
  ask<Kept>(cluster, {
    what: 'configure',
    settings,
    by: 'test',
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
  })

const heard = (cluster: TestCluster) =>
  cluster.runningStores().map((store) => [store.settings.config.version, ...store.settings.config.settings.values()])

test('when a change is answered, every store that lives goes by it; the others hear of it later', async () => {
  await withCluster(5, async (cluster) => {
    const load = cluster.load('settings', ['a', 'b'])
    const told: number[] = []
    cluster.store('s4').settings.follow(({ version }) => told.push(version))
    const first = await configure(cluster, [['placement.downAfter', 60_000]])
    assert.deepEqual(first, { version: 1, settings: { 'placement.downAfter': 60_000 }, unreached: [] })
    assert.deepEqual(
      heard(cluster),
      [1, 2, 3, 4, 5].map(() => [1, 60_000]),
    )
    // s5 is no member of group 1 and is cut off: the change does not wait long for it.
    cluster.hub.partition(['s5'], ['s1', 's2', 's3', 's4', 'client'])
    const second = await configure(cluster, [['placement.downAfter', 50_000]], 1)
    assert.deepEqual(second.unreached, ['s5'])
    assert.equal(cluster.store('s5').settings.config.version, 1)
    cluster.hub.heal()
    await poll('s5 hears of it', WAIT_MS, () => cluster.store('s5').settings.config.version === 2)
    assert.deepEqual(told, [1, 2], 'each version is told once')
    await load.verify()
  })
})

test('a store that was away, and a cluster that was stopped, find the settings again', async () => {
  await withCluster(4, async (cluster) => {
    await cluster.stop('s4')
    await configure(cluster, [['placement.split.bytes', 1_000_000]])
    await cluster.start('s4')
    await poll('s4 has them', WAIT_MS, () => cluster.store('s4').settings.config.version === 1)
    for (const id of ['s1', 's2', 's3', 's4']) await cluster.stop(id)
    await Promise.all(['s1', 's2', 's3', 's4'].map((id) => cluster.start(id)))
    await poll('all have them again', WAIT_MS, () => heard(cluster).every(([version]) => version === 1))
    assert.deepEqual(
      heard(cluster),
      [1, 2, 3, 4].map(() => [1, 1_000_000]),
    )
    assert.deepEqual(await ask(cluster, { what: 'show-settings' }), {
      version: 1,
      settings: { 'placement.split.bytes': 1_000_000 },
    })
  })
})

test('the placement driver goes by its settings at once, whoever leads it', async () => {
  await withCluster(4, async (cluster) => {
    const states = async () =>
      new Map((await cluster.router.admin.placementStatus()).stores.map(({ id, liveness }) => [id, liveness]))
    await cluster.stop('s4')
    await poll('s4 is missed', WAIT_MS, async () => (await states()).get('s4') === 'suspect')
    await configure(cluster, [['placement.downAfter', 1_000]])
    assert.equal((await states()).get('s4'), 'down')
    await cluster.restart(await cluster.leaderStore(1))
    await poll('the next leader says so too', WAIT_MS, async () => (await states()).get('s4') === 'down')
    await configure(cluster, [['placement.downAfter', null]])
    assert.notEqual((await states()).get('s4'), 'down')
  })
})

test('a change is refused when another came first, or when nobody could go by it; the history says who', async () => {
  await withCluster(3, async (cluster) => {
    const refused = (code: string) => (error: unknown) => error instanceof FlotillaError && error.code === code
    await configure(cluster, [['placement.merge.bytes', 5]], 0)
    await assert.rejects(configure(cluster, [['placement.merge.bytes', 6]], 0), refused('OPERATOR_CONFLICT'))
    await assert.rejects(configure(cluster, [['raft.tickMs', 6]]), refused('INVALID_ARGUMENT'))
    assert.deepEqual(
      heard(cluster),
      [1, 2, 3].map(() => [1, 5]),
    )
    const { changes } = await ask<{ changes: readonly Record<string, unknown>[] }>(cluster, {
      what: 'settings-history',
    })
    assert.equal(changes.length, 1)
    const { ts, ...change } = changes[0] ?? {}
    assert.ok(Date.parse(String(ts)) > 0)
    assert.deepEqual(change, {
      version: 1,
      by: 'test',
      settings: [{ name: 'placement.merge.bytes', before: null, after: 5 }],
    })
  })
})

async function withCluster(stores: number, use: (cluster: TestCluster) => Promise<void>): Promise<void> {
  await TestCluster.with({ stores, placement: { schedulers: [] } }, use)
}
