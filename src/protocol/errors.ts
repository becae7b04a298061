import type { Shard } from '../../shard-map/index.ts'

/**
 * Every way a request can fail, as a value with a stable code, what became of the write, and the cure where there is one. The
 * gateway maps codes to HTTP in one table; nobody else invents codes.
 */
export type ErrorCode =
  | 'INVALID_ARGUMENT'
  | 'UNAUTHENTICATED'
  | 'PERMISSION_DENIED'
  | 'KEY_NOT_FOUND'
  | 'SHARD_NOT_FOUND'
  | 'STORE_NOT_FOUND'
  | 'OPERATOR_NOT_FOUND'
  | 'SCHEDULER_NOT_FOUND'
  | 'ROUTE_NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'REQUEST_TIMEOUT'
  | 'OPERATOR_CONFLICT'
  | 'PRECONDITION_FAILED'
  | 'KEY_TOO_LARGE'
  | 'VALUE_TOO_LARGE'
  | 'BATCH_TOO_LARGE'
  | 'CROSS_SHARD'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'WATCH_COMPACTED'
  | 'OVERLOADED'
  | 'HEADERS_TOO_LARGE'
  | 'INTERNAL'
  | 'NO_LEADER'
  | 'QUORUM_LOST'
  | 'DRAINING'
  | 'NOT_READY'
  | 'TIMEOUT'
  | 'DISK_FULL'
  | 'ABORTED'
  | 'CLOSED'
  | 'STORE_LOCKED'
  | 'UNAVAILABLE'
  // Between stores and routers only; a router cures them and never shows them.
  | 'NOT_LEADER'
  | 'STALE_EPOCH'

/** Whether the write happened: certainly not, certainly, or nobody can say yet. */
export type Outcome = 'none' | 'applied' | 'unknown'

/** An error as it crosses the wire. */
export interface ErrorValue {
  readonly code: ErrorCode
  readonly message: string
  readonly outcome: Outcome
  readonly retryable: boolean
  readonly shard?: number
  /** The store that leads the shard, where the answerer knows. */
  readonly leader?: string
  /** What to do about it, for people. */
  readonly hint?: string
  /** PRECONDITION_FAILED: the key's current revision, null when absent. */
  readonly revision?: number | null
  /** PRECONDITION_FAILED of an atomic batch: which operation. */
  readonly index?: number
  /** STALE_EPOCH: the shards that now cover what was asked. */
  readonly shards?: readonly Shard[]
}

/** The rejection of every public promise. */
export class FlotillaError extends Error implements ErrorValue {
  override readonly name = 'FlotillaError'
  readonly code: ErrorCode
  readonly outcome: Outcome
  readonly retryable: boolean
  readonly shard?: number
  readonly leader?: string
  readonly hint?: string
  readonly revision?: number | null
  readonly index?: number
  readonly shards?: readonly Shard[]

  constructor(value: ErrorValue, options?: ErrorOptions) {
    super(value.message, options)
    this.code = value.code
    this.outcome = value.outcome
    this.retryable = value.retryable
    if (value.shard !== undefined) this.shard = value.shard
    if (value.leader !== undefined) this.leader = value.leader
    if (value.hint !== undefined) this.hint = value.hint
    if (value.revision !== undefined) this.revision = value.revision
    if (value.index !== undefined) this.index = value.index
    if (value.shards !== undefined) this.shards = value.shards
  }
}
