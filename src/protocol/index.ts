/** Everything that crosses a wire: requests, replies, errors with their cures, and the bytes of all of them. */
export { type ErrorCode, type ErrorValue, FlotillaError, type Outcome } from './errors.ts'
export type {
  Consistency,
  Found,
  Item,
  Load,
  PlacementStatus,
  ReplicaDescription,
  Reply,
  Request,
  RequestTiming,
  ShardDescription,
  StoreDescription,
  StoreHeartbeat,
  StoreHeartbeatAnswer,
} from './requests.ts'
