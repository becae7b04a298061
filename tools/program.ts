/**
 * The command line: global options, the list of commands, and what becomes of errors. Knows no command from inside; runs the same in the real process and
 * in tests.
 */
import { Command, CommanderError } from 'commander'
import { CliError, type Context, EXIT, printable, UsageError, wrapFor, write } from './cli/index.ts'
import {
  type AddCommand,
  addBench,
  addCheck,
  addCompletion,
  addConfig,
  addDebug,
  addDel,
  addDemo,
  addEvents,
  addExplain,
  addExport,
  addGet,
  addHot,
  addImport,
  addInit,
  addLatency,
  addManager,
  addOperator,
  addPing,
  addPut,
  addRebalance,
  addRpcLog,
  addScan,
  addScheduler,
  addShard,
  addShell,
  addStart,
  addStatus,
  addStore,
  addToken,
  addTop,
  addVersion,
  completeWait,
  keepBenchWords,
  programVersion,
  type Registry,
} from './commands/index.ts'

const COMMANDS: readonly AddCommand[] = [
  addDemo,
  addStart,
  addInit,
  addGet,
  addPut,
  addDel,
  addScan,
  addExport,
  addImport,
  addShell,
  addManager,
  addStatus,
  addTop,
  addPing,
  addLatency,
  addStore,
  addShard,
  addEvents,
  addBench,
  addCheck,
  addDebug,
  addOperator,
  addScheduler,
  addRebalance,
  addExplain,
  addHot,
  addRpcLog,
  addConfig,
  addCompletion,
  addToken,
  addVersion,
]

/** Where it is no terminal. */
const HELP_COLUMNS = 80
/** Descriptions narrower than this are not broken into lines beside their names. */
const HELP_COLUMNS_MIN = 20

const HELP = `
Examples:
  flotilla demo                          three stores on this machine
  flotilla put greeting hello
  flotilla get greeting
  flotilla scan --limit 10
  flotilla status -e http://127.0.0.1:8081

Environment: FLOTILLA_ENDPOINT, FLOTILLA_TOKEN, FLOTILLA_CA, FLOTILLA_CERT, FLOTILLA_KEY, NO_COLOR.
Exit codes: 0 ok, 1 failed, 2 usage or bad configuration, 3 not found, 4 condition does not hold,
5 unavailable, 6 not known whether the write happened, 130 interrupted.`

/** Runs the words after the program's name and answers the exit code. */
export async function runProgram(words: readonly string[], context: Context): Promise<number> {
  const registry: Registry = { context, exitCode: EXIT.ok, runProgram }
  const printed: Promise<void>[] = []
  const program = createProgram(context, printed)
  for (const addCommand of COMMANDS) addCommand(program, registry)
  for (const command of allCommands(program)) configure(command, context, printed)
  try {
    await program.parseAsync(completeWait(keepBenchWords(words, program)), { from: 'user' })
  } catch (error) {
    registry.exitCode = await explain(error, program, words, context)
  }
  await Promise.all(printed)
  return registry.exitCode
}

function createProgram(context: Context, printed: Promise<void>[]): Command {
  const program = new Command('flotilla')
    .description('Flotilla: a sharded, durable, linearizable key-value database.')
    .option('-e, --endpoint <urls>', 'gateways, separated by commas (default: http://127.0.0.1:8080)')
    .option('--token <token>', 'sent as bearer token; better in FLOTILLA_TOKEN, where other users cannot see it')
    .option('--ca <file>', 'who signed the certificates of https gateways (PEM)')
    .option('--cert <file>', 'the certificate to show to gateways that ask for one (PEM)')
    .option('--key <file>', 'its key (PEM)')
    .option(
      '-o, --output <format>',
      'table, json, csv, ndjson or raw (default: table on a terminal, else json; get: raw)',
    )
    .option('--timeout <duration>', 'how long a request may take, such as 500ms or 2s (default: 10s)')
    .option('-y, --yes', 'do not ask before what cannot be taken back')
    .version(programVersion(), '-V, --version', 'print the version number')
    .helpOption('-h, --help', 'show this help, or that of a command')
    .addHelpText('after', HELP)
  return configure(program, context, printed)
}

function allCommands(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...allCommands(child)])
}

/** Errors are thrown and shown in one place; only help is printed by the parser. */
function configure(command: Command, context: Context, printed: Promise<void>[]): Command {
  return command
    .exitOverride()
    .configureHelp({ showGlobalOptions: true, minWidthToWrap: HELP_COLUMNS_MIN })
    .configureOutput({
      getOutHelpWidth: () => context.stdout.columns ?? HELP_COLUMNS,
      writeOut: (text) => printed.push(write(context.stdout, wrapFor(context.stdout, text))),
      writeErr: (text) => printed.push(write(context.stderr, text)),
      outputError: () => {},
    })
}

/** Tells the person what went wrong and answers the exit code. What is a fault of the program goes on and crashes. */
async function explain(error: unknown, program: Command, words: readonly string[], context: Context): Promise<number> {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok
    // Help that nobody asked for: a word was missing.
    if (error.code === 'commander.help') return EXIT.usage
    const sentence = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ')
    await complain(context, new CliError(EXIT.usage, 'INVALID_ARGUMENT', sentence, [helpCommand(program, words)]))
    return EXIT.usage
  }
  if (!(error instanceof CliError)) throw error
  if (error instanceof UsageError) await complain(context, await withSuggestion(error, program, words))
  else if (error.exitCode !== EXIT.usage || error.next.length > 0) await complain(context, error)
  else {
    const { exitCode, code, message, hint } = error
    await complain(context, new CliError(exitCode, code, message, [helpCommand(program, words)], hint))
  }
  return error.exitCode
}

async function complain(context: Context, { code, message, hint, next }: CliError): Promise<void> {
  // Words of a server must not speak to the terminal.
  const advice = hint === undefined ? '' : `  hint: ${printable(hint)}\n`
  // What the hint names already is not said again.
  const tries = next.flatMap((command) => (hint === command ? [] : [`  try: ${command}\n`])).join('')
  await write(context.stderr, `error: ${printable(code)}: ${message}\n${advice}${tries}`)
}

async function withSuggestion(error: UsageError, program: Command, words: readonly string[]): Promise<CliError> {
  const next = [helpCommand(program, words)]
  if (error.candidates.length === 0) return new CliError(error.exitCode, error.code, error.message, next)
  // Loading the schema beside it takes longer than a command; only mistakes pay for it.
  const { suggest } = await import('../src/server/config/index.ts')
  const near = suggest(error.word, error.candidates)
  const question = near === undefined ? '' : ` (Did you mean ${near}?)`
  return new CliError(error.exitCode, error.code, error.message + question, next)
}

/** The help that fits the words, as far as they name commands. */
function helpCommand(program: Command, words: readonly string[]): string {
  let command = program
  let path = program.name()
  for (const word of words) {
    const child = command.commands.find((candidate) => candidate.name() === word)
    if (child === undefined) continue
    command = child
    path += ` ${child.name()}`
  }
  return `${path} --help`
}
