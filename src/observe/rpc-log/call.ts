/** A message to another store together with what became of it: a row of the RPC log. */
export const CALL_TYPES = ['RequestVote', 'PreVote', 'AppendEntries', 'InstallSnapshot', 'TimeoutNow'] as const
export type CallType = (typeof CALL_TYPES)[number]

/**
 * not-sent: no connection, or no room; no-answer: none came in time; rejected: the follower's log does not fit; refused: the vote was not given.
 * The order is the format on disk: append only.
 */
export const CALL_ERRORS = ['none', 'not-sent', 'no-answer', 'rejected', 'refused'] as const
export type CallError = (typeof CALL_ERRORS)[number]

export interface Call {
  /** Grows with every row of its ring. */
  readonly id: string
  /** ISO 8601: when it was sent. */
  readonly ts: string
  readonly from: string
  readonly to: string
  readonly type: CallType
  readonly group: number
  readonly term: number
  readonly entries: number
  /** As encoded; of a snapshot only its announcement. */
  readonly bytes: number
  /** Until its answer; null where none came, or none is given. */
  readonly latencyMs: number | null
  /** It carries nothing and only says that the leader lives. */
  readonly heartbeat: boolean
  readonly error: string | null
}

/** A call that has ended, before it has an identity. Made once and filled again and again. */
export interface EndedCall {
  /** Position in CALL_TYPES. */
  type: number
  heartbeat: boolean
  peer: number
  group: number
  term: number
  entries: number
  bytes: number
  sentMs: number
  /** NaN: there was no answer. */
  latencyMs: number
  /** Position in CALL_ERRORS. */
  error: number
}

export function newEndedCall(): EndedCall {
  return {
    type: 0,
    heartbeat: false,
    peer: 0,
    group: 0,
    term: 0,
    entries: 0,
    bytes: 0,
    sentMs: Number.NaN,
    latencyMs: Number.NaN,
    error: 0,
  }
}

export interface CallFilter {
  readonly types?: readonly string[]
  readonly group?: number
  readonly peer?: string
  /** Milliseconds since 1970. */
  readonly sinceMs?: number
  /** Heartbeats too. */
  readonly heartbeats?: boolean
}
