/**
 * The answers of the core to its host: closed unions, each refusal with what cures it. Refusals are ordinary; nothing was
 * changed when one is returned, except where it says so.
 */
import type { ReplicaId } from './types.ts'

/**
 * not-leader:   ask `leader` (0: nobody is known; wait for an election).
 * transferring: the leader is handing over; ask again after a moment, probably elsewhere.
 * overloaded:   too many bytes are proposed and not yet committed; ask again once some are.
 * removed:      this leader is no member any more; ask another replica.
 */
export type ProposalRefusal = 'not-leader' | 'transferring' | 'overloaded' | 'removed'

export type ProposeResult =
  | { readonly ok: true; readonly forwarded: false; readonly firstIndex: number; readonly term: number }
  /** Sent to the leader as this replica knows it; nobody tells whether it arrives. */
  | { readonly ok: true; readonly forwarded: true; readonly leader: ReplicaId }
  | { readonly ok: false; readonly reason: ProposalRefusal; readonly leader: ReplicaId }

/**
 * change-pending: another change is not applied yet, or this leader has not applied all of its predecessors'; retry later.
 * joint:          leave the joint membership first (propose an empty `auto` change).
 * not-joint:      there is no joint membership to leave.
 * illegal:        it would remove all voters or take an impossible step; never valid on the present membership.
 * malformed:      the bytes of a forwarded change do not decode.
 */
export type MembershipRefusal = 'change-pending' | 'joint' | 'not-joint' | 'illegal' | 'malformed'

export type ProposeMembershipResult =
  | { readonly ok: true; readonly forwarded: false; readonly index: number; readonly term: number }
  | { readonly ok: true; readonly forwarded: true; readonly leader: ReplicaId }
  | { readonly ok: false; readonly reason: ProposalRefusal; readonly leader: ReplicaId }
  /** An empty entry took the place of the change at `index`, as it does for a forwarded one. */
  | { readonly ok: false; readonly reason: MembershipRefusal; readonly index: number; readonly term: number }

/**
 * not-leader:        ask `leader` (0: nobody is known).
 * no-commit-in-term: this leader does not know yet how far its predecessors committed; retry once it committed in its term.
 */
export type ReadIndexResult =
  | { readonly ok: true; readonly readId: number }
  | { readonly ok: false; readonly reason: 'not-leader' | 'no-commit-in-term'; readonly leader: ReplicaId }

/**
 * unknown-sender:   an answer from a replica that is no member here.
 * local-message:    claims to come from this replica, but is none of the acknowledgements it addresses to itself.
 * misaddressed:     meant for another replica.
 * proposal-dropped: a forwarded proposal found no leader here, or was refused by it.
 */
export type StepError = 'unknown-sender' | 'local-message' | 'misaddressed' | 'proposal-dropped'

export type StepResult = { readonly ok: true } | { readonly ok: false; readonly error: StepError }

export const STEPPED: StepResult = { ok: true }
