/**
 * The failures that the gateway itself finds, before or instead of asking the router. Each is a FlotillaError, so that there is one way
 * for a request to fail; each certainly wrote nothing unless it says otherwise.
 */
import { type ErrorCode, type ErrorValue, errorValue, FlotillaError } from '../protocol/index.ts'
import type { Served } from '../router/index.ts'

/** Refuses a request of which nothing was or will be done. `hint` replaces the cure that the table has for the code. */
export function refusal(code: ErrorCode, message: string, hint?: string): FlotillaError {
  return new FlotillaError(errorValue(code, message, hint === undefined ? {} : { hint }))
}

export function invalidArgument(message: string, hint?: string): FlotillaError {
  return refusal('INVALID_ARGUMENT', message, hint)
}

/** An ordinary answer rather than an exception. `revision` is the key's current one, undefined when it is absent. */
export function conditionFailed(revision: number | undefined, served?: Served): ErrorValue {
  const message = revision === undefined ? 'the key does not exist' : `the key has revision ${revision}`
  return errorValue('PRECONDITION_FAILED', message, { ...originOf(served), revision: revision ?? null })
}

export function keyNotFound(served: Served): ErrorValue {
  return errorValue('KEY_NOT_FOUND', 'the key does not exist', originOf(served))
}

function originOf(served: Served | undefined): { readonly shard?: number; readonly leader?: string } {
  if (served === undefined) return {}
  const { shard, leader } = served
  return leader === undefined ? { shard } : { shard, leader }
}
