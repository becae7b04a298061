/** A large shard moves to another store: what the stores' event loops and the clients notice of it. */
import { delay } from '../../cluster/poll.ts'
import { fill } from '../filling.ts'
import { type Quantiles, quantilesText } from '../latencies.ts'
import { checkedKeys, LOAD, type Scene } from '../scene.ts'
import { type Stage, seconds } from '../stage.ts'

const SHARD_MIB = 256
const CALM_MS = 20_000
const FACTOR_MAX = 2
const DELAY_MS_MAX = 20

export const smooth: Scene = {
  name: 'smooth',
  shows: 'event-loop delay and foreground latency while a large shard moves',
  stage: () => ({ stores: 4, shards: 1, placement: { split: { bytes: '4GiB', opsPerSecond: 1_000_000 } } }),
  async play(stage, { clients, megabytes: wanted }) {
    const size = Math.min(SHARD_MIB, wanted)
    await stage.admin('schedulers/balance-replicas/pause', 'POST', '{"seconds":3600}')
    await fill(stage, size * 1024 * 1024)
    stage.cluster.start('s4')
    await stage.cluster.waitReady('s4')
    const load = stage.load(checkedKeys(32), { ...LOAD, clients })
    // What filling has left to flush and compact is over by then.
    await delay(CALM_MS)
    load.latencies.take()
    const before = await measured(stage, delay(CALM_MS))
    const calm = load.latencies.take()
    const [shard] = await stage.dataShards()
    const from = shard?.replicas.map(({ store }) => store).find((store) => store !== shard.leader) ?? 's3'
    const startedMs = performance.now()
    const moving = stage.operate(`shards/${shard?.id}/move`, JSON.stringify({ from, to: 's4' }))
    const during = await measured(stage, moving)
    const tookMs = performance.now() - startedMs
    const busy = load.latencies.take()
    const { state } = await moving
    stage.claim(state === 'finished', `a shard of ${size} MiB moved from ${from} to s4 in ${seconds(tookMs)}`)
    stage.say(`before: ${quantilesText(calm)}`)
    stage.say(`during: ${quantilesText(busy)}`)
    stage.say(`p99 during is ${ratio(busy, calm)} times that of before (wanted: at most ${FACTOR_MAX})`)
    for (const id of stage.cluster.running) {
      stage.say(
        `event loop of ${id}, p99 of a second: at worst ${delayText(before.get(id))} before, ${delayText(during.get(id))} during the move (wanted: under ${DELAY_MS_MAX} ms)`,
      )
    }
    const { length } = load.failures
    stage.claim(length === 0, `${length} operations failed ${load.failures.slice(0, 3).join('; ')}`)
  },
}

function ratio(busy: Quantiles, calm: Quantiles): string {
  return (busy.p99Ms / Math.max(0.1, calm.p99Ms)).toFixed(1)
}

/** The metric is the time between two looks of a timer, so an idle loop shows its interval. */
const LOOK_INTERVAL_MS = 10

interface LoopDelay {
  readonly p99Ms: number
  readonly maxMs: number
}

function delayText(delays: LoopDelay | undefined): string {
  return delays === undefined ? 'unknown' : `${delays.p99Ms.toFixed(0)} ms (longest ${delays.maxMs.toFixed(0)} ms)`
}

/** The worst second of every store's event loop until `work` is done. Each look begins a new measurement in the store. */
async function measured(stage: Stage, work: Promise<unknown>): Promise<ReadonlyMap<string, LoopDelay>> {
  const worst = new Map<string, LoopDelay>()
  let isOver = false
  const end = (): void => {
    isOver = true
  }
  void work.then(end, end)
  await look(stage)
  while (!isOver) {
    await delay(1_000)
    for (const [id, { p99Ms, maxMs }] of await look(stage)) {
      const known = worst.get(id)
      worst.set(id, { p99Ms: Math.max(known?.p99Ms ?? 0, p99Ms), maxMs: Math.max(known?.maxMs ?? 0, maxMs) })
    }
  }
  return worst
}

async function look(stage: Stage): Promise<ReadonlyMap<string, LoopDelay>> {
  const delays = await Promise.all(
    stage.cluster.running.map(async (id): Promise<readonly [string, LoopDelay]> => {
      // One page for both: each page begins a new measurement.
      const page = (await stage.cluster.http(id, { method: 'GET', path: '/metrics' })).body.toString('utf8')
      const milliseconds = (name: string): number =>
        Math.max(0, 1_000 * Number(new RegExp(`^${name} (\\S+)`, 'm').exec(page)?.[1]) - LOOK_INTERVAL_MS)
      return [
        id,
        {
          p99Ms: milliseconds('nodejs_eventloop_lag_p99_seconds'),
          maxMs: milliseconds('nodejs_eventloop_lag_max_seconds'),
        },
      ]
    }),
  )
  return new Map(delays)
}
