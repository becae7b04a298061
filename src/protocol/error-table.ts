/**
 * What every error code means: over HTTP, to a program that may try again, to the shell, and to the person who reads it. The one place
 * where a code meets a status or an exit code; the gateway, the command line and `flotilla explain CODE` all read it.
 */
import type { ErrorCode, ErrorValue } from './errors.ts'

export interface ErrorMeaning {
  readonly httpStatus: number
  /** Whether sending the same request again may succeed, unless the error itself says otherwise. */
  readonly retryable: boolean
  /** Of the command line, unless the outcome is unknown, which is always 6. */
  readonly exitCode: 1 | 2 | 3 | 4 | 5
  /** One short line without a full stop; the title of an HTTP problem. */
  readonly title: string
  /** One sentence: what happened. */
  readonly explanation: string
  /** One sentence: what to do, or which command to try next. */
  readonly cure: string
}

function meaning(
  httpStatus: number,
  exitCode: ErrorMeaning['exitCode'],
  retry: 'retry' | 'final',
  title: string,
  explanation: string,
  cure: string,
): ErrorMeaning {
  return { httpStatus, exitCode, retryable: retry === 'retry', title, explanation, cure }
}

export const ERROR_TABLE: Readonly<Record<ErrorCode, ErrorMeaning>> = {
  INVALID_ARGUMENT: meaning(
    400,
    2,
    'final',
    'The request is not valid',
    'Something in the request is malformed or out of its range, and nothing was done.',
    'Correct what the message names; /openapi.json and `flotilla help` describe every parameter.',
  ),
  UNAUTHENTICATED: meaning(
    401,
    1,
    'final',
    'A token is needed',
    'This cluster asks for a token, and the request had none that it knows.',
    'Pass --token, set FLOTILLA_TOKEN, or send the header Authorization: Bearer <token>.',
  ),
  PERMISSION_DENIED: meaning(
    403,
    1,
    'final',
    'Not allowed',
    'The token is known and does not allow this request.',
    'Use a token with the right to do this, or ask on the machine itself for what only loopback may see.',
  ),
  KEY_NOT_FOUND: meaning(
    404,
    3,
    'final',
    'No such key',
    'The key does not exist.',
    'Try `flotilla scan PREFIX` to see which keys do.',
  ),
  SHARD_NOT_FOUND: meaning(
    404,
    3,
    'final',
    'No such shard',
    'No shard has this id; it may have been merged into its neighbour.',
    'Try `flotilla shard ls`, or `flotilla shard lookup KEY` for the shard of a key.',
  ),
  STORE_NOT_FOUND: meaning(
    404,
    3,
    'final',
    'No such store',
    'The cluster knows no store with this id.',
    'Try `flotilla store ls`.',
  ),
  OPERATOR_NOT_FOUND: meaning(
    404,
    3,
    'final',
    'No such operator',
    'No operator has this id, or it ended so long ago that it was forgotten.',
    'Try `flotilla operator ls`.',
  ),
  SCHEDULER_NOT_FOUND: meaning(
    404,
    3,
    'final',
    'No such scheduler',
    'No scheduler has this name.',
    'Try `flotilla scheduler ls`.',
  ),
  ROUTE_NOT_FOUND: meaning(
    404,
    1,
    'final',
    'No such route',
    'The gateway has nothing at this path.',
    'See /docs for all routes, and check that client and cluster have the same version.',
  ),
  METHOD_NOT_ALLOWED: meaning(
    405,
    1,
    'final',
    'Method not allowed',
    'The path exists and does not answer to this method.',
    'Use one of the methods in the header Allow.',
  ),
  REQUEST_TIMEOUT: meaning(
    408,
    1,
    'retry',
    'The request did not arrive in time',
    'The head or the body of the request stalled, so the gateway stopped waiting for it.',
    'Send the request without pauses; look at the network between client and gateway.',
  ),
  OPERATOR_CONFLICT: meaning(
    409,
    1,
    'final',
    'In conflict with a running operator or the state of a store',
    'Another operator works on the same shard, or the store is not in the state that this needs.',
    'Try `flotilla operator ls`, then wait for it with `flotilla operator wait ID` or cancel it.',
  ),
  PRECONDITION_FAILED: meaning(
    412,
    4,
    'final',
    'The condition does not hold',
    'The key is not at the revision, or not in the state, that the request demanded, and nothing was written.',
    'Read the key again with `flotilla get KEY` and decide anew.',
  ),
  KEY_TOO_LARGE: meaning(
    413,
    1,
    'final',
    'Key too large',
    'A key has 1 to 4,096 bytes.',
    'Use a shorter key, a hash of the long one for instance.',
  ),
  VALUE_TOO_LARGE: meaning(
    413,
    1,
    'final',
    'Value too large',
    'A value is larger than this cluster allows, 1 MiB unless configured lower.',
    'Cut the value into several keys; `flotilla config show gateway.limits` shows the limit.',
  ),
  BATCH_TOO_LARGE: meaning(
    413,
    1,
    'final',
    'Batch too large',
    'A batch holds at most 1,000 operations and 4 MiB of keys and values, and brings back at most 64 MiB.',
    'Send several smaller batches.',
  ),
  CROSS_SHARD: meaning(
    422,
    1,
    'final',
    'Not possible across shards',
    'An atomic batch must stay within one shard, and these keys do not.',
    'Send it without `atomic`, or choose keys that share a shard: `flotilla shard lookup KEY`.',
  ),
  IDEMPOTENCY_KEY_REUSED: meaning(
    422,
    1,
    'final',
    'Idempotency key used for another request',
    'This idempotency key belongs to a different request.',
    'Make a new idempotency key for every request that is not a retry.',
  ),
  WATCH_COMPACTED: meaning(
    410,
    1,
    'final',
    'The history asked for is gone',
    'The resume token is older than the history that the cluster keeps.',
    'Read the present state with a scan, then watch from now.',
  ),
  OVERLOADED: meaning(
    429,
    5,
    'retry',
    'Too much work at once',
    'A queue that protects the cluster is full, and the request was not begun.',
    'Send less at once and retry with growing pauses; `flotilla hot write` shows where the load is.',
  ),
  HEADERS_TOO_LARGE: meaning(
    431,
    1,
    'final',
    'Headers too large',
    'The head of the request is larger than 32 KiB.',
    'Send fewer or shorter headers and cookies.',
  ),
  INTERNAL: meaning(
    500,
    1,
    'final',
    'Internal error',
    'The program is wrong, not the request.',
    'Please report it, with the output of `flotilla debug bundle`.',
  ),
  NO_LEADER: meaning(
    503,
    5,
    'retry',
    'The shard has no leader',
    'The shard is between two leaders, which usually takes less than a few seconds.',
    'Retry; if it stays, `flotilla status` shows which stores are missing.',
  ),
  QUORUM_LOST: meaning(
    503,
    5,
    'retry',
    'The shard has no quorum',
    'Most replicas of the shard do not answer, so it can neither write nor read safely.',
    'Start the missing stores; `flotilla status` lists them.',
  ),
  DRAINING: meaning(
    503,
    5,
    'retry',
    'This store is shutting down',
    'The store is stopping and takes no new requests.',
    'Ask another store.',
  ),
  NOT_READY: meaning(
    503,
    5,
    'retry',
    'Not ready',
    'The store has started and cannot serve yet.',
    'Retry, or see /readyz for the reasons.',
  ),
  TIMEOUT: meaning(
    504,
    5,
    'retry',
    'The deadline passed',
    'The request was not answered before its deadline.',
    'If the outcome is unknown, read before you write again; otherwise retry, or raise --timeout.',
  ),
  DISK_FULL: meaning(
    507,
    1,
    'final',
    'Disk full',
    'A store has no room left on its disk.',
    'Free or add disk on that store, or move replicas away with `flotilla shard move`.',
  ),
  ABORTED: meaning(
    499,
    1,
    'final',
    'Aborted',
    'The caller gave up the request through its signal.',
    'Nothing, unless you want the answer after all.',
  ),
  CLOSED: meaning(
    503,
    1,
    'final',
    'Closed',
    'The client or store was closed before the request ended.',
    'Open a new one.',
  ),
  STORE_LOCKED: meaning(
    503,
    1,
    'final',
    'The store is in use by another process',
    'Another process has this data directory open.',
    'Stop that process, or choose another directory.',
  ),
  UNAVAILABLE: meaning(
    503,
    5,
    'retry',
    'Unavailable',
    'No store of the cluster could be reached.',
    'Check the endpoint with `flotilla ping`, and that the broker and the stores run.',
  ),
  NOT_LEADER: meaning(
    503,
    5,
    'retry',
    'Not the leader',
    'The store that was asked does not lead the shard.',
    'Ask the leader; a router does so by itself.',
  ),
  STALE_EPOCH: meaning(
    503,
    5,
    'retry',
    'The shard has changed',
    'The request was routed by an outdated shard map.',
    'Route again by the shards in the error; a router does so by itself.',
  ),
}

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_TABLE, text)
}

/** The exit code of the command line for an error. */
export function exitCodeOf(error: Pick<ErrorValue, 'code' | 'outcome'>): 1 | 2 | 3 | 4 | 5 | 6 {
  return error.outcome === 'unknown' ? 6 : ERROR_TABLE[error.code].exitCode
}
