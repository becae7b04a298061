/**
 * The logs of a shard's replicas on one scale: what is kept, flushed, applied, committed, and what waits. Asked of each store for itself.
 */

import type { Client } from '../api/client.ts'
import { Failure } from '../api/client.ts'
import type { Shard } from '../api/shapes.ts'
import { type Child, h, type VirtualNode } from '../dom/node.ts'
import { bytes } from './format.ts'
import type { Palette } from './palette.ts'
import { storeLink } from './pieces.ts'
import { table } from './table.ts'

interface LogEntry {
  readonly index: number
  readonly term: number
  readonly type: string
  readonly bytes: number
}

/** As `GET /debug/raft/{shard}` tells it. */
export interface ReplicaInside {
  readonly store: string
  readonly role: string
  readonly term: number
  readonly firstIndex: number
  readonly lastIndex: number
  readonly commitIndex: number
  readonly appliedIndex: number
  readonly flushedIndex: number
  readonly logBytes: number
  /** The last entries; stores of an older version do not tell them. */
  readonly logTail?: readonly LogEntry[]
}

/** Those that answer; a store that does not is seen in the table of members. */
export async function loadReplicas(client: Client, shard: Shard | undefined): Promise<readonly ReplicaInside[]> {
  if (shard === undefined) return []
  const asked = shard.replicas.map(({ store }) =>
    client
      .json<{ replica: ReplicaInside }>(`debug/raft/${shard.id}?store=${encodeURIComponent(store)}`)
      .catch((error: unknown) => {
        // The route is closed to this caller, and all the same for each store.
        if (error instanceof Failure && error.status === 403) throw error
        return undefined
      }),
  )
  return (await Promise.all(asked)).flatMap((answer) => (answer === undefined ? [] : [answer.replica]))
}

export function replicaLogs(replicas: readonly ReplicaInside[], palette: Palette): Child {
  if (replicas.length === 0) return h('p.empty', 'No replica answers.')
  const lowest = Math.min(...replicas.map(({ firstIndex }) => firstIndex))
  const highest = Math.max(lowest + 1, ...replicas.map(({ lastIndex }) => lastIndex))
  return table<ReplicaInside>(
    [
      { name: 'Store', cell: ({ store }) => [palette.swatch(store), storeLink(store)] },
      { name: 'Role', cell: ({ role }) => role },
      { name: 'Kept', cell: ({ firstIndex, lastIndex }) => kept(firstIndex, lastIndex), isNumber: true },
      { name: 'Committed', cell: ({ commitIndex }) => commitIndex, isNumber: true },
      { name: 'Applied', cell: ({ appliedIndex }) => appliedIndex, isNumber: true },
      { name: 'Flushed', cell: ({ flushedIndex }) => flushedIndex, isNumber: true },
      { name: 'Log', cell: ({ logBytes }) => bytes(logBytes), isNumber: true },
      { name: `Index ${lowest} to ${highest}`, cell: (replica) => logBar(replica, lowest, highest) },
    ],
    replicas,
    { label: 'Logs', key: ({ store }) => store },
  )
}

/** The last entries of the leader, or of whoever answers. */
export function logTail(replicas: readonly ReplicaInside[]): Child {
  const teller = replicas.find(({ role }) => role === 'leader') ?? replicas[0]
  const entries = [...(teller?.logTail ?? [])].reverse()
  return table<LogEntry>(
    [
      { name: 'Index', cell: ({ index }) => index, isNumber: true },
      { name: 'Term', cell: ({ term }) => term, isNumber: true },
      { name: 'Type', cell: ({ type }) => type },
      { name: 'Bytes', cell: (entry) => bytes(entry.bytes), isNumber: true },
      { name: 'Committed', cell: ({ index }) => (index <= (teller?.commitIndex ?? 0) ? 'yes' : 'not yet') },
    ],
    entries,
    { label: 'Last entries', key: ({ index }) => index, empty: 'The log is empty: everything is in the data.' },
  )
}

function kept(firstIndex: number, lastIndex: number): string {
  return lastIndex < firstIndex ? 'nothing' : `${firstIndex} – ${lastIndex}`
}

function logBar(
  { firstIndex, lastIndex, commitIndex, flushedIndex }: ReplicaInside,
  lowest: number,
  highest: number,
): VirtualNode {
  const at = (index: number): number => (100 * (index - lowest)) / (highest - lowest)
  const piece = (name: string, from: number, to: number): VirtualNode =>
    h('i', { class: name, style: { left: `${at(from)}%`, width: `${Math.max(0, at(to) - at(from))}%` } })
  return h(
    'span.log',
    { title: 'dark: flushed, middle: committed, light: not yet committed' },
    piece('kept', firstIndex, lastIndex),
    piece('committed', firstIndex, Math.min(commitIndex, lastIndex)),
    piece('flushed', firstIndex, Math.max(firstIndex, Math.min(flushedIndex, lastIndex))),
  )
}
