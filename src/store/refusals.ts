import type { Shard, StoreId } from '../../shard-map/index.ts'
import { LIMITS } from '../base/index.ts'
import { draining, type ErrorValue, errorValue, overloaded as overloadedError, timeout } from '../protocol/index.ts'

/**
 * What a store says when it does not do what it was asked, each with the cure. Outcome `none` is a promise: the write has not
 * happened and, as far as this request goes, never will.
 */
export { notLeader, staleEpoch } from '../protocol/index.ts'

export function quorumLost(shard: number, outcome: 'none' | 'unknown', leaderlessMs: number): ErrorValue {
  const seconds = Math.round(leaderlessMs / 100) / 10
  const message = `shard ${shard} has had no leader for ${seconds} s: most of its replicas do not answer`
  return errorValue('QUORUM_LOST', message, { shard, outcome })
}

/** This store holds no replica of the shard; `shards` says where it is, as far as known. */
export function shardNotHere(shard: number, shards: readonly Shard[]): ErrorValue {
  const message = `this store holds no replica of shard ${shard}`
  return errorValue('SHARD_NOT_FOUND', message, { shard, shards, retryable: true })
}

export function replicaDamaged(shard: number, reason: string): ErrorValue {
  return errorValue('NOT_READY', `this store's replica of shard ${shard} does not run: ${reason}`, {
    shard,
    hint: 'ask another replica; see /readyz of this store',
  })
}

/** The data of this replica is being replaced by a snapshot or deleted; reading from it would show holes. */
export function replicaReplaced(shard: number): ErrorValue {
  return errorValue('NOT_READY', `this store's replica of shard ${shard} is being replaced`, {
    shard,
    hint: 'ask another replica, or again after a moment',
  })
}

/** The shard is not in the state that a change of it needs; `what` says why, with the numbers. */
export function notYet(shard: number, what: string): ErrorValue {
  return errorValue('NOT_READY', what, { shard, hint: 'ask again after a moment' })
}

/** `behind` entries; Infinity for a replica that is being sent everything. */
export function lagging(shard: number, store: StoreId, behind: number): ErrorValue {
  const lag = Number.isFinite(behind)
    ? `is ${behind} entries behind, and at most ${LIMITS.transferLagEntriesMax} are allowed`
    : 'is receiving its snapshot'
  const hint = `try again when it has caught up: flotilla shard show ${shard}`
  return errorValue('OPERATOR_CONFLICT', `the replica of shard ${shard} on store ${store} cannot lead now: it ${lag}`, {
    shard,
    hint,
  })
}

/** Leadership would have to leave that store again at once. */
export function leavingStore(shard: number, store: StoreId): ErrorValue {
  const hint = 'choose another store, or try again when it is back: flotilla store ls'
  return errorValue('OPERATOR_CONFLICT', `store ${store} is stopping and takes no leadership`, { shard, hint })
}

/** A change that makes no sense for the shard as it is, and will not make sense later. */
export function impossible(shard: number, what: string): ErrorValue {
  return errorValue('INVALID_ARGUMENT', what, { shard, hint: 'see the shard as it is: flotilla shard show' })
}

/** The command is of a release that this store is not; `what` names the format. */
export function unknownCommand(shard: number, what: string): ErrorValue {
  return errorValue('INVALID_ARGUMENT', what, { shard, hint: 'upgrade the stores before those who ask them' })
}

export function overloaded(shard: number): ErrorValue {
  return overloadedError(`shard ${shard} has too many writes waiting`, shard)
}

/** What was read is more than one answer carries; `outcome` is what became of the writes that came with it. */
export function answerTooLarge(outcome: 'none' | 'applied'): ErrorValue {
  const message = `the values that were asked for have more than ${LIMITS.answerValuesBytesMax} bytes together`
  return errorValue('BATCH_TOO_LARGE', message, { outcome, hint: 'ask for fewer keys at once' })
}

export function deadlinePassed(shard: number, outcome: 'none' | 'unknown'): ErrorValue {
  const message =
    outcome === 'none'
      ? `shard ${shard} did not answer in time`
      : `shard ${shard} did not confirm the write in time; it may still be applied`
  return timeout(message, outcome, shard)
}

export function closing(outcome: 'none' | 'unknown'): ErrorValue {
  return draining(outcome)
}

/** Leadership moved while the write was under way, and this store cannot learn what became of it. */
export function outcomeUnknown(shard: number): ErrorValue {
  const message = `shard ${shard} changed its leader while the write was under way; it may have been applied`
  return timeout(message, 'unknown', shard)
}
