/**
 * `flotilla import FILE|-`: puts the lines that export has written. It tries again what may be tried again, remembers beside the file how far it is, and ends
 * between two batches when it is interrupted.
 */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Command } from 'commander'
import { CliError, type Column, EXIT, type Session } from '../cli/index.ts'
import { batchesOf, missingOf, putBatch } from './import-batches.ts'
import { BEGINNING, CheckpointFile } from './import-checkpoint.ts'
import { linesOf } from './line-file.ts'
import { ProgressLine } from './progress.ts'
import { examples, type Registry, withSession } from './registry.ts'

interface ImportFlags {
  readonly resume?: true
  readonly ifAbsent?: true
}

interface Imported {
  readonly file: string
  readonly lines: number
  /** Those that were written now. */
  readonly keys: number
  /** Those that were there already. */
  readonly skipped: number
}

const COLUMNS: readonly Column<Imported>[] = [
  { name: 'file', value: (imported) => imported.file },
  { name: 'lines', value: (imported) => imported.lines },
  { name: 'keys', value: (imported) => imported.keys },
  { name: 'skipped', value: (imported) => imported.skipped },
]

export function addImport(parent: Command, registry: Registry): void {
  parent
    .command('import')
    .description('put the keys and values that export has written')
    .argument('<file>', 'a file of lines of JSON, or - for standard input')
    .option('--resume', 'go on where an interrupted import of this file ended')
    .option('--if-absent', 'leave keys alone that exist already')
    .addHelpText(
      'after',
      `${examples(
        'flotilla import all.ndjson',
        'flotilla import all.ndjson --resume',
        'gzip -dc all.ndjson.gz | flotilla import - --if-absent',
      )}\n\nEach line is {"key", "value"}, with "keyEncoding" and "encoding" "base64" for what is no text; anything else in it is ignored.\nHow far it is stands in FILE.progress until it has ended.`,
    )
    .action((file: string, flags: ImportFlags, command: Command) =>
      withSession(registry, command, async (session) => {
        const options = { ifAbsent: flags.ifAbsent === true, isResumed: flags.resume === true }
        const imported = file === '-' ? await importStream(session, options) : await importFile(session, file, options)
        await session.print({
          document: imported,
          items: [imported],
          columns: COLUMNS,
          table: () =>
            `imported ${imported.keys} keys${imported.skipped > 0 ? `, ${imported.skipped} were there` : ''}`,
          raw: `${JSON.stringify(imported)}\n`,
        })
      }),
    )
}

interface ImportOptions {
  readonly ifAbsent: boolean
  readonly isResumed: boolean
}

async function importStream(session: Session, { ifAbsent }: ImportOptions): Promise<Imported> {
  return await putLines(session, session.context.stdin, { file: '-', ifAbsent, size: undefined, checkpoint: undefined })
}

async function importFile(session: Session, file: string, options: ImportOptions): Promise<Imported> {
  const size = await sizeOf(file)
  const checkpoint = new CheckpointFile(file, size)
  const begun = await checkpoint.read()
  if (begun !== undefined && !options.isResumed) {
    const percent = Math.floor((100 * begun.offset) / Math.max(1, size))
    const sentence = `an import of ${file} was interrupted at ${percent} %`
    throw new CliError(EXIT.usage, 'INVALID_ARGUMENT', sentence, [
      `flotilla import ${file} --resume`,
      `rm ${checkpoint.path}                    to start over`,
    ])
  }
  const chunks = createReadStream(file, { start: begun?.offset ?? 0 })
  return await putLines(session, chunks, { file, size, checkpoint, ...options, ...(begun ?? BEGINNING) })
}

interface Work {
  readonly file: string
  readonly size: number | undefined
  readonly checkpoint: CheckpointFile | undefined
  readonly ifAbsent: boolean
  readonly isResumed?: boolean
  readonly offset?: number
  readonly lines?: number
}

async function putLines(session: Session, chunks: AsyncIterable<Buffer>, work: Work): Promise<Imported> {
  const { size, checkpoint, ifAbsent } = work
  const progress = new ProgressLine(session.context, 'imported')
  let isInterrupted = false
  session.context.onSignal(() => {
    if (isInterrupted) session.context.exit(EXIT.interrupted)
    isInterrupted = true
  })
  let keys = 0
  let skipped = 0
  let bytes = 0
  let lines = work.lines ?? 0
  // An import that was killed may have put this one batch without remembering it.
  let isCompared = work.isResumed === true
  try {
    for await (const batch of batchesOf(linesOf(chunks, work.offset, lines + 1))) {
      const puts = isCompared ? await missingOf(session, batch.puts) : batch.puts
      isCompared = false
      const written = await putBatch(session, puts, ifAbsent)
      keys += written
      skipped += batch.puts.length - written
      bytes += batch.bytes
      lines = batch.last.number
      await checkpoint?.write({ offset: batch.last.endOffset, lines, keys })
      const fraction = size === undefined ? undefined : batch.last.endOffset / Math.max(1, size)
      await progress.show({ keys: keys + skipped, bytes, fraction })
      if (isInterrupted) throw interrupted(work.file, lines)
    }
  } finally {
    await progress.clear()
  }
  await checkpoint?.remove()
  return { file: work.file, lines, keys, skipped }
}

function interrupted(file: string, lines: number): CliError {
  const next = file === '-' ? [`tail -n +${lines + 1} FILE | flotilla import -`] : [`flotilla import ${file} --resume`]
  return new CliError(EXIT.interrupted, 'ABORTED', `interrupted after ${lines} lines`, next)
}

async function sizeOf(file: string): Promise<number> {
  try {
    const status = await stat(file)
    if (status.isFile()) return status.size
    throw new Error('it is no file; - reads standard input')
  } catch (error) {
    if (!(error instanceof Error)) throw error
    throw new CliError(EXIT.failed, 'UNAVAILABLE', `cannot read ${file}: ${error.message}`)
  }
}
