/** The command line of chaos, `npm run chaos -- --minutes 5 --seed 7`: reads flags and calls `runChaos`. The exit code is 1 when something failed, 2 for bad flags. */
import { randomInt } from 'node:crypto'
import { Command, CommanderError } from 'commander'
import { findNatsServer, NATS_SERVER_ABSENT } from '../cluster/nats-server.ts'
import type { Fault } from './fault.ts'
import { FAULTS } from './faults.ts'
import { type ChaosOptions, runChaos } from './run.ts'

const USAGE_EXIT = 2
const FRESH_SEED_MAX = 1_000_000

interface Flags {
  readonly minutes: string
  readonly seed?: string
  readonly stores: string
  readonly shards: string
  readonly clients: string
  readonly broker: string
  readonly faults?: string
}

const program = new Command()
  .name('npm run chaos --')
  .description('Breaks a cluster of real store processes at random while clients use it, and judges what they saw.')
  .option('--minutes <number>', 'how long faults happen', '5')
  .option('--seed <number>', 'chooses faults and operations (default: a fresh one, printed)')
  .option('--stores <number>', '3 to 9', '3')
  .option('--shards <number>', '1 to 64', '4')
  .option('--clients <number>', '1 to 200', '12')
  .option('--broker <kind>', 'nats (nats-server, must be installed) or embedded', 'nats')
  .option('--faults <names>', `some of ${FAULTS.map(({ name }) => name).join(', ')} (default: all)`)
  .addHelpText(
    'after',
    '\nThe seed repeats what is chosen, not when processes do what: a failure may need several runs to show again.',
  )
  .exitOverride()

try {
  program.parse()
  const failures = await runChaos(optionsOf(program.opts<Flags>()))
  process.exitCode = failures.length === 0 ? 0 : 1
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? 0 : USAGE_EXIT
}

function optionsOf(flags: Flags): ChaosOptions {
  const seed = flags.seed === undefined ? randomInt(FRESH_SEED_MAX) : whole('seed', flags.seed, 0, 2 ** 32 - 1)
  const minutes = Number(flags.minutes)
  if (!(minutes > 0)) program.error(`--minutes ${flags.minutes} is no positive number`)
  if (flags.broker !== 'nats' && flags.broker !== 'embedded') program.error('--broker is nats or embedded')
  if (flags.broker === 'nats' && findNatsServer() === undefined)
    program.error(`${NATS_SERVER_ABSENT}; use --broker embedded`)
  const stores = whole('stores', flags.stores, 3, 9)
  const given = Object.entries({ ...flags, seed }).map(([name, value]) => `--${name} ${value}`)
  return {
    seed,
    seconds: minutes * 60,
    stores,
    shards: whole('shards', flags.shards, 1, 64),
    clients: whole('clients', flags.clients, 1, 200),
    broker: flags.broker === 'nats' ? 'nats-server' : 'embedded',
    faults: flags.faults === undefined ? FAULTS : chosenFaults(flags.faults),
    command: `npm run chaos -- ${given.join(' ')}`,
    print: (line) => process.stdout.write(`${line}\n`),
  }
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value > most)
    program.error(`--${name} ${text} is no whole number from ${least} to ${most}`)
  return value
}

function chosenFaults(names: string): readonly Fault[] {
  return names.split(',').map((name) => {
    const fault = FAULTS.find((candidate) => candidate.name === name.trim())
    return fault ?? program.error(`there is no fault ${name}; there are ${FAULTS.map((each) => each.name).join(', ')}`)
  })
}
