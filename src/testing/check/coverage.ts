/**
 * Every key belongs to exactly one shard: in every map, and, once a cluster is at rest, in what the leaders of the groups themselves say. While
 * shards change, a leader may still hold a range that its followers have already given away, so leaders are asked only at rest.
 */
import type { MapView, Problem, RangeView, ReplicaView } from './views.ts'

interface NamedRange extends RangeView {
  readonly id: number
}

export function checkMapCoverage({ version, shards }: MapView): Problem {
  if (shards.length === 0) return undefined
  const problem = gapOrOverlap(shards)
  return problem === undefined ? undefined : `map ${version}: ${problem}`
}

/** `replicas` of all groups of a cluster at rest; `dataGroups` tells which of them keep data. */
export function checkLeaderCoverage(replicas: readonly ReplicaView[], dataGroups: ReadonlySet<number>): Problem {
  const leaders = new Map<number, ReplicaView>()
  for (const view of replicas) {
    if (view.role !== 'leader' || !dataGroups.has(view.group)) continue
    const known = leaders.get(view.group)
    if (known === undefined || known.term < view.term) leaders.set(view.group, view)
  }
  for (const group of dataGroups)
    if (!leaders.has(group)) return `group ${group} has no leader although the cluster is at rest`
  const problem = gapOrOverlap([...leaders.values()].map(({ group, range }) => ({ id: group, ...range })))
  return problem === undefined ? undefined : `by the leaders themselves: ${problem}`
}

function gapOrOverlap(ranges: readonly NamedRange[]): Problem {
  const sorted = [...ranges].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))
  const [first] = sorted
  if (first === undefined) return 'no shard at all'
  if (first.start !== '') return `no shard has the keys below ${JSON.stringify(first.start)}`
  for (const [position, range] of sorted.entries()) {
    if (range.end !== undefined && range.end <= range.start)
      return `shard ${range.id} is empty at ${JSON.stringify(range.start)}`
    const next = sorted[position + 1]
    if (next === undefined) {
      return range.end === undefined ? undefined : `no shard has the keys from ${JSON.stringify(range.end)}`
    }
    if (range.end === undefined || range.end > next.start)
      return `shards ${range.id} and ${next.id} both have ${JSON.stringify(next.start)}`
    if (range.end < next.start)
      return `no shard has the keys from ${JSON.stringify(range.end)} to ${JSON.stringify(next.start)}`
  }
  return undefined
}
