/** The command line of the benchmark: flags, help, and which command they lead to. Measures nothing itself. */
import { tmpdir } from 'node:os'
import { Command, CommanderError, Option } from 'commander'
import { AssertionFailure, type Clock } from '../src/base/index.ts'
import { WORKLOADS as COMPARED_WORKLOADS, type CompareOptions, compareCommand } from './compare/index.ts'
import { OperatingError } from './operating-error.ts'
import { type OverloadOptions, overloadCommand } from './overload/index.ts'
import {
  DEFAULT_ENDPOINTS,
  decimal,
  durationMs,
  parseRunFlags,
  type RunFlags,
  runCommand,
  TARGETS,
  UsageError,
  WORKLOADS,
  whole,
} from './run/index.ts'

export const NPM_COMMAND = 'npm run bench --'
const EXIT_FAILED = 1
const EXIT_USAGE = 2
const ROUNDS_MAX = 100
const COMPARED_KEYS_MAX = 10_000_000
const COMPARED_VALUE_BYTES_MIN = 24
const COMPARED_VALUE_BYTES_MAX = 1024 * 1024
const OVERLOAD_FACTOR_MAX = 100
const CONNECTIONS_MAX = 10_000
const SYSTEMS = ['flotilla', 'etcd', 'jetstream']

const helpText = (command: string): string => `
Every value read is checked: it must be intact, belong to its key, and be at least as new as the last
acknowledged write that this process made before the read began. A wrong value makes the exit code 1.

Latency of an open loop (--rate) counts from when an operation was due, not from when it could be sent.

Examples:
  ${command} run                                    256 B puts over HTTP, 64 connections, 10 s
  ${command} run --workload mix --rate 5000         fixed rate, half of it reads
  ${command} run --target etcd-http --workload get  the same load on an etcd
  ${command} compare                                Flotilla, etcd and JetStream side by side, about 5 minutes
  ${command} compare --rounds 1 --duration 2s       a quick look
  ${command} overload                               five times the peak for a minute, and what comes after

Exit codes: 0 ok, 1 failed or a wrong read, 2 usage, 130 interrupted.`

export interface ProgramContext {
  readonly clock: Clock
  /** What people type before the words, for help and for the record. */
  readonly command: string
  /** Where `run` over HTTP to Flotilla goes unless it is told; undefined for the usual ports. */
  readonly endpoints: string | undefined
  /** Tells values of this run from those of earlier ones. */
  readonly runId: number
  readonly print: (line: string) => void
  readonly printError: (line: string) => void
}

/** Runs the words after the program's name and answers the exit code. */
export async function runProgram(words: readonly string[], context: ProgramContext): Promise<number> {
  let exitCode = 0
  const help = helpText(context.command)
  const program = new Command(context.command === NPM_COMMAND ? 'bench' : context.command)
    .description('Loads a Flotilla cluster and compares it with etcd and NATS JetStream.')
    .addHelpText('after', help)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.print(text.trimEnd()),
      writeErr: (text) => context.printError(text.trimEnd()),
    })
  addRun(program, async (flags) => {
    exitCode = await runCommand(
      parseRunFlags(withEndpoints(flags, context.endpoints)),
      context.clock,
      context.runId,
      context.print,
    )
  })
  addCompare(program, async (flags) => {
    const command = `${context.command} ${words.join(' ')}`
    exitCode = await compareCommand(parseCompareFlags(flags, command), context.clock, context.print)
  })
  addOverload(program, async (flags) => {
    exitCode = await overloadCommand(parseOverloadFlags(flags), context.clock, context.print)
  })
  if (words.length === 0) {
    context.print(`${program.helpInformation()}${help}`)
    return EXIT_USAGE
  }
  try {
    await program.parseAsync([...words], { from: 'user' })
  } catch (error) {
    return failure(error, context)
  }
  return exitCode
}

/** Turns what a command rejected with into an exit code and a sentence; what is not an operating error goes on and crashes. */
function failure(error: unknown, context: ProgramContext): number {
  // Commander has already printed help or its complaint.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE
  if (error instanceof UsageError) {
    context.printError(`error: ${error.message}`)
    return EXIT_USAGE
  }
  if (!(error instanceof Error) || !isOperatingError(error)) throw error
  context.printError(`error: ${describeError(error)}`)
  return EXIT_FAILED
}

/** Our own, or one with a code: of the system, of the NATS client, of Flotilla's. */
function isOperatingError(error: Error): boolean {
  const isProgrammerError = error instanceof AssertionFailure || error instanceof TypeError
  return error instanceof OperatingError || ('code' in error && !isProgrammerError)
}

function describeError(error: Error): string {
  const causes = error instanceof AggregateError ? error.errors.map(String).join('; ') : ''
  return error.message === '' ? causes : error.message
}

function withEndpoints(flags: RunFlags, endpoints: string | undefined): RunFlags {
  const isDefault = flags.endpoints === undefined && flags.target === 'flotilla-http'
  return isDefault && endpoints !== undefined ? { ...flags, endpoints } : flags
}

function addRun(program: Command, action: (flags: RunFlags) => Promise<void>): void {
  const endpoints = TARGETS.map((target) => `${target} ${DEFAULT_ENDPOINTS[target]}`).join('; ')
  program
    .command('run')
    .description('load a cluster that is already running')
    .option('-t, --target <name>', `what to load: ${TARGETS.join(', ')}`, 'flotilla-http')
    .option('-e, --endpoints <list>', `comma-separated (default: ${endpoints})`)
    .option('-w, --workload <name>', `what to do: ${WORKLOADS.join(', ')}`, 'put')
    .option('--read-ratio <share>', 'share of gets in a mix, 0 to 1', '0.5')
    .option('-c, --connections <n>', 'operations in flight; over HTTP each has a connection of its own', '64')
    .option('-r, --rate <n>', 'operations per second of an open loop (default: closed loop, as fast as answers come)')
    .option('-d, --duration <time>', 'length of the measured window, as 500ms, 10s or 2m', '10s')
    .option('--warm-up <time>', 'load before the measured window', '2s')
    .option('-s, --value-bytes <n>', 'size of a value, at least 24', '256')
    .option('-k, --keys <n>', 'number of keys', '10000')
    .option('--distribution <name>', 'which keys: uniform, zipfian, sequential, single', 'uniform')
    .option('--key-prefix <text>', 'what all keys contain; loads at the same time need different ones', 'bench')
    .option('--key-layout <name>', 'spread: first characters differ; prefix: all keys begin alike', 'spread')
    .option('--seed <n>', 'chooses the sequence of keys', '1')
    .option('--timeout <time>', 'an operation unanswered for this long is an error', '10s')
    // Not a default: help would print the secret.
    .addOption(new Option('--token <token>', 'bearer token').env('FLOTILLA_TOKEN'))
    .option(
      '--leaders',
      'over HTTP: send every operation to the store that leads its key, as a client with a map does',
      false,
    )
    .option('--no-preload', 'do not write all keys before a load that reads')
    .option('--json <file>', 'also write everything as JSON')
    .action(action)
}

/** Of the commands that start databases themselves. */
interface ServersFlags {
  readonly keys: string
  readonly valueBytes: string
  readonly dir: string
  readonly json?: string
  readonly enforce?: boolean
}

function addServersOptions(command: Command): Command {
  return command
    .option('-k, --keys <n>', 'number of keys, all written before anything is measured', '10000')
    .option('-s, --value-bytes <n>', 'size of a value', '256')
    .option('--dir <path>', 'where the data goes while it runs; must be a disk', tmpdir())
    .option('--json <file>', 'also write everything as JSON')
    .option('--enforce', 'exit 1 when what is demanded is missed')
}

function parseServersFlags(flags: ServersFlags) {
  return {
    keyCount: whole('--keys', flags.keys, 1, COMPARED_KEYS_MAX),
    valueBytes: whole('--value-bytes', flags.valueBytes, COMPARED_VALUE_BYTES_MIN, COMPARED_VALUE_BYTES_MAX),
    directory: flags.dir,
    jsonFile: flags.json,
    enforce: flags.enforce === true,
  }
}

interface CompareFlags extends ServersFlags {
  readonly rounds: string
  readonly duration: string
  readonly warmUp: string
  readonly runIn: string
  readonly systems?: string
  readonly workloads?: string
}

function addCompare(program: Command, action: (flags: CompareFlags) => Promise<void>): void {
  const workloads = COMPARED_WORKLOADS.map((workload) => workload.name).join(', ')
  const command = program
    .command('compare')
    .description('start Flotilla, etcd and JetStream one after the other on this machine and print ratios')
    .option('--rounds <n>', 'how often each system runs; the order rotates', '3')
    .option('-d, --duration <time>', 'measured window of each workload', '5s')
    .option('--warm-up <time>', 'load before each window', '5s')
    .option('--run-in <time>', 'mixed load after the start of every system, before the first window', '20s')
    .option('--systems <list>', `some of ${SYSTEMS.join(', ')} (default: all that are installed)`)
    .option('--workloads <list>', `some of ${workloads} (default: all)`)
  addServersOptions(command).action(action)
}

function parseCompareFlags(flags: CompareFlags, command: string): CompareOptions {
  return {
    ...parseServersFlags(flags),
    rounds: whole('--rounds', flags.rounds, 1, ROUNDS_MAX),
    durationMs: durationMs('--duration', flags.duration, 1),
    warmUpMs: durationMs('--warm-up', flags.warmUp, 0),
    runInMs: durationMs('--run-in', flags.runIn, 0),
    systems: someOf('--systems', flags.systems, SYSTEMS),
    workloads: someOf(
      '--workloads',
      flags.workloads,
      COMPARED_WORKLOADS.map((workload) => workload.name),
    ),
    command,
  }
}

interface OverloadFlags extends ServersFlags {
  readonly factor: string
  readonly duration: string
  readonly peakConnections: string
  readonly connections: string
  readonly readRatio: string
}

function addOverload(program: Command, action: (flags: OverloadFlags) => Promise<void>): void {
  const command = program
    .command('overload')
    .description('start a cluster on this machine, find its peak, and ask for several times that')
    .option('--factor <n>', 'how many times the peak is asked for', '5')
    .option('-d, --duration <time>', 'length of the overload', '60s')
    .option('--peak-connections <n>', 'connections while the peak is measured', '256')
    .option('-c, --connections <n>', 'connections of the overload; each carries one request at a time', '2000')
    .option('--read-ratio <share>', 'share of gets, 0 to 1', '0')
  addServersOptions(command).action(action)
}

function parseOverloadFlags(flags: OverloadFlags): OverloadOptions {
  return {
    ...parseServersFlags(flags),
    factor: decimal('--factor', flags.factor, 1, OVERLOAD_FACTOR_MAX),
    durationMs: durationMs('--duration', flags.duration, 1000),
    peakConnections: whole('--peak-connections', flags.peakConnections, 1, CONNECTIONS_MAX),
    connections: whole('--connections', flags.connections, 1, CONNECTIONS_MAX),
    readRatio: decimal('--read-ratio', flags.readRatio, 0, 1),
  }
}

function someOf(flag: string, text: string | undefined, choices: readonly string[]): readonly string[] | undefined {
  const words = text?.split(',').map((word) => word.trim())
  const unknown = words?.find((word) => !choices.includes(word))
  if (unknown !== undefined) throw new UsageError(`${flag} ${unknown} is not one of ${choices.join(', ')}`)
  return words
}
