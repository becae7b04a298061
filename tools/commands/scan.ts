/**
 * `flotilla scan [PREFIX]`: keys and values in key order, page after page. NDJSON, CSV and raw output leave as the pages come; a table and a JSON document
 * need all of them first.
 */
import type { Command } from 'commander'
import { LIMITS } from '../../src/base/index.ts'
import {
  argumentBytes,
  csvHeader,
  csvLine,
  formatTable,
  parseWhole,
  percentEncode,
  type Session,
  write,
} from '../cli/index.ts'
import { type Entry, entryColumns, entryTableColumns } from './entry-columns.ts'
import { examples, type Registry, withSession } from './registry.ts'

interface ScanFlags {
  readonly limit?: string
  readonly reverse?: true
  readonly start?: string
  readonly end?: string
  readonly keysOnly?: true
  readonly keyBase64?: true
}

interface Page {
  readonly items: readonly Entry[]
  readonly next: string | null
}

export function addScan(parent: Command, registry: Registry): void {
  parent
    .command('scan')
    .description('list keys and values in key order')
    .argument('[prefix]', 'only keys that begin with this text')
    .option('--start <key>', 'from this key on (inclusive)')
    .option('--end <key>', 'up to this key (exclusive)')
    .option('--limit <n>', 'at most this many (default: all)')
    .option('--reverse', 'from the highest key down')
    .option('--keys-only', 'without values')
    .option('--key-base64', 'prefix, start and end are given as base64')
    .addHelpText(
      'after',
      `${examples(
        'flotilla scan user:                     every key that begins with user:',
        'flotilla scan user: --limit 10 --reverse',
        'flotilla scan --start a --end b --keys-only',
        'flotilla scan -o ndjson > backup        as it comes, however much it is',
      )}\n\nEach page is linearizable; keys that change meanwhile may be seen before or after the change.`,
    )
    .action((prefix: string | undefined, flags: ScanFlags, command: Command) => {
      const parameters = scanParameters(prefix, flags)
      const limit =
        flags.limit === undefined
          ? Number.POSITIVE_INFINITY
          : parseWhole('--limit', flags.limit, 1, Number.MAX_SAFE_INTEGER)
      return withSession(registry, command, (session) => scan(session, parameters, limit, flags.keysOnly === true))
    })
}

function scanParameters(prefix: string | undefined, flags: ScanFlags): readonly string[] {
  const bounds = [
    ['prefix', prefix],
    ['start', flags.start],
    ['end', flags.end],
  ] as const
  const parameters = bounds.flatMap(([name, text]) =>
    text === undefined ? [] : [`${name}=${percentEncode(argumentBytes(name, text, flags.keyBase64 === true))}`],
  )
  if (flags.reverse === true) parameters.push('reverse=true')
  if (flags.keysOnly === true) parameters.push('keys_only=true')
  return parameters
}

async function scan(session: Session, parameters: readonly string[], limit: number, keysOnly: boolean): Promise<void> {
  const { stdout } = session.context
  const columns = entryColumns(keysOnly)
  const items: Entry[] = []
  let left = limit
  let cursor: string | null = null
  let isFirst = true
  do {
    const { page, text }: { page: Page; text: string } = await fetchPage(session, parameters, left, cursor)
    left -= page.items.length
    cursor = page.next
    switch (session.format) {
      case 'table':
      case 'json':
        items.push(...page.items)
        break
      case 'ndjson':
        await write(stdout, page.items.map((item) => `${JSON.stringify(item)}\n`).join(''))
        break
      case 'csv': {
        const header = isFirst ? `${csvHeader(columns)}\n` : ''
        await write(stdout, header + page.items.map((item) => `${csvLine(item, columns)}\n`).join(''))
        break
      }
      case 'raw':
        await write(stdout, `${text}\n`)
        break
    }
    isFirst = false
  } while (cursor !== null && left > 0)
  if (session.format === 'json') {
    await session.print({ document: { items, next: cursor }, items, columns, table: () => '', raw: '' })
  } else if (session.format === 'table') {
    await write(stdout, items.length === 0 ? 'no keys\n' : `${formatTable(items, entryTableColumns(keysOnly))}\n`)
  }
}

async function fetchPage(
  session: Session,
  parameters: readonly string[],
  left: number,
  cursor: string | null,
): Promise<{ page: Page; text: string }> {
  const query = [
    ...parameters,
    `limit=${Math.min(left, LIMITS.scanPageItemsMax)}`,
    ...(cursor === null ? [] : [`cursor=${percentEncode(Buffer.from(cursor, 'utf8'))}`]),
  ]
  const { document, text } = await session.getJson<Page>(`/kv?${query.join('&')}`)
  return { page: document, text }
}
