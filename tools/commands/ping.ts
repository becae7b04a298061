/** `flotilla ping`: whether each store's gateway answers, how fast, and whether the store is ready. */
import type { Command } from 'commander'
import {
  CliError,
  type Column,
  EXIT,
  formatTable,
  type HttpClient,
  parseAnswer,
  parseDuration,
  parseWhole,
  printable,
  type Session,
  write,
} from '../cli/index.ts'
import { clusterMembers } from './members.ts'
import { type Latencies, latenciesOf, latencyColumns } from './percentiles.ts'
import { examples, type Registry, withSession } from './registry.ts'

interface PingFlags {
  readonly count: string
  readonly interval: string
}

interface Pinged extends Latencies {
  readonly store: string | null
  readonly endpoint: string
  readonly sent: number
  readonly answered: number
  readonly ready: boolean
  readonly version: string | null
  /** Why it does not answer, or is not ready. */
  readonly reason: string | null
}

const COLUMNS: readonly Column<Pinged>[] = [
  { name: 'store', value: ({ store }) => store },
  { name: 'endpoint', value: ({ endpoint }) => endpoint },
  { name: 'sent', value: ({ sent }) => sent, align: 'right' },
  { name: 'answered', value: ({ answered }) => answered, align: 'right' },
  ...latencyColumns<Pinged>(['minMs', 'avgMs', 'maxMs']),
  { name: 'ready', value: ({ ready }) => ready, show: ({ ready }) => (ready ? 'yes' : 'no') },
  { name: 'version', value: ({ version }) => version },
  { name: 'reason', value: ({ reason }) => reason, show: ({ reason }) => (reason === null ? '' : printable(reason)) },
]

const COUNT_MAX = 100_000
const INTERVAL_MS_MAX = 60_000

export function addPing(parent: Command, registry: Registry): void {
  parent
    .command('ping')
    .description('ask every store whether it answers, how fast, and whether it is ready')
    .option('-c, --count <n>', 'how many requests to each', '3')
    .option('--interval <duration>', 'the pause between two requests', '200ms')
    .addHelpText(
      'after',
      `${examples(
        'flotilla ping',
        'flotilla ping -c 100 --interval 1s --timeout 500ms',
        'flotilla ping -o json | jq .stores',
      )}\n\nThe exit code is 5 when a store does not answer or is not ready.`,
    )
    .action((flags: PingFlags, command: Command) => {
      const count = parseWhole('--count', flags.count, 1, COUNT_MAX)
      const intervalMs = parseDuration('--interval', flags.interval, INTERVAL_MS_MAX)
      return withSession(registry, command, async (session) => {
        const targets = await endpointsOf(session)
        const stores = await Promise.all(
          targets.map((endpoint) => ping(session, endpoint, session.clientAt(endpoint), count, intervalMs)),
        )
        if (stores.every(({ answered }) => answered === 0)) throw nobody(stores)
        await session.print({
          document: { stores },
          items: stores,
          columns: COLUMNS,
          table: () => formatTable(stores, COLUMNS),
          raw: stores.map((store) => `${JSON.stringify(store)}\n`).join(''),
        })
        if (stores.some(({ ready, answered, sent }) => !ready || answered < sent)) {
          registry.exitCode = EXIT.unavailable
          await write(session.context.stderr, 'warning: not every store answers and is ready\n  try: flotilla status\n')
        }
      })
    })
}

/** All stores of the cluster, and what was named on the command line where it is not among them. */
async function endpointsOf(session: Session): Promise<readonly string[]> {
  try {
    const members = (await clusterMembers(session)).map(({ endpoint }) => endpoint)
    // A gateway may be known to the cluster by another name than it has here.
    return members.length > 0 ? [...new Set(members)] : session.endpoints
  } catch (error) {
    // A cluster that cannot say who belongs to it is when ping is needed most; what was named can still be asked.
    if (error instanceof CliError && error.exitCode === EXIT.unavailable) return session.endpoints
    throw error
  }
}

function nobody(stores: readonly Pinged[]): CliError {
  const reasons = stores.map(({ endpoint, reason }) => `${endpoint} (${reason ?? 'no answer'})`)
  return new CliError(EXIT.unavailable, 'UNAVAILABLE', `no gateway answers at ${reasons.join(', ')}`, [
    'flotilla demo                            start a cluster on this machine',
    'flotilla ping -e http://HOST:PORT        ask a gateway elsewhere',
  ])
}

async function ping(
  { context }: Session,
  endpoint: string,
  client: HttpClient,
  count: number,
  intervalMs: number,
): Promise<Pinged> {
  const samplesMs: number[] = []
  let reason: string | null = null
  let version: { readonly store?: string; readonly version?: string } = {}
  let ready = false
  try {
    // The first request pays for the connection, so it is not one of those that count.
    const { body } = await client.send({ method: 'GET', path: '/version' })
    version = parseAnswer(body.toString('utf8'))
  } catch (error) {
    reason = reasonOf(error)
  }
  for (let i = 0; i < count; i++) {
    if (i > 0) await new Promise<void>((resolve) => void context.clock.after(intervalMs, resolve))
    const startedMs = context.clock.nowMs()
    try {
      await client.send({ method: 'GET', path: '/livez' })
      samplesMs.push(context.clock.nowMs() - startedMs)
    } catch (error) {
      reason = reasonOf(error)
    }
  }
  try {
    await client.send({ method: 'GET', path: '/readyz' })
    ready = true
  } catch (error) {
    reason = reasonOf(error)
  }
  return {
    store: version.store ?? null,
    endpoint,
    sent: count,
    answered: samplesMs.length,
    ready,
    version: version.version ?? null,
    reason,
    ...latenciesOf(samplesMs),
  }
}

/** No answer is a result here; what is a fault of the program goes on. */
function reasonOf(error: unknown): string {
  if (!(error instanceof CliError)) throw error
  return error.message
}
