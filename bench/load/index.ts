/** The load generator's core: what to do, when, on which key, and whether the answers are right. Opens no sockets. */
export { type LoadOptions, runLoad } from './driver.ts'
export {
  createKeyChooser,
  KEY_DISTRIBUTIONS,
  type KeyDistribution,
  ZIPFIAN_THETA,
  ZipfianChooser,
} from './key-distribution.ts'
export { KEY_COUNT_MAX, KEY_LAYOUTS, KEY_PREFIX_PATTERN, type KeyLayout, KeySpace } from './key-space.ts'
export { LatencyRecorder, type LatencySummary } from './latency-recorder.ts'
export { Ledger, type ReadTicket, type Verdict, type WriteOutcome } from './ledger.ts'
export { OperationSource } from './operation-source.ts'
export { SeededRandom } from './random.ts'
export { type LoadResult, ResultRecorder } from './result.ts'
export type { Lane, LaneObserver, Target } from './target.ts'
export { type ReadValue, VALUE_BYTES_MIN, ValueCodec } from './value.ts'
