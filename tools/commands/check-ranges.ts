/** The check of the shard map: no gap, no overlap, leaders, replicas, and every store has the same idea of it. */
import { CliError, type Session } from '../cli/index.ts'
import { type Finding, finding } from './check-finding.ts'
import { clusterMembers } from './members.ts'
import { allShards, boundBytes, type ShardRange } from './shard-ranges.ts'

const ATTEMPTS_MAX = 10
const PAUSE_MS = 300

/** Shards may change while they are looked at, so what is wrong only once does not count. */
export async function checkRanges(session: Session): Promise<readonly Finding[]> {
  for (let attempt = 1; ; attempt++) {
    const findings = await lookOnce(session)
    if (attempt === ATTEMPTS_MAX || findings.every(({ ok }) => ok)) return findings
    await new Promise<void>((resolve) => void session.context.clock.after(PAUSE_MS, resolve))
  }
}

async function lookOnce(session: Session): Promise<readonly Finding[]> {
  const members = await clusterMembers(session)
  const all = await allShards(session.client)
  const data = all.filter(({ start }) => start !== undefined)
  const stores = new Set(members.map(({ store }) => store))
  const disagreeing: string[] = []
  const expected = mapText(all)
  for (const { store, endpoint } of members) {
    try {
      if (mapText(await allShards(session.clientAt(endpoint))) !== expected)
        disagreeing.push(`${store} has another map`)
    } catch (error) {
      if (!(error instanceof CliError)) throw error
      disagreeing.push(`${store}: ${error.message}`)
    }
  }
  return [
    finding('coverage', coverageProblems(data), `${data.length} shards cover every key once`),
    finding(
      'leaders',
      all.filter(({ leader }) => leader === null).map(({ id }) => `shard ${id} has no leader`),
      `all ${all.length} shards have one`,
    ),
    finding(
      'replicas',
      replicaProblems(all, stores),
      'every replica is on a store of the cluster, on each at most once',
    ),
    finding('agreement', disagreeing, `${members.length} stores have the same map`),
  ]
}

/** What is wrong with the ranges, in the order of keys. */
export function coverageProblems(shards: readonly ShardRange[]): readonly string[] {
  const sorted = [...shards].sort((left, right) =>
    Buffer.compare(boundBytes(left.start ?? ''), boundBytes(right.start ?? '')),
  )
  const problems: string[] = []
  const [first] = sorted
  if (first === undefined) return ['there are no data shards']
  if (first.start !== '') problems.push(`keys below ${first.start} belong to no shard`)
  for (const [position, shard] of sorted.entries()) {
    const next = sorted[position + 1]
    const end = shard.end ?? null
    if (end !== null && Buffer.compare(boundBytes(shard.start ?? ''), boundBytes(end)) >= 0)
      problems.push(`shard ${shard.id} is empty: from ${shard.start} to ${end}`)
    if (next === undefined) {
      if (end !== null) problems.push(`keys from ${end} on belong to no shard`)
      continue
    }
    const order = end === null ? 1 : Buffer.compare(boundBytes(end), boundBytes(next.start ?? ''))
    if (order < 0) problems.push(`keys from ${end} to ${next.start} belong to no shard`)
    if (order > 0) problems.push(`shards ${shard.id} and ${next.id} overlap`)
  }
  return problems
}

function replicaProblems(shards: readonly ShardRange[], stores: ReadonlySet<string>): readonly string[] {
  return shards.flatMap(({ id, replicas }) => {
    const names = replicas.map(({ store }) => store)
    const unknown = names
      .filter((store) => !stores.has(store))
      .map((store) => `shard ${id} is on ${store}, which is no store`)
    const twice = new Set(names).size < names.length ? [`shard ${id} is on one store twice`] : []
    return names.length === 0 ? [`shard ${id} has no replica`] : [...unknown, ...twice]
  })
}

/** What all stores must agree on; leaders and sizes change all the time. */
function mapText(shards: readonly ShardRange[]): string {
  const lines = shards.map(({ id, start, end, epoch, replicas }) =>
    JSON.stringify([id, start, end, epoch, replicas.map(({ store, role }) => `${store} ${role}`).sort()]),
  )
  return lines.sort().join('\n')
}
