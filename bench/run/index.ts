/** `bench run` and the measuring step that `compare` shares with it. */
export {
  createDataSet,
  type DataSet,
  type Measurement,
  measure,
  preload,
} from './measure.ts'
export { violationsText } from './report.ts'
export { runCommand } from './run-command.ts'
export {
  DEFAULT_ENDPOINTS,
  durationMs,
  parseHttpEndpoint,
  parseRunFlags,
  type RunFlags,
  TARGETS,
  UsageError,
  WORKLOADS,
  whole,
} from './run-options.ts'
