/**
 * One shard as the index keeps it: descriptor, statistics, the stores it is on, and how it is classed. Only `placement-index.ts` changes one;
 * planners see `IndexedShard`.
 */
import { PLACEMENT_SHARD, type Shard, type ShardId } from '../types.ts'
import { isJoint } from './apply-step.ts'
import type { PlannedOperator } from './operator.ts'
import { opsPerSecond, type PlanSettings, type ShardStatistics } from './statistics.ts'
import type { IndexedStore, StoreLoad } from './store-load.ts'

/** Who leaves a shard alone. Repair does not wait for what others failed at: until it is done the shard may be one loss away from its last quorum. */
export type Hold = 'all' | 'all-but-repair'

export interface IndexedShard {
  readonly shard: Shard
  readonly statistics: ShardStatistics
  /** In the order of the shard's replicas. */
  readonly stores: readonly IndexedStore[]
  readonly leader: IndexedStore | undefined
  readonly operator: PlannedOperator | undefined
  /** Left alone for a while, by the placement driver's wish. */
  readonly hold: Hold | undefined
  /** Requests per second, in steps in which sums stay exact. */
  readonly ops: number
  readonly writes: number
}

export class ShardEntry implements IndexedShard {
  shard: Shard
  statistics: ShardStatistics
  stores: readonly StoreLoad[] = []
  leader: StoreLoad | undefined
  operator: PlannedOperator | undefined
  hold: Hold | undefined
  ops = 0
  writes = 0
  /** Where it counts: its stores, or those of its operator. */
  plannedStores: readonly StoreLoad[] = []
  plannedLeader: StoreLoad | undefined
  plannedBytes = 0
  plannedOps = 0
  plannedWrites = 0
  /** Which shards of like sharing it stands with; undefined when its replicas share nothing. */
  sharingClass: number | undefined

  constructor(shard: Shard, statistics: ShardStatistics) {
    this.shard = shard
    this.statistics = statistics
  }
}

/** Nothing is done to it: no operator runs and none is to begin. */
export function isIdle(entry: IndexedShard): boolean {
  return entry.operator === undefined && entry.hold === undefined
}

/** The same for repair. */
export function mayBeRepaired(entry: IndexedShard): boolean {
  return entry.operator === undefined && entry.hold !== 'all'
}

/** Its members are as they should be for a move that nothing forces: all voters, none failing, somebody leads. */
export function isSettled(entry: IndexedShard): boolean {
  return entry.leader !== undefined && !isIrregular(entry.shard, entry.statistics, undefined)
}

/** Whether balance may touch it: idle, settled, and not the placement driver's own. */
export function isMovable(entry: IndexedShard): boolean {
  return isIdle(entry) && isSettled(entry) && isDataShard(entry.shard.id)
}

/** Whether balance moved a replica of it, or its leader, so short a while ago that it should not do the same again. */
export function isResting(
  { statistics }: IndexedShard,
  what: 'replica' | 'leader',
  nowMs: number,
  { balance }: PlanSettings,
): boolean {
  const lastMs = what === 'replica' ? statistics.lastMoveMs : statistics.lastTransferMs
  return lastMs !== undefined && nowMs - lastMs < balance.restMs
}

/**
 * Members that ask for repair by themselves, whatever the state of the stores. `wanted` is the number of voters that there should be, undefined
 * where any number will do.
 */
export function isIrregular(shard: Shard, statistics: ShardStatistics, wanted: number | undefined): boolean {
  if (statistics.downReplicas.length > 0) return true
  let voters = 0
  for (const { role, store } of shard.replicas) {
    if (role === 'voter') voters++
    else if (role !== 'learner' || !statistics.wantedLearners.includes(store)) return true
  }
  return wanted !== undefined && voters !== wanted
}

export interface ShardClasses {
  readonly irregular: boolean
  readonly large: boolean
  readonly busy: boolean
  readonly small: boolean
}

export function classesOf(entry: IndexedShard, settings: PlanSettings): ShardClasses {
  const { shard, statistics } = entry
  const irregular = isIrregular(shard, statistics, settings.replicas)
  if (shard.id === PLACEMENT_SHARD) return { irregular, large: false, busy: false, small: false }
  const ops = opsPerSecond(statistics)
  return {
    irregular,
    large: statistics.bytes >= settings.split.bytes,
    busy: ops >= settings.split.opsPerSecond,
    small: statistics.bytes <= settings.merge.bytes && ops <= settings.merge.opsPerSecond && settings.merge.bytes > 0,
  }
}

export function isDataShard(id: ShardId): boolean {
  return id !== PLACEMENT_SHARD
}

/** No learner and nobody between two memberships. */
export function hasOnlyVoters(shard: Shard): boolean {
  return !isJoint(shard) && shard.replicas.every(({ role }) => role === 'voter')
}
