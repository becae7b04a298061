/** The Raft core: a pure state machine per replica. Hosts use RaftNode; the rest are its words. */
export {
  EMPTY_MEMBERSHIP,
  isJoint,
  isVoter,
  type MembershipError,
  type MembershipResult,
} from './membership.ts'
export {
  type DecodedMembershipChange,
  decodeMembershipChange,
  encodeMembershipChange,
  type MembershipChangeMalformed,
} from './membership-codec.ts'
export type { RaftOptions } from './options.ts'
export type { ProgressState } from './progress.ts'
export { RaftNode } from './raft-node.ts'
export type { AppendAck, AppendWork, ApplyWork, AsyncReady, Ready, SyncReady } from './ready.ts'
export type {
  MembershipRefusal,
  ProposalRefusal,
  ProposeMembershipResult,
  ProposeResult,
  ReadIndexResult,
  StepError,
  StepResult,
} from './results.ts'
export type { ProgressStatus, RaftStatus } from './status.ts'
export type { TraceEvent } from './trace.ts'
export {
  type Entry,
  type EntryType,
  type HardState,
  type InitialState,
  type MembershipChange,
  type MembershipOperation,
  type MembershipState,
  type Message,
  type MessageType,
  NO_REPLICA,
  type ReadState,
  type ReplicaId,
  type Role,
  type SnapshotMeta,
  type SoftState,
  type StableLog,
} from './types.ts'
