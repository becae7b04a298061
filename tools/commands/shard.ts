/** `flotilla shard ls|show|lookup|map`: the key ranges and who keeps them; what changes them is in shard-changes. */
import type { Command } from 'commander'
import {
  type Column,
  formatDetails,
  formatTable,
  keyArgument,
  percentEncode,
  printable,
  type Session,
  shortBytes,
} from '../cli/index.ts'
import { examples, type Registry, withSession } from './registry.ts'
import { addShardChanges } from './shard-changes.ts'
import { parseShardId } from './shard-id.ts'
import { shardMapText } from './shard-map-text.ts'

interface Replica {
  readonly store: string
  readonly role: string
  readonly matchIndex: number | null
  readonly state: string | null
}

export interface Shard {
  readonly id: number
  readonly kind?: string
  readonly start?: string
  readonly end?: string | null
  readonly epoch: { readonly membership: number; readonly range: number }
  readonly leader: string | null
  readonly term: number
  readonly commitIndex: number
  readonly appliedIndex: number
  readonly replicas: readonly Replica[]
  readonly bytes: number
  readonly keys: number
  readonly load: { readonly readsPerSecond: number; readonly writesPerSecond: number }
}

const COLUMNS: readonly Column<Shard>[] = [
  { name: 'id', value: (shard) => shard.id, align: 'right' },
  { name: 'kind', value: (shard) => shard.kind ?? 'data' },
  { name: 'start', value: (shard) => shard.start, show: (shard) => shard.start || '-' },
  { name: 'end', value: (shard) => shard.end },
  { name: 'epoch', value: (shard) => `${shard.epoch.membership}.${shard.epoch.range}` },
  { name: 'leader', value: (shard) => shard.leader },
  { name: 'term', value: (shard) => shard.term, align: 'right' },
  { name: 'commitIndex', value: (shard) => shard.commitIndex, align: 'right' },
  { name: 'appliedIndex', value: (shard) => shard.appliedIndex, align: 'right' },
  { name: 'replicas', value: (shard) => shard.replicas.map((replica) => replica.store).join(' ') },
  { name: 'bytes', value: (shard) => shard.bytes, show: (shard) => shortBytes(shard.bytes), align: 'right' },
  { name: 'keys', value: (shard) => shard.keys, align: 'right' },
]
/** What fits a terminal. */
const TABLE_COLUMNS = COLUMNS.filter((column) => !['commitIndex', 'appliedIndex'].includes(column.name))

const REPLICA_COLUMNS: readonly Column<Replica>[] = [
  { name: 'replica', value: (replica) => replica.store },
  { name: 'role', value: (replica) => replica.role },
  { name: 'matchIndex', value: (replica) => replica.matchIndex, align: 'right' },
  { name: 'state', value: (replica) => replica.state },
]

export function addShard(parent: Command, registry: Registry): void {
  const shard = parent.command('shard').description('show and change shards, the ranges of keys')
  shard
    .command('ls')
    .description('list all shards; shard 1 is the placement driver')
    .addHelpText('after', examples('flotilla shard ls', 'flotilla shard ls -o ndjson'))
    .action((_flags: object, command: Command) =>
      withSession(registry, command, (session) => listShards(session, (shards) => formatTable(shards, TABLE_COLUMNS))),
    )
  shard
    .command('show')
    .description('show one shard with its replicas')
    .argument('<id>', 'the id of the shard')
    .addHelpText('after', examples('flotilla shard show 2'))
    .action((id: string, _flags: object, command: Command) => {
      const path = `/admin/shards/${parseShardId(id)}`
      return withSession(registry, command, async (session) => {
        const { document, text } = await session.getJson<Shard>(path)
        await printShard(session, document, document, text)
      })
    })
  shard
    .command('lookup')
    .description('show the shard that holds a key')
    .argument('<key>', 'the key as text; it need not exist')
    .option('--key-base64', 'the key is given as base64')
    .addHelpText('after', examples('flotilla shard lookup greeting'))
    .action((key: string, flags: { keyBase64?: true }, command: Command) => {
      const path = `/admin/shards/lookup?key=${percentEncode(keyArgument(key, flags.keyBase64 === true))}`
      return withSession(registry, command, async (session) => {
        const { document, text } = await session.getJson<{ shard: Shard }>(path)
        await printShard(session, document, document.shard, text)
      })
    })
  shard
    .command('map')
    .description('draw the key space: every shard with its range, its replicas and its leader')
    .addHelpText('after', examples('flotilla shard map'))
    .action((_flags: object, command: Command) =>
      withSession(registry, command, (session) => listShards(session, shardMapText)),
    )
  addShardChanges(shard, registry)
}

/** All pages of them. */
async function listShards(session: Session, draw: (shards: readonly Shard[]) => string): Promise<void> {
  const shards: Shard[] = []
  const texts: string[] = []
  let next: string | null | undefined
  do {
    const cursor = next ? `?cursor=${percentEncode(Buffer.from(next, 'utf8'))}` : ''
    const page: { document: { shards: Shard[]; next?: string | null }; text: string } = await session.getJson(
      `/admin/shards${cursor}`,
    )
    shards.push(...page.document.shards)
    texts.push(page.text)
    next = page.document.next
  } while (next)
  await session.print({
    document: { shards },
    items: shards,
    columns: COLUMNS,
    table: () => draw(shards),
    raw: texts.join('\n'),
  })
}

function printShard(session: Session, document: unknown, shard: Shard, raw: string): Promise<void> {
  return session.print({ document, items: [shard], columns: COLUMNS, table: () => shardTable(shard), raw })
}

function shardTable(shard: Shard): string {
  const range: [string, string][] =
    shard.start === undefined
      ? []
      : [
          ['start', shard.start === '' ? 'the lowest key' : shard.start],
          ['end', shard.end === null || shard.end === undefined ? 'the highest key' : shard.end],
        ]
  const details = formatDetails([
    ['shard', shard.id],
    ['kind', shard.kind ?? 'data'],
    ...range,
    ['epoch', `${shard.epoch.membership}.${shard.epoch.range} (membership.range)`],
    ['leader', printable(shard.leader ?? 'none')],
    ['term', shard.term],
    ['commit index', shard.commitIndex],
    ['applied index', shard.appliedIndex],
    ['keys', shard.keys],
    ['bytes', shortBytes(shard.bytes)],
    ['reads per second', shard.load.readsPerSecond.toFixed(1)],
    ['writes per second', shard.load.writesPerSecond.toFixed(1)],
  ])
  return `${details}\n\n${formatTable(shard.replicas, REPLICA_COLUMNS)}`
}
