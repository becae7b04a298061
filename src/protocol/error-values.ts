/**
 * Makes the errors that several folders need, so that the same failure says the same everywhere. Each carries its cure. `retryable` means:
 * sending the same request again is safe and may succeed. It is never true of a write whose outcome is unknown.
 */
import type { Shard, ShardId, StoreId } from '../../shard-map/index.ts'
import { ERROR_TABLE } from './error-table.ts'
import type { ErrorCode, ErrorValue, Outcome } from './errors.ts'

/** Any error, with the table's defaults for what `details` leaves out. */
export function errorValue(
  code: ErrorCode,
  message: string,
  details: Partial<Omit<ErrorValue, 'code' | 'message'>> = {},
): ErrorValue {
  const { retryable, cure } = ERROR_TABLE[code]
  const outcome = details.outcome ?? 'none'
  return {
    code,
    message,
    hint: cure,
    ...details,
    outcome,
    retryable: details.retryable ?? (retryable && outcome === 'none'),
  }
}

export function notLeader(shard: ShardId, leader: StoreId | undefined): ErrorValue {
  const message =
    leader === undefined ? `this store does not lead shard ${shard}` : `shard ${shard} is led by store ${leader}`
  return errorValue('NOT_LEADER', message, { shard, ...(leader === undefined ? {} : { leader }) })
}

/** `shards` now cover what was asked for. */
export function staleEpoch(shard: ShardId, shards: readonly Shard[]): ErrorValue {
  return errorValue('STALE_EPOCH', `shard ${shard} has changed its range`, { shard, shards })
}

export function overloaded(what: string, shard?: ShardId): ErrorValue {
  return errorValue('OVERLOADED', what, shard === undefined ? {} : { shard })
}

/** `outcome` is `unknown` for a write that was sent and not answered. */
export function timeout(message: string, outcome: Outcome, shard?: ShardId): ErrorValue {
  return errorValue('TIMEOUT', message, { outcome, ...(shard === undefined ? {} : { shard }) })
}

/** `revision` is the key's current one, undefined when it is absent; `index` the operation of an atomic batch. */
export function preconditionFailed(shard: ShardId, revision: number | undefined, index?: number): ErrorValue {
  const message = revision === undefined ? 'the key does not exist' : `the key is at revision ${revision}`
  return errorValue('PRECONDITION_FAILED', message, {
    shard,
    revision: revision ?? null,
    ...(index === undefined ? {} : { index }),
  })
}

export function draining(outcome: Outcome = 'none'): ErrorValue {
  return errorValue('DRAINING', 'the store is stopping', { outcome })
}

/** A bug. The message must not show the inside of the program. */
export function internal(message: string, outcome: Outcome): ErrorValue {
  return errorValue('INTERNAL', message, { outcome })
}
