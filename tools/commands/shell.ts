/** `flotilla shell` and `flotilla manager`: interactive shells on one store and on the cluster. The work is in `shell/`. */
import type { Command } from 'commander'
import { UsageError } from '../cli/index.ts'
import { commandTree } from '../completion/index.ts'
import { CLUSTER_DIALECT, type Dialect, runShell, storeDialect } from '../shell/index.ts'
import { examples, type Registry, withSession } from './registry.ts'

const NOTES =
  '\n\nTab completes, the arrow keys go through former lines (FLOTILLA_HISTORY, by default ~/.flotilla_history).\nEvery other command works too. From a pipe, each line is a command; the exit code is that of the last one that failed.'

export function addShell(parent: Command, registry: Registry): void {
  parent
    .command('shell')
    .description('an interactive shell on a store: set, get, delete, all, status, log, help')
    .addHelpText(
      'after',
      `${examples('flotilla shell -e http://127.0.0.1:8081', 'flotilla shell < script.txt')}${NOTES}`,
    )
    .action(async (_flags: object, command: Command) => {
      let store = ''
      await withSession(registry, command, async (session) => {
        const { document } = await session.getJson<{ readonly store?: string }>('/version')
        store = document.store ?? ''
      })
      if (store === '') throw new UsageError('the endpoint is no store')
      await open(parent, registry, command, storeDialect(store))
    })
}

export function addManager(parent: Command, registry: Registry): void {
  parent
    .command('manager')
    .description('an interactive shell on the cluster: nodes, events, health, replication, latency, help')
    .addHelpText('after', `${examples('flotilla manager', 'echo "health check" | flotilla manager')}${NOTES}`)
    .action((_flags: object, command: Command) => open(parent, registry, command, CLUSTER_DIALECT))
}

async function open(parent: Command, registry: Registry, command: Command, dialect: Dialect): Promise<void> {
  const flags = command.optsWithGlobals<Record<string, string | undefined>>()
  // Every option of the program itself, so that a new one holds for the lines of a shell too.
  const globalWords = parent.options.flatMap((option) => {
    const value = flags[option.attributeName()]
    return value === undefined || option.long === undefined ? [] : [`${option.long}=${value}`]
  })
  registry.exitCode = await runShell({
    context: registry.context,
    dialect,
    tree: commandTree(parent),
    globalWords,
    runProgram: registry.runProgram,
  })
}
