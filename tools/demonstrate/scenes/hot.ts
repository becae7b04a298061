/** A hot range is cut where its requests divide and its halves go to different stores; a single hot key cannot be, and that is told. */
import { delay, poll } from '../../cluster/poll.ts'
import { quantilesText } from '../latencies.ts'
import type { Scene } from '../scene.ts'
import { seconds } from '../stage.ts'

/** Low, because the clients share the machine with the stores. */
const SPLIT_OPS = 400
const WAIT_MS = 180_000

interface Hot {
  readonly keys: readonly { readonly key: string; readonly shard: number; readonly readsPerSecond: number }[]
}

export const hot: Scene = {
  name: 'hot',
  shows:
    'a hot range splits by load and its parts are led by different stores; a single hot key is reported as not splittable',
  stage: () => ({ stores: 3, shards: 1, placement: { split: { opsPerSecond: SPLIT_OPS } } }),
  async play(stage, { clients }) {
    const range = Array.from({ length: 64 }, (_, i) => `hot/${String(i).padStart(2, '0')}`)
    const load = stage.load(range, { clients: clients * 2, thinkMs: 2, writes: 20 })
    const startedMs = performance.now()
    const isSpread = async (): Promise<boolean> => {
      const shards = await stage.cluster.dataShards()
      return shards.length >= 2 && new Set(shards.map(({ leader }) => leader)).size >= 2
    }
    await poll('the hot range is cut and spread', WAIT_MS, isSpread)
    const splits = (await stage.operators()).filter(({ kind }) => kind === 'split')
    const shards = await stage.cluster.dataShards()
    stage.say(`${seconds(performance.now() - startedMs)} after the load began: ${splits.at(-1)?.reason}`)
    stage.claim(
      shards.every(({ start = '' }) => start === '' || start.startsWith('hot')),
      `cut at ${shards.map(({ start, leader }) => `${start === '' ? 'the beginning' : start} (led by ${leader})`).join(', ')}`,
    )
    stage.say(`all the while: ${quantilesText(load.latencies.take())}`)
    load.aim(['hot/63'])
    const { key, shard } = await poll('the hot key is known', WAIT_MS, async () => {
      const { keys } = await stage.admin<Hot>('hot')
      return keys.find((each) => each.key === 'hot/63' && each.readsPerSecond > SPLIT_OPS / 2)
    })
    const reason = await poll('the reason why it is not cut', WAIT_MS, async () => {
      const { decisions } = await stage.admin<{ decisions: readonly { reason: string }[] }>(`explain?shard=${shard}`)
      return decisions.find(({ reason: words }) => words.includes('no split divides a single key'))?.reason
    })
    stage.say(`then all of it went to ${key}; \`flotilla explain ${shard}\` says: ${reason}`)
    await delay(2_000)
    const events = stage.cluster.running.flatMap((id) => stage.cluster.logged(id, 'hot_key_found'))
    stage.claim(events.length > 0, `${events.length} event hot_key_found`)
    const { length } = load.failures
    stage.claim(length === 0, `${length} operations failed ${load.failures.slice(0, 3).join('; ')}`)
  },
}
