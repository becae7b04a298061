import { timeText } from './documents.ts'
import { HEAT_STEP_MS, type HeatMap } from './heat-history.ts'
import type { Liveness } from './liveness.ts'

/** What is hot, now and over time, as the placement driver answers it. Keys are latin-1 text here; the gateway spells them for people. Pure. */

const HOT_SHARDS_MAX = 20
const HOT_KEYS_MAX = 50

export function hotDocument(liveness: Liveness): object {
  const shards = [...liveness.led].map(([shard, { load }]) => ({ shard, ...load }))
  const keys = [...liveness.led].flatMap(([shard, { hotKeys }]) => hotKeys.map((hot) => ({ ...hot, shard })))
  return {
    shards: shards.sort((a, b) => busy(b) - busy(a) || a.shard - b.shard).slice(0, HOT_SHARDS_MAX),
    keys: keys.sort((a, b) => busy(b) - busy(a) || (a.key < b.key ? -1 : 1)).slice(0, HOT_KEYS_MAX),
  }
}

function busy(load: { readonly readsPerSecond: number; readonly writesPerSecond: number }): number {
  return load.readsPerSecond + load.writesPerSecond
}

export function heatMapDocument({ fromMs, toMs, buckets, reads, writes }: HeatMap): object {
  return {
    from: timeText(Math.max(0, fromMs)),
    to: timeText(Math.max(0, toMs)),
    stepSeconds: HEAT_STEP_MS / 1000,
    buckets,
    reads,
    writes,
  }
}
