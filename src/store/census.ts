import { isBootstrapped, locate, type Shard, shardsById } from '../../shard-map/index.ts'
import type { Clock, Timer } from '../base/index.ts'
import { decodeReply, encodeRequest, type Reply } from '../protocol/index.ts'
import { Remains, type RemainsOptions, whomToAsk } from './remains.ts'
import { hasAbsorbed, type Replica } from './replica.ts'

/**
 * Finds replicas that do not belong here any more and could not hear of it: a member that was removed gets no more messages, and a shard that was
 * merged away has nobody left to send any. The map raises the suspicion; the group's own leader, asked with a linearizable read,
 * decides. Without its word nothing is deleted.
 */
export interface CensusOptions extends RemainsOptions {
  readonly clock: Clock
  readonly replicas: ReadonlyMap<number, Replica>
}

const INTERVAL_MS = 1_000
const ANSWER_TIMEOUT_MS = 3_000
/** A replica without a leader, or without a state, for this long is asked about although the map says nothing against it. */
const FORLORN_AFTER_MS = 5_000

export class Census {
  readonly #options: CensusOptions
  /** Replicas that cannot ask for themselves any more. */
  readonly #remains: Remains
  readonly #asking = new Set<number>()
  #timer: Timer | undefined
  #round = 0

  constructor(options: CensusOptions) {
    this.#options = options
    this.#remains = new Remains(options)
  }

  start(): void {
    this.#timer = this.#options.clock.after(INTERVAL_MS, () => {
      this.look()
      this.#remains.look()
      this.start()
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** Asks about every replica that looks superfluous. */
  look(): void {
    const map = this.#options.map()
    if (!isBootstrapped(map)) return
    this.#round++
    const known = shardsById(map)
    for (const replica of this.#options.replicas.values()) {
      if (replica.isLeader || this.#asking.has(replica.group)) continue
      if (this.#isSuspect(replica, known.get(replica.group))) this.#ask(replica, known.get(replica.group))
    }
  }

  #isSuspect(replica: Replica, mapped: Shard | undefined): boolean {
    const { leaderlessSinceMs, bornMs } = replica
    const nowMs = this.#options.clock.nowMs()
    if (nowMs - (replica.isInitialised ? (leaderlessSinceMs ?? nowMs) : bornMs) > FORLORN_AFTER_MS) return true
    if (mapped === undefined) {
      // A learner never notices that its leader is gone. One that was removed, and whose shard was merged away before it heard of that, has no other sign.
      const isOld = nowMs - bornMs > FORLORN_AFTER_MS
      return isOld || (leaderlessSinceMs !== undefined && nowMs - leaderlessSinceMs > INTERVAL_MS)
    }
    const isListed = mapped.replicas.some((member) => member.id === replica.id)
    return replica.isInitialised && !isListed && mapped.epoch.membership > replica.shard.epoch.membership
  }

  #ask(replica: Replica, mapped: Shard | undefined): void {
    const { group } = replica
    const { transport, storeId, leaderOf } = this.#options
    const map = this.#options.map()
    // Where the shard was merged away, only those know who were members then. They need not be the ones that this replica knew.
    const likely = mapped ?? locate(map, replica.shard.start)
    const stores = new Set([...(likely?.replicas ?? []), ...replica.shard.replicas].map((member) => member.store))
    if (mapped === undefined) for (const { id } of map.stores) stores.add(id)
    stores.delete(storeId)
    // The leader first; when that leads nowhere, whoever else may know, one after the other.
    const target = whomToAsk(this.#round, storeId, leaderOf(group), [...stores])
    if (target === undefined) return
    this.#asking.add(group)
    transport.request(target, encodeRequest({ kind: 'read-shard', shard: group }), ANSWER_TIMEOUT_MS, (answer) => {
      this.#asking.delete(group)
      const reply = typeof answer === 'string' ? undefined : decodeReply(answer)
      if (reply?.ok === true) this.#answered(replica, reply.value)
    })
    transport.flush()
  }

  #answered(replica: Replica, reply: Reply): void {
    if (this.#options.replicas.get(replica.group) !== replica || replica.isLeader) return
    if (reply.kind === 'merged') {
      if (this.#mayForget(replica, reply.into)) this.#options.burials.buryMerged(replica, reply.into)
      return
    }
    const [shard] = reply.kind === 'shards' ? reply.shards : []
    if (shard === undefined) return
    // Ids are used once: what is not a member in a newer epoch than its own will never be one again.
    const isNewer = shard.epoch.membership >= replica.shard.epoch.membership
    if (shard.id !== replica.group || !isNewer || shard.replicas.some((member) => member.id === replica.id)) return
    this.#options.burials.bury(replica, shard.epoch.membership, 'the group has removed it')
  }

  /**
   * The replica here of the shard that took this one in may be behind, and then needs it to apply that; so does the one that it was split off, where even
   * that is not applied yet: the left neighbour.
   */
  #mayForget({ group, shard, isInitialised }: Replica, into: number): boolean {
    for (const other of this.#options.replicas.values()) {
      const isTaker = other.group === into || (isInitialised && other.isInitialised && other.shard.end === shard.start)
      if (isTaker && other.group !== group && !hasAbsorbed(other, group)) return false
    }
    return true
  }
}
