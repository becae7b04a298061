/**
 * The failures that the gateway itself finds, before or instead of asking the router. Each is a FlotillaError, so that there is one way
 * for a request to fail; each certainly wrote nothing unless it says otherwise.
 */
import { type ErrorCode, FlotillaError } from '../protocol/index.ts'
import { isRetryable } from './error-statuses.ts'

/** Refuses a request that was understood well enough to know that nothing was or will be done. */
export function refusal(code: ErrorCode, message: string, hint?: string): FlotillaError {
  return new FlotillaError({
    code,
    message,
    outcome: 'none',
    retryable: isRetryable(code),
    ...(hint === undefined ? {} : { hint }),
  })
}

export function invalidArgument(message: string, hint?: string): FlotillaError {
  return refusal('INVALID_ARGUMENT', message, hint)
}
