/**
 * `npm run demonstrate -- [scene...]`: shows on real processes, under load whose every answer is checked, what an elastic cluster is to do, and states the figures.
 * The exit code is 1 when something did not hold, 2 for bad flags.
 */
import { cpus } from 'node:os'
import { Command, CommanderError } from 'commander'
import { findNatsServer } from '../cluster/nats-server.ts'
import type { Scene, SceneSettings } from './scene.ts'
import { hot } from './scenes/hot.ts'
import { interruptions } from './scenes/interruptions.ts'
import { life } from './scenes/life.ts'
import { smooth } from './scenes/smooth.ts'
import { Stage, seconds } from './stage.ts'

const SCENES: readonly Scene[] = [life, hot, interruptions, smooth]
const USAGE_EXIT = 2

interface Flags {
  readonly megabytes: string
  readonly still: string
  readonly clients: string
  readonly broker?: string
}

const program = new Command()
  .name('npm run demonstrate --')
  .description('Shows on real processes under checked load what an elastic cluster does, and states the figures.')
  .argument('[scenes...]', `some of ${SCENES.map(({ name }) => name).join(', ')} (default: all)`)
  .option('--megabytes <number>', 'how much data a cluster grows to, 16 to 4096', '256')
  .option('--still <seconds>', 'for how long nothing may happen after a cluster has come to rest', '300')
  .option('--clients <number>', '1 to 64', '8')
  .option('--broker <kind>', 'nats (nats-server) or embedded; the former where it is installed')
  .exitOverride()

const print = (line: string): void => void process.stdout.write(`${line}\n`)
const note = (line: string): void => void process.stderr.write(`  (${line})\n`)

try {
  program.parse()
  process.exitCode = await main(program.args, program.opts<Flags>())
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? 0 : USAGE_EXIT
}

async function main(names: readonly string[], flags: Flags): Promise<number> {
  const settings: SceneSettings = {
    broker: brokerOf(flags.broker),
    megabytes: whole('megabytes', flags.megabytes, 16, 4096),
    stillSeconds: whole('still', flags.still, 1, 3600),
    clients: whole('clients', flags.clients, 1, 64),
  }
  const scenes = names.length === 0 ? SCENES : names.map(sceneOf)
  print(
    `${cpus().length} cores, Node ${process.version}, ${settings.broker}, ${settings.clients} clients beside the stores on one machine`,
  )
  let failed = 0
  for (const scene of scenes) {
    print(`\n## ${scene.name}: ${scene.shows}\n`)
    const startedMs = performance.now()
    const stage = { broker: settings.broker, print, note, ...scene.stage(settings) }
    const failures = await Stage.play(stage, (running) => scene.play(running, settings))
    failed += failures.length
    print(
      `- ${failures.length === 0 ? 'all of it held' : `${failures.length} claims failed`}, after ${seconds(performance.now() - startedMs)}`,
    )
  }
  return failed === 0 ? 0 : 1
}

function sceneOf(name: string): Scene {
  const scene = SCENES.find((each) => each.name === name)
  return scene ?? program.error(`there is no scene ${name}; there are ${SCENES.map((each) => each.name).join(', ')}`)
}

function brokerOf(kind: string | undefined): SceneSettings['broker'] {
  if (kind === undefined) return findNatsServer() === undefined ? 'embedded' : 'nats-server'
  if (kind === 'nats') return 'nats-server'
  return kind === 'embedded' ? kind : program.error('--broker is nats or embedded')
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value > most)
    program.error(`--${name} ${text} is no whole number from ${least} to ${most}`)
  return value
}
