/**
 * The data routes: single keys, ranges, batches.
 */
import { z } from 'zod'
import { LIMITS } from '../base/index.ts'
import type { ParameterDefinition, ResponseDefinition, RouteDefinition } from './route-definition.ts'
import { runBatch } from './routes/batch.ts'
import { deleteKey, getKey, postKey, putKey } from './routes/key.ts'
import { deleteKeys, listKeys } from './routes/range.ts'
import * as schemas from './schemas.ts'

const SERVED_HEADERS = ['Flotilla-Shard', 'Flotilla-Epoch', 'Flotilla-Leader', 'Server-Timing'] as const
const RAW_TYPE = 'application/octet-stream'
const JSON_TYPE = 'application/json'
const LINES_TYPE = 'application/x-ndjson'
const MSGPACK_TYPE = 'application/vnd.msgpack'

const consistency: ParameterDefinition = {
  in: 'query',
  name: 'consistency',
  description: 'linearizable (default), or stale: what this store has, with Flotilla-Staleness-Ms',
  schema: z.enum(['linearizable', 'stale']),
}
const timeout: ParameterDefinition = {
  in: 'header',
  name: 'Flotilla-Timeout-Ms',
  description: 'The deadline of the request',
  schema: z.int().min(1).max(LIMITS.requestTimeoutMsMax),
}
const ifMatch: ParameterDefinition = {
  in: 'header',
  name: 'If-Match',
  description: '"<revision>", or * when the key must exist',
}
const ifNoneMatch: ParameterDefinition = {
  in: 'header',
  name: 'If-None-Match',
  description: '* when the key must not exist',
}
const readIfMatch: ParameterDefinition = {
  in: 'header',
  name: 'If-Match',
  description: 'Revisions in double quotes, of which the key must have one',
}
const readIfNoneMatch: ParameterDefinition = {
  in: 'header',
  name: 'If-None-Match',
  description: 'Revisions in double quotes that need not be sent again: answered with 304',
}
const notModified: ResponseDefinition = {
  status: 304,
  description: 'The key has a revision that If-None-Match names',
  headers: ['ETag', 'Flotilla-Revision', ...SERVED_HEADERS],
}
const preconditionFailed: ResponseDefinition = {
  status: 412,
  description: 'The condition does not hold',
  headers: ['ETag', ...SERVED_HEADERS],
}
const keyTooLarge: ResponseDefinition = { status: 413, description: 'The key or the value is too large' }

/** The same five for both spellings of a key. */
export function keyRoutes(): RouteDefinition[] {
  return [
    ...keyRoutesAt(
      '/kv/{key}',
      '',
      'Everything after /kv/, percent-decoded to 1 to 4096 bytes; slashes need no escaping',
    ),
    ...keyRoutesAt('/kv64/{key}', '64', 'The key in base64url'),
  ]
}

function keyRoutesAt(path: string, suffix: string, description: string): RouteDefinition[] {
  const key: ParameterDefinition = { in: 'path', name: 'key', description, required: true }
  const common = { path, access: 'token', tag: 'data', checksKeys: true } as const
  const write = { ...common, parameters: [key, ifMatch, ifNoneMatch, timeout] }
  const written = ['ETag', 'Flotilla-Revision', ...SERVED_HEADERS]
  const absent: ResponseDefinition = { status: 404, description: 'The key does not exist', headers: SERVED_HEADERS }
  return [
    {
      ...write,
      method: 'PUT',
      handler: putKey,
      operationId: `putKey${suffix}`,
      summary: 'Store the body under the key',
      body: { description: 'The value: 0 bytes to 1 MiB', content: [{ type: RAW_TYPE }] },
      responses: [{ status: 204, description: 'Stored', headers: written }, preconditionFailed, keyTooLarge],
    },
    {
      ...write,
      method: 'POST',
      handler: postKey,
      operationId: `postKey${suffix}`,
      summary: 'Store a text under the key',
      body: { description: 'The value as JSON', content: [{ type: JSON_TYPE, schema: schemas.postRequest }] },
      responses: [
        {
          status: 200,
          description: 'Stored',
          headers: written,
          content: [{ type: JSON_TYPE, schema: schemas.postAnswer }],
        },
        preconditionFailed,
        keyTooLarge,
      ],
    },
    {
      ...common,
      method: 'GET',
      handler: getKey,
      operationId: `getKey${suffix}`,
      summary: 'The value of the key',
      parameters: [key, readIfMatch, readIfNoneMatch, consistency, timeout],
      responses: [
        {
          status: 200,
          description: 'The value as it was stored, or as JSON where Accept prefers that',
          headers: [...written, 'Flotilla-Staleness-Ms'],
          content: [{ type: RAW_TYPE }, { type: JSON_TYPE, schema: schemas.entry }],
        },
        notModified,
        absent,
        preconditionFailed,
      ],
    },
    {
      ...common,
      method: 'HEAD',
      handler: getKey,
      operationId: `headKey${suffix}`,
      summary: 'Whether the key exists, and its revision',
      parameters: [key, readIfMatch, readIfNoneMatch, consistency, timeout],
      responses: [
        { status: 200, description: 'It exists', headers: [...written, 'Flotilla-Staleness-Ms'] },
        notModified,
        absent,
        preconditionFailed,
      ],
    },
    {
      ...write,
      method: 'DELETE',
      handler: deleteKey,
      operationId: `deleteKey${suffix}`,
      summary: 'Delete the key',
      responses: [
        {
          status: 204,
          description: 'The key does not exist any more; Flotilla-Deleted says whether it did',
          headers: ['Flotilla-Deleted', 'Flotilla-Revision', ...SERVED_HEADERS],
        },
        preconditionFailed,
        { status: 413, description: 'The key is too large' },
      ],
    },
  ]
}

const bounds: readonly ParameterDefinition[] = [
  { in: 'query', name: 'prefix', description: 'Keys that begin with these percent-encoded bytes' },
  { in: 'query', name: 'start', description: 'Keys from this one on (inclusive)' },
  { in: 'query', name: 'end', description: 'Keys below this one (exclusive)' },
]
const flag = z.enum(['true', 'false'])

export function rangeRoutes(): RouteDefinition[] {
  return [
    {
      method: 'GET',
      path: '/kv',
      handler: listKeys,
      access: 'token',
      tag: 'data',
      checksKeys: true,
      operationId: 'listKeys',
      summary: 'Keys and values in key order, page by page or as a stream of lines',
      parameters: [
        ...bounds,
        {
          in: 'query',
          name: 'limit',
          description: `At most this many; ${LIMITS.scanPageItemsDefault} on a page, and no limit on a stream, by default`,
          schema: z.int().min(1).max(LIMITS.scanPageItemsMax),
        },
        { in: 'query', name: 'reverse', description: 'From the highest key down', schema: flag },
        { in: 'query', name: 'keys_only', description: 'Without values', schema: flag },
        { in: 'query', name: 'cursor', description: '`next` of the page before, with the same query' },
        consistency,
        timeout,
      ],
      responses: [
        {
          status: 200,
          description: 'A page, or lines; a stream that fails ends with a line that holds an error',
          headers: ['Flotilla-Staleness-Ms'],
          content: [
            { type: JSON_TYPE, schema: schemas.page },
            { type: LINES_TYPE, schema: schemas.streamLine },
          ],
        },
      ],
    },
    {
      method: 'DELETE',
      path: '/kv',
      handler: deleteKeys,
      access: 'token',
      tag: 'data',
      checksKeys: true,
      operationId: 'deleteKeys',
      summary: 'Delete a range; at least one bound is needed; not atomic across shards',
      parameters: [...bounds, timeout],
      responses: [
        {
          status: 200,
          description: 'How many there were',
          content: [{ type: JSON_TYPE, schema: schemas.rangeDeleteAnswer }],
        },
      ],
    },
    {
      method: 'POST',
      path: '/batch',
      handler: runBatch,
      access: 'token',
      tag: 'data',
      // The handler asks for more where it writes.
      role: 'read',
      checksKeys: true,
      operationId: 'runBatch',
      summary: 'Many operations at once; all or nothing where atomic',
      parameters: [timeout],
      body: {
        description:
          'At most 1000 operations and 4 MiB of keys and values; in MessagePack, keys and values are bin or str',
        content: [{ type: JSON_TYPE, schema: schemas.batchRequest }, { type: MSGPACK_TYPE }],
      },
      responses: [
        {
          status: 200,
          description: 'One result for each operation, in order',
          content: [{ type: JSON_TYPE, schema: schemas.batchAnswer }, { type: MSGPACK_TYPE }],
        },
        { status: 412, description: 'Atomic: the condition of operation `index` does not hold' },
        { status: 413, description: 'Too many operations, or too many bytes' },
        { status: 422, description: 'Atomic, and the keys belong to several shards' },
      ],
    },
  ]
}
