/**
 * The entry point `flotilla/testing`: a whole cluster in one thread, from one seed, in virtual time, with everything going wrong that can; and
 * the checks that say whether a cluster, simulated or real, kept its promises.
 */
export {
  type Action,
  type AppliedEntry,
  type BatchPlace,
  ClusterChecks,
  type Condition,
  checkHistory,
  checkLinearizable,
  type EntryView,
  type EpochView,
  formatHistory,
  type HardStateView,
  type HighestUse,
  type History,
  type HistoryFocus,
  type HistoryOptions,
  type LinearizabilityOptions,
  type MapView,
  type Operation,
  type Outcome,
  type ParsedHistory,
  type Problem,
  parseHistory,
  type RangeView,
  type ReplicaView,
  type ResourceView,
  type ScannedItem,
  type ScanPage,
  type ShardView,
  type SnapshotClaim,
  type StaleRead,
  type StoreName,
  type Verdict,
} from './check/index.ts'
export { FAULT_FAMILIES, type FaultFamily } from './fault-plan.ts'
export { type SimulationOptions, type SimulationResult, simulate, TICK_MS, TICKS_DEFAULT } from './simulate.ts'
export type { SimulationFailure } from './world.ts'
