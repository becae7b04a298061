/** Everything durable: the shared log, the applied data, files. Ports here, adapters in the folders below. */

// The shared log.
export type { File, FileSystem } from './file-system.ts'
export { NodeFiles } from './files/node-files.ts'
export {
  type DamagedLog,
  type GroupId,
  type GroupLog,
  type LogStore,
  LogStoreError,
  type LogStoreErrorCode,
  type LogStoreStats,
  UNKNOWN_GROUP,
} from './log-store.ts'
export { MemoryLog } from './memory-log/index.ts'
export { openSegmentLog, type SegmentLogOptions } from './segment-log/index.ts'
