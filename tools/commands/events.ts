/** `flotilla events [-f]`: what a store did, newest first, or as it happens. */
import type { Command } from 'commander'
import { LIMITS } from '../../src/base/index.ts'
import { type Column, formatTable, printable, type Session, UsageError } from '../cli/index.ts'
import { follow, type HistoryFlags, queryOf } from './history-query.ts'
import { examples, type Registry, withSession } from './registry.ts'

interface Event {
  readonly id: string
  readonly ts: string
  readonly level: string
  readonly type: string
  readonly store: string
  readonly group?: number
  readonly term?: number
  readonly index?: number
  readonly peer?: string
  readonly data?: Readonly<Record<string, unknown>>
}

interface EventsFlags extends HistoryFlags {
  readonly follow?: true
  readonly stats?: true
  readonly level?: string
}

const COLUMNS: readonly Column<Event>[] = [
  { name: 'ts', title: 'time', value: (event) => event.ts },
  { name: 'level', value: (event) => event.level },
  { name: 'store', value: (event) => printable(event.store) },
  { name: 'type', value: (event) => printable(event.type) },
  { name: 'group', value: (event) => event.group, align: 'right' },
  { name: 'term', value: (event) => event.term, align: 'right' },
  { name: 'index', value: (event) => event.index, align: 'right' },
  { name: 'peer', value: (event) => (event.peer === undefined ? undefined : printable(event.peer)) },
  { name: 'data', value: (event) => dataText(event) },
]

function dataText({ data }: Event): string | undefined {
  if (data === undefined) return undefined
  const words = Object.entries(data).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return printable(words.join(' '))
}

export function addEvents(parent: Command, registry: Registry): void {
  parent
    .command('events')
    .description('show what a store did: elections, members, snapshots, failures')
    .option('-f, --follow', 'go on, and print events as they happen')
    .option('--stats', 'only how many there are of each type, among those that are kept')
    .option('--type <types>', 'only these, separated by commas, such as leader_changed')
    .option('--level <level>', 'this level and above: debug, info, warn or error')
    .option('--group <id>', 'only those of this shard')
    .option('--peer <store>', 'only those of or about this store')
    .option('--since <when>', 'since a moment (ISO 8601) or a duration ago, such as 5m')
    .option('--limit <n>', 'at most this many (default: 100, at most 1000)')
    .addHelpText(
      'after',
      examples(
        'flotilla events --since 10m --level warn',
        'flotilla events --type leader_changed,election_won --group 3',
        'flotilla events -f',
        'flotilla events -o csv > events.csv',
      ),
    )
    .action((flags: EventsFlags, command: Command) =>
      withSession(registry, command, async (session) => {
        if (flags.stats === true) {
          await printCounts(session, flags)
          return
        }
        const { follow: goesOn, type, level, group, peer, since, limit } = flags
        const filter = { type, level, group, peer, since, limit }
        if (goesOn !== true) {
          if (session.format === 'csv') {
            const path = `/events${queryOf({ ...filter, format: 'csv' })}`
            const { body } = await session.client.send({ method: 'GET', path })
            await session.print({ document: null, items: [], columns: [], table: () => '', raw: body }, 'raw')
            return
          }
          const { document, text } = await session.getJson<{ events: readonly Event[] }>(`/events${queryOf(filter)}`)
          const table = (): string =>
            document.events.length === 0 ? 'no events' : formatTable(document.events, COLUMNS)
          await session.print({ document, items: document.events, columns: COLUMNS, table, raw: text })
          return
        }
        if (session.format === 'csv') throw new UsageError('--follow prints lines or JSON, not csv')
        const asLine = session.format === 'table'
        await follow<Event>(session, `/events${queryOf({ ...filter, format: 'sse' })}`, (event) =>
          asLine ? lineOf(event) : JSON.stringify(event),
        )
      }),
    )
}

interface TypeCount {
  readonly type: string
  readonly count: number
  readonly last: string
}

const COUNT_COLUMNS: readonly Column<TypeCount>[] = [
  { name: 'type', value: ({ type }) => printable(type) },
  { name: 'count', value: ({ count }) => count, align: 'right' },
  { name: 'last', value: ({ last }) => last },
]

/** Of the newest that one answer can hold. */
async function printCounts(session: Session, { type, level, group, peer, since, limit }: EventsFlags): Promise<void> {
  const query = queryOf({ type, level, group, peer, since, limit: limit ?? String(LIMITS.scanPageItemsMax) })
  const { document, text } = await session.getJson<{ events: readonly Event[] }>(`/events${query}`)
  const counts = new Map<string, TypeCount>()
  for (const event of document.events) {
    const { count = 0, last = event.ts } = counts.get(event.type) ?? {}
    counts.set(event.type, { type: event.type, count: count + 1, last })
  }
  const items = [...counts.values()].sort((left, right) => right.count - left.count)
  const table = (): string => (items.length === 0 ? 'no events' : formatTable(items, COUNT_COLUMNS))
  await session.print({ document: { types: items }, items, columns: COUNT_COLUMNS, table, raw: text })
}

function lineOf(event: Event): string {
  const { ts, level, store, type, group, term, index, peer } = event
  const where = Object.entries({ group, term, index, peer }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  )
  const words = [ts, level.padEnd(5), store, type, ...where, dataText(event) ?? '']
  return printable(words.join(' ').trimEnd())
}
