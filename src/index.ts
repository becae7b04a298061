/** What applications import from `flotilla`. */
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
export { type ErrorCode, FlotillaError, type Outcome } from './protocol/index.ts'
export {
  type Cluster,
  type ConnectOptions,
  type CreateClusterOptions,
  connect,
  createCluster,
  type OpenStoreOptions,
  openStore,
} from './server/index.ts'
