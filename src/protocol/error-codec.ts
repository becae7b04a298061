/**
 * Errors as MessagePack lists inside replies; the layout is in reply-codec. A code that this version does not know is shown as
 * UNAVAILABLE: what became of the write and whether to retry stay as the other side said.
 */
import { type Shard, shardFromPlain, shardToPlain } from '../../shard-map/index.ts'
import { isErrorCode } from './error-table.ts'
import type { ErrorValue } from './errors.ts'
import type { FieldReader } from './field-reader.ts'
import { defined } from './heartbeat-codec.ts'

/** Places in this list are what is sent: it may only grow. */
const OUTCOMES = ['none', 'applied', 'unknown'] as const

export function errorToPlain(error: ErrorValue): readonly unknown[] {
  return [
    error.code,
    error.message,
    OUTCOMES.indexOf(error.outcome),
    error.retryable,
    error.shard ?? null,
    error.leader ?? null,
    error.hint ?? null,
    error.revision === undefined ? false : error.revision,
    error.index ?? null,
    error.shards === undefined ? null : error.shards.map(shardToPlain),
  ]
}

export function readError(fields: FieldReader): ErrorValue {
  const code = fields.text()
  const message = fields.text()
  const outcome = fields.choice(OUTCOMES)
  const retryable = fields.flag()
  const shard = fields.optional(() => fields.count())
  const leader = fields.optional(() => fields.text())
  const hint = fields.optional(() => fields.text())
  const revision = readRevision(fields)
  const index = fields.optional(() => fields.count())
  const shards = fields.optional(() => fields.any())
  const known = isErrorCode(code)
  return {
    code: known ? code : 'UNAVAILABLE',
    message: known ? message : `${code}: ${message}`,
    outcome,
    retryable,
    ...(shard === undefined ? {} : { shard }),
    ...(leader === undefined ? {} : { leader }),
    ...(hint === undefined ? {} : { hint }),
    ...(revision === undefined ? {} : { revision }),
    ...(index === undefined ? {} : { index }),
    ...(shards === undefined ? {} : { shards: readShards(fields, shards) }),
  }
}

function readRevision(fields: FieldReader): number | null | undefined {
  const value = fields.any()
  if (value === false) return undefined
  if (value === null || (Number.isSafeInteger(value) && (value as number) >= 0)) return value as number | null
  fields.fail()
  return undefined
}

/** Shards of a map, from a field that was taken out already. */
export function readShards(fields: FieldReader, plain: unknown): readonly Shard[] {
  if (!Array.isArray(plain)) {
    fields.fail()
    return []
  }
  return defined(
    plain.map((item) => {
      const shard = shardFromPlain(item)
      if (!('unreadable' in shard)) return shard
      fields.fail()
      return undefined
    }),
  )
}
