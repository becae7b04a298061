/**
 * `flotilla export [PREFIX]`: keys and values as lines of JSON, in key order, each once, and every byte of them. It reads range after range from the key that it has
 * written last, so that it outlives stores that go away, and one that was interrupted goes on from its file.
 */
import { type FileHandle, open } from 'node:fs/promises'
import type { Command } from 'commander'
import { LIMITS } from '../../src/base/index.ts'
import { argumentBytes, CliError, EXIT, percentEncode, type Session, UsageError, write } from '../cli/index.ts'
import type { Entry } from './entry-columns.ts'
import { lastWholeLine } from './line-file.ts'
import { withPatience } from './patience.ts'
import { ProgressLine } from './progress.ts'
import { examples, type Registry, withSession } from './registry.ts'
import { dataShards } from './shard-ranges.ts'

interface ExportFlags {
  readonly file?: string
  readonly resume?: true
  readonly keyBase64?: true
}

interface Exported {
  readonly file: string | null
  readonly keys: number
  readonly bytes: number
}

interface Page {
  readonly items: readonly Entry[]
  readonly next: string | null
}

/** What is written already. */
interface Begun {
  readonly lastKey: Uint8Array | undefined
  readonly append: (text: string) => Promise<void>
  /** Beside lines on the same terminal progress would only tear them. */
  readonly isShown: boolean
  /** Asked after each page; throws where nobody wants more. */
  readonly goOn: (keys: number) => void
}

export function addExport(parent: Command, registry: Registry): void {
  parent
    .command('export')
    .description('write keys and values as lines of JSON, which import reads')
    .argument('[prefix]', 'only keys that begin with this text')
    .option('--file <path>', 'into this file instead of standard output')
    .option('--resume', 'go on with a file that an interrupted export has left')
    .option('--key-base64', 'the prefix is given as base64')
    .addHelpText(
      'after',
      `${examples(
        'flotilla export > all.ndjson',
        'flotilla export user: --file users.ndjson',
        'flotilla export user: --file users.ndjson --resume',
        'flotilla export | flotilla import - -e http://elsewhere:8080',
      )}\n\nEach key is read linearizably, but not all at one moment: a key that changes meanwhile is exported before or after its change.`,
    )
    .action((prefix: string | undefined, flags: ExportFlags, command: Command) => {
      if (flags.resume === true && flags.file === undefined) throw new UsageError('--resume needs --file')
      const prefixBytes = argumentBytes('the prefix', prefix ?? '', flags.keyBase64 === true)
      return withSession(
        registry,
        command,
        (session) =>
          flags.file === undefined
            ? exportToStream(session, prefixBytes)
            : exportToFile(session, prefixBytes, flags.file, flags.resume === true),
        'ndjson',
      )
    })
}

async function exportToStream(session: Session, prefix: Uint8Array): Promise<void> {
  const { stdout } = session.context
  if (session.format === 'csv' || session.format === 'json')
    throw new UsageError(`export writes lines of JSON, not ${session.format}; flotilla scan -o ${session.format} does`)
  await exportLines(session, prefix, {
    lastKey: undefined,
    append: (text) => write(stdout, text),
    isShown: stdout.isTTY !== true,
    goOn: () => {},
  })
}

async function exportToFile(session: Session, prefix: Uint8Array, path: string, isResumed: boolean): Promise<void> {
  const file = await openFile(path, isResumed)
  let exported: Exported
  let isInterrupted = false
  session.context.onSignal(() => {
    if (isInterrupted) session.context.exit(EXIT.interrupted)
    isInterrupted = true
  })
  const goOn = (keys: number): void => {
    if (isInterrupted)
      throw new CliError(EXIT.interrupted, 'ABORTED', `interrupted after ${keys} keys`, [
        `flotilla export ${[...shownPrefix(prefix), '--file', path].join(' ')} --resume`,
      ])
  }
  try {
    const lastKey = isResumed ? await cutTornLine(file, path, prefix) : undefined
    const append = async (text: string): Promise<void> => void (await file.appendFile(text))
    exported = { file: path, ...(await exportLines(session, prefix, { lastKey, append, isShown: true, goOn })) }
    await file.sync()
  } finally {
    await file.close()
  }
  const sentence = `exported ${exported.keys} keys to ${path}`
  await session.print({
    document: exported,
    items: [exported],
    columns: [
      { name: 'file', value: (item) => item.file },
      { name: 'keys', value: (item) => item.keys },
      { name: 'bytes', value: (item) => item.bytes },
    ],
    table: () => sentence,
    raw: `${sentence}\n`,
  })
}

async function openFile(path: string, isResumed: boolean): Promise<FileHandle> {
  try {
    return await open(path, isResumed ? 'a+' : 'ax')
  } catch (error) {
    if (!(error instanceof Error)) throw error
    if ('code' in error && error.code === 'EEXIST')
      throw new CliError(EXIT.usage, 'INVALID_ARGUMENT', `${path} exists already`, [
        `flotilla export --file ${path} --resume    go on where it ends`,
      ])
    throw new CliError(EXIT.failed, 'UNAVAILABLE', `cannot write ${path}: ${error.message}`)
  }
}

/** As words of a command line. */
function shownPrefix(prefix: Uint8Array): readonly string[] {
  if (prefix.length === 0) return []
  const text = Buffer.from(prefix)
  return /^[\w:/.-]+$/.test(text.toString('latin1'))
    ? [text.toString('latin1')]
    : [text.toString('base64'), '--key-base64']
}

/** The key of the last whole line; the file ends with that line afterwards. */
async function cutTornLine(file: FileHandle, path: string, prefix: Uint8Array): Promise<Uint8Array | undefined> {
  const { text, endOffset } = await lastWholeLine(file)
  if (text === undefined) {
    await file.truncate(0)
    return undefined
  }
  const key = keyOfLine(text)
  if (key === undefined || !Buffer.from(key).subarray(0, prefix.length).equals(prefix))
    throw new UsageError(`${path} does not end with a line of this export, so there is nothing to resume`)
  await file.truncate(endOffset)
  return key
}

function keyOfLine(text: string): Uint8Array | undefined {
  try {
    const { key, keyEncoding } = JSON.parse(text) as Partial<Entry>
    return typeof key === 'string' ? keyBytes(key, keyEncoding) : undefined
  } catch {
    // No line of ours.
    return undefined
  }
}

function keyBytes(key: string, encoding: 'base64' | undefined): Buffer {
  return Buffer.from(key, encoding ?? 'utf8')
}

async function exportLines(
  session: Session,
  prefix: Uint8Array,
  { lastKey, append, isShown, goOn }: Begun,
): Promise<{ keys: number; bytes: number }> {
  const { context } = session
  const total = isShown && prefix.length === 0 && context.stderr.isTTY === true ? await keysInAll(session) : undefined
  const progress = new ProgressLine(context, 'exported')
  const bounds = prefix.length === 0 ? [] : [`prefix=${percentEncode(prefix)}`]
  // From the last key on, because a key of the greatest length has no room for the zero that would make it the next one.
  if (lastKey !== undefined) bounds.push(`start=${percentEncode(lastKey)}`)
  let keys = 0
  let bytes = 0
  let cursor: string | null = null
  try {
    do {
      const place: readonly string[] = cursor === null ? [] : [`cursor=${percentEncode(Buffer.from(cursor, 'utf8'))}`]
      const query = [...bounds, `limit=${LIMITS.scanPageItemsMax}`, ...place].join('&')
      const page: Page = await withPatience(context, async () => (await session.getJson<Page>(`/kv?${query}`)).document)
      const isWritten = (item: Entry): boolean =>
        lastKey !== undefined && keyBytes(item.key, item.keyEncoding).equals(lastKey)
      const items = page.items.filter((item, position) => cursor !== null || position > 0 || !isWritten(item))
      const text = items.map((item) => `${JSON.stringify(item)}\n`).join('')
      await append(text)
      keys += items.length
      bytes += Buffer.byteLength(text)
      cursor = page.next
      if (isShown) await progress.show({ keys, bytes, fraction: total === undefined ? undefined : keys / total })
      if (cursor !== null) goOn(keys)
    } while (cursor !== null)
  } finally {
    if (isShown) await progress.clear()
  }
  return { keys, bytes }
}

/** About how many there are; undefined when nobody has counted. */
async function keysInAll(session: Session): Promise<number | undefined> {
  const total = (await dataShards(session)).reduce((sum, { keys }) => sum + keys, 0)
  return total === 0 ? undefined : total
}
