/**
 * A cluster without stores: shards, statistics, and operators that take some rounds and then have happened. Each step is carried out by the
 * algebra of `shard-map` and checked: no step may leave fewer voters than the shard had or should have. Used by the simulation and by tests of
 * the planners.
 */
import {
  applyStep,
  isJoint,
  mergeShards,
  type OperatorStep,
  type PlacementIndex,
  type PlannedOperator,
  type Shard,
  type ShardId,
  type ShardStatistics,
  type StoreId,
  type StoreStatistics,
  splitShard,
} from '../../shard-map/index.ts'
import { middleKey } from './middle-key.ts'

interface Running {
  readonly operator: PlannedOperator
  readonly endsAt: number
}

export interface ModelShard {
  readonly shard: Shard
  readonly statistics: ShardStatistics
}

/** What a round stands for. */
const ROUND_MS = 1_000
/** Long after whatever happened before. */
const START_MS = 10_000_000

export class ModelCluster {
  readonly index: PlacementIndex
  readonly shards = new Map<ShardId, ModelShard>()
  readonly #running: Running[] = []
  readonly #durationOf: (operator: PlannedOperator) => number
  #nextId: number
  #round = 0
  #replicaMoves = 0
  #transfers = 0
  #splits = 0
  #merges = 0
  readonly #arrivals = new Map<string, { readonly at: string; readonly round: number }>()
  readonly #again: string[] = []

  /** `durationOf` says for how many rounds an operator runs; ids from `nextId` on are free. */
  constructor(index: PlacementIndex, nextId: number, durationOf: (operator: PlannedOperator) => number) {
    this.index = index
    this.#nextId = nextId
    this.#durationOf = durationOf
  }

  get round(): number {
    return this.#round
  }

  get nowMs(): number {
    return START_MS + this.#round * ROUND_MS
  }

  get running(): number {
    return this.#running.length
  }

  get replicaMoves(): number {
    return this.#replicaMoves
  }

  get transfers(): number {
    return this.#transfers
  }

  get splits(): number {
    return this.#splits
  }

  get merges(): number {
    return this.#merges
  }

  /** Replicas and leaders that a scheduler moved on, after the same scheduler had brought them where they were. */
  get movedAgain(): readonly string[] {
    return this.#again
  }

  put(shard: Shard, statistics: ShardStatistics): void {
    this.shards.set(shard.id, { shard, statistics })
    this.index.setShard(shard, statistics)
  }

  setStore(statistics: StoreStatistics): void {
    this.index.setStore(statistics)
  }

  /** Shards whose leader was on a store that is lost get another one, if a quorum of them lives. */
  elect(): void {
    for (const { shard, statistics } of [...this.shards.values()]) {
      const isLive = (id: StoreId): boolean => this.index.store(id)?.statistics.liveness === 'up'
      if (statistics.leader !== undefined && isLive(statistics.leader)) continue
      const voters = shard.replicas.filter(({ role }) => role === 'voter')
      const live = voters.filter(({ store }) => isLive(store))
      const leader = live.length * 2 > voters.length ? live[shard.id % live.length]?.store : undefined
      if (leader !== statistics.leader) this.put(shard, { ...statistics, leader })
    }
  }

  start(operator: PlannedOperator): void {
    this.index.begin(operator)
    this.#running.push({ operator, endsAt: this.#round + this.#durationOf(operator) })
    this.#remember(operator)
  }

  /** One round later: operators whose time has come have happened. */
  advance(): void {
    this.#round++
    let kept = 0
    for (const running of this.#running) {
      if (running.endsAt > this.#round) this.#running[kept++] = running
      else this.#finish(running.operator)
    }
    this.#running.length = kept
  }

  #finish(operator: PlannedOperator): void {
    for (const step of operator.steps) this.#carryOut(step, operator)
    this.index.end(operator)
    const moved = this.shards.get(operator.shard)
    if (moved === undefined || !operator.scheduler.startsWith('balance-')) return
    const isTransfer = operator.kind === 'transfer-leader'
    this.put(moved.shard, { ...moved.statistics, [isTransfer ? 'lastTransferMs' : 'lastMoveMs']: this.nowMs })
  }

  #carryOut(step: OperatorStep, operator: PlannedOperator): void {
    switch (step.what) {
      case 'split':
        this.#split(step.shard, 'keys' in step.at ? step.at.keys : [])
        return
      case 'prepare-merge':
        return
      case 'commit-merge':
        this.#merge(step.into, step.shard)
        return
      default:
        this.#changeMembers(step, operator)
    }
  }

  #changeMembers(step: OperatorStep, { kind }: PlannedOperator): void {
    const { shard, statistics } = this.#known(step.shard)
    const applied = applyStep(shard, step, () => this.#nextId++)
    if (!applied.ok) throw new Error(`${kind} of shard ${shard.id}: ${applied.message}`)
    const votersMin = Math.min(votersOf(shard), this.index.settings.replicas)
    if (votersOf(applied.shard) < votersMin) {
      throw new Error(`${kind} leaves shard ${shard.id} with ${votersOf(applied.shard)} voters of ${votersMin}`)
    }
    const leader = step.what === 'transfer-leader' ? step.to : statistics.leader
    const role = applied.shard.replicas.find(({ store }) => store === leader)?.role
    if (leader !== undefined && (role === undefined || role === 'learner')) {
      throw new Error(`${kind} leaves shard ${shard.id} with a leader that does not vote`)
    }
    const held = new Set(applied.shard.replicas.map(({ store }) => store))
    const downReplicas = statistics.downReplicas.filter((store) => held.has(store))
    const lostReplicas = statistics.lostReplicas.filter((store) => held.has(store))
    this.put(applied.shard, { ...statistics, leader, downReplicas, lostReplicas })
  }

  #split(id: ShardId, keys: readonly string[]): void {
    const { shard, statistics } = this.#known(id)
    const key = keys[0] ?? middleKey(shard.start, shard.end)
    const split = splitShard(
      shard,
      key,
      this.#nextId++,
      shard.replicas.map(() => this.#nextId++),
    )
    if (!split.ok) throw new Error(split.message)
    this.#splits++
    const half = (amount: number): number => Math.floor(amount / 2)
    const halved = {
      ...statistics,
      bytes: half(statistics.bytes),
      keys: half(statistics.keys),
      readsPerSecond: statistics.readsPerSecond / 2,
      writesPerSecond: statistics.writesPerSecond / 2,
      lastSplitMs: this.nowMs,
      keySamples: [],
    }
    this.put(split.left, { ...halved, bytes: statistics.bytes - halved.bytes })
    this.put(split.right, halved)
  }

  #merge(leftId: ShardId, rightId: ShardId): void {
    const left = this.#known(leftId)
    const right = this.#known(rightId)
    if (left.statistics.leader !== right.statistics.leader)
      throw new Error(`shards ${leftId} and ${rightId} have two leaders`)
    const merged = mergeShards(left.shard, right.shard)
    if (!merged.ok) throw new Error(merged.message)
    this.#merges++
    this.shards.delete(rightId)
    this.index.removeShard(rightId)
    this.put(merged.merged, {
      ...left.statistics,
      bytes: left.statistics.bytes + right.statistics.bytes,
      keys: left.statistics.keys + right.statistics.keys,
      readsPerSecond: left.statistics.readsPerSecond + right.statistics.readsPerSecond,
      writesPerSecond: left.statistics.writesPerSecond + right.statistics.writesPerSecond,
      lastMergeMs: this.nowMs,
    })
  }

  #known(id: ShardId): ModelShard {
    const known = this.shards.get(id)
    if (known === undefined) throw new Error(`an operator speaks of shard ${id}, which does not exist`)
    return known
  }

  #remember(operator: PlannedOperator): void {
    const { kind, shard, steps } = operator
    // Balance by number and balance by bytes are two reasons.
    const scheduler = 'bytesFrom' in operator.numbers ? `${operator.scheduler} by bytes` : operator.scheduler
    if (kind === 'transfer-leader') {
      this.#transfers++
      this.#note(`${scheduler}/leader/${shard}`, operator.influence[0]?.leader ?? '', this.#leaderOf(shard))
    }
    const from = steps.find((step) => step.what === 'remove-learner')?.store
    const to = steps.find((step) => step.what === 'add-learner')?.store
    if (to === undefined || kind === 'merge') return
    this.#replicaMoves++
    if (from !== undefined)
      this.#note(`${scheduler}/replica/${shard}/${from}`, to, from, `${scheduler}/replica/${shard}/${to}`)
  }

  /** Keeps where a scheduler brought something; it has moved again if it leaves from there by the same scheduler's wish. */
  #note(name: string, to: string, from: string | undefined, next = name): void {
    const arrival = this.#arrivals.get(name)
    if (from !== undefined && arrival?.at === from) {
      this.#again.push(`${name}: ${from} to ${to} in round ${this.#round}, where it came in round ${arrival.round}`)
    }
    this.#arrivals.delete(name)
    this.#arrivals.set(next, { at: to, round: this.#round })
  }

  #leaderOf(id: ShardId): StoreId | undefined {
    return this.shards.get(id)?.statistics.leader
  }
}

/** Voters that count in the weaker half of a membership. */
function votersOf(shard: Shard): number {
  const count = (...roles: readonly string[]): number =>
    shard.replicas.filter(({ role }) => roles.includes(role)).length
  if (!isJoint(shard)) return count('voter')
  return Math.min(count('voter', 'incoming'), count('voter', 'outgoing'))
}
