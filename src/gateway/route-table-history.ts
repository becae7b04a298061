/**
 * The routes of what was: events and, beside them, the messages between stores.
 */
import { z } from 'zod'
import type { GatewayOptions } from './options.ts'
import type { ParameterDefinition, RouteDefinition } from './route-definition.ts'
import { HISTORY_FORMATS, HISTORY_LIMIT_MAX, listEvents } from './routes/events.ts'
import { CALL_TYPES, listCalls, showCallStats } from './routes/rpc-log.ts'
import * as schemas from './schemas.ts'

const COMMON_PARAMETERS: readonly ParameterDefinition[] = [
  { in: 'query', name: 'group', description: 'A shard id', schema: z.int().min(1) },
  { in: 'query', name: 'peer', description: 'A store id' },
  { in: 'query', name: 'since', description: 'ISO 8601, or a duration such as 5m' },
  { in: 'query', name: 'limit', description: 'At most this many', schema: z.int().min(1).max(HISTORY_LIMIT_MAX) },
  { in: 'query', name: 'format', description: 'json by default', schema: z.enum(HISTORY_FORMATS) },
]

/** No event is a heartbeat; `/events` takes it all the same, so that one query serves both histories. */
const heartbeats: ParameterDefinition = {
  in: 'query',
  name: 'heartbeats',
  description: 'Heartbeats too, where there are any',
  schema: z.enum(['true', 'false']),
}

const CALL_PARAMETERS: readonly ParameterDefinition[] = [
  { in: 'query', name: 'type', description: `Some of ${CALL_TYPES.join(', ')}, separated by commas` },
  heartbeats,
]

export function historyRoutes(options: GatewayOptions): RouteDefinition[] {
  return [
    {
      method: 'GET',
      path: '/events',
      handler: listEvents(options.history),
      access: 'token',
      tag: 'operating',
      operationId: 'listEvents',
      summary: 'What this store did, newest first; as server-sent events it goes on',
      parameters: [
        { in: 'query', name: 'type', description: 'Types, separated by commas' },
        { in: 'query', name: 'level', description: 'This level and above: debug, info, warn or error' },
        heartbeats,
        ...COMMON_PARAMETERS,
        { in: 'header', name: 'Last-Event-ID', description: 'Go on after this event (format=sse)' },
      ],
      responses: [
        {
          status: 200,
          description: 'The events',
          content: [
            { type: 'application/json', schema: schemas.events },
            { type: 'text/csv; charset=utf-8' },
            { type: 'text/event-stream' },
          ],
        },
      ],
    },
    {
      method: 'GET',
      path: '/rpc-log',
      handler: listCalls(options.rpcLog),
      access: 'token',
      tag: 'operating',
      operationId: 'listCalls',
      summary: 'The votes, appends and snapshots that this store sent, newest first',
      parameters: [...CALL_PARAMETERS, ...COMMON_PARAMETERS],
      responses: [
        {
          status: 200,
          description: 'The calls',
          content: [
            { type: 'application/json', schema: schemas.calls },
            { type: 'text/csv; charset=utf-8' },
            { type: 'text/event-stream' },
          ],
        },
      ],
    },
    {
      method: 'GET',
      path: '/rpc-log/stats',
      handler: showCallStats(options.rpcLog),
      access: 'token',
      tag: 'operating',
      operationId: 'showCallStats',
      summary: 'How many of them, and how fast, per type and receiver',
      parameters: [...CALL_PARAMETERS, ...COMMON_PARAMETERS.slice(0, 3)],
      responses: [
        { status: 200, description: 'Figures', content: [{ type: 'application/json', schema: schemas.anyDocument }] },
      ],
    },
  ]
}
