/** The ground floor: assertions, bytes, limits, and the ports through which the world enters. Imports nothing. */
export { AssertionFailure, assert, present, unreachable } from './assert.ts'
export {
  bytesToLatin1,
  compareBytes,
  EMPTY_BYTES,
  latin1ToBytes,
  prefixEnd,
  utf8Decode,
  utf8Encode,
} from './bytes.ts'
export type { Clock, Random, Timer } from './clock.ts'
export { EVENT_CATALOGUE, type EventDefinition, type EventFamily, type EventType } from './event-catalogue.ts'
export {
  type CatalogueEvent,
  type CustomEvent,
  type EventRecord,
  type EventSink,
  eventDefinition,
  silentEvents,
} from './events.ts'
export { Histogram, SECONDS_BOUNDS } from './histogram.ts'
export { LIMITS } from './limits.ts'
export { type Logger, type LogLevel, silentLogger } from './log.ts'
export { isCount } from './numbers.ts'
export { RPC_KIND, type RpcKind, type RpcRecorder } from './rpc-recorder.ts'
export { parseTraceParent } from './trace-parent.ts'
export { type SpanName, type SpanRecord, silentTracer, type TraceContext, type Tracer } from './tracing.ts'
