import { PLACEMENT_SHARD } from '../../shard-map/index.ts'
import type { ReplicaDescription, ShardDescription, StoreDescription } from '../protocol/index.ts'
import type { Replica } from './replica.ts'
import type { Store } from './store.ts'

/** Pictures of a store and its replicas for people and tools. Read-only. */
export function describeShard(replica: Replica): ShardDescription {
  const status = replica.raft.status()
  const replicas: ReplicaDescription[] = replica.shard.replicas.map((member) => {
    const progress = status.progress?.get(member.id)
    return {
      store: member.store,
      role: member.role === 'learner' ? 'learner' : 'voter',
      matchIndex: progress?.matchIndex ?? null,
      state: progress?.state ?? null,
    }
  })
  return {
    shard: replica.shard,
    leader: replica.leaderStore,
    term: status.term,
    commitIndex: status.commitIndex,
    appliedIndex: replica.appliedIndex,
    replicas,
    bytes: replica.bytes,
    keys: replica.keys,
    load: replica.load.rates,
    merging: replica.merging?.target,
    absorbed: replica.absorbed.map(({ shard }) => shard),
  }
}

export function describeStore(store: Store): StoreDescription {
  let bytes = 0
  let leaders = 0
  let readsPerSecond = 0
  let writesPerSecond = 0
  const lag: Record<string, number> = {}
  for (const replica of store.replicas.values()) {
    bytes += replica.bytes
    const load = replica.load.rates
    readsPerSecond += load.readsPerSecond
    writesPerSecond += load.writesPerSecond
    if (!replica.isLeader) continue
    leaders++
    const { progress, lastIndex } = replica.raft.status()
    for (const member of replica.shard.replicas) {
      if (member.store === store.id) continue
      const behind = lastIndex - (progress?.get(member.id)?.matchIndex ?? 0)
      lag[member.store] = (lag[member.store] ?? 0) + Math.max(0, behind)
    }
  }
  return {
    info: store.options.info,
    replicas: store.replicas.size,
    leaders,
    bytes,
    load: { readsPerSecond, writesPerSecond },
    lag,
    uptimeSeconds: store.uptimeSeconds,
    notReady: notReady(store),
  }
}

/** Two heartbeats in a row may be lost, or find that their leader has died. */
const UNANSWERED_MS_MAX = 5_000

/** Why this store cannot serve, in sentences; empty when it can. */
export function notReady(store: Store): string[] {
  const reasons: string[] = []
  if (store.state !== 'running') reasons.push(`the store is ${store.state}`)
  for (const [group, reason] of store.damaged) reasons.push(`shard ${group} is damaged on this store: ${reason}`)
  if (store.map.map.version === 0) reasons.push('no shard map yet: the placement driver has not answered')
  // A learner comes into being while its shard is served elsewhere, and a map may lag behind a merge: neither keeps anybody from being served here.
  const expected = store.map.map.shards.filter(
    (shard) =>
      store.mergedInto(shard.id) === undefined &&
      shard.replicas.some((replica) => replica.store === store.id && replica.role !== 'learner'),
  )
  const missing = expected.filter((shard) => !store.replicas.has(shard.id) && !store.damaged.has(shard.id))
  if (missing.length > 0) reasons.push(`${missing.length} replicas that belong here do not exist yet`)
  const leaderless = [...store.replicas.values()].filter((replica) => replica.leaderStore === undefined)
  for (const replica of leaderless.slice(0, 10)) {
    const name = replica.group === PLACEMENT_SHARD ? 'the placement group' : `shard ${replica.group}`
    reasons.push(`${name} has no leader`)
  }
  if (leaderless.length > 10) reasons.push(`and ${leaderless.length - 10} more shards have no leader`)
  // It may hear all others and be heard by none: then every leader is known, and no request gets anywhere.
  if (store.unansweredMs > UNANSWERED_MS_MAX) {
    reasons.push(`the placement driver has not answered for ${Math.round(store.unansweredMs / 1000)} s`)
  }
  return reasons
}

/** The debug view of one replica: everything the core and the store believe. */
export function describeReplica(store: Store, replica: Replica): unknown {
  const status = replica.raft.status()
  return {
    store: store.id,
    group: replica.group,
    replica: replica.id,
    shard: { ...replica.shard, end: replica.shard.end ?? null },
    role: status.role,
    term: status.term,
    votedFor: status.votedFor,
    leader: { replica: status.leader, store: replica.leaderStore ?? null },
    firstIndex: replica.log.firstIndex(),
    lastIndex: status.lastIndex,
    commitIndex: status.commitIndex,
    appliedIndex: replica.appliedIndex,
    flushedIndex: replica.log.flushed.index,
    logBytes: replica.log.log.bytes,
    logTail: logTail(replica),
    membership: replica.membership,
    progress: [...(status.progress ?? [])].map(([id, progress]) => ({
      replica: id,
      store: replica.storeOf(id) ?? null,
      ...progress,
    })),
    waiting: { writes: replica.writes.size, reads: replica.reads.size, apply: replica.queue.length },
    installing: replica.installing,
    load: replica.load.rates,
  }
}

const TAIL_ENTRIES = 16
const TAIL_BYTES_MAX = 64 * 1024

/** The last entries of the log: what they are and how large, not what users wrote. */
function logTail({ log }: Replica): unknown[] {
  const last = log.lastIndex()
  const first = Math.max(log.firstIndex(), last - TAIL_ENTRIES + 1)
  const entries = last < first ? [] : log.entries(first, last + 1, TAIL_BYTES_MAX)
  if (typeof entries === 'string') return []
  return entries.map(({ index, term, type, data }) => ({ index, term, type, bytes: data.length }))
}
