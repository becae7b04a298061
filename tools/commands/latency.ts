/** `flotilla latency`: how long reads of each shard take, and writes where a key for them is named. Measured from here, one request at a time. */
import type { Command } from 'commander'
import {
  CliError,
  type ClientRequest,
  type Column,
  EXIT,
  formatTable,
  keyArgument,
  keyPath,
  parseWhole,
  percentEncode,
  type Session,
  write,
} from '../cli/index.ts'
import { type Latencies, latenciesOf, latencyColumns } from './percentiles.ts'
import { examples, type Registry, withSession } from './registry.ts'
import { dataShards, firstKeyOf, type ShardRange } from './shard-ranges.ts'

interface LatencyFlags {
  readonly count: string
  readonly writeKey?: string
}

interface Measured extends Latencies {
  readonly shard: number
  readonly leader: string | null
  readonly operation: 'get' | 'stale get' | 'put'
  readonly requests: number
  readonly failed: number
}

const COLUMNS: readonly Column<Measured>[] = [
  { name: 'shard', value: ({ shard }) => shard, align: 'right' },
  { name: 'leader', value: ({ leader }) => leader },
  { name: 'operation', value: ({ operation }) => operation },
  { name: 'requests', value: ({ requests }) => requests, align: 'right' },
  { name: 'failed', value: ({ failed }) => failed, align: 'right' },
  ...latencyColumns<Measured>(['minMs', 'avgMs', 'p50Ms', 'p90Ms', 'p99Ms', 'maxMs']),
]

const COUNT_MAX = 1_000_000

export function addLatency(parent: Command, registry: Registry): void {
  parent
    .command('latency')
    .description('measure how long linearizable and stale reads of every shard take')
    .option('-c, --count <n>', 'how many requests of each kind to each shard', '50')
    .option('--write-key <key>', 'measure writes too, to this key, whose value is replaced')
    .addHelpText(
      'after',
      `${examples(
        'flotilla latency',
        'flotilla latency -c 500 -o csv > latency.csv',
        'flotilla latency --write-key latency-test',
      )}\n\nOne request at a time, from this machine: what a lone client sees. Reads look at the first key of a shard, which need not exist.`,
    )
    .action((flags: LatencyFlags, command: Command) => {
      const count = parseWhole('--count', flags.count, 1, COUNT_MAX)
      const writeKey = flags.writeKey === undefined ? undefined : keyArgument(flags.writeKey, false)
      return withSession(registry, command, async (session) => {
        const measured = await measureAll(session, count, writeKey)
        await session.print({
          document: { measured },
          items: measured,
          columns: COLUMNS,
          table: () => formatTable(measured, COLUMNS),
          raw: measured.map((row) => `${JSON.stringify(row)}\n`).join(''),
        })
        if (measured.some(({ failed }) => failed > 0)) registry.exitCode = EXIT.unavailable
      })
    })
}

async function measureAll(session: Session, count: number, writeKey: Uint8Array | undefined): Promise<Measured[]> {
  const shards = await dataShards(session)
  const { stderr } = session.context
  const measured: Measured[] = []
  for (const [position, shard] of shards.entries()) {
    if (stderr.isTTY === true) await write(stderr, `\r\u001b[Kshard ${position + 1} of ${shards.length}`)
    const path = keyPath(firstKeyOf(shard))
    measured.push(await measure(session, shard, 'get', count, { method: 'GET', path }))
    measured.push(
      await measure(session, shard, 'stale get', count, { method: 'GET', path: `${path}?consistency=stale` }),
    )
  }
  if (writeKey !== undefined) {
    const shard = await shardOf(session, writeKey)
    const body = Buffer.from('written by flotilla latency', 'utf8')
    measured.push(await measure(session, shard, 'put', count, { method: 'PUT', path: keyPath(writeKey), body }))
  }
  if (stderr.isTTY === true) await write(stderr, '\r\u001b[K')
  return measured
}

async function shardOf(session: Session, key: Uint8Array): Promise<ShardRange> {
  const path = `/admin/shards/lookup?key=${percentEncode(key)}`
  const { document } = await session.getJson<{ readonly shard: ShardRange }>(path)
  return document.shard
}

async function measure(
  { client, context }: Session,
  { id, leader }: ShardRange,
  operation: Measured['operation'],
  count: number,
  request: ClientRequest,
): Promise<Measured> {
  const samplesMs: number[] = []
  let failed = 0
  // The first one pays for the connection and the way to the shard, and is not counted.
  for (let i = 0; i <= count; i++) {
    const startedMs = context.clock.nowMs()
    try {
      await client.send(request)
    } catch (error) {
      if (!(error instanceof CliError)) throw error
      // A key that does not exist is an answer too.
      if (error.code !== 'KEY_NOT_FOUND') {
        // Somebody who may not read, or nobody there at all: no use in trying it a hundred times.
        if (error.exitCode !== EXIT.unavailable || error.code === 'UNAVAILABLE') throw error
        failed += i === 0 ? 0 : 1
        continue
      }
    }
    if (i > 0) samplesMs.push(context.clock.nowMs() - startedMs)
  }
  return { shard: id, leader, operation, requests: count, failed, ...latenciesOf(samplesMs) }
}
