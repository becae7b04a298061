import { middleOfLoad, PLACEMENT_SHARD, PLAN_SETTINGS_DEFAULT, type Shard } from '../../shard-map/index.ts'
import { LIMITS, unreachable } from '../base/index.ts'
import { DataStoreError } from '../storage/index.ts'
import { answerError, type Call } from './call.ts'
import { describeReplica, describeShard, describeStore } from './describe.ts'
import { dataRange } from './initial-state.ts'
import type { Maintenance } from './maintenance.ts'
import { findMiddleKey } from './middle-key.ts'
import {
  closing,
  deadlinePassed,
  impossible,
  lagging,
  leavingStore,
  notLeader,
  notYet,
  outcomeUnknown,
  quorumLost,
  replicaDamaged,
  replicaReplaced,
  shardNotHere,
  staleEpoch,
  unknownCommand,
} from './refusals.ts'
import type { Replica } from './replica.ts'
import { ShardRequests } from './shard-requests.ts'
import type { Store } from './store.ts'

/**
 * Decides what happens with each request that reaches this store: to a replica's queue, answered at once, or refused with the cure. It
 * never waits itself; waiting requests sit in their replica, except leadership transfers, which sit here until the target leads.
 */

/** A group without a leader for this long has lost its quorum, as far as a client is concerned: an election takes much less. */
export const QUORUM_LOST_AFTER_MS = 3_000

/** Each reads a few megabytes. */
const MIDDLES_SOUGHT_MAX = 2

interface Transfer {
  readonly replica: Replica
  readonly target: string
  readonly call: Call
}

export class RequestHandler {
  readonly #store: Store
  readonly #maintenance: Pick<Maintenance, 'upkeep'>
  readonly #shardRequests: ShardRequests
  #transfers: Transfer[] = []
  #middlesSought = 0
  #closed = false

  constructor(store: Store, maintenance: Pick<Maintenance, 'upkeep'>) {
    this.#store = store
    this.#maintenance = maintenance
    this.#shardRequests = new ShardRequests({
      storeId: store.id,
      compactEntries: store.options.raft.compactEntries,
      replicas: store.replicas,
      wake: (replica) => store.loop.wake(replica),
    })
  }

  handle(call: Call): void {
    const { request } = call
    if (this.#closed) {
      answerError(call, closing('none'))
      return
    }
    switch (request.kind) {
      case 'write':
      case 'get':
      case 'scan':
        this.#data(call, request)
        return
      case 'map': {
        const { map, leaders } = this.#store.map
        call.answer({ kind: 'map', map: map.version > request.since ? map : undefined, leaders })
        return
      }
      case 'describe': {
        const led = [...this.#store.replicas.values()].filter((replica) => replica.isLeader)
        const wanted =
          request.shards.length === 0 ? led : led.filter((replica) => request.shards.includes(replica.group))
        call.answer({ kind: 'describe', store: describeStore(this.#store), shards: wanted.map(describeShard) })
        return
      }
      case 'describe-replica': {
        const replica = this.#store.replicas.get(request.shard)
        if (replica === undefined) this.#refuseMissing(call, request.shard)
        else call.answer({ kind: 'describe-replica', replica: describeReplica(this.#store, replica) })
        return
      }
      case 'transfer-leader':
        this.#transfer(call, request.shard, request.store)
        return
      case 'read-shard':
        this.#readShard(call, request.shard)
        return
      case 'change-membership':
      case 'split':
      case 'prepare-merge':
      case 'commit-merge':
      case 'fence-merge':
      case 'rollback-merge': {
        const replica = this.#leading(call, request.shard)
        if (replica !== undefined) this.#shardRequests.handle(replica, call, request)
        return
      }
      case 'find-middle':
        if (request.by === 'size') this.#findMiddle(call, request.shard)
        else this.#findMiddleOfLoad(call, request.shard)
        return
      case 'upkeep':
        this.#upkeep(call, request.compact)
        return
      case 'learn-settings':
        this.#store.settings.learn(request.config)
        call.answer({ kind: 'done' })
        return
      case 'store-leaves':
        this.#store.departure.told(call, request)
        return
      case 'store-heartbeat':
      case 'placement-status':
      case 'allocate-ids':
      case 'operate': {
        const { placement } = this.#store
        if (placement !== undefined) placement.handle(call)
        else answerError(call, notLeader(PLACEMENT_SHARD, this.#store.map.leaders[PLACEMENT_SHARD]))
        return
      }
      default:
        unreachable(request)
    }
  }

  /** A replica's leader changed: transfers that waited for that are over. */
  leadershipChanged(replica: Replica): void {
    if (this.#transfers.length === 0) return
    this.#transfers = this.#transfers.filter((transfer) => {
      if (transfer.replica !== replica || replica.leaderStore === undefined) return true
      if (replica.leaderStore === transfer.target) transfer.call.answer({ kind: 'done' })
      else if (replica.isLeader) return true
      else answerError(transfer.call, notLeader(replica.group, replica.leaderStore))
      return false
    })
  }

  /** Answers everybody whose deadline has passed or whose wait has become hopeless. Called a few times a second. */
  sweep(nowMs: number): void {
    for (const replica of this.#store.replicas.values()) {
      if (replica.writes.size === 0 && replica.reads.size === 0) continue
      const leaderlessMs = replica.leaderlessSinceMs === undefined ? 0 : nowMs - replica.leaderlessSinceMs
      const hopeless = leaderlessMs > QUORUM_LOST_AFTER_MS
      const over = (call: Call): boolean => hopeless || call.deadlineMs <= nowMs
      for (const { call, proposed } of replica.writes.remove(over)) {
        const outcome = proposed ? 'unknown' : 'none'
        answerError(
          call,
          hopeless ? quorumLost(replica.group, outcome, leaderlessMs) : deadlinePassed(replica.group, outcome),
        )
      }
      for (const call of replica.reads.remove(over)) {
        answerError(
          call,
          hopeless ? quorumLost(replica.group, 'none', leaderlessMs) : deadlinePassed(replica.group, 'none'),
        )
      }
    }
    this.#transfers = this.#transfers.filter((transfer) => {
      if (transfer.call.deadlineMs > nowMs) return true
      answerError(transfer.call, {
        ...deadlinePassed(transfer.replica.group, 'unknown'),
        message: `shard ${transfer.replica.group} did not move its leadership to ${transfer.target} in time${lagOf(transfer)}`,
        hint: 'see whether that replica is up to date: flotilla shard show',
      })
      return false
    })
  }

  /** A replica was taken out of service: nobody must wait for it. */
  replicaGone(replica: Replica, reason: string): void {
    for (const { call, proposed } of replica.writes.remove(() => true)) {
      answerError(call, proposed ? outcomeUnknown(replica.group) : replicaDamaged(replica.group, reason))
    }
    for (const call of replica.reads.remove(() => true)) answerError(call, replicaDamaged(replica.group, reason))
  }

  /** The store stops: no new work, and everybody who waits is told. */
  close(): void {
    this.#closed = true
    for (const replica of this.#store.replicas.values()) {
      for (const { call, proposed } of replica.writes.remove(() => true)) {
        answerError(call, closing(proposed ? 'unknown' : 'none'))
      }
      for (const call of replica.reads.remove(() => true)) answerError(call, closing('none'))
    }
    for (const transfer of this.#transfers) answerError(transfer.call, closing('unknown'))
    this.#transfers = []
  }

  #data(call: Call, request: Extract<Call['request'], { kind: 'write' | 'get' | 'scan' }>): void {
    const replica = this.#store.replicas.get(request.shard)
    if (replica === undefined || request.shard === PLACEMENT_SHARD || !replica.isInitialised) {
      this.#refuseMissing(call, request.shard)
      return
    }
    if (request.kind !== 'write' && request.consistency === 'stale') {
      if (replica.installing || replica.merging !== undefined) answerError(call, replicaReplaced(replica.group))
      else this.#store.loop.stale.submit(replica, call)
      return
    }
    if (!replica.isLeader) {
      this.#refuseFollower(call, replica)
      return
    }
    if (request.rangeEpoch !== replica.shard.epoch.range) {
      answerError(call, staleEpoch(replica.group, replica.successors))
      return
    }
    if (replica.merging !== undefined) {
      answerError(call, notYet(replica.group, `shard ${replica.group} is being merged into its neighbour`))
      return
    }
    if (request.kind === 'write') {
      // In the log it would end every replica that does not know it.
      const strange = replica.machine.unknown?.(request.command)
      if (strange === undefined) this.#store.loop.submitWrite(replica, call)
      else answerError(call, unknownCommand(replica.group, strange))
    } else this.#store.loop.submitRead(replica, call)
  }

  #readShard(call: Call, shard: number): void {
    const into = this.#store.mergedInto(shard)
    if (into !== undefined) {
      call.answer({ kind: 'merged', into })
      return
    }
    const replica = this.#leading(call, shard)
    if (replica !== undefined) this.#store.loop.submitRead(replica, call)
  }

  #findMiddle(call: Call, shard: number): void {
    const replica = this.#leading(call, shard)
    if (replica === undefined) return
    if (this.#middlesSought >= MIDDLES_SOUGHT_MAX) {
      answerError(call, notYet(shard, `this store is looking for the middles of ${MIDDLES_SOUGHT_MAX} shards already`))
      return
    }
    this.#middlesSought++
    findMiddleKey(this.#store.options.data, dataRange(replica.shard)).then(
      (key) => {
        this.#middlesSought--
        call.answer({ kind: 'middle', key })
      },
      (error: unknown) => {
        // The engine cannot be read, or is closing.
        this.#middlesSought--
        answerError(call, notYet(shard, `the data of shard ${shard} cannot be read: ${String(error)}`))
      },
    )
  }

  #findMiddleOfLoad(call: Call, shard: number): void {
    const replica = this.#leading(call, shard)
    if (replica === undefined) return
    const samples = replica.load.sampler?.parts(1) ?? []
    const middle = middleOfLoad(replica.shard, samples, PLAN_SETTINGS_DEFAULT)
    if (middle.ok) call.answer({ kind: 'middle', key: middle.key })
    else answerError(call, impossible(shard, middle.message))
  }

  #upkeep(call: Call, compact: number | undefined): void {
    const refuse = (why: string): void => answerError(call, notYet(compact ?? PLACEMENT_SHARD, why))
    this.#maintenance.upkeep(compact).then(
      (hindrance) => (hindrance === undefined ? call.answer({ kind: 'done' }) : refuse(hindrance)),
      (error: unknown) => {
        refuse(`what is applied could not be made durable: ${String(error)}`)
        // The disk failed, which ends the store; everything else is a bug, and ends the process.
        if (!(error instanceof DataStoreError)) throw error
      },
    )
  }

  /** The replica here when it leads; otherwise the call is answered with the cure. */
  #leading(call: Call, shard: number): Replica | undefined {
    const replica = this.#store.replicas.get(shard)
    if (replica?.isLeader === true) return replica
    if (replica === undefined) this.#refuseMissing(call, shard)
    else this.#refuseFollower(call, replica)
    return undefined
  }

  #refuseMissing(call: Call, shard: number): void {
    const damage = this.#store.damaged.get(shard)
    if (damage !== undefined) answerError(call, replicaDamaged(shard, damage))
    else answerError(call, shardNotHere(shard, this.#knownOf(shard)))
  }

  /** Where the shard's keys are, as far as this store can tell. */
  #knownOf(shard: number): readonly Shard[] {
    const into = this.#store.mergedInto(shard)
    const taker = into === undefined ? undefined : this.#store.replicas.get(into)
    return taker === undefined ? this.#store.map.map.shards.filter(({ id }) => id === shard) : [taker.shard]
  }

  #refuseFollower(call: Call, replica: Replica): void {
    const leaderlessMs =
      replica.leaderlessSinceMs === undefined ? 0 : this.#store.options.clock.nowMs() - replica.leaderlessSinceMs
    if (leaderlessMs > QUORUM_LOST_AFTER_MS) answerError(call, quorumLost(replica.group, 'none', leaderlessMs))
    else answerError(call, notLeader(replica.group, replica.leaderStore))
  }

  #transfer(call: Call, shard: number, target: string): void {
    const replica = this.#leading(call, shard)
    if (replica === undefined) return
    const to = replica.shard.replicas.find((candidate) => candidate.store === target)
    if (to === undefined || to.role === 'learner') {
      answerError(call, {
        code: 'INVALID_ARGUMENT',
        message:
          to === undefined
            ? `store ${target} holds no replica of shard ${shard}`
            : `the replica on store ${target} is a learner`,
        outcome: 'none',
        retryable: false,
        shard,
        hint: `choose one of ${replica.shard.replicas.map((candidate) => candidate.store).join(', ')}`,
      })
      return
    }
    if (target === this.#store.id) {
      call.answer({ kind: 'done' })
      return
    }
    if (this.#store.departure.isLeaving(target)) {
      answerError(call, leavingStore(shard, target))
      return
    }
    const behind = tooFarBehind(replica, to)
    if (behind !== undefined) {
      answerError(call, lagging(shard, target, behind))
      return
    }
    this.#transfers.push({ replica, target, call })
    replica.raft.transferLeader(to.id)
    this.#store.loop.wake(replica)
  }
}

/**
 * Entries that the target of a transfer lacks, where it could not catch up in the moment for which the leader takes no writes; Infinity while it receives a
 * snapshot. Undefined where it may try, also when the leader is too new to know.
 */
function tooFarBehind({ raft }: Replica, { id }: { readonly id: number }): number | undefined {
  const { lastIndex, progress } = raft.status()
  const seen = progress.get(id)
  if (seen === undefined) return undefined
  if (seen.state === 'snapshot') return Number.POSITIVE_INFINITY
  const behind = lastIndex - seen.matchIndex
  return seen.matchIndex > 0 && behind > LIMITS.transferLagEntriesMax ? behind : undefined
}

/** What keeps the target of a transfer from leading, where the leader can tell. */
function lagOf({ replica, target }: Transfer): string {
  const { lastIndex, progress } = replica.raft.status()
  const seen = progress.get(replica.replicaOn(target) ?? 0)
  if (!replica.isLeader || seen === undefined) return ''
  if (!seen.heardLately) return ': its replica does not answer'
  const behind = lastIndex - seen.matchIndex
  return behind > 0 ? `: its replica is ${behind} entries behind` : ''
}
