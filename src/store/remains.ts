import type { Shard, ShardId, ShardMap, StoreId } from '../../shard-map/index.ts'
import { decodeReply, encodeRequest, type Reply } from '../protocol/index.ts'
import type { ReplicaId } from '../raft/index.ts'
import { type DataStore, type LogStore, UNKNOWN_GROUP } from '../storage/index.ts'
import type { Transport } from '../transport/index.ts'
import type { Burials } from './burials.ts'
import { hasState } from './graves.ts'
import type { Replica } from './replica.ts'
import { decodeStateRecord, type StateRecord, withDamageMark, withoutDamageMark } from './state-record.ts'

/**
 * Replicas here that were damaged and do not run. The placement driver has them removed from their groups; when a group's leader, asked with a linearizable
 * read, says that this has happened, what is left of them is deleted, so that a new replica of the group can begin here. It deletes nothing on its
 * own judgement, and nothing whose replica id it does not know: a new one could be taken for the old.
 */
export interface RemainsOptions {
  readonly storeId: StoreId
  readonly transport: Transport
  readonly data: DataStore
  readonly log: LogStore
  readonly damaged: ReadonlyMap<number, string>
  readonly burials: Burials
  readonly map: () => ShardMap
  readonly leaderOf: (group: number) => StoreId | undefined
  /** Whether another replica here has keys of the shard's range, or is about to. */
  readonly isOwned: (shard: Shard) => boolean
  readonly buried: (group: number) => void
}

/** What log and data found damaged when they were opened, and why. */
export function damageOnDisk({ log, data }: Pick<RemainsOptions, 'log' | 'data'>): [group: number, reason: string][] {
  return [
    ...log
      .damaged()
      .map(({ group, reason, file, offset }): [number, string] => [group, `${reason} (${file} at byte ${offset})`]),
    ...data.damaged().map(({ group, reason }): [number, string] => [group, reason]),
  ]
}

/** Damage that a running replica met is kept with its state, so that the next start knows of it. Durable with the data store's next flush. */
export function keepDamage(data: DataStore, { group, installing }: Pick<Replica, 'group' | 'installing'>): void {
  // What is being installed is marked as such, and a replica without state has only a log, in which damage is found again.
  const state = installing || !hasState(data, group) ? undefined : data.state(group)
  if (state !== undefined) data.setState(group, withDamageMark(state))
}

const ANSWER_TIMEOUT_MS = 3_000

/** Whom to ask about a group: the leader that is believed in every second round, and all others in turn, for that belief may be old. */
export function whomToAsk(
  round: number,
  storeId: StoreId,
  leader: StoreId | undefined,
  others: readonly StoreId[],
): StoreId | undefined {
  if (leader !== undefined && leader !== storeId && round % 2 === 0) return leader
  return others[Math.floor(round / 2) % others.length]
}

export class Remains {
  readonly #options: RemainsOptions
  readonly #asking = new Set<number>()
  /** Replica ids as the map had them while the damaged replica was still a member. */
  readonly #mapped = new Map<number, ReplicaId>()
  #round = 0

  constructor(options: RemainsOptions) {
    this.#options = options
  }

  /** Asks about every damaged replica that the map does not list any more. */
  look(): void {
    const { damaged, burials, map, storeId } = this.#options
    if (damaged.size === 0 || map().version === 0) return
    this.#round++
    for (const group of damaged.keys()) {
      if (group === UNKNOWN_GROUP || this.#asking.has(group) || burials.isRunning(group)) continue
      const { placement, shards } = map()
      const shard = placement?.id === group ? placement : shards.find(({ id }) => id === group)
      const own = shard?.replicas.find(({ store }) => store === storeId)
      const id = this.#idOf(group)
      if (own !== undefined && (id === undefined || own.id <= id)) this.#mapped.set(group, own.id)
      else if (id !== undefined) this.#ask(group, id, shard, map())
    }
  }

  /** The highest id that the replica can have had. */
  #idOf(group: number): ReplicaId | undefined {
    const { log } = this.#options
    const ids = [log.groups().get(group)?.replica, this.#record(group)?.replica, this.#mapped.get(group)]
    const known = ids.filter((id) => id !== undefined)
    return known.length === 0 ? undefined : Math.max(...known)
  }

  #record(group: number): StateRecord | undefined {
    const { data } = this.#options
    const state = hasState(data, group) ? data.state(group) : undefined
    const record = state === undefined ? 'none' : decodeStateRecord(withoutDamageMark(state))
    return typeof record === 'string' ? undefined : record
  }

  #ask(group: number, id: ReplicaId, mapped: Shard | undefined, { stores }: ShardMap): void {
    const { transport, storeId, leaderOf } = this.#options
    const members = mapped?.replicas.map(({ store }) => store) ?? stores.map((store) => store.id)
    const others = members.filter((store) => store !== storeId)
    const target = whomToAsk(this.#round, storeId, leaderOf(group), others)
    if (target === undefined) return
    this.#asking.add(group)
    transport.request(target, encodeRequest({ kind: 'read-shard', shard: group }), ANSWER_TIMEOUT_MS, (answer) => {
      this.#asking.delete(group)
      const reply = typeof answer === 'string' ? undefined : decodeReply(answer)
      if (reply?.ok === true) this.#answered(group, id, reply.value)
    })
    transport.flush()
  }

  #answered(group: ShardId, id: ReplicaId, reply: Reply): void {
    const { damaged, burials, log, isOwned, buried } = this.#options
    if (!damaged.has(group) || burials.isRunning(group)) return
    const [shard] = reply.kind === 'shards' ? reply.shards : []
    const isGone =
      reply.kind === 'merged' || (shard?.id === group && shard.replicas.every((member) => member.id !== id))
    if (!isGone) return
    const record = this.#record(group)
    // Keys that another replica has by now, or will have in a moment, are not deleted, also not those that only lie beside its own: whoever comes to own
    // them replaces everything in its range. What nobody has is deleted for its room's sake.
    const range = record === undefined || isOwned(record.shard) ? undefined : record.shard
    const membership = shard?.epoch.membership ?? record?.shard.epoch.membership ?? 0
    const mergedInto = reply.kind === 'merged' ? reply.into : undefined
    const hasLog = log.groups().has(group) || log.damaged().some((each) => each.group === group)
    burials.buryRemains(group, range, { replica: id, membership, mergedInto }, hasLog, () => buried(group))
  }
}
