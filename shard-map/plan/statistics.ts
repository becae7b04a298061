/**
 * What planners know of a cluster beyond its map: plain numbers about stores and shards, and the settings that say how much is too much. The
 * placement driver fills it from heartbeats, the command line from a file, a simulation from a formula. How many replicas, leaders and
 * operators a store has is not here: `placement-index.ts` counts them from the shards and operators themselves, so that they cannot disagree.
 */
import type { Key, StoreId, StoreInfo } from '../types.ts'

export interface StoreStatistics {
  readonly id: StoreId
  readonly labels: Readonly<Record<string, string>>
  /** What people have decided about the store. */
  readonly state: StoreInfo['state']
  /** What its silence says: `down` only after the time from which its replicas are to be replaced. */
  readonly liveness: 'up' | 'suspect' | 'down'
  /** Relative share of replicas and leaders, 1 for an ordinary store. 0 wants none. */
  readonly weight: number
  /** 0 when unknown; then room is not looked at. */
  readonly capacityBytes: number
  readonly availableBytes: number
  /** Snapshots being sent or received, as the store itself counts them. */
  readonly snapshots: number
}

/** A key that was asked for, and how often among all the samples taken of its shard. */
export interface KeySample {
  readonly key: Key
  readonly hits: number
}

export interface ShardStatistics {
  /** Undefined while nobody leads: then nothing can be planned. */
  readonly leader: StoreId | undefined
  readonly bytes: number
  readonly keys: number
  readonly readsPerSecond: number
  readonly writesPerSecond: number
  /** Stores whose replica cannot run, or has not been heard by the leader for too long, though the store itself may live. */
  readonly downReplicas: readonly StoreId[]
  /**
   * Those of them whose replica is lost beyond doubt: the store says so, or was itself heard for long while the replica was not. Only these may go before
   * they are replaced.
   */
  readonly lostReplicas: readonly StoreId[]
  /** Stores whose replica is far behind its leader. */
  readonly pendingReplicas: readonly StoreId[]
  /** Learners that somebody asked for; any other is left over from something that failed. */
  readonly wantedLearners: readonly StoreId[]
  /** On the clock of `nowMs` of the planning round; undefined when it is not known to have happened. */
  readonly lastSplitMs: number | undefined
  readonly lastMergeMs: number | undefined
  /** When a replica, and when the leader, was last moved for the sake of balance. */
  readonly lastMoveMs: number | undefined
  readonly lastTransferMs: number | undefined
  /** In any order; empty for a shard that is not busy. */
  readonly keySamples: readonly KeySample[]
}

export const QUIET_SHARD: ShardStatistics = {
  leader: undefined,
  bytes: 0,
  keys: 0,
  readsPerSecond: 0,
  writesPerSecond: 0,
  downReplicas: [],
  lostReplicas: [],
  pendingReplicas: [],
  wantedLearners: [],
  lastSplitMs: undefined,
  lastMergeMs: undefined,
  lastMoveMs: undefined,
  lastTransferMs: undefined,
  keySamples: [],
}

export interface PlanSettings {
  /** Voters that each shard should have. */
  readonly replicas: number
  /** Labels that keep replicas apart, the most important first. */
  readonly isolationLabels: readonly string[]
  readonly split: {
    readonly bytes: number
    readonly opsPerSecond: number
    /** A split by load is worth it only if the smaller side gets this share of the requests. */
    readonly sideShareMin: number
    /** After a split, rates and sizes are measured anew for so long. */
    readonly pauseMs: number
  }
  readonly merge: {
    /** Each of the two is at most so big; 0 never merges. */
    readonly bytes: number
    readonly opsPerSecond: number
    /** Neither was split or merged within so long. */
    readonly afterSplitMs: number
    /** A cluster keeps at least so many shards, so that a new, empty one does not shrink to a single group. */
    readonly shardsMin: number
  }
  /** How far off its ideal a store may be, on either side, before anything moves: the larger of a share of the ideal and a fixed number. */
  readonly balance: {
    readonly toleranceRatio: number
    /** At least 1, since no move is smaller. */
    readonly replicasToleranceMin: number
    readonly leadersToleranceMin: number
    readonly bytesToleranceMin: number
    /** A replica or leader that balance has moved stays where it is for so long; others do as well. */
    readonly restMs: number
  }
  readonly hot: {
    /** A store is hot at this share above the average of all; it is a target only up to half of it. */
    readonly ratio: number
    /** Below this no store is hot. */
    readonly opsPerSecondMin: number
  }
  readonly limits: {
    /** Operators that bring a replica to a store or take one away, at the same time. */
    readonly operatorsPerStore: number
    readonly transfersPerStore: number
    readonly snapshotsPerStore: number
    /** New ones in one round, of each scheduler: more would only wait for each other and make the round long. */
    readonly operatorsPerRound: number
    /** Stores and routers are told the whole map in one message; what does not fit there would cut them off from every later change. */
    readonly mapBytesMax: number
  }
  /** A store keeps this share of its capacity free. */
  readonly freeRatioMin: number
}

const MiB = 1 << 20

export const PLAN_SETTINGS_DEFAULT: PlanSettings = {
  replicas: 3,
  isolationLabels: ['zone', 'host'],
  split: { bytes: 96 * MiB, opsPerSecond: 2000, sideShareMin: 0.2, pauseMs: 10_000 },
  merge: { bytes: 20 * MiB, opsPerSecond: 100, afterSplitMs: 3_600_000, shardsMin: 8 },
  balance: {
    toleranceRatio: 0.02,
    replicasToleranceMin: 1,
    leadersToleranceMin: 0.25,
    bytesToleranceMin: 64 * MiB,
    restMs: 600_000,
  },
  hot: { ratio: 0.3, opsPerSecondMin: 500 },
  limits: {
    operatorsPerStore: 4,
    transfersPerStore: 4,
    snapshotsPerStore: 4,
    operatorsPerRound: 64,
    mapBytesMax: 14 * MiB,
  },
  freeRatioMin: 0.1,
}

/** The number that a load balancer weighs: requests of both kinds. */
export function opsPerSecond(statistics: Pick<ShardStatistics, 'readsPerSecond' | 'writesPerSecond'>): number {
  return statistics.readsPerSecond + statistics.writesPerSecond
}
