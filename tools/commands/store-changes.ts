/** `flotilla store drain|decommission|recommission|label|register|forget`: stores that are to leave or come back, and what the cluster knows of them. */
import type { Command } from 'commander'
import { confirm, parseAnswer, percentEncode, printable, type Session, UsageError } from '../cli/index.ts'
import { DRY_RUN_HELP, type OperatorFlags, operatorOptions, requestOperator, tried } from './operator-request.ts'
import { examples, type Registry, withSession } from './registry.ts'

const CHANGES = [
  ['drain', 'take all leaders away from a store; it keeps its replicas'],
  ['decommission', 'take everything away from a store, for good'],
  ['recommission', 'take a store back that was to leave'],
] as const

/** `print` shows a store as `store show` does. */
export function addStoreChanges<Store>(
  store: Command,
  registry: Registry,
  print: (session: Session, document: Store, raw: string) => Promise<void>,
): void {
  for (const [name, description] of CHANGES) {
    operatorOptions(store.command(name))
      .description(description)
      .argument('<store>', 'the id of the store')
      .addHelpText(
        'after',
        examples(
          `flotilla store ${name} s4 --dry-run`,
          `flotilla store ${name} s4 --wait=5m${name === 'decommission' ? ' -y' : ''}`,
        ),
      )
      .action(async (id: string, flags: OperatorFlags, command: Command) => {
        const { yes } = command.optsWithGlobals<{ yes?: true }>()
        const isSafe = name !== 'decommission' || flags.dryRun === true
        await confirm(registry.context, isSafe || yes === true, `take everything away from store ${id}, for good`)
        await requestOperator(registry, command, flags, {
          path: `${storePath(id)}/${name}`,
          body: {},
          lookAt: `flotilla store show ${id}`,
        })
      })
  }
  store
    .command('label')
    .description('change labels of a store')
    .argument('<store>', 'the id of the store')
    .argument('<label...>', 'NAME=VALUE sets one, NAME= removes it; weight=2 gives the store a double share')
    .option('--dry-run', DRY_RUN_HELP)
    .addHelpText('after', examples('flotilla store label s4 zone=z2 host=b', 'flotilla store label s4 zone='))
    .action((id: string, words: readonly string[], _flags: object, command: Command) => {
      const labels = Object.fromEntries(words.map(parseLabel))
      return withSession(registry, command, async (session) => {
        const answer = await session.client.send({
          method: 'PATCH',
          path: tried(storePath(id), command),
          headers: { 'Content-Type': 'application/json' },
          body: Buffer.from(JSON.stringify({ labels }), 'utf8'),
        })
        const raw = answer.body.toString('utf8')
        await print(session, parseAnswer<Store>(raw), raw)
      })
    })
  addStoreNames(store, registry, print)
}

/** Stores that are not there yet, or not any more. */
function addStoreNames<Store>(
  store: Command,
  registry: Registry,
  print: (session: Session, document: Store, raw: string) => Promise<void>,
): void {
  store
    .command('register')
    .description('announce a store that will join')
    .argument('<store>', 'its id')
    .argument('<address>', 'the host:port of its gateway')
    .argument('[label...]', 'NAME=VALUE')
    .option('--dry-run', DRY_RUN_HELP)
    .addHelpText(
      'after',
      examples('flotilla store register s4 10.0.0.4:8080', 'flotilla store register s4 10.0.0.4:8080 zone=z2'),
    )
    .action((id: string, address: string, words: readonly string[], _flags: object, command: Command) => {
      const labels = Object.fromEntries(words.map(parseLabel))
      return withSession(registry, command, async (session) => {
        const answer = await session.client.send({
          method: 'POST',
          path: tried('/admin/nodes', command),
          headers: { 'Content-Type': 'application/json' },
          body: Buffer.from(JSON.stringify({ id, address, labels }), 'utf8'),
        })
        const raw = answer.body.toString('utf8')
        await print(session, parseAnswer<Store>(raw), raw)
      })
    })
  store
    .command('forget')
    .description('forget a store that is only registered, or gone')
    .argument('<store>', 'the id of the store')
    .option('--dry-run', DRY_RUN_HELP)
    .addHelpText('after', examples('flotilla store forget s4', 'flotilla store forget s4 --dry-run'))
    .action((id: string, flags: OperatorFlags, command: Command) =>
      withSession(registry, command, async (session) => {
        const path = `/admin/nodes/${percentEncode(Buffer.from(id, 'utf8'))}`
        const answer = await session.client.send({ method: 'DELETE', path: tried(path, command) })
        const raw = answer.body.toString('utf8')
        const document = parseAnswer<{ readonly store: string }>(raw)
        await session.print({
          document,
          items: [document],
          columns: [{ name: 'store', value: (forgotten: typeof document) => forgotten.store }],
          table: () => `store ${printable(document.store)} ${flags.dryRun === true ? 'would be' : 'is'} forgotten`,
          raw,
        })
      }),
    )
}

function storePath(id: string): string {
  return `/admin/stores/${percentEncode(Buffer.from(id, 'utf8'))}`
}

function parseLabel(word: string): readonly [string, string | null] {
  const equals = word.indexOf('=')
  if (equals <= 0) throw new UsageError(`the label ${JSON.stringify(word)} is not NAME=VALUE`)
  return [word.slice(0, equals), equals === word.length - 1 ? null : word.slice(equals + 1)]
}
