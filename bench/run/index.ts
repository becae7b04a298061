/** `bench run` and the measuring step that `compare` shares with it. */
export {
  createDataSet,
  type DataSet,
  type LoadShape,
  type Measurement,
  measure,
  preload,
  type Servers,
} from './measure.ts'
export { describeMeasurement, violationsText } from './report.ts'
export { runCommand } from './run-command.ts'
export {
  DEFAULT_ENDPOINTS,
  durationMs,
  parseHttpEndpoint,
  parseRunFlags,
  type RunFlags,
  type RunOptions,
  TARGETS,
  UsageError,
  WORKLOADS,
  whole,
} from './run-options.ts'
