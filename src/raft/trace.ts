/**
 * What the core tells an observer: typed events at the moments a person would want to read about. Never needed for
 * correctness; without an observer no event is built.
 */
import type { MembershipRefusal } from './results.ts'
import type { MembershipState, ReplicaId } from './types.ts'

export type CampaignKind = 'pre-election' | 'election' | 'transfer'

export type TraceEvent =
  | { readonly kind: 'membership-switched'; readonly membership: MembershipState }
  | { readonly kind: 'became-follower'; readonly term: number; readonly leader: ReplicaId }
  | { readonly kind: 'became-pre-candidate'; readonly term: number }
  | { readonly kind: 'became-candidate'; readonly term: number }
  | { readonly kind: 'became-leader'; readonly term: number }
  | { readonly kind: 'campaign-refused'; readonly reason: 'unpromotable' | 'unapplied-membership-change' }
  | { readonly kind: 'vote-cast'; readonly candidate: ReplicaId; readonly term: number; readonly isPreVote: boolean }
  | { readonly kind: 'vote-refused'; readonly candidate: ReplicaId; readonly term: number; readonly isPreVote: boolean }
  | { readonly kind: 'vote-ignored-in-lease'; readonly candidate: ReplicaId; readonly ticksRemaining: number }
  | { readonly kind: 'vote-received'; readonly from: ReplicaId; readonly granted: boolean; readonly isPreVote: boolean }
  | { readonly kind: 'quorum-inactive'; readonly term: number }
  | { readonly kind: 'append-refused'; readonly leader: ReplicaId; readonly prevLogIndex: number }
  | { readonly kind: 'peer-backed-off'; readonly peer: ReplicaId; readonly nextIndex: number }
  | { readonly kind: 'peer-unreachable'; readonly peer: ReplicaId }
  | { readonly kind: 'snapshot-sent'; readonly peer: ReplicaId; readonly index: number }
  | { readonly kind: 'snapshot-restored'; readonly index: number; readonly term: number }
  | { readonly kind: 'snapshot-ignored'; readonly index: number; readonly term: number }
  | { readonly kind: 'write-superseded'; readonly index: number; readonly term: number }
  | { readonly kind: 'membership-refused'; readonly reason: MembershipRefusal }
  | { readonly kind: 'leaving-joint-membership'; readonly index: number }
  | { readonly kind: 'transfer-started'; readonly to: ReplicaId }
  | { readonly kind: 'transfer-aborted'; readonly to: ReplicaId }
  | { readonly kind: 'election-handed-over'; readonly to: ReplicaId }
  | { readonly kind: 'leader-forgotten'; readonly leader: ReplicaId }
  | { readonly kind: 'forget-leader-refused' }
