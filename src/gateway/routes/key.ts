/**
 * The routes of one key: PUT, POST, GET, HEAD and DELETE of `/kv/{key}` and `/kv64/{key}`. The hottest code of the gateway: no
 * middleware, no Request and Response objects.
 */

import type { Key } from '../../../shard-map/index.ts'
import { LIMITS, unreachable } from '../../base/index.ts'
import type { GetAnswer, WriteAnswer } from '../../router/index.ts'
import { entityTag, names, parseConditions } from '../conditions.ts'
import { decodeDocument, documentTypeOf, Fields } from '../document.ts'
import type { Exchange } from '../exchange.ts'
import { conditionFailed, invalidArgument, keyNotFound, refusal } from '../failures.ts'
import { jsonKey, jsonValue } from '../json-bytes.ts'
import { JSON_BYTES_PER_BYTE } from '../limits.ts'
import { base64UrlDecode, percentDecode } from '../percent.ts'
import { preferredType } from '../request-headers.ts'
import type { KvCondition } from '../router-types.ts'
import { valueBytes, valueTooLarge } from '../values.ts'
import { refuseUnsupported } from './unsupported.ts'

const RAW_TYPE = 'application/octet-stream'
const JSON_TYPE = 'application/json'
/** Room for names, quotes and blanks around the one value of a POST. */
const POST_OVERHEAD_BYTES = 4096

export async function putKey(exchange: Exchange): Promise<void> {
  const key = keyOf(exchange)
  const condition = writeConditionOf(exchange)
  // A part taken for the whole would destroy the rest (RFC 9110 section 14.5).
  if (exchange.requestHeader('content-range') !== undefined)
    throw invalidArgument('a value is stored as a whole', 'Send all of it, without Content-Range.')
  const value = await exchange.readBody(exchange.services.limits.valueBytesMax, 'VALUE_TOO_LARGE')
  const answer = await write(exchange, key, value, condition)
  const revision = putRevision(exchange, answer)
  if (revision === undefined) return
  exchange.header('ETag', entityTag(revision))
  exchange.header('Flotilla-Revision', String(revision))
  exchange.sendEmpty(204)
}

export async function postKey(exchange: Exchange): Promise<void> {
  const key = keyOf(exchange)
  const condition = writeConditionOf(exchange)
  const { valueBytesMax } = exchange.services.limits
  const body = await exchange.readBody(valueBytesMax * JSON_BYTES_PER_BYTE + POST_OVERHEAD_BYTES, 'VALUE_TOO_LARGE')
  const type = documentTypeOf(exchange.requestHeader('content-type'))
  const value = valueBytes(new Fields(decodeDocument(body, type), 'the body', ['value', 'encoding']))
  if (value.length > valueBytesMax) throw valueTooLarge(valueBytesMax)
  const answer = await write(exchange, key, value, condition)
  const revision = putRevision(exchange, answer)
  if (revision === undefined) return
  exchange.header('ETag', entityTag(revision))
  exchange.header('Flotilla-Revision', String(revision))
  exchange.sendJson(200, { ...jsonKey(key), revision })
}

export async function getKey(exchange: Exchange): Promise<void> {
  const key = keyOf(exchange)
  const consistency = exchange.query.consistency()
  const answer = await exchange.services.router.get(key, {
    consistency,
    timeoutMs: exchange.remainingMs,
    trace: exchange.span?.context,
  })
  exchange.servedHeaders(answer.served)
  if (consistency === 'stale') exchange.header('Flotilla-Staleness-Ms', String(Math.ceil(answer.stalenessMs)))
  const found = answer.found
  if (found === undefined) {
    exchange.sendError(keyNotFound(answer.served))
    return
  }
  exchange.header('ETag', entityTag(found.revision))
  exchange.header('Flotilla-Revision', String(found.revision))
  if (!answersCondition(exchange, answer, found.revision)) return
  const accept = exchange.requestHeader('accept')
  if (preferredType(accept, [RAW_TYPE, JSON_TYPE]) === JSON_TYPE) {
    exchange.sendJson(200, { ...jsonKey(key), ...jsonValue(found.value), revision: found.revision })
  } else {
    exchange.header('X-Content-Type-Options', 'nosniff')
    exchange.sendBytes(200, RAW_TYPE, found.value)
  }
}

/** Whether the whole answer is wanted; otherwise the client has been told that it has the value, or that it is another one (RFC 9110 section 13). */
function answersCondition(exchange: Exchange, { served }: GetAnswer, revision: number): boolean {
  const ifMatch = exchange.requestHeader('if-match')
  if (ifMatch !== undefined && !names(ifMatch, revision)) {
    exchange.sendError(conditionFailed(revision, served))
    return false
  }
  const ifNoneMatch = exchange.requestHeader('if-none-match')
  if (ifNoneMatch === undefined || !names(ifNoneMatch, revision)) return true
  exchange.sendEmpty(304)
  return false
}

export async function deleteKey(exchange: Exchange): Promise<void> {
  const key = keyOf(exchange)
  const condition = writeConditionOf(exchange)
  exchange.mayHaveWritten = true
  const answer = await exchange.services.router.delete(key, condition, {
    timeoutMs: exchange.remainingMs,
    trace: exchange.span?.context,
  })
  exchange.servedHeaders(answer.served)
  const { result } = answer
  if (result.kind === 'condition-failed') sendConditionFailed(exchange, answer, result.revision)
  else if (result.kind === 'delete') {
    exchange.header('Flotilla-Deleted', result.deleted ? '1' : '0')
    exchange.header('Flotilla-Revision', String(result.revision))
    exchange.sendEmpty(204)
  } else throw new Error(`a delete was answered with ${result.kind}`)
}

function keyOf(exchange: Exchange): Key {
  const { target } = exchange
  if (target.kind !== 'key') throw new Error('a key route without a key')
  const key = decodeKey(target.encoding, target.encodedKey)
  if (key.length === 0) throw invalidArgument('the key is empty', 'A key has 1 to 4096 bytes; GET /kv lists keys.')
  if (key.length > LIMITS.keyBytesMax) {
    throw refusal('KEY_TOO_LARGE', `the key has ${key.length} bytes; at most ${LIMITS.keyBytesMax} are allowed`)
  }
  exchange.grant?.requireKey(key)
  return key
}

function decodeKey(encoding: 'percent' | 'base64url', encoded: string): Key {
  switch (encoding) {
    case 'percent': {
      const key = percentDecode(encoded)
      if (key === undefined)
        throw invalidArgument('the key has a malformed percent escape', 'Write a literal % as %25.')
      return key
    }
    case 'base64url': {
      const key = base64UrlDecode(encoded)
      if (key === undefined)
        throw invalidArgument(
          'the key is not valid base64url',
          'Use the alphabet A-Z a-z 0-9 - _ of RFC 4648 section 5.',
        )
      return key
    }
    default:
      return unreachable(encoding)
  }
}

function writeConditionOf(exchange: Exchange): KvCondition {
  refuseUnsupported(exchange)
  return parseConditions(exchange.requestHeader('if-match'), exchange.requestHeader('if-none-match'))
}

function write(exchange: Exchange, key: Key, value: Uint8Array, condition: KvCondition): Promise<WriteAnswer> {
  exchange.mayHaveWritten = true
  return exchange.services.router.put(key, value, condition, {
    timeoutMs: exchange.remainingMs,
    trace: exchange.span?.context,
  })
}

/** The revision a put got; undefined when it did not happen and the client was told so. */
function putRevision(exchange: Exchange, answer: WriteAnswer): number | undefined {
  exchange.servedHeaders(answer.served)
  const { result } = answer
  if (result.kind === 'put') return result.revision
  if (result.kind !== 'condition-failed') throw new Error(`a put was answered with ${result.kind}`)
  sendConditionFailed(exchange, answer, result.revision)
  return undefined
}

function sendConditionFailed(exchange: Exchange, answer: WriteAnswer, revision: number | undefined): void {
  if (revision !== undefined) exchange.header('ETag', entityTag(revision))
  exchange.sendError(conditionFailed(revision, answer.served))
}
