/** The entry point `flotilla/testing`: what proves a cluster, for whoever wants to prove their own. */
export {
  type Action,
  type BatchPlace,
  type Condition,
  checkLinearizable,
  formatHistory,
  type History,
  type LinearizabilityOptions,
  type Operation,
  type Outcome,
  type ParsedHistory,
  parseHistory,
  type ScannedItem,
  type ScanPage,
  type StaleRead,
  type Verdict,
} from './check/index.ts'
