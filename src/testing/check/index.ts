/**
 * The checkers: functions and small recorders over plain data that decide whether a cluster kept its promises. Pure: no I/O, clock or chance, so any recorded
 * history can be judged again. Used by the simulator, by tests against real processes, and by programs through `flotilla/testing`.
 */
export type { AppliedEntry } from './applied-order.ts'
export { ClusterChecks } from './cluster-checks.ts'
export type {
  Action,
  BatchPlace,
  Condition,
  History,
  Operation,
  Outcome,
  ScannedItem,
  ScanPage,
  StaleRead,
} from './history.ts'
export { checkHistory, type HistoryOptions } from './history-check.ts'
export { formatHistory, type ParsedHistory, parseHistory } from './history-lines.ts'
export { checkLinearizable, type LinearizabilityOptions } from './linearizability.ts'
export type { HighestUse } from './resource-bounds.ts'
export type { SnapshotClaim } from './state-equality.ts'
export type { HistoryFocus, Verdict } from './verdict.ts'
export type {
  EntryView,
  EpochView,
  HardStateView,
  MapView,
  Problem,
  RangeView,
  ReplicaView,
  ResourceView,
  ShardView,
  StoreName,
} from './views.ts'
