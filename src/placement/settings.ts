import { PLAN_SETTINGS_DEFAULT, type PlanSettings } from '../../shard-map/index.ts'
import type { ClusterConfig } from '../machine/index.ts'

/**
 * The settings that the placement driver goes by: those of the cluster, which anybody may change while it runs, over those that the processes were
 * started with. Sizes are bytes, durations milliseconds.
 */
export interface PlacementDefaults {
  readonly splitBytes: number
  readonly splitOpsPerSecond: number
  readonly mergeBytes: number
  /** What was split or merged is left in peace by merges for so long. */
  readonly mergeAfterSplitMs: number
  readonly downAfterMs: number
  readonly operatorsPerStore: number
  /** Of each store, in each direction. */
  readonly snapshotBytesPerSecond: number
}

export const PLACEMENT_DEFAULTS: PlacementDefaults = {
  splitBytes: PLAN_SETTINGS_DEFAULT.split.bytes,
  splitOpsPerSecond: PLAN_SETTINGS_DEFAULT.split.opsPerSecond,
  mergeBytes: PLAN_SETTINGS_DEFAULT.merge.bytes,
  mergeAfterSplitMs: PLAN_SETTINGS_DEFAULT.merge.afterSplitMs,
  downAfterMs: 300_000,
  operatorsPerStore: PLAN_SETTINGS_DEFAULT.limits.operatorsPerStore,
  snapshotBytesPerSecond: 64 * 1024 * 1024,
}

export interface DriverSettings {
  readonly plan: PlanSettings
  readonly downAfterMs: number
  /** Stores hear it with the answers to their heartbeats. */
  readonly snapshotBytesPerSecond: number
}

/** Which setting of the cluster stands for which of the defaults. */
const NAMES = {
  'placement.split.bytes': 'splitBytes',
  'placement.split.opsPerSecond': 'splitOpsPerSecond',
  'placement.merge.bytes': 'mergeBytes',
  'placement.merge.afterSplit': 'mergeAfterSplitMs',
  'placement.downAfter': 'downAfterMs',
  'placement.limits.operatorsPerStore': 'operatorsPerStore',
  'placement.limits.snapshotBytesPerSecond': 'snapshotBytesPerSecond',
} as const satisfies Readonly<Record<string, keyof PlacementDefaults>>

const SNAPSHOT_BYTES_PER_SECOND_MIN = 64 * 1024
/** A leader or replica that balance has moved rests for so long. */
const REST_MS = 60_000

/** Whether the driver itself goes by this setting: what it takes where nobody told it what else stores understand. */
export function isDriverSetting(name: string): name is keyof typeof NAMES {
  return Object.hasOwn(NAMES, name)
}

/** `shardsMin`: a cluster is not merged below the number of shards that it was founded with, be it one. */
export function driverSettings(
  config: ClusterConfig,
  defaults: PlacementDefaults,
  replicas: number,
  shardsMin: number,
): DriverSettings {
  const values: { -readonly [Name in keyof PlacementDefaults]: number } = { ...defaults }
  for (const [name, place] of Object.entries(NAMES)) {
    const value = config.settings.get(name)
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) values[place] = value
  }
  const base = PLAN_SETTINGS_DEFAULT
  return {
    downAfterMs: values.downAfterMs,
    // Whatever somebody sets, a snapshot comes to its end.
    snapshotBytesPerSecond: Math.max(SNAPSHOT_BYTES_PER_SECOND_MIN, values.snapshotBytesPerSecond),
    plan: {
      ...base,
      replicas,
      split: { ...base.split, bytes: values.splitBytes, opsPerSecond: values.splitOpsPerSecond },
      merge: {
        ...base.merge,
        bytes: values.mergeBytes,
        afterSplitMs: values.mergeAfterSplitMs,
        shardsMin,
      },
      balance: { ...base.balance, restMs: REST_MS },
      limits: { ...base.limits, operatorsPerStore: values.operatorsPerStore },
    },
  }
}
