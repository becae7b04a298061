/** The life of a cluster: it grows from one shard, stores join, leave and are lost, the data shrinks and grows again. */
import { delay, poll } from '../../cluster/poll.ts'
import type { CheckedLoad } from '../checked-load.ts'
import { empty, fill, verify } from '../filling.ts'
import { quantilesText } from '../latencies.ts'
import { checkedKeys, LOAD, type Scene, type SceneSettings } from '../scene.ts'
import { megabytes, type Stage, seconds } from '../stage.ts'

/** A cluster of 1 GB has about eleven shards with the default of 96 MiB; smaller ones are cut likewise. */
const SHARDS_ABOUT = 11
const SETTLE_MS_MAX = 900_000
/** Longer than a shard that was cut rests before it is cut again. */
const QUIET_MS = 20_000
/** Of the filling, read back after a loss: a part that still says what all of it would. */
const READ_ONE_IN = 7
/** A shard that balance has moved rests for a minute; only then its next replica may follow. */
const BALANCED_MS = 80_000
const DOWN_AFTER_SECONDS = 20
const MERGE_AFTER_SECONDS = 2
const CALM_THINK_MS = 150

export const life: Scene = {
  name: 'life',
  shows:
    'one shard grows and splits by itself; stores join, drain, leave and are lost; the data shrinks and grows again',
  stage: ({ megabytes: size }) => {
    const part = (share: number): string => `${Math.round((size * 1024) / share)}KiB`
    return {
      stores: 5,
      shards: 1,
      placement: {
        split: { bytes: part(SHARDS_ABOUT), opsPerSecond: 1_000_000 },
        merge: { bytes: part(SHARDS_ABOUT * 5) },
        downAfter: `${DOWN_AFTER_SECONDS}s`,
      },
    }
  },
  async play(stage, settings) {
    const load = stage.load(checkedKeys(64), { ...LOAD, clients: settings.clients })
    await delay(5_000)
    stage.say(`one shard, before anything: ${quantilesText(load.latencies.take())}`)
    const keys = await grow(stage, load, settings)
    await spread(stage, load, settings)
    await leave(stage, load)
    await lose(stage, load, keys)
    await shrink(stage, load, keys, settings)
  },
}

async function grow(stage: Stage, load: CheckedLoad, settings: SceneSettings): Promise<number> {
  const startedMs = performance.now()
  const keys = await fill(stage, settings.megabytes * 1024 * 1024)
  const filledMs = performance.now() - startedMs
  await stage.settled(QUIET_MS, SETTLE_MS_MAX)
  const shards = await stage.dataShards()
  const splits = (await stage.operators()).filter(({ kind, state }) => kind === 'split' && state === 'finished')
  stage.say(`${settings.megabytes} MiB in ${keys} keys of 100 B to 64 KB written in ${seconds(filledMs)}`)
  stage.claim(shards.length > 3, `one shard has become ${shards.length}, by ${splits.length} splits of its own`)
  stage.say(`during the splits: ${quantilesText(load.latencies.take())}`)
  noFailures(stage, load, 'while it grew')
  return keys
}

async function spread(stage: Stage, load: CheckedLoad, { stillSeconds }: SceneSettings): Promise<void> {
  await delay(10_000)
  stage.say(`before two stores join: ${quantilesText(load.latencies.take())}`)
  const startedMs = performance.now()
  const earlier = await stage.operators()
  for (const id of ['s4', 's5']) stage.cluster.start(id)
  for (const id of ['s4', 's5']) await stage.cluster.waitReady(id)
  await stage.stirred(earlier, SETTLE_MS_MAX)
  await stage.settled(BALANCED_MS, SETTLE_MS_MAX)
  const tookMs = performance.now() - startedMs - BALANCED_MS
  const stores = await stage.stores()
  const moved = stores.filter(({ id }) => id === 's4' || id === 's5').reduce((sum, { bytes }) => sum + bytes, 0)
  stage.say(`two stores joined, and the last of the moves ended ${seconds(tookMs)} later; ${megabytes(moved)} moved`)
  stage.say(stores.map(({ id, replicas, leaders }) => `${id} ${replicas} replicas, leads ${leaders}`).join('; '))
  for (const what of ['replicas', 'leaders'] as const) {
    const counts = stores.map((store) => store[what])
    const range = Math.max(...counts) - Math.min(...counts)
    stage.claim(range <= 3, `${what} differ by ${range} between the stores`)
  }
  stage.say(`during the moves: ${quantilesText(load.latencies.take())}`)
  const before = (await stage.operators()).map(({ id }) => id)
  // That it was still for so long already is how its rest was recognized.
  const untilMs = performance.now() + Math.max(10_000, stillSeconds * 1_000 - BALANCED_MS)
  while (performance.now() < untilMs) {
    await delay(1_000)
    stage.waitingFor(() => `still for another ${seconds(untilMs - performance.now())}`)
  }
  const stillMs = performance.now() - untilMs + Math.max(10_000 + BALANCED_MS, stillSeconds * 1_000)
  const after = (await stage.operators()).filter(({ id }) => !before.includes(id))
  stage.claim(after.length === 0, `${after.length} operators in the ${seconds(stillMs)} after that`)
  stage.say(`after the moves: ${quantilesText(load.latencies.take())}`)
  noFailures(stage, load, 'while stores joined')
}

async function leave(stage: Stage, load: CheckedLoad): Promise<void> {
  for (const what of ['drain', 'decommission'] as const) {
    const startedMs = performance.now()
    const { state, error } = await stage.operate(`stores/s4/${what}`)
    stage.claim(
      state === 'finished',
      `${what} of s4 ${state} ${error ?? ''} after ${seconds(performance.now() - startedMs)}`,
    )
  }
  const { code, tookMs } = await stage.cluster.stop('s4')
  stage.claim(code === 0, `s4 stopped with exit code ${code} in ${seconds(tookMs)}`)
  stage.say(`while it left: ${quantilesText(load.latencies.take())}`)
  noFailures(stage, load, 'while a store was drained, decommissioned and stopped')
}

async function lose(stage: Stage, load: CheckedLoad, keys: number): Promise<void> {
  await stage.settled(QUIET_MS, SETTLE_MS_MAX)
  const startedMs = performance.now()
  await stage.cluster.kill9('s5')
  await poll('no shard has a replica on s5', SETTLE_MS_MAX, async () => {
    const shards = await stage.shards()
    return shards.every(({ replicas }) => replicas.length === 3 && replicas.every(({ store }) => store !== 's5'))
  })
  const tookMs = performance.now() - startedMs
  stage.say(
    `s5 was killed for good: all its replicas stood elsewhere ${seconds(tookMs)} later, of which ${DOWN_AFTER_SECONDS} s are placement.downAfter`,
  )
  await verify(stage, keys, READ_ONE_IN)
  stage.say(`while it was missing: ${quantilesText(load.latencies.take())}`)
  stage.say(`${load.failures.length} operations failed around the kill${reasonsOf(load.failures)}`)
  load.failures.length = 0
  stage.cluster.start('s5')
  await stage.cluster.waitReady('s5')
  await stage.settled(QUIET_MS, SETTLE_MS_MAX)
  const back = (await stage.stores()).find(({ id }) => id === 's5')
  stage.say(`s5 came back with its old data: it threw its old replicas away and was given ${back?.replicas} new ones`)
  noFailures(stage, load, 'while it came back')
}

async function shrink(stage: Stage, load: CheckedLoad, keys: number, settings: SceneSettings): Promise<void> {
  const before = (await stage.dataShards()).length
  const earlier = await stage.operators()
  const deletingMs = performance.now()
  await empty(stage, keys, 100)
  stage.say(`99 of 100 keys deleted in ${seconds(performance.now() - deletingMs)}`)
  // Shards that are busy are not merged, and a quick machine makes all of them busy.
  load.pace(CALM_THINK_MS)
  load.latencies.take()
  // An hour by default, which nobody wants to watch.
  await configureMergeAfterSplit(stage, `${MERGE_AFTER_SECONDS}s`)
  const startedMs = performance.now()
  await stage.stirred(earlier, SETTLE_MS_MAX)
  await stage.settled(QUIET_MS, SETTLE_MS_MAX)
  const tookMs = performance.now() - startedMs - QUIET_MS
  const known = new Set(earlier.map(({ id }) => id))
  const since = (await stage.operators()).filter(({ id }) => !known.has(id))
  const merges = since.filter(({ kind, state }) => kind === 'merge' && state === 'finished')
  const byThemselves = merges.filter(({ scheduler }) => scheduler === 'merge')
  const after = (await stage.dataShards()).length
  stage.claim(
    after === 1 && byThemselves.length === merges.length,
    `${before} shards have become ${after}, by ${byThemselves.length} merges of their own, the last of them ${seconds(tookMs)} after placement.merge.afterSplit became ${MERGE_AFTER_SECONDS} s`,
  )
  await verify(stage, keys, 1, (number) => number % 100 === 0)
  stage.say(`during the merges: ${quantilesText(load.latencies.take())}`)
  noFailures(stage, load, 'while it shrank')
  await configureMergeAfterSplit(stage, null)
  load.pace()
  await fill(stage, (settings.megabytes * 1024 * 1024) / 2, keys)
  await stage.settled(QUIET_MS, SETTLE_MS_MAX)
  const again = (await stage.dataShards()).length
  stage.claim(again > after, `after growing again by half there are ${again}`)
  stage.say(`while it grew again: ${quantilesText(load.latencies.take())}`)
  noFailures(stage, load, 'while it grew again')
}

async function configureMergeAfterSplit(stage: Stage, afterSplit: string | null): Promise<void> {
  await stage.admin('config', 'PATCH', JSON.stringify({ placement: { merge: { afterSplit } } }))
}

function noFailures(stage: Stage, load: CheckedLoad, when: string): void {
  stage.claim(
    load.failures.length === 0,
    `${load.failures.length} operations failed ${when}${reasonsOf(load.failures)}`,
  )
  load.failures.length = 0
}

function reasonsOf(failures: readonly string[]): string {
  return failures.length === 0 ? '' : `: ${failures.slice(0, 3).join('; ')}`
}
