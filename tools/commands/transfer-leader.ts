/** `flotilla shard transfer-leader ID STORE`: an operator, which may be tried, started, or waited for. */
import type { Command } from 'commander'
import {
  CliError,
  type Column,
  EXIT,
  formatDetails,
  parseAnswer,
  parseDuration,
  printable,
  type Session,
  write,
} from '../cli/index.ts'
import { examples, type Registry, withSession } from './registry.ts'
import { parseShardId } from './shard-id.ts'

interface Operator {
  readonly id: string | null
  readonly kind: string
  readonly shard: number
  readonly state: 'running' | 'finished' | 'failed' | 'cancelled'
  readonly reason: string
  readonly createdAt: string
  readonly endedAt: string | null
  readonly error: string | null
}

const COLUMNS: readonly Column<Operator>[] = [
  { name: 'id', value: (operator) => operator.id },
  { name: 'kind', value: (operator) => operator.kind },
  { name: 'shard', value: (operator) => operator.shard },
  { name: 'state', value: (operator) => operator.state },
  { name: 'reason', value: (operator) => operator.reason },
  { name: 'createdAt', value: (operator) => operator.createdAt },
  { name: 'endedAt', value: (operator) => operator.endedAt },
  { name: 'error', value: (operator) => operator.error },
]

const WAIT_DEFAULT = '30s'
const WAIT_MS_MAX = 10 * 60_000

export function addTransferLeader(shard: Command, registry: Registry): void {
  shard
    .command('transfer-leader')
    .description('let another store lead a shard')
    .argument('<id>', 'the id of the shard')
    .argument('<store>', 'the id of a store that holds a replica')
    .option('--wait <duration>', `wait for the end; --wait alone waits ${WAIT_DEFAULT}`)
    .option('--dry-run', 'only show what would be done')
    .addHelpText(
      'after',
      examples(
        'flotilla shard transfer-leader 2 s3',
        'flotilla shard transfer-leader 2 s3 --wait=10s',
        'flotilla shard transfer-leader 2 s3 --dry-run',
      ),
    )
    .action((id: string, store: string, flags: { wait?: string; dryRun?: true }, command: Command) => {
      const path = `/admin/shards/${parseShardId(id)}/transfer-leader`
      const waitMs = flags.wait === undefined ? undefined : parseDuration('--wait', flags.wait, WAIT_MS_MAX)
      return withSession(registry, command, (session) => transfer(session, path, store, waitMs, flags.dryRun === true))
    })
}

/** `--wait` may stand alone, and must not take the next word for its value; so it gets one. */
export function completeWait(words: readonly string[]): string[] {
  const end = words.indexOf('--')
  const isFlag = (index: number): boolean => end < 0 || index < end
  return words.map((word, index) => (word === '--wait' && isFlag(index) ? `--wait=${WAIT_DEFAULT}` : word))
}

async function transfer(
  session: Session,
  path: string,
  store: string,
  waitMs: number | undefined,
  isDryRun: boolean,
): Promise<void> {
  const query = isDryRun ? '?dry_run=true' : waitMs === undefined ? '' : `?wait=${waitMs}ms`
  const { stderr } = session.context
  if (waitMs !== undefined && !isDryRun && stderr.isTTY === true)
    await write(stderr, 'waiting for the new leader ...\n')
  const answer = await session.client.send({
    method: 'POST',
    path: `${path}${query}`,
    headers: { 'Content-Type': 'application/json' },
    body: Buffer.from(JSON.stringify({ store }), 'utf8'),
    extraMs: waitMs ?? 0,
  })
  const raw = answer.body.toString('utf8')
  const operator = parseAnswer<Operator>(raw)
  if (!isDryRun) refuseFailure(operator, waitMs)
  await session.print({
    document: operator,
    items: [operator],
    columns: COLUMNS,
    table: () => operatorTable(operator),
    raw,
  })
}

function refuseFailure({ id, state, shard, error }: Operator, waitMs: number | undefined): void {
  const next = [`flotilla shard show ${shard}`]
  if (state === 'failed' || state === 'cancelled') {
    const why = error === null ? '' : `: ${error}`
    throw new CliError(
      EXIT.failed,
      'ABORTED',
      `operator ${id} has ${state === 'failed' ? 'failed' : 'been cancelled'}${why}`,
      next,
    )
  }
  if (state === 'running' && waitMs !== undefined) {
    throw new CliError(EXIT.unknownOutcome, 'TIMEOUT', `operator ${id} still runs after ${waitMs} ms`, next)
  }
}

function operatorTable(operator: Operator): string {
  return formatDetails([
    ['operator', operator.id ?? 'none; this is what it would be'],
    ['kind', operator.kind],
    ['shard', operator.shard],
    ['state', operator.id === null ? 'not started' : operator.state],
    ['reason', printable(operator.reason)],
  ])
}
