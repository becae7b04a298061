/**
 * The checkers: functions and small recorders over plain data that decide whether a cluster kept its promises. Pure: no I/O, clock or chance, so any recorded
 * history can be judged again. Used by the simulator, by tests against real processes, and by programs through `flotilla/testing`.
 */
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
export { formatHistory, type ParsedHistory, parseHistory } from './history-lines.ts'
export { checkLinearizable, type LinearizabilityOptions } from './linearizability.ts'
export type { Verdict } from './verdict.ts'
