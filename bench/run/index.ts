/** `bench run` and the measuring step that `compare` shares with it. */
export {
  createDataSet,
  type DataSet,
  type LoadShape,
  type Measurement,
  measure,
  preload,
} from './measure.ts'
export { violationsText } from './report.ts'
export { runCommand } from './run-command.ts'
export {
  DEFAULT_ENDPOINTS,
  decimal,
  durationMs,
  parseHttpEndpoint,
  parseRunFlags,
  type RunFlags,
  TARGETS,
  UsageError,
  WORKLOADS,
  whole,
} from './run-options.ts'
