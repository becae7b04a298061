/**
 * `flotilla top`: the cluster, again and again, on the whole terminal: health, stores and the busiest shards. q or Ctrl-C leaves. In a pipe it prints a line of JSON for
 * each look, one unless more are asked for.
 */
import type { Command } from 'commander'
import {
  CliError,
  EXIT,
  formatTable,
  parseDuration,
  parseWhole,
  printable,
  type Session,
  shortBytes,
  shortDuration,
  UsageError,
  write,
} from '../cli/index.ts'
import { pause } from './patience.ts'
import { examples, type Registry, withSession } from './registry.ts'

interface TopFlags {
  readonly interval: string
  readonly count?: string
  readonly sort: string
}

interface Loaded {
  readonly bytes: number
  readonly load: { readonly readsPerSecond: number; readonly writesPerSecond: number }
}

interface Store extends Loaded {
  readonly id: string
  readonly state: string
  readonly replicas: number
  readonly leaders: number
  readonly uptimeSeconds: number
}

interface Shard extends Loaded {
  readonly id: number
  readonly kind?: string
  readonly leader: string | null
  readonly start?: string
  readonly keys: number
}

export interface Look {
  readonly ts: string
  readonly status: { readonly health: string; readonly ok: boolean }
  readonly stores: readonly Store[]
  readonly shards: readonly Shard[]
}

const SORTS: Readonly<Record<string, (shard: Shard) => number>> = {
  reads: ({ load }) => load.readsPerSecond,
  writes: ({ load }) => load.writesPerSecond,
  bytes: ({ bytes }) => bytes,
  keys: ({ keys }) => keys,
}

const INTERVAL_MS_MAX = 60_000
const COUNT_MAX = 1_000_000_000
const ROWS_DEFAULT = 24
/** Another screen, without a cursor, so that what was on the terminal is there again afterwards. */
const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const LEAVING = ['q', 'Q', '\u0003']
const HOME = '\u001b[H'
const CLEAR_REST_OF_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'

export function addTop(parent: Command, registry: Registry): void {
  parent
    .command('top')
    .description('watch stores and the busiest shards; q leaves')
    .option('--interval <duration>', 'the pause between two looks', '1s')
    .option('-n, --count <n>', 'look so many times (default: until q on a terminal, else once)')
    .option('--sort <by>', `shards by ${Object.keys(SORTS).join(', ')}`, 'writes')
    .addHelpText('after', examples('flotilla top', 'flotilla top --sort reads', 'flotilla top -n 60 | jq .status.ok'))
    .action((flags: TopFlags, command: Command) => {
      const intervalMs = parseDuration('--interval', flags.interval, INTERVAL_MS_MAX)
      const weight = SORTS[flags.sort]
      if (weight === undefined)
        throw new UsageError(`--sort ${JSON.stringify(flags.sort)} is not known`, flags.sort, Object.keys(SORTS))
      const count = flags.count === undefined ? undefined : parseWhole('--count', flags.count, 1, COUNT_MAX)
      return withSession(
        registry,
        command,
        (session) =>
          session.format === 'table'
            ? watchOnTerminal(session, intervalMs, count ?? Number.POSITIVE_INFINITY, weight)
            : printLooks(session, intervalMs, count ?? 1, weight),
        'ndjson',
      )
    })
}

async function printLooks(
  session: Session,
  intervalMs: number,
  count: number,
  weight: (shard: Shard) => number,
): Promise<void> {
  if (session.format === 'csv')
    throw new UsageError('top prints a table or JSON, not csv; flotilla store ls -o csv does')
  for (let number = 0; number < count; number++) {
    if (number > 0) await pause(session.context, intervalMs)
    await write(session.context.stdout, `${JSON.stringify(await look(session, weight))}\n`)
  }
}

async function watchOnTerminal(
  session: Session,
  intervalMs: number,
  count: number,
  weight: (shard: Shard) => number,
): Promise<void> {
  const { stdout, stdin, onSignal } = session.context
  // A wrong address is told on the ordinary screen.
  let page = screen(await look(session, weight), rowsOf(stdout))
  const keys = stdin.isTTY === true && 'setRawMode' in stdin ? (stdin as typeof process.stdin) : undefined
  let isLeft = false
  let leave = (): void => {}
  const left = new Promise<void>((resolve) => {
    leave = () => {
      isLeft = true
      resolve()
    }
  })
  const onKey = (typed: Buffer): void => {
    // Ctrl-C is a key like others while keys come one by one.
    if ([...typed.toString('latin1')].some((key) => LEAVING.includes(key))) leave()
  }
  onSignal(leave)
  keys?.setRawMode(true)
  keys?.on('data', onKey)
  await write(stdout, ENTER)
  try {
    for (let number = 0; number < count && !isLeft; number++) {
      if (number > 0) page = await lookAgain(session, weight)
      await write(
        stdout,
        `${HOME}${page.split('\n').join(`${CLEAR_REST_OF_LINE}\n`)}${CLEAR_REST_OF_LINE}${CLEAR_BELOW}`,
      )
      if (number + 1 < count) await Promise.race([pause(session.context, intervalMs), left])
    }
  } finally {
    keys?.off('data', onKey)
    keys?.setRawMode(false)
    keys?.pause()
    await write(stdout, LEAVE)
  }
}

/** While the cluster does not answer, the screen says so: this is what people watch it for. */
async function lookAgain(session: Session, weight: (shard: Shard) => number): Promise<string> {
  try {
    return screen(await look(session, weight), rowsOf(session.context.stdout))
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode !== EXIT.unavailable) throw error
    return `no answer: ${error.message}\n\ntrying again; q leaves`
  }
}

async function look(session: Session, weight: (shard: Shard) => number): Promise<Look> {
  const [status, stores, shards] = [
    await session.getJson<Look['status']>('/admin/status'),
    await session.getJson<Pick<Look, 'stores'>>('/admin/stores'),
    await session.getJson<Pick<Look, 'shards'>>('/admin/shards'),
  ]
  const sorted = [...shards.document.shards].sort((left, right) => weight(right) - weight(left) || left.id - right.id)
  return {
    ts: new Date(session.context.clock.wallMs()).toISOString(),
    status: status.document,
    stores: stores.document.stores,
    shards: sorted,
  }
}

function rowsOf(stdout: object): number {
  return 'rows' in stdout && typeof stdout.rows === 'number' ? stdout.rows : ROWS_DEFAULT
}

/** What fits on so many lines. */
export function screen({ ts, status, stores, shards }: Look, rows: number): string {
  const perSecond = (value: number): string => value.toFixed(value < 10 ? 1 : 0)
  const loadColumns = [
    {
      name: 'bytes',
      value: (item: Loaded) => item.bytes,
      show: (item: Loaded) => shortBytes(item.bytes),
      align: 'right',
    },
    { name: 'reads/s', value: (item: Loaded) => perSecond(item.load.readsPerSecond), align: 'right' },
    { name: 'writes/s', value: (item: Loaded) => perSecond(item.load.writesPerSecond), align: 'right' },
  ] as const
  const storeTable = formatTable(stores, [
    { name: 'store', value: ({ id }) => printable(id) },
    { name: 'state', value: ({ state }) => state },
    { name: 'replicas', value: ({ replicas }) => replicas, align: 'right' },
    { name: 'leaders', value: ({ leaders }) => leaders, align: 'right' },
    ...loadColumns,
    { name: 'up', value: ({ uptimeSeconds }) => shortDuration(uptimeSeconds), align: 'right' },
  ])
  const shardTable = formatTable(shards, [
    { name: 'shard', value: ({ id }) => id, align: 'right' },
    { name: 'leader', value: ({ leader }) => leader },
    { name: 'keys', value: ({ keys }) => keys, align: 'right' },
    ...loadColumns,
    { name: 'start', value: ({ start, kind }) => (kind === 'placement' ? '(placement)' : start || '-') },
  ])
  const lines = [`${ts}  ${printable(status.health)}`, '', ...storeTable.split('\n'), '', ...shardTable.split('\n')]
  return lines.slice(0, Math.max(1, rows - 1)).join('\n')
}
