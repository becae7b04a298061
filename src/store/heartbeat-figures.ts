import type { ShardFigures } from '../protocol/index.ts'
import { SAMPLES_MIN } from './key-sampler.ts'
import type { Replica } from './replica.ts'

/**
 * What a leader reports of a shard beside the shard itself, and what of it is news. Pure but for what it looks at; the heartbeat sender decides when.
 */

/** Keys and samples travel for the busiest shards only: of the others nobody would act on them. */
const SAMPLED_SHARDS_MAX = 16
const SAMPLE_BYTES_MAX = 64 * 1024

export function figuresOf(replica: Replica): ShardFigures {
  const { bytes, keys, load, members } = replica
  return { bytes, keys, load: load.rates, silent: members.silent, behind: members.behind, samples: [], hotKeys: [] }
}

/** The busiest of these with what their samples say, as long as all of that together stays small. */
export function sampleBusiest(replicas: readonly Replica[]): Map<number, ShardFigures> {
  const ops = ({ load: { rates } }: Replica): number => rates.readsPerSecond + rates.writesPerSecond
  const busiest = replicas.filter(({ load }) => (load.sampler?.size ?? 0) >= SAMPLES_MIN)
  busiest.sort((a, b) => ops(b) - ops(a) || a.group - b.group)
  const figures = new Map<number, ShardFigures>()
  let bytes = 0
  for (const replica of busiest.slice(0, SAMPLED_SHARDS_MAX)) {
    const { load, group } = replica
    const samples = load.sampler?.parts(SAMPLES_MIN) ?? []
    const hotKeys = load.sampler?.hotKeys(load.rates) ?? []
    for (const { key } of [...samples, ...hotKeys]) bytes += key.length
    if (bytes > SAMPLE_BYTES_MAX) break
    figures.set(group, { ...figuresOf(replica), samples, hotKeys })
  }
  return figures
}

/** Whether the figures are so different from what the driver has that it may want to act on them. */
export function isNews(figures: ShardFigures, known: ShardFigures): boolean {
  const { bytes, keys, load, silent, behind, samples } = figures
  return (
    // Fresh samples are of use only while they are fresh, and those that were sent must go when the shard is not busy any more.
    samples.length > 0 ||
    known.samples.length > 0 ||
    differs(bytes, known.bytes, 4096) ||
    differs(keys, known.keys, 16) ||
    differs(load.readsPerSecond, known.load.readsPerSecond, 4) ||
    differs(load.writesPerSecond, known.load.writesPerSecond, 4) ||
    // For how long they are silent the driver counts on by itself.
    !isSame(silent, known.silent, ({ store }) => store) ||
    !isSame(behind, known.behind, (store) => store)
  )
}

function isSame<T>(values: readonly T[], known: readonly T[], nameOf: (value: T) => string): boolean {
  return values.length === known.length && values.every((value, i) => nameOf(value) === nameOf(known[i] as T))
}

/** By more than a tenth and more than `least`; what ends is always news. */
function differs(value: number, known: number, least: number): boolean {
  if (value === 0 || known === 0) return value !== known
  return Math.abs(value - known) > Math.max(least, known / 10)
}
