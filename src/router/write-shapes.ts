import type { Shard } from '../../shard-map/index.ts'
import { assert, LIMITS } from '../base/index.ts'
import { encodeKvCommand, type KvOperation, type KvOperationResult } from '../machine/index.ts'
import { FlotillaError, type Reply } from '../protocol/index.ts'
import type { BatchItemAnswer } from './types.ts'

/** From operations to the request that carries them to one shard, and from its reply to what callers get. Pure; used by the router. */

export function writeRequest(shard: Shard, operations: readonly KvOperation[], atomic: boolean) {
  const rangeEpoch = shard.epoch.range
  return {
    kind: 'write' as const,
    shard: shard.id,
    rangeEpoch,
    command: encodeKvCommand({ kind: 'operations', rangeEpoch, atomic, operations }),
  }
}

export function writeResults(reply: Reply): readonly KvOperationResult[] {
  assert(reply.kind === 'write', `a write was answered with ${reply.kind}`)
  if (reply.result.kind === 'malformed') {
    throw new FlotillaError({
      code: 'INVALID_ARGUMENT',
      message: reply.result.reason,
      outcome: 'none',
      retryable: false,
    })
  }
  assert(reply.result.kind === 'operations', `operations were answered with ${reply.result.kind}`)
  return reply.result.results
}

export function asBatchItem(result: KvOperationResult): BatchItemAnswer {
  if (result.kind !== 'condition-failed') return { ok: true, result }
  return {
    ok: false,
    error: {
      code: 'PRECONDITION_FAILED',
      message: 'the condition does not hold',
      outcome: 'none',
      retryable: false,
      revision: result.revision ?? null,
    },
  }
}

export function crossShard(index: number): FlotillaError {
  return new FlotillaError({
    code: 'CROSS_SHARD',
    message: `operation ${index} belongs to another shard than operation 0: an atomic batch must stay within one shard`,
    outcome: 'none',
    retryable: false,
    index,
    hint: 'send it without `atomic`, or see `flotilla shard lookup KEY`',
  })
}

/** What many reads found is more than one caller can be given at once. */
export function answerTooLarge(): FlotillaError {
  return new FlotillaError({
    code: 'BATCH_TOO_LARGE',
    message: `the values that were asked for have more than ${LIMITS.batchAnswerBytesMax} bytes together`,
    outcome: 'none',
    retryable: false,
    hint: 'ask for fewer keys at once',
  })
}
