/**
 * Where error codes meet HTTP: status, title and whether a client may simply try again. The only such table.
 */
import type { ErrorCode } from '../protocol/index.ts'

interface HttpFace {
  readonly status: number
  readonly title: string
  readonly retryable: boolean
}

function face(status: number, title: string, retryable = false): HttpFace {
  return { status, title, retryable }
}

const FACES: Readonly<Record<ErrorCode, HttpFace>> = {
  INVALID_ARGUMENT: face(400, 'The request is not valid'),
  UNAUTHENTICATED: face(401, 'A token is needed'),
  PERMISSION_DENIED: face(403, 'Not allowed'),
  KEY_NOT_FOUND: face(404, 'No such key'),
  SHARD_NOT_FOUND: face(404, 'No such shard'),
  STORE_NOT_FOUND: face(404, 'No such store'),
  OPERATOR_NOT_FOUND: face(404, 'No such operator'),
  SCHEDULER_NOT_FOUND: face(404, 'No such scheduler'),
  ROUTE_NOT_FOUND: face(404, 'No such route'),
  METHOD_NOT_ALLOWED: face(405, 'Method not allowed'),
  REQUEST_TIMEOUT: face(408, 'The request did not arrive in time', true),
  OPERATOR_CONFLICT: face(409, 'In conflict with a running operator or the state of a store'),
  PRECONDITION_FAILED: face(412, 'The condition does not hold'),
  KEY_TOO_LARGE: face(413, 'Key too large'),
  VALUE_TOO_LARGE: face(413, 'Value too large'),
  BATCH_TOO_LARGE: face(413, 'Batch too large'),
  CROSS_SHARD: face(422, 'Not possible across shards'),
  IDEMPOTENCY_KEY_REUSED: face(422, 'Idempotency key used for another request'),
  WATCH_COMPACTED: face(410, 'The history asked for is gone'),
  OVERLOADED: face(429, 'Too much work at once', true),
  HEADERS_TOO_LARGE: face(431, 'Headers too large'),
  INTERNAL: face(500, 'Internal error'),
  NO_LEADER: face(503, 'The shard has no leader', true),
  QUORUM_LOST: face(503, 'The shard has no quorum', true),
  DRAINING: face(503, 'This store is shutting down', true),
  NOT_READY: face(503, 'Not ready', true),
  TIMEOUT: face(504, 'The deadline passed', true),
  DISK_FULL: face(507, 'Disk full'),
  ABORTED: face(503, 'Aborted', true),
  CLOSED: face(503, 'Closed', true),
  STORE_LOCKED: face(503, 'The store is in use by another process'),
  UNAVAILABLE: face(503, 'Unavailable', true),
  NOT_LEADER: face(503, 'Not the leader', true),
  STALE_EPOCH: face(503, 'The shard has changed', true),
}

export function httpStatusOf(code: ErrorCode): number {
  return FACES[code].status
}

export function titleOf(code: ErrorCode): string {
  return FACES[code].title
}

export function isRetryable(code: ErrorCode): boolean {
  return FACES[code].retryable
}
