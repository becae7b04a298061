/**
 * Errors as `application/problem+json` (RFC 9457). Gives values their form; who sends them decides headers.
 */
import { ERROR_TABLE, type ErrorValue } from '../protocol/index.ts'

export const PROBLEM_CONTENT_TYPE = 'application/problem+json'

/** A client that is refused for the moment waits this long; leaders are elected and queues drain well within it. */
export const RETRY_AFTER_SECONDS = 1

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly retryable: boolean
  readonly outcome: string
  readonly shard?: number
  readonly leader?: string
  readonly hint: string
  readonly revision?: number | null
  readonly index?: number
  readonly requestId: string
}

/** `extensions` are further members, such as the reasons why a store is not ready. */
export function problemOf(
  error: ErrorValue,
  requestId: string,
  extensions?: Readonly<Record<string, unknown>>,
): Problem {
  const meaning = ERROR_TABLE[error.code]
  return {
    type: `urn:flotilla:error:${error.code}`,
    title: meaning.title,
    status: meaning.httpStatus,
    detail: error.message,
    code: error.code,
    retryable: error.retryable,
    outcome: error.outcome,
    ...(error.shard === undefined ? {} : { shard: error.shard }),
    ...(error.leader === undefined ? {} : { leader: error.leader }),
    hint: error.hint ?? meaning.cure,
    ...(error.revision === undefined ? {} : { revision: error.revision }),
    ...(error.index === undefined ? {} : { index: error.index }),
    ...extensions,
    requestId,
  }
}

/** Whether the status promises that waiting helps, so that the answer names how long. */
export function hasRetryAfter(status: number): boolean {
  return status === 429 || status === 503
}
