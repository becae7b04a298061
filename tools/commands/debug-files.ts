/**
 * `flotilla debug profile` and `flotilla debug bundle`: files about the inside of a store, made by the store that the endpoint names. They go to a file, or to
 * standard output for `-`.
 */
import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { Answer, Session } from '../cli/index.ts'
import { CliError, EXIT, formatDetails, parseWhole, UsageError, write } from '../cli/index.ts'
import { examples, type Registry, withSession } from './registry.ts'

const KINDS = ['cpu', 'heap'] as const
const SECONDS_MAX = 60
const SECONDS_DEFAULT = { cpu: 10, heap: 5 } as const
/** What making the file may take after it was measured. */
const EXTRA_MS = 30_000

interface FileFlags {
  readonly file?: string
}

interface Written {
  readonly file: string
  readonly bytes: number
}

export function addDebugFiles(debug: Command, registry: Registry): void {
  debug
    .command('profile')
    .description('where a store spends its time (cpu), or who allocates memory (heap)')
    .argument('<kind>', KINDS.join(' or '))
    .option('--seconds <n>', `for how long to look, 1 to ${SECONDS_MAX}`)
    .option('--file <path>', 'where to write; - is standard output')
    .addHelpText(
      'after',
      `${examples(
        'flotilla debug profile cpu',
        'flotilla debug profile cpu --seconds 30 --file s1.cpuprofile',
        'flotilla debug profile heap -e http://127.0.0.1:8081',
      )}\n\nOpen the file in the developer tools of a browser: Performance, or Memory for heap.`,
    )
    .action((kind: string, flags: FileFlags & { readonly seconds?: string }, command: Command) => {
      const known = KINDS.find((each) => each === kind)
      if (known === undefined) throw new UsageError(`${JSON.stringify(kind)} is not ${KINDS.join(' or ')}`)
      const seconds =
        flags.seconds === undefined ? SECONDS_DEFAULT[known] : parseWhole('--seconds', flags.seconds, 1, SECONDS_MAX)
      return withSession(registry, command, (session) =>
        fetchFile(session, `/debug/profile/${known}?seconds=${seconds}`, seconds * 1000, flags.file),
      )
    })
  debug
    .command('bundle')
    .description('what somebody needs to help with a store: configuration, metrics, events, replicas')
    .option('--file <path>', 'where to write; - is standard output')
    .addHelpText(
      'after',
      `${examples(
        'flotilla debug bundle',
        'flotilla debug bundle -e http://127.0.0.1:8081 --file s2.tar.gz',
      )}\n\nSecrets, keys and values are left out. Look at it before you hand it on: it names hosts and addresses.`,
    )
    .action((flags: FileFlags, command: Command) =>
      withSession(registry, command, (session) => fetchFile(session, '/debug/bundle', 0, flags.file)),
    )
}

async function fetchFile(session: Session, path: string, lookMs: number, wanted: string | undefined): Promise<void> {
  const answer = await session.client.send({ method: 'GET', path, extraMs: lookMs + EXTRA_MS })
  if (wanted === '-') {
    await write(session.context.stdout, answer.body)
    return
  }
  const file = wanted ?? nameOf(answer)
  try {
    // A file that is there already may be somebody's evidence.
    await writeFile(file, answer.body, { flag: wanted === undefined ? 'wx' : 'w' })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new CliError(EXIT.failed, 'INVALID_ARGUMENT', `${file} cannot be written: ${reason}`, ['--file PATH'])
  }
  const written: Written = { file, bytes: answer.body.length }
  await session.print({
    document: written,
    items: [written],
    columns: [
      { name: 'file', value: ({ file }) => file },
      { name: 'bytes', value: ({ bytes }) => bytes, align: 'right' },
    ],
    table: () =>
      formatDetails([
        ['file', file],
        ['bytes', String(written.bytes)],
      ]),
    raw: `${file}\n`,
  })
}

/** As the gateway names it. Nothing but a plain name is taken: a gateway must not choose the folder. */
function nameOf({ headers }: Answer): string {
  const name = /filename="([A-Za-z0-9._-]{1,200})"/.exec(headers['content-disposition'] ?? '')?.[1]
  if (name === undefined || name.startsWith('.'))
    throw new CliError(EXIT.failed, 'UNAVAILABLE', 'the gateway names no file', ['--file PATH'])
  return name
}
