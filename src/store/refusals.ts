import type { Shard, StoreId } from '../../shard-map/index.ts'
import type { ErrorValue } from '../protocol/index.ts'

/**
 * What a store says when it does not do what it was asked, each with the cure. Outcome `none` is a promise: the write has not
 * happened and, as far as this request goes, never will.
 */
export function notLeader(shard: number, leader: StoreId | undefined): ErrorValue {
  return {
    code: 'NOT_LEADER',
    message:
      leader === undefined
        ? `shard ${shard} has no leader that this store knows`
        : `shard ${shard} is led by store ${leader}`,
    outcome: 'none',
    retryable: true,
    shard,
    ...(leader === undefined ? {} : { leader }),
  }
}

export function quorumLost(shard: number, outcome: 'none' | 'unknown', leaderlessMs: number): ErrorValue {
  return {
    code: 'QUORUM_LOST',
    message: `shard ${shard} has had no leader for ${Math.round(leaderlessMs / 100) / 10} s: most of its replicas do not answer`,
    outcome,
    retryable: true,
    shard,
    hint: 'start the missing stores; `flotilla status` lists them',
  }
}

export function staleEpoch(shard: number, shards: readonly Shard[]): ErrorValue {
  return {
    code: 'STALE_EPOCH',
    message: `shard ${shard} has changed its range`,
    outcome: 'none',
    retryable: true,
    shard,
    shards,
  }
}

export function shardNotHere(shard: number, shards: readonly Shard[]): ErrorValue {
  return {
    code: 'SHARD_NOT_FOUND',
    message: `this store holds no replica of shard ${shard}`,
    outcome: 'none',
    retryable: true,
    shard,
    shards,
  }
}

export function replicaDamaged(shard: number, reason: string): ErrorValue {
  return {
    code: 'NOT_READY',
    message: `this store's replica of shard ${shard} does not run: ${reason}`,
    outcome: 'none',
    retryable: true,
    shard,
    hint: 'ask another replica; see /readyz of this store',
  }
}

export function overloaded(shard: number): ErrorValue {
  return {
    code: 'OVERLOADED',
    message: `shard ${shard} has too many writes waiting`,
    outcome: 'none',
    retryable: true,
    shard,
    hint: 'slow down and retry',
  }
}

export function deadlinePassed(shard: number, outcome: 'none' | 'unknown'): ErrorValue {
  return {
    code: 'TIMEOUT',
    message:
      outcome === 'none'
        ? `shard ${shard} did not answer in time`
        : `shard ${shard} did not confirm the write in time; it may still be applied`,
    outcome,
    retryable: outcome === 'none',
    shard,
  }
}

export function closing(shard: number, outcome: 'none' | 'unknown'): ErrorValue {
  return {
    code: 'DRAINING',
    message: 'the store is stopping',
    outcome,
    retryable: outcome === 'none',
    shard,
    hint: 'ask another store',
  }
}

/** Leadership moved while the write was under way, and this store cannot learn what became of it. */
export function outcomeUnknown(shard: number): ErrorValue {
  return {
    code: 'TIMEOUT',
    message: `shard ${shard} changed its leader while the write was under way; it may have been applied`,
    outcome: 'unknown',
    retryable: false,
    shard,
    hint: 'read the key to learn whether it was',
  }
}
