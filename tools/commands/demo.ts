/** `flotilla demo`: three stores on this machine. The work is in `demo/`. */
import type { Command } from 'commander'
import { parseWhole } from '../cli/index.ts'
import { examples, type Registry } from './registry.ts'
import { programVersion } from './version.ts'

interface DemoFlags {
  readonly dir: string
  readonly port: string
  readonly verbose?: true
}

/** Three gateways must fit above it. */
const PORT_MAX = 65_533

export function addDemo(parent: Command, registry: Registry): void {
  parent
    .command('demo')
    .description('run three stores on this machine until Ctrl-C; starting again finds the data')
    .option('--dir <path>', 'where the data goes', 'data')
    .option('--port <n>', 'the gateways listen on this port and the two after it', '8080')
    .option('--verbose', 'show what the stores log')
    .addHelpText(
      'after',
      `${examples(
        'flotilla demo',
        'flotilla demo --dir /tmp/demo --port 9080',
        'FLOTILLA_NATS=nats://127.0.0.1:4222 flotilla demo',
      )}\n\nWithout FLOTILLA_NATS, this process is the broker; killing a store does not harm it.`,
    )
    .action(async (flags: DemoFlags) => {
      const port = parseWhole('--port', flags.port, 1, PORT_MAX)
      // The broker and the configuration are only loaded where they are needed.
      const { runDemo } = await import('../demo/index.ts')
      registry.exitCode = await runDemo({
        context: registry.context,
        directory: flags.dir,
        port,
        isVerbose: flags.verbose === true,
        version: programVersion(),
      })
    })
}
