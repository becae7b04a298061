/**
 * `flotilla bench`: the benchmark that this package brings along. It is a program of its own and runs in a process of its own, so that nothing else shares the
 * thread that measures. All words after `bench` are for it, `--help` among them; output and exit code are its own.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { type Context, EXIT, type ExitCode, UsageError } from '../cli/index.ts'
import { BENCH_COMMANDS } from './bench-options.ts'
import { examples, type Registry } from './registry.ts'

const NAME = 'bench'
const MAIN = fileURLToPath(
  new URL(`../../bench/main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
)
/** Options for all commands that have no meaning here; those of the endpoint and the token have one. */
const MEANINGLESS = ['ca', 'cert', 'key', 'output', 'timeout'] as const

export function addBench(parent: Command, registry: Registry): void {
  const start = async (words: readonly string[], command: Command): Promise<void> => {
    registry.exitCode = await runBench(words, command, registry.context)
  }
  const bench = parent
    .command(NAME)
    .description('load a cluster, or compare with etcd and JetStream on this machine')
    .argument('[words...]')
    .helpCommand(false)
    .addHelpText(
      'after',
      examples(
        'flotilla bench run',
        'flotilla bench run --workload mix --rate 5000 --leaders',
        'flotilla bench compare --rounds 1 --duration 2s',
        'flotilla bench run --help',
      ),
    )
    .action((words: readonly string[], _flags: object, command: Command) => start(words, command))
  for (const { name, description, options } of BENCH_COMMANDS) {
    const command = bench.command(name).description(description).argument('[words...]')
    for (const [flags, meaning] of options) command.option(flags, meaning)
    command.action((words: readonly string[], _flags: object, own: Command) => start([name, ...words], own))
  }
}

/** Marks what follows `bench` as its own: options of this program may stand anywhere else, and some have the same names. */
export function keepBenchWords(words: readonly string[], program: Command): readonly string[] {
  for (let place = 0; place < words.length; place++) {
    const word = words[place] ?? ''
    if (word === '--') return words
    if (word.startsWith('-')) {
      const option = program.options.find(({ short, long }) => word === short || word === long)
      if (option?.required === true) place++
    } else {
      return word === NAME ? [...words.slice(0, place + 1), '--', ...words.slice(place + 1)] : words
    }
  }
  return words
}

async function runBench(words: readonly string[], command: Command, context: Context): Promise<ExitCode> {
  const flags = command.parent?.name() === NAME ? command.parent.parent?.opts() : command.parent?.opts()
  const { endpoint, token, ...others } = (flags ?? {}) as Readonly<Record<string, string | undefined>>
  const meaningless = MEANINGLESS.find((name) => others[name] !== undefined)
  if (meaningless !== undefined)
    throw new UsageError(`--${meaningless} before bench means nothing; its own options follow it`)
  const child = spawn(process.execPath, [...process.execArgv, MAIN, ...words], {
    // Over the channel it learns when this process is gone, and ends what it started.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...context.env,
      FLOTILLA_BENCH_COMMAND: `${context.self.command} ${NAME}`,
      ...(endpoint === undefined ? {} : { FLOTILLA_ENDPOINT: endpoint }),
      ...(token === undefined ? {} : { FLOTILLA_TOKEN: token }),
    },
  })
  context.onSignal((signal) => child.kill(signal))
  child.stdout?.pipe(context.stdout, { end: false })
  child.stderr?.pipe(context.stderr, { end: false })
  return await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve((code ?? EXIT.failed) as ExitCode))
  })
}
