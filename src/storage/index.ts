/** Everything durable: the shared log, the applied data, files. Ports here, adapters in the folders below. */

export { acquireDataDirectory, type DataDirectory } from './data-directory.ts'
export {
  type DamagedGroup,
  type DataKey,
  type DataStore,
  DataStoreError,
  type DataStoreErrorCode,
  type KeyRange,
  type ScanOptions,
  type ScanPage,
  type SnapshotExport,
  type SnapshotImport,
} from './data-store.ts'
export { type DiskSpace, diskSpaceOf } from './disk-space.ts'
// The shared log.
export type { File, FileSystem } from './file-system.ts'
export { type FaultyOperation, MemoryFiles, type MemoryFilesOptions, makeDirectory, NodeFiles } from './files/index.ts'
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
export { MemoryDisk, type MemoryDiskOptions } from './memory/index.ts'
export { MemoryLog } from './memory-log/index.ts'
export { type DataEngine, type DataStoreOptions, openDataStore } from './open-data-store.ts'
export { openSegmentLog, type SegmentLogOptions } from './segment-log/index.ts'
