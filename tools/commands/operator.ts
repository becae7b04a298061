/** `flotilla operator ls|show|cancel|wait`: what the placement driver does, and has done. */
import type { Command } from 'commander'
import { type Column, formatTable, parseAnswer } from '../cli/index.ts'
import {
  DRY_RUN_HELP,
  follow,
  OPERATOR_COLUMNS,
  type Operator,
  operatorPath,
  parseWait,
  printOperator,
  refuseFailure,
  tried,
  WAIT_DEFAULT,
} from './operator-request.ts'
import { examples, type Registry, withSession } from './registry.ts'

const TABLE_COLUMNS: readonly Column<Operator>[] = [
  { name: 'id', value: (operator) => operator.id, align: 'right' },
  { name: 'kind', value: (operator) => operator.kind },
  {
    name: 'subject',
    value: (operator) => operator.store ?? (operator.shard === 0 ? 'all shards' : `shard ${operator.shard}`),
  },
  { name: 'state', value: (operator) => operator.state },
  { name: 'steps', value: (operator) => progress(operator) },
  { name: 'by', value: (operator) => operator.scheduler },
  { name: 'reason', value: (operator) => operator.error ?? operator.waitsFor ?? operator.reason },
]

function progress({ steps }: Operator): string {
  return `${steps.filter(({ state }) => state === 'done').length} of ${steps.length}`
}

export function addOperator(parent: Command, registry: Registry): void {
  const operator = parent.command('operator').description('show and cancel what the placement driver does')
  operator
    .command('ls')
    .description('list operators that run and the last that ended')
    .addHelpText('after', examples('flotilla operator ls', 'flotilla operator ls -o ndjson'))
    .action((_flags: object, command: Command) =>
      withSession(registry, command, async (session) => {
        const { document, text } = await session.getJson<{ operators: readonly Operator[] }>('/admin/operators')
        await session.print({
          document,
          items: document.operators,
          columns: OPERATOR_COLUMNS,
          table: () => formatTable(document.operators, TABLE_COLUMNS),
          raw: text,
        })
      }),
    )
  operator
    .command('show')
    .description('show one operator with its steps')
    .argument('<operator>', 'the id of the operator')
    .addHelpText('after', examples('flotilla operator show 7'))
    .action((id: string, _flags: object, command: Command) =>
      withSession(registry, command, async (session) => {
        const { document, text } = await session.getJson<Operator>(operatorPath(id))
        await printOperator(session, document, text)
      }),
    )
  operator
    .command('cancel')
    .description('cancel a running operator; what it did is taken back')
    .argument('<operator>', 'the id of the operator')
    .option('--dry-run', DRY_RUN_HELP)
    .addHelpText('after', examples('flotilla operator cancel 7', 'flotilla operator cancel 7 --dry-run'))
    .action((id: string, _flags: object, command: Command) =>
      withSession(registry, command, async (session) => {
        const answer = await session.client.send({ method: 'DELETE', path: tried(operatorPath(id), command) })
        const raw = answer.body.toString('utf8')
        await printOperator(session, parseAnswer<Operator>(raw), raw)
      }),
    )
  operator
    .command('wait')
    .description('wait for the end of an operator')
    .argument('<operator>', 'the id of the operator')
    .option('--wait <duration>', 'at most this long', WAIT_DEFAULT)
    .addHelpText('after', examples('flotilla operator wait 7', 'flotilla operator wait 7 --wait=5m'))
    .action((id: string, flags: { wait: string }, command: Command) => {
      const waitMs = parseWait(flags) ?? 0
      return withSession(registry, command, async (session) => {
        const { raw, operator: ended } = await follow(session, id, waitMs)
        refuseFailure(ended, waitMs, 'flotilla operator ls')
        await printOperator(session, ended, raw)
      })
    })
}
