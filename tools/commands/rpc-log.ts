/** `flotilla rpc-log tail|query|stats|export`: the messages that a store sent to others, and what became of them. */
import type { Command } from 'commander'
import { type Column, formatTable, printable, shortBytes, write } from '../cli/index.ts'
import { follow, type HistoryFlags, queryOf } from './history-query.ts'
import { examples, type Registry, withSession } from './registry.ts'

interface Call {
  readonly id: string
  readonly ts: string
  readonly from: string
  readonly to: string
  readonly type: string
  readonly group: number
  readonly term: number
  readonly entries: number
  readonly bytes: number
  readonly latencyMs: number | null
  readonly heartbeat: boolean
  readonly error: string | null
}

interface Figures {
  readonly type: string
  readonly to: string
  readonly heartbeat: boolean
  readonly calls: number
  readonly errors: number
  readonly entries: number
  readonly bytes: number
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number } | null
}

interface Stats {
  readonly calls: number
  readonly errors: number
  readonly figures: readonly Figures[]
}

interface RpcLogFlags extends HistoryFlags {
  readonly heartbeats?: true
  readonly csv?: true
}

const NEWLINE = 0x0a

const COLUMNS: readonly Column<Call>[] = [
  { name: 'ts', title: 'time', value: (call) => call.ts },
  { name: 'from', value: (call) => printable(call.from) },
  { name: 'to', value: (call) => printable(call.to) },
  { name: 'type', value: typeText },
  { name: 'group', value: (call) => call.group, align: 'right' },
  { name: 'term', value: (call) => call.term, align: 'right' },
  { name: 'entries', value: (call) => call.entries, align: 'right' },
  { name: 'bytes', value: (call) => call.bytes, show: (call) => shortBytes(call.bytes), align: 'right' },
  { name: 'latencyMs', value: (call) => call.latencyMs, align: 'right' },
  { name: 'error', value: (call) => call.error },
]

const FIGURE_COLUMNS: readonly Column<Figures>[] = [
  { name: 'type', value: typeText },
  { name: 'to', value: (figures) => printable(figures.to) },
  { name: 'calls', value: (figures) => figures.calls, align: 'right' },
  { name: 'errors', value: (figures) => figures.errors, align: 'right' },
  { name: 'entries', value: (figures) => figures.entries, align: 'right' },
  { name: 'bytes', value: (figures) => figures.bytes, show: (figures) => shortBytes(figures.bytes), align: 'right' },
  { name: 'p50Ms', value: (figures) => figures.latencyMs?.p50, align: 'right' },
  { name: 'p95Ms', value: (figures) => figures.latencyMs?.p95, align: 'right' },
  { name: 'p99Ms', value: (figures) => figures.latencyMs?.p99, align: 'right' },
  { name: 'maxMs', value: (figures) => figures.latencyMs?.max, align: 'right' },
]

function typeText({ type, heartbeat }: { readonly type: string; readonly heartbeat: boolean }): string {
  return heartbeat ? 'heartbeat' : printable(type)
}

export function addRpcLog(parent: Command, registry: Registry): void {
  const log = parent.command('rpc-log').description('show votes, appends and snapshots that a store sent to others')
  const add = (
    name: string,
    description: string,
    lines: readonly string[],
    run: (flags: RpcLogFlags, command: Command) => Promise<void>,
  ): Command =>
    withFilters(log.command(name).description(description))
      .addHelpText('after', examples(...lines))
      .action(run)
  add(
    'query',
    'the newest messages',
    ['flotilla rpc-log query --type RequestVote --since 10m'],
    (flags, command) =>
      withSession(registry, command, async (session) => {
        if (session.format === 'csv') {
          const { body } = await session.client.send({ method: 'GET', path: `/rpc-log${filterOf(flags, 'csv')}` })
          await write(session.context.stdout, body)
          return
        }
        const { document, text } = await session.getJson<{ calls: readonly Call[] }>(`/rpc-log${filterOf(flags)}`)
        const table = (): string => (document.calls.length === 0 ? 'no messages' : formatTable(document.calls, COLUMNS))
        await session.print({ document, items: document.calls, columns: COLUMNS, table, raw: text })
      }),
    // As the events of the shells are asked for.
  ).aliases(['list', 'filter'])
  add('tail', 'messages as they end', ['flotilla rpc-log tail --group 3 --heartbeats'], (flags, command) =>
    withSession(registry, command, (session) =>
      follow<Call>(session, `/rpc-log${filterOf(flags, 'sse')}`, (call) =>
        session.format === 'table' ? lineOf(call) : JSON.stringify(call),
      ),
    ),
  )
  add('stats', 'how many, how fast, per receiver', ['flotilla rpc-log stats --since 5m'], (flags, command) =>
    withSession(registry, command, async (session) => {
      const { document, text } = await session.getJson<Stats>(`/rpc-log/stats${filterOf(flags)}`)
      const table = (): string =>
        document.figures.length === 0 ? 'no messages' : formatTable(document.figures, FIGURE_COLUMNS)
      await session.print({ document, items: document.figures, columns: FIGURE_COLUMNS, table, raw: text })
    }),
  )
  add(
    'export',
    'messages for another program',
    ['flotilla rpc-log export --csv --limit 1000 > calls.csv'],
    (flags, command) =>
      withSession(registry, command, async (session) => {
        const path = `/rpc-log${filterOf(flags, flags.csv === true || session.format === 'csv' ? 'csv' : 'json')}`
        const { body } = await session.client.send({ method: 'GET', path })
        await write(session.context.stdout, body.at(-1) === NEWLINE ? body : Buffer.concat([body, Buffer.of(NEWLINE)]))
      }),
  ).option('--csv', 'as CSV that is safe to open in a spreadsheet (default: JSON)')
}

function withFilters(command: Command): Command {
  return command
    .option('--type <types>', 'only these, separated by commas, such as RequestVote')
    .option('--group <id>', 'only those of this shard')
    .option('--peer <store>', 'only those to or from this store')
    .option('--since <when>', 'since a moment (ISO 8601) or a duration ago, such as 5m')
    .option('--limit <n>', 'at most this many (default: 100, at most 1000)')
    .option('--heartbeats', 'heartbeats too')
}

function filterOf({ type, group, peer, since, limit, heartbeats }: RpcLogFlags, format?: string): string {
  const wish = heartbeats === true ? 'true' : undefined
  return queryOf({ type, group, peer, since, limit, heartbeats: wish, format })
}

function lineOf(call: Call): string {
  const { ts, from, to, group, term, entries, bytes, latencyMs, error } = call
  const end = error === null ? `${latencyMs ?? '-'} ms` : error
  return printable(
    `${ts} ${from} > ${to} ${typeText(call)} group=${group} term=${term} entries=${entries} bytes=${bytes} ${end}`,
  )
}
