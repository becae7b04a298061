/**
 * `flotilla start -c FILE`: one store in this process, until a signal ends it. Exit code 0 after a signal, 1 with the reason when the store cannot start or
 * cannot go on, 2 for a bad configuration.
 */
import type { Command } from 'commander'
import { AssertionFailure } from '../../src/base/index.ts'
import type { Config, LoadResult } from '../../src/server/config/index.ts'
import type { RunningNode } from '../../src/server/index.ts'
import { CliError, type Context, EXIT, type Signal, UsageError, write } from '../cli/index.ts'
import { configurationError } from './configuration-error.ts'
import { examples, type Registry } from './registry.ts'

/** What a graceful stop may take; a store that is slower is ended, and recovers as after a crash. */
const STOP_MS_MAX = 30_000

type Loaded = Extract<LoadResult, { readonly ok: true }>

interface StartFlags {
  readonly config?: string
  readonly set: readonly string[]
}

export function addStart(parent: Command, registry: Registry): void {
  parent
    .command('start')
    .description('run one store in this process')
    .option('-c, --config <file>', 'YAML or JSON')
    .option(
      '--set <key=value>',
      'override one setting; may be repeated',
      (word, words: string[]) => [...words, word],
      [],
    )
    .addHelpText(
      'after',
      `${examples(
        'flotilla start -c flotilla.yaml',
        'flotilla start -c flotilla.yaml --set store.id=s2 --set gateway.listen=127.0.0.1:8081',
        'FLOTILLA_RAFT__TICK_MS=20 flotilla start -c flotilla.yaml',
      )}\n\nSections: cluster, store, transport, storage, raft, placement, gateway, observability.\nSIGTERM and SIGINT stop it gracefully; a second SIGINT at once. SIGHUP reads tokens and certificates again.`,
    )
    .action(async (flags: StartFlags) => {
      registry.exitCode = await start(flags, registry.context)
    })
}

async function start(flags: StartFlags, context: Context): Promise<number> {
  const { config, sources } = await effectiveConfig(flags, context)
  const signals = listen(context)
  const stopRequested = signals.stop
  const { startNode } = await import('../../src/server/index.ts')
  const starting = startNode(config, sources)
  const early = await Promise.race([starting.then(() => undefined, startError(config)), stopRequested])
  // Nothing has been promised to anybody yet, so there is nothing to hand over.
  if (early !== undefined) return EXIT.ok
  const node = await starting
  signals.onReload = () => reload(node, flags, context)
  const failure = await Promise.race([node.failed, stopRequested.then(() => undefined)])
  if (failure !== undefined) throw new CliError(EXIT.failed, codeOf(failure), failure.message, ['flotilla status'])
  const isInTime = await Promise.race([node.stop().then(() => true), delay(context, STOP_MS_MAX)])
  if (isInTime === true) return EXIT.ok
  throw new CliError(EXIT.failed, 'TIMEOUT', `the store did not stop within ${STOP_MS_MAX / 1000} s and was ended`)
}

async function effectiveConfig(flags: StartFlags, context: Context): Promise<Loaded> {
  const { loadConfig } = await import('../../src/server/config/index.ts')
  const settings = Object.fromEntries(flags.set.map(parseSetting))
  const isSilent = !Object.keys(context.env).some((name) => /^FLOTILLA_.*__/.test(name))
  if (flags.config === undefined && flags.set.length === 0 && isSilent) {
    throw new UsageError('start needs a configuration: give -c FILE, or settings with --set')
  }
  const loaded = loadConfig({
    ...(flags.config === undefined ? {} : { file: flags.config }),
    flags: settings,
    env: context.env,
  })
  if (!loaded.ok) throw configurationError(loaded.errors)
  for (const warning of loaded.warnings) await write(context.stderr, `warning: ${warning}\n`)
  return loaded
}

function parseSetting(word: string): [string, string] {
  const equals = word.indexOf('=')
  if (equals > 0) return [word.slice(0, equals), word.slice(equals + 1)]
  throw new UsageError(`--set ${JSON.stringify(word)} is not key=value, such as raft.tickMs=50`)
}

interface Signals {
  /** Resolves at the first signal that means to stop; a second SIGINT ends the process. */
  readonly stop: Promise<Signal>
  /** At SIGHUP. */
  onReload: () => Promise<void>
}

function listen(context: Context): Signals {
  let isStopping = false
  let requestStop: (signal: Signal) => void
  const signals: Signals = {
    stop: new Promise((resolve) => {
      requestStop = resolve
    }),
    onReload: async () => {},
  }
  // A terminal that is closed says SIGHUP too, and means that everything in it is to end.
  const isForDaemon = (context.stdin as { readonly isTTY?: boolean }).isTTY !== true
  context.onSignal((signal) => {
    if (signal === 'SIGHUP' && isForDaemon && !isStopping) {
      void signals.onReload()
      return
    }
    if (isStopping && signal === 'SIGINT') context.exit(EXIT.interrupted)
    isStopping = true
    requestStop(signal)
  })
  return signals
}

/** Never ends the process: with a configuration that is wrong, everything stays as it was. */
async function reload(node: RunningNode, flags: StartFlags, context: Context): Promise<void> {
  try {
    const refused = node.reload((await effectiveConfig(flags, context)).config)
    if (refused !== undefined) await write(context.stderr, `error: the configuration was not reloaded: ${refused}\n`)
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    await write(context.stderr, `error: the configuration was not reloaded: ${error.message}\n`)
  }
}

/** Gives what kept the store from starting its words; what is a fault of the program goes on and crashes. */
function startError(config: Config): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Error) || isProgrammerError(error)) throw error
    const listening = config.gateway.listen.text
    switch (codeOf(error)) {
      case 'EADDRINUSE':
        throw new CliError(EXIT.failed, 'UNAVAILABLE', `gateway.listen ${listening} is in use by another process`, [
          'flotilla start -c FILE --set gateway.listen=127.0.0.1:PORT',
        ])
      case 'EADDRNOTAVAIL':
        throw new CliError(EXIT.failed, 'UNAVAILABLE', `gateway.listen ${listening} is no address of this machine`)
      case 'EACCES':
        throw new CliError(EXIT.failed, 'PERMISSION_DENIED', `permission denied: ${error.message}`)
      default:
        throw new CliError(EXIT.failed, codeOf(error), error.message)
    }
  }
}

function isProgrammerError(error: Error): boolean {
  return error instanceof AssertionFailure || error instanceof TypeError || error instanceof ReferenceError
}

/** Errors with a code say what they are; one without is a refusal in words. */
function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : 'ABORTED'
}

function delay(context: Context, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    context.clock.after(delayMs, resolve)
  })
}
