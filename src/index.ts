/** What applications import from `flotilla`. */
export type { CustomEvent, EventRecord, LogLevel } from './base/index.ts'
export type {
  BatchOperation,
  BatchResult,
  Bytes,
  Client,
  EntryOf,
  ReadOptions,
  RequestOptions,
  ScanOptions,
  WriteOptions,
} from './client/index.ts'
export {
  consoleOutput,
  type Event,
  type EventBus,
  type EventOutput,
  type EventSubscription,
  type FileOutputOptions,
  fileOutput,
  jsonOutput,
} from './observe/index.ts'
export { type ErrorCode, FlotillaError, type Outcome } from './protocol/index.ts'
export {
  type Cluster,
  type ConnectOptions,
  type CreateClusterOptions,
  type CreateEventsOptions,
  connect,
  createCluster,
  createEvents,
  type OpenStoreOptions,
  openStore,
  type TracingOptions,
} from './server/index.ts'
