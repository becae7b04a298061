/**
 * `POST /batch`: many operations in one request, in JSON or MessagePack. Everything is understood before anything is done, so a malformed
 * operation refuses the batch as a whole.
 */

import { LIMITS, unreachable } from '../../base/index.ts'
import type { BatchItemAnswer } from '../../router/index.ts'
import { type Grant, outOfScope } from '../access.ts'
import { refuseConditions } from '../conditions.ts'
import {
  answerTypeOf,
  type DocumentType,
  decodeDocument,
  documentTypeOf,
  encodeMsgpack,
  Fields,
  MSGPACK_TYPE,
} from '../document.ts'
import type { Exchange } from '../exchange.ts'
import { conditionFailed, invalidArgument, refusal } from '../failures.ts'
import { jsonValue } from '../json-bytes.ts'
import { BATCH_BODY_BYTES_MAX } from '../limits.ts'
import { type Problem, problemOf } from '../problem.ts'
import type { KvCondition, KvOperation, KvOperationResult } from '../router-types.ts'
import { keyField, valueBytes, valueTooLarge } from '../values.ts'
import { refuseUnsupported, ttlUnsupported } from './unsupported.ts'

const FIELDS_OF = {
  put: ['op', 'key', 'keyEncoding', 'value', 'encoding', 'ttl', 'ifRevision', 'ifAbsent'],
  delete: ['op', 'key', 'keyEncoding', 'ttl', 'ifRevision', 'ifAbsent'],
  get: ['op', 'key', 'keyEncoding'],
} as const
const ALL_FIELDS: readonly string[] = FIELDS_OF.put

export async function runBatch(exchange: Exchange): Promise<void> {
  refuseUnsupported(exchange)
  refuseConditions(exchange, 'a batch')
  const requestType = documentTypeOf(exchange.requestHeader('content-type'))
  const answerType = answerTypeOf(exchange.requestHeader('accept'), requestType)
  const body = await exchange.readBody(BATCH_BODY_BYTES_MAX, 'BATCH_TOO_LARGE')
  const batch = parseBatch(decodeDocument(body, requestType), exchange.services.limits.valueBytesMax)
  if (batch.operations.length === 0) {
    sendResults(exchange, answerType, [])
    return
  }
  if (exchange.grant !== undefined) authorize(exchange.grant, batch.operations)
  exchange.mayHaveWritten = batch.operations.some((operation) => operation.kind !== 'get')
  const answers = await exchange.services.router.batch(batch.operations, {
    atomic: batch.atomic,
    timeoutMs: exchange.remainingMs,
    trace: exchange.span?.context,
    signal: exchange.signal,
  })
  sendResults(
    exchange,
    answerType,
    answers.map((answer) => resultOf(answer, answerType, exchange.requestId)),
  )
}

/** All or nothing: a batch of which one operation is not allowed does nothing. */
function authorize(grant: Grant, operations: readonly KvOperation[]): void {
  for (const [index, operation] of operations.entries()) {
    if (operation.kind !== 'get' && !grant.includes('write')) {
      throw refusal('PERMISSION_DENIED', `ops[${index}] writes, and the token may only read`)
    }
    if (!grant.covers(operation.key)) throw outOfScope(`the token does not cover the key of ops[${index}]`)
  }
}

interface Batch {
  readonly operations: readonly KvOperation[]
  readonly atomic: boolean
}

export function parseBatch(document: unknown, valueBytesMax: number): Batch {
  const fields = new Fields(document, 'the batch', ['ops', 'atomic'])
  const atomic = fields.boolean('atomic')
  const ops = fields.get('ops')
  if (!Array.isArray(ops)) throw fields.refuse('ops', 'a list of operations')
  if (ops.length > LIMITS.batchOpsMax) {
    throw refusal(
      'BATCH_TOO_LARGE',
      `the batch has ${ops.length} operations; at most ${LIMITS.batchOpsMax} are allowed`,
    )
  }
  let bytes = 0
  const operations = ops.map((op: unknown, index): KvOperation => {
    const operation = parseOperation(op, `ops[${index}]`, valueBytesMax)
    bytes += operation.key.length + (operation.kind === 'put' ? operation.value.length : 0)
    return operation
  })
  if (bytes > LIMITS.batchBytesMax) {
    throw refusal(
      'BATCH_TOO_LARGE',
      `the batch has ${bytes} bytes of keys and values; at most ${LIMITS.batchBytesMax} are allowed`,
    )
  }
  return { operations, atomic }
}

function parseOperation(op: unknown, where: string, valueBytesMax: number): KvOperation {
  const fields = new Fields(op, where, ALL_FIELDS)
  const kind = fields.get('op')
  if (kind !== 'put' && kind !== 'delete' && kind !== 'get') throw fields.refuse('op', 'put, delete or get')
  fields.allowOnly(FIELDS_OF[kind], `a ${kind}`)
  const key = keyField(fields)
  switch (kind) {
    case 'get':
      return { kind, key }
    case 'delete':
      return { kind, key, condition: parseCondition(fields) }
    case 'put': {
      const value = valueBytes(fields)
      if (value.length > valueBytesMax) throw valueTooLarge(valueBytesMax)
      return { kind, key, value, condition: parseCondition(fields) }
    }
    default:
      return unreachable(kind)
  }
}

function parseCondition(fields: Fields): KvCondition {
  if (fields.get('ttl') !== undefined) throw ttlUnsupported('ttl')
  const ifAbsent = fields.boolean('ifAbsent')
  const revision = fields.get('ifRevision')
  if (revision === undefined) return { kind: ifAbsent ? 'absent' : 'none' }
  if (ifAbsent) throw invalidArgument('ifRevision and ifAbsent cannot be used together')
  if (typeof revision !== 'number' || !Number.isSafeInteger(revision) || revision < 0) {
    throw fields.refuse('ifRevision', 'a revision: a whole number below 2^53')
  }
  return { kind: 'revision', revision }
}

type Result =
  | {
      readonly ok: true
      readonly revision?: number
      readonly value?: string | Uint8Array
      readonly encoding?: string
      readonly deleted?: 0 | 1
      readonly found?: boolean
    }
  | { readonly ok: false; readonly error: Problem }

function resultOf(answer: BatchItemAnswer, type: DocumentType, requestId: string): Result {
  return answer.ok ? done(answer.result, type, requestId) : { ok: false, error: problemOf(answer.error, requestId) }
}

function done(result: KvOperationResult, type: DocumentType, requestId: string): Result {
  switch (result.kind) {
    case 'put':
      return { ok: true, revision: result.revision }
    case 'delete':
      return { ok: true, revision: result.revision, deleted: result.deleted ? 1 : 0 }
    case 'get':
      if (!result.found) return { ok: true, found: false }
      return {
        ok: true,
        found: true,
        ...(type === 'json' ? jsonValue(result.value) : { value: result.value }),
        revision: result.revision,
      }
    case 'condition-failed':
      return { ok: false, error: problemOf(conditionFailed(result.revision), requestId) }
    default:
      return unreachable(result)
  }
}

function sendResults(exchange: Exchange, type: DocumentType, results: readonly Result[]): void {
  if (type === 'json') exchange.sendJson(200, { results })
  else exchange.sendBytes(200, MSGPACK_TYPE, encodeMsgpack({ results }))
}
