/** What every command is made of. */
export { CliError, EXIT, type ExitCode, UsageError } from './cli-error.ts'
export { confirm } from './confirm.ts'
export { type Context, isColoured, type Signal, write } from './context.ts'
export type { Answer, ClientRequest, HttpClient } from './http-client.ts'
export { argumentBytes, type JsonKey, jsonKey, keyArgument, keyPath, percentEncode } from './keys.ts'
export {
  type Column,
  csvHeader,
  csvLine,
  FORMATS,
  type Format,
  formatDetails,
  formatTable,
  shortBytes,
  shortDuration,
} from './output.ts'
export { printable } from './printable.ts'
export { outputFormat, parseAnswer, parseDuration, parseWhole, printResult, type Result, Session } from './session.ts'
export { wrapFor } from './wrap.ts'
