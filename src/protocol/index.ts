/** Everything that crosses a wire: requests, replies, errors with their cures, and the bytes of all of them. */
export type { Decoded, DecodeError } from './decoded.ts'
export { ERROR_TABLE, type ErrorMeaning, exitCodeOf, isErrorCode } from './error-table.ts'
export {
  draining,
  errorValue,
  internal,
  notLeader,
  overloaded,
  preconditionFailed,
  staleEpoch,
  timeout,
} from './error-values.ts'
export { type ErrorCode, type ErrorValue, FlotillaError, type Outcome } from './errors.ts'
export { decodeMembership, encodeMembership } from './membership-codec.ts'
export type { OperateAnswer, OperateRequest } from './operate.ts'
export { decodeRaftMessage, encodeRaftMessage, type GroupMessage } from './raft-codec.ts'
export { decodeReply, encodeReply } from './reply-codec.ts'
export { decodeRequest, encodeRequest, isLinearizableRead, withTrace, withVoucher } from './request-codec.ts'
export type {
  Consistency,
  Found,
  HotKey,
  Item,
  LedShard,
  Load,
  MembershipStep,
  PlacementStatus,
  ReplicaDescription,
  Reply,
  Request,
  RequestTiming,
  ShardCut,
  ShardDescription,
  ShardFigures,
  ShardRequest,
  SilentMember,
  StoreDescription,
  StoreHeartbeat,
  StoreHeartbeatAnswer,
  Voucher,
} from './requests.ts'
export { decodeSnapshotItem, encodeSnapshotItem, type SnapshotItem } from './snapshot-codec.ts'
export { decodeTraceNote, encodeTraceNote, isTraceNote, type TraceNote } from './trace-note-codec.ts'
