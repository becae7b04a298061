/** `flotilla status`: the cluster at a glance. */
import type { Command } from 'commander'
import { type Column, formatDetails, printable } from '../cli/index.ts'
import { examples, type Registry, withSession } from './registry.ts'

interface Status {
  readonly health: string
  readonly ok: boolean
  readonly version: string
  readonly stores: { readonly total: number; readonly up: number }
  readonly shards: {
    readonly total: number
    readonly leaderless: readonly number[]
    readonly underReplicated: readonly number[]
  }
  readonly leaders: Readonly<Record<string, number>>
  readonly operators: { readonly running: number }
  readonly placement: { readonly leader: string | null; readonly term: number }
}

const COLUMNS: readonly Column<Status>[] = [
  { name: 'ok', value: (status) => status.ok },
  { name: 'health', value: (status) => status.health },
  { name: 'version', value: (status) => status.version },
  { name: 'storesTotal', value: (status) => status.stores.total },
  { name: 'storesUp', value: (status) => status.stores.up },
  { name: 'shardsTotal', value: (status) => status.shards.total },
  { name: 'shardsLeaderless', value: (status) => status.shards.leaderless.length },
  { name: 'shardsUnderReplicated', value: (status) => status.shards.underReplicated.length },
  { name: 'operatorsRunning', value: (status) => status.operators.running },
  { name: 'placementLeader', value: (status) => status.placement.leader },
  { name: 'placementTerm', value: (status) => status.placement.term },
]

export function addStatus(parent: Command, registry: Registry): void {
  parent
    .command('status')
    .description('show the cluster at a glance')
    .addHelpText(
      'after',
      examples('flotilla status', 'flotilla status -e http://127.0.0.1:8081', 'flotilla status -o json | jq .ok'),
    )
    .action((_flags: object, command: Command) =>
      withSession(registry, command, async (session) => {
        const { document, text } = await session.getJson<Status>('/admin/status')
        await session.print({
          document,
          items: [document],
          columns: COLUMNS,
          table: () => statusTable(document),
          raw: text,
        })
      }),
    )
}

function statusTable(status: Status): string {
  const { stores, shards, placement, operators } = status
  const leaders = Object.entries(status.leaders).map(([store, count]) => `${store} ${count}`)
  const details = formatDetails([
    ['stores', `${stores.up} of ${stores.total} up`],
    ['shards', String(shards.total)],
    ['leaderless', listed(shards.leaderless)],
    ['under-replicated', listed(shards.underReplicated)],
    ['leaders', printable(leaders.join(', ')) || 'none'],
    [
      'placement driver',
      placement.leader === null ? 'no leader' : `led by ${placement.leader}, term ${placement.term}`,
    ],
    ['operators', `${operators.running} running`],
    ['version', printable(status.version)],
  ])
  return `${printable(status.health)}\n\n${details}`
}

const LISTED_MAX = 20

function listed(shards: readonly number[]): string {
  if (shards.length === 0) return 'none'
  const rest = shards.length > LISTED_MAX ? ` and ${shards.length - LISTED_MAX} more` : ''
  return `${shards.slice(0, LISTED_MAX).join(', ')}${rest}`
}
