/**
 * `flotilla init [FILE]`: writes the configuration of one store, with comments, ready for `flotilla start -c FILE`. Asks no store and starts nothing; what
 * the settings mean and which are valid is known by the schema alone.
 */
import type { Command } from 'commander'
import type { Composed, Config } from '../../src/server/config/index.ts'
import { type Column, outputFormat, printResult, UsageError, write } from '../cli/index.ts'
import { configurationError } from './configuration-error.ts'
import { COMMENTS, HEADING } from './init-comments.ts'
import { writeNewFile } from './init-file.ts'
import { type InitFlags, otherStores, shellWord, textsOf, withFlagNames } from './init-settings.ts'
import { examples, type Registry } from './registry.ts'

const FILE_DEFAULT = 'flotilla.yaml'
const MODE = 0o644
const MODE_SECRET = 0o600

/** Written also where nobody asked for anything else: what people change first. */
const ALWAYS = [
  'cluster.id',
  'cluster.bootstrap.stores',
  'cluster.bootstrap.replicas',
  'cluster.bootstrap.shards',
  'store.id',
  'store.dir',
  'store.labels',
  'transport.servers',
  'transport.embedded',
  'gateway.listen',
]

interface Initialized {
  readonly file: string
  /** False in a dry run. */
  readonly written: boolean
  /** Whether it can be read by its owner only. */
  readonly secret: boolean
  readonly store: string
  readonly address: string
  readonly warnings: readonly string[]
  /** The command that starts this store. */
  readonly next: string
  /** The commands that make the files of the other founders. */
  readonly others: readonly string[]
  /** Only of a dry run: what would be in the file. */
  readonly content?: string
}

const COLUMNS: readonly Column<Initialized>[] = [
  { name: 'file', value: ({ file }) => file },
  { name: 'written', value: ({ written }) => written },
  { name: 'secret', value: ({ secret }) => secret },
  { name: 'store', value: ({ store }) => store },
  { name: 'address', value: ({ address }) => address },
  { name: 'warnings', value: ({ warnings }) => warnings.join('; ') },
  { name: 'next', value: ({ next }) => next },
  { name: 'others', value: ({ others }) => others.join('; ') },
]

export function addInit(parent: Command, registry: Registry): void {
  const repeated = (word: string, words: string[]): string[] => [...words, word]
  parent
    .command('init')
    .description('write a configuration file for flotilla start')
    .argument('[file]', `where to write (default: ${FILE_DEFAULT})`)
    .option('-c, --config <file>', 'the same as FILE')
    .option('--force', 'overwrite the file if there is one')
    .option('--dry-run', 'write nothing; show what would be written')
    .option('--id <id>', 'of the store', 's1')
    .option('--dir <path>', 'of the data (default: ./data/ID)')
    .option('--label <name=value>', 'of the store, such as host=a or zone=z1; may be repeated', repeated, [])
    .option('--cluster <id>', 'of the cluster (default: dev)')
    .option('--bootstrap <ids>', 'the stores that found the cluster, separated by commas (default: this one alone)')
    .option('--replicas <n>', 'copies of every key (default: 3, or as many as found the cluster)')
    .option('--shards <n>', 'to begin with (default: 8)')
    .option('--nats <urls>', 'NATS servers, separated by commas (default: nats://127.0.0.1:4222)')
    .option('--embedded <when>', 'whether this process is the NATS server: auto, true or false (default: auto)')
    .option('--listen <host:port>', 'of the gateway (default: 127.0.0.1:8080)')
    .option('--token-hash <hash>', 'of an admin token; flotilla token new makes both')
    .option('--allow-anonymous', 'let everybody who reaches the gateway do everything')
    .option('--set <key=value>', 'any other setting, as flotilla start takes it; may be repeated', repeated, [])
    .addHelpText(
      'after',
      `${examples(
        'flotilla init                                                          one store on this machine',
        'flotilla init --bootstrap s1,s2,s3                                     the first of three',
        'flotilla init s2.yaml --id s2 --bootstrap s1,s2,s3 --listen 127.0.0.1:8081',
        'flotilla init -c /etc/flotilla.yaml --cluster production --bootstrap s1,s2,s3 --nats nats://10.0.0.1:4222 \\',
        '  --embedded false --listen 10.0.0.1:8080 --token-hash sha256:... --label zone=z1 --dir /var/lib/flotilla',
        'flotilla init --dry-run -o raw',
      )}\n\nAn existing file is left alone without --force. A file that holds secrets can be read by its owner only.`,
    )
    .action((file: string | undefined, flags: InitFlags, command: Command) => init(file, flags, command, registry))
}

async function init(
  argument: string | undefined,
  flags: InitFlags,
  command: Command,
  { context }: Registry,
): Promise<void> {
  const format = outputFormat(command.optsWithGlobals(), context, 'json')
  const file = fileOf(argument, flags.config)
  const program = context.self.command
  // Only commands that need the schema pay for loading it.
  const { composeFile } = await import('../../src/server/config/index.ts')
  const composed = composeFile({
    flags: textsOf(flags),
    always: ALWAYS,
    heading: HEADING,
    comments: COMMENTS,
  })
  if (!composed.ok) throw configurationError(composed.errors.map(withFlagNames), ['flotilla init --help'])
  const isDryRun = flags.dryRun === true
  if (!isDryRun) {
    const { text, hasSecrets } = composed
    writeNewFile({ file, text, mode: hasSecrets ? MODE_SECRET : MODE, overwrite: flags.force === true })
  }
  const result = resultOf(file, composed, isDryRun, program, flags)
  await printResult(context, format, {
    document: result,
    items: [result],
    columns: COLUMNS,
    table: () => (isDryRun ? composed.text.trimEnd() : report(result, composed.config)),
    raw: isDryRun ? composed.text : `${file}\n`,
  })
  for (const warning of result.warnings) await write(context.stderr, `warning: ${warning}\n`)
}

function fileOf(argument: string | undefined, option: string | undefined): string {
  if (argument !== undefined && option !== undefined && argument !== option) {
    throw new UsageError(`two files are named, ${argument} and ${option}; init writes one`)
  }
  const file = argument ?? option ?? FILE_DEFAULT
  if (file === '') throw new UsageError('the name of the file is empty')
  return file
}

function resultOf(
  file: string,
  { config, text, hasSecrets, warnings }: Extract<Composed, { readonly ok: true }>,
  isDryRun: boolean,
  program: string,
  flags: InitFlags,
): Initialized {
  return {
    file,
    written: !isDryRun,
    secret: hasSecrets,
    store: config.store.id,
    address: config.gateway.listen.text,
    warnings: warnings.map(withFlagNames),
    next: `${program} start -c ${shellWord(file)}`,
    others: otherStores(config, file, flags).map((words) => `${program} init ${words}`),
    ...(isDryRun ? { content: text } : {}),
  }
}

function report({ file, next, others, secret }: Initialized, config: Config): string {
  const { store, cluster } = config
  const { stores, replicas } = cluster.bootstrap
  const alone =
    'It keeps one copy of everything; --bootstrap s1,s2,s3 makes a cluster that survives the loss of a store.'
  return [
    `wrote ${file}: store ${store.id} of cluster ${cluster.id}${secret ? ', readable by its owner only' : ''}`,
    ...(stores.length === 1 && replicas === 1 ? [alone] : []),
    ...(others.length === 0 ? [] : ['', 'The other founders:', ...others.map((line) => `  ${line}`)]),
    '',
    'Next:',
    `  ${next}`,
  ].join('\n')
}
