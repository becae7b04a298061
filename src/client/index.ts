/** The public client, over a router or over HTTP. */
export { HttpClient } from './http-client.ts'
export { RouterClient } from './router-client.ts'
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
} from './types.ts'
