/** `flotilla store drain|decommission|recommission|label`: stores that are to leave or come back, and what they are called. */
import type { Command } from 'commander'
import { confirm, parseAnswer, percentEncode, type Session, UsageError } from '../cli/index.ts'
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
}

function storePath(id: string): string {
  return `/admin/stores/${percentEncode(Buffer.from(id, 'utf8'))}`
}

function parseLabel(word: string): readonly [string, string | null] {
  const equals = word.indexOf('=')
  if (equals <= 0) throw new UsageError(`the label ${JSON.stringify(word)} is not NAME=VALUE`)
  return [word.slice(0, equals), equals === word.length - 1 ? null : word.slice(equals + 1)]
}
