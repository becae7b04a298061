/** `flotilla scheduler ls|pause|resume`, `rebalance plan|run`, `hot read|write|keys`: what the placement driver wants. */
import type { Command } from 'commander'
import { type Column, formatTable, parseAnswer, parseWhole, percentEncode } from '../cli/index.ts'
import { DRY_RUN_HELP, OPERATOR_COLUMNS, type Operator, tried } from './operator-request.ts'
import { examples, type Registry, withSession } from './registry.ts'

interface Scheduler {
  readonly name: string
  readonly paused: boolean
  readonly pausedUntil: string | null
  readonly lastRunAt: string | null
}

const SCHEDULER_COLUMNS: readonly Column<Scheduler>[] = [
  { name: 'name', value: (scheduler) => scheduler.name },
  { name: 'paused', value: ({ paused }) => paused, show: ({ paused }) => (paused ? 'yes' : 'no') },
  { name: 'pausedUntil', value: (scheduler) => scheduler.pausedUntil },
  { name: 'lastRunAt', value: (scheduler) => scheduler.lastRunAt },
]

interface HotShard {
  readonly shard: number
  readonly readsPerSecond: number
  readonly writesPerSecond: number
}

const HOT_COLUMNS: readonly Column<HotShard>[] = [
  { name: 'shard', value: (shard) => shard.shard, align: 'right' },
  { name: 'readsPerSecond', title: 'reads/s', value: (shard) => shard.readsPerSecond, align: 'right' },
  { name: 'writesPerSecond', title: 'writes/s', value: (shard) => shard.writesPerSecond, align: 'right' },
]

interface HotKey {
  readonly key: string
  readonly keyEncoding?: 'base64'
  readonly shard: number
  readonly readsPerSecond: number
  readonly writesPerSecond: number
}

const HOT_KEY_COLUMNS: readonly Column<HotKey>[] = [
  { name: 'key', value: (hot) => (hot.keyEncoding === undefined ? hot.key : `base64:${hot.key}`) },
  { name: 'shard', value: (hot) => hot.shard, align: 'right' },
  { name: 'readsPerSecond', title: 'reads/s', value: (hot) => hot.readsPerSecond, align: 'right' },
  { name: 'writesPerSecond', title: 'writes/s', value: (hot) => hot.writesPerSecond, align: 'right' },
]

const PAUSE_SECONDS_MAX = 86_400

export function addScheduler(parent: Command, registry: Registry): void {
  const scheduler = parent.command('scheduler').description('show and pause the schedulers of the placement driver')
  scheduler
    .command('ls')
    .description('list all schedulers, in the order in which they are asked')
    .addHelpText('after', examples('flotilla scheduler ls'))
    .action((_flags: object, command: Command) =>
      withSession(registry, command, async (session) => {
        const { document, text } = await session.getJson<{ schedulers: readonly Scheduler[] }>('/admin/schedulers')
        await session.print({
          document,
          items: document.schedulers,
          columns: SCHEDULER_COLUMNS,
          table: () => formatTable(document.schedulers, SCHEDULER_COLUMNS),
          raw: text,
        })
      }),
    )
  const change = (command: Command, name: string, what: 'pause' | 'resume', body: object): Promise<void> =>
    withSession(registry, command, async (session) => {
      const answer = await session.client.send({
        method: 'POST',
        path: tried(`/admin/schedulers/${percentEncode(Buffer.from(name, 'utf8'))}/${what}`, command),
        headers: { 'Content-Type': 'application/json' },
        body: Buffer.from(JSON.stringify(body), 'utf8'),
      })
      const raw = answer.body.toString('utf8')
      const document = parseAnswer<Scheduler>(raw)
      const table = (): string => formatTable([document], SCHEDULER_COLUMNS)
      await session.print({ document, items: [document], columns: SCHEDULER_COLUMNS, table, raw })
    })
  scheduler
    .command('pause')
    .description('let a scheduler plan nothing for a while')
    .argument('<name>', 'the name of the scheduler')
    .argument('<seconds>', `for how long, 1 to ${PAUSE_SECONDS_MAX}`)
    .option('--dry-run', DRY_RUN_HELP)
    .addHelpText('after', examples('flotilla scheduler pause balance-replicas 3600'))
    .action((name: string, seconds: string, _flags: object, command: Command) =>
      change(command, name, 'pause', { seconds: parseWhole('the time in seconds', seconds, 1, PAUSE_SECONDS_MAX) }),
    )
  scheduler
    .command('resume')
    .description('let a paused scheduler plan again')
    .argument('<name>', 'the name of the scheduler')
    .option('--dry-run', DRY_RUN_HELP)
    .addHelpText('after', examples('flotilla scheduler resume balance-replicas'))
    .action((name: string, _flags: object, command: Command) => change(command, name, 'resume', {}))
}

export function addRebalance(parent: Command, registry: Registry): void {
  const rebalance = parent.command('rebalance').description('let every scheduler plan now')
  const run = (command: Command, isDryRun: boolean): Promise<void> =>
    withSession(registry, command, async (session) => {
      const path = `/admin/rebalance${isDryRun ? '?dry_run=true' : ''}`
      const answer = await session.client.send({ method: 'POST', path })
      const raw = answer.body.toString('utf8')
      const document = parseAnswer<{ operators: readonly Operator[] }>(raw)
      const table = (): string =>
        document.operators.length === 0
          ? 'nothing is to be done: see flotilla explain'
          : formatTable(document.operators, OPERATOR_COLUMNS)
      await session.print({ document, items: document.operators, columns: OPERATOR_COLUMNS, table, raw })
    })
  rebalance
    .command('plan')
    .description('show what the schedulers would do now')
    .addHelpText('after', examples('flotilla rebalance plan'))
    .action((_flags: object, command: Command) => run(command, true))
  rebalance
    .command('run')
    .description('start what the schedulers want now')
    .option('--dry-run', DRY_RUN_HELP)
    .addHelpText('after', examples('flotilla rebalance run'))
    .action((flags: { dryRun?: true }, command: Command) => run(command, flags.dryRun === true))
}

export function addHot(parent: Command, registry: Registry): void {
  const hot = parent.command('hot').description('show the busiest shards and keys')
  const rank = (command: Command, of: (shard: HotShard) => number): Promise<void> =>
    withSession(registry, command, async (session) => {
      const { document, text } = await session.getJson<{ shards: readonly HotShard[] }>('/admin/hot')
      const shards = [...document.shards].sort((a, b) => of(b) - of(a))
      await session.print({
        document: { ...document, shards },
        items: shards,
        columns: HOT_COLUMNS,
        table: () => formatTable(shards, HOT_COLUMNS),
        raw: text,
      })
    })
  hot
    .command('read')
    .description('by reads')
    .addHelpText('after', examples('flotilla hot read'))
    .action((_flags: object, command: Command) => rank(command, (shard) => shard.readsPerSecond))
  hot
    .command('write')
    .description('by writes')
    .addHelpText('after', examples('flotilla hot write'))
    .action((_flags: object, command: Command) => rank(command, (shard) => shard.writesPerSecond))
  hot
    .command('keys')
    .description('keys that have a large share of the requests of their shard')
    .addHelpText('after', examples('flotilla hot keys'))
    .action((_flags: object, command: Command) =>
      withSession(registry, command, async (session) => {
        const { document, text } = await session.getJson<{ keys: readonly HotKey[] }>('/admin/hot')
        const table = (): string =>
          document.keys.length === 0 ? 'no key is hot' : formatTable(document.keys, HOT_KEY_COLUMNS)
        await session.print({ document, items: document.keys, columns: HOT_KEY_COLUMNS, table, raw: text })
      }),
    )
}
