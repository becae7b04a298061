/** The check of speed: writes at a steady rate that a cluster of some size should bear, and whether it does without errors and without slow answers. */
import { randomBytes, randomInt } from 'node:crypto'
import { CliError, EXIT, type HttpClient, keyPath, type Session, write } from '../cli/index.ts'
import { type Finding, finding } from './check-finding.ts'
import { removeKeys } from './check-linearizable.ts'
import { clusterMembers } from './members.ts'
import { pause } from './patience.ts'
import { latenciesOf } from './percentiles.ts'

interface Load {
  readonly name: string
  readonly perSecond: number
  readonly clients: number
}

/** Writes of small values; the smallest is what a cluster on one machine should bear beside other work. */
export const LOADS: readonly Load[] = [
  { name: 's', perSecond: 150, clients: 10 },
  { name: 'm', perSecond: 1000, clients: 40 },
  { name: 'l', perSecond: 5000, clients: 100 },
]

interface PerformanceOptions extends Load {
  readonly durationMs: number
  readonly prefix: string
}

const VALUE_BYTES = 1024
const RATE_SHARE_MIN = 0.9
const P99_MS_MAX = 200

export async function checkPerformance(session: Session, options: PerformanceOptions): Promise<readonly Finding[]> {
  const { context } = session
  const { perSecond, clients, durationMs } = options
  const members = await clusterMembers(session)
  const run = `${options.prefix}${randomInt(2 ** 47).toString(36)}/`
  const value = randomBytes(VALUE_BYTES)
  const samplesMs: number[] = []
  const failures = new Map<string, number>()
  const startedMs = context.clock.nowMs()
  // Each client has its turns at fixed moments; one that is late takes the next ones at once, so slowness does not hide.
  const work = async (client: HttpClient, number: number): Promise<void> => {
    for (let turn = number; ; turn += clients) {
      const dueMs = startedMs + (turn * 1000) / perSecond
      if (dueMs >= startedMs + durationMs) return
      const waitMs = dueMs - context.clock.nowMs()
      if (context.clock.nowMs() >= startedMs + durationMs) return
      if (waitMs > 0) await pause(context, waitMs)
      const code = await put(client, `${run}${turn}`, value)
      if (code === undefined) samplesMs.push(context.clock.nowMs() - dueMs)
      else failures.set(code, (failures.get(code) ?? 0) + 1)
    }
  }
  if (context.stderr.isTTY === true) await write(context.stderr, `writing for ${durationMs / 1000} s ...\n`)
  try {
    await Promise.all(
      Array.from({ length: clients }, (_, number) => {
        const endpoint = members[number % members.length]?.endpoint ?? session.endpoints[0] ?? ''
        return work(session.clientAt(endpoint), number)
      }),
    )
  } finally {
    await removeKeys(session, run)
  }
  return judge(samplesMs, failures, perSecond, durationMs)
}

/** Failed puts are counted by their code. */
async function put(client: HttpClient, key: string, value: Uint8Array): Promise<string | undefined> {
  try {
    await client.send({ method: 'PUT', path: keyPath(Buffer.from(key, 'utf8')), body: value })
    return undefined
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    if (error.exitCode !== EXIT.unavailable && error.exitCode !== EXIT.unknownOutcome) throw error
    return error.code
  }
}

export function judge(
  samplesMs: readonly number[],
  failures: ReadonlyMap<string, number>,
  perSecond: number,
  durationMs: number,
): readonly Finding[] {
  const reached = (samplesMs.length * 1000) / durationMs
  const { p50Ms, p99Ms, maxMs } = latenciesOf(samplesMs)
  const rate = `${reached.toFixed(1)} of ${perSecond} writes per second`
  const slowness = `p50 ${p50Ms} ms, p99 ${p99Ms} ms, slowest ${maxMs} ms`
  const isSlow = p99Ms === null || p99Ms > P99_MS_MAX
  return [
    finding('throughput', reached < perSecond * RATE_SHARE_MIN ? [rate] : [], rate),
    finding('latency', isSlow ? [`${slowness}; at most ${P99_MS_MAX} ms are fine for p99`] : [], slowness),
    finding(
      'errors',
      [...failures].map(([code, count]) => `${count} times ${code}`),
      `none in ${samplesMs.length} writes`,
    ),
  ]
}
