/** `flotilla debug log [SHARD]`: the Raft log of every replica, as its store has it: how long it is, what is committed, applied and written to the engine. */
import type { Command } from 'commander'
import type { HttpClient, Session } from '../cli/index.ts'
import {
  CliError,
  type Column,
  EXIT,
  formatTable,
  parseAnswer,
  percentEncode,
  printable,
  shortBytes,
} from '../cli/index.ts'
import { addDebugFiles } from './debug-files.ts'
import { clusterMembers } from './members.ts'
import { examples, type Registry, withSession } from './registry.ts'
import { parseShardId } from './shard-id.ts'
import { allShards } from './shard-ranges.ts'

interface ReplicaLog {
  readonly shard: number
  readonly store: string
  /** Null, like all that follows, where the store does not say. */
  readonly role: string | null
  readonly term: number | null
  readonly firstIndex: number | null
  readonly lastIndex: number | null
  readonly commitIndex: number | null
  readonly appliedIndex: number | null
  readonly flushedIndex: number | null
  readonly logBytes: number | null
  /** Entries that some replica of the shard has committed and this one has not applied. */
  readonly lag: number | null
  readonly error: string | null
}

type Described = Omit<ReplicaLog, 'shard' | 'store' | 'lag' | 'error'>

const UNKNOWN: Described = {
  role: null,
  term: null,
  firstIndex: null,
  lastIndex: null,
  commitIndex: null,
  appliedIndex: null,
  flushedIndex: null,
  logBytes: null,
}

function numbers(
  ...names: readonly ('term' | 'firstIndex' | 'lastIndex' | 'commitIndex' | 'appliedIndex' | 'flushedIndex' | 'lag')[]
): Column<ReplicaLog>[] {
  return names.map((name) => ({ name, title: name.replace('Index', ''), value: (log) => log[name], align: 'right' }))
}

const COLUMNS: readonly Column<ReplicaLog>[] = [
  { name: 'shard', value: (log) => log.shard, align: 'right' },
  { name: 'store', value: (log) => printable(log.store) },
  { name: 'role', value: (log) => log.role },
  ...numbers('term', 'firstIndex', 'lastIndex', 'commitIndex', 'appliedIndex', 'flushedIndex'),
  {
    name: 'logBytes',
    title: 'size',
    value: (log) => log.logBytes,
    show: (log) => (log.logBytes === null ? '-' : shortBytes(log.logBytes)),
    align: 'right',
  },
  ...numbers('lag'),
  { name: 'error', value: (log) => log.error, show: (log) => printable(log.error ?? '') },
]

export function addDebug(parent: Command, registry: Registry): void {
  const debug = parent.command('debug').description('look inside')
  addDebugFiles(debug, registry)
  debug
    .command('log')
    .description('how far the Raft log of every replica is')
    .argument('[shard]', 'only of this shard')
    .option('--store <id>', 'only on this store')
    .addHelpText(
      'after',
      examples('flotilla debug log', 'flotilla debug log 2', 'flotilla debug log --store s1 -o csv'),
    )
    .action((shard: string | undefined, flags: { readonly store?: string }, command: Command) => {
      const id = shard === undefined ? undefined : parseShardId(shard)
      return withSession(registry, command, async (session) => {
        const logs = await describeLogs(session, id, flags.store)
        await session.print({
          document: { logs },
          items: logs,
          columns: COLUMNS,
          table: () => formatTable(logs, COLUMNS),
          raw: logs.map((log) => `${JSON.stringify(log)}\n`).join(''),
        })
      })
    })
}

async function describeLogs(
  session: Session,
  id: number | undefined,
  store: string | undefined,
): Promise<ReplicaLog[]> {
  const members = await clusterMembers(session)
  if (store !== undefined && !members.some((member) => member.store === store))
    throw new CliError(EXIT.notFound, 'STORE_NOT_FOUND', `there is no store ${printable(store)}`, ['flotilla store ls'])
  const shards = (await allShards(session.client)).filter((shard) => id === undefined || shard.id === id)
  if (shards.length === 0)
    throw new CliError(EXIT.notFound, 'SHARD_NOT_FOUND', `there is no shard ${id}`, ['flotilla shard ls'])
  const logs: ReplicaLog[] = []
  for (const shard of shards) {
    const described = await Promise.all(
      shard.replicas.map(async (replica) => ({
        store: replica.store,
        ...(await describe(session.client, shard.id, replica.store)),
      })),
    )
    const committed = Math.max(0, ...described.map(({ commitIndex }) => commitIndex ?? 0))
    for (const log of described) {
      const lag = log.appliedIndex === null ? null : Math.max(0, committed - log.appliedIndex)
      if (store === undefined || log.store === store) logs.push({ shard: shard.id, ...log, lag })
    }
  }
  return logs
}

/** Asks through whichever gateway answers, which passes it on to the store. */
async function describe(
  client: HttpClient,
  shard: number,
  store: string,
): Promise<Described & { readonly error: string | null }> {
  try {
    const { body } = await client.send({
      method: 'GET',
      path: `/debug/raft/${shard}?store=${percentEncode(Buffer.from(store, 'utf8'))}`,
    })
    const { replica } = parseAnswer<{ readonly replica: Described }>(body.toString('utf8'))
    const { role, term, firstIndex, lastIndex, commitIndex, appliedIndex, flushedIndex, logBytes } = replica
    return { role, term, firstIndex, lastIndex, commitIndex, appliedIndex, flushedIndex, logBytes, error: null }
  } catch (error) {
    // A store that is away is what this command is asked about.
    if (error instanceof CliError && error.exitCode !== EXIT.usage) return { ...UNKNOWN, error: error.message }
    throw error
  }
}
