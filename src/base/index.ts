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
export { type EventRecord, type EventSink, silentEvents } from './events.ts'
export { LIMITS } from './limits.ts'
export { type Logger, type LogLevel, silentLogger } from './log.ts'
