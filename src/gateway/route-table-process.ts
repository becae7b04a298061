/**
 * The routes about this process.
 */
import type { z } from 'zod'
import type { ExchangeSet } from './exchange-set.ts'
import type { LoadLimiter } from './load-limiter.ts'
import type { GatewayOptions } from './options.ts'
import type { ResponseDefinition, RouteDefinition } from './route-definition.ts'
import { debugRaft, showHealth, showLive, showMetrics, showReady, showStats, showVersion } from './routes/process.ts'
import * as schemas from './schemas.ts'

function json(schema: z.ZodType, description: string): ResponseDefinition {
  return { status: 200, description, content: [{ type: 'application/json', schema }] }
}

const notReady: ResponseDefinition = { status: 503, description: 'It is not; `reasons` says why' }

export function processRoutes(options: GatewayOptions, set: ExchangeSet, limiter: LoadLimiter): RouteDefinition[] {
  const common = { method: 'GET', tag: 'operating' } as const
  return [
    {
      ...common,
      path: '/livez',
      handler: showLive,
      access: 'open',
      operationId: 'showLive',
      summary: 'Whether the process runs',
      responses: [json(schemas.live, 'It does')],
    },
    {
      ...common,
      path: '/readyz',
      handler: showReady(options.readiness),
      access: 'open',
      operationId: 'showReady',
      summary: 'Whether the store can serve',
      responses: [json(schemas.ready, 'It can'), notReady],
    },
    {
      ...common,
      path: '/health',
      handler: showHealth(options),
      access: 'token',
      role: 'read',
      operationId: 'showHealth',
      summary: 'Whether the store can serve, and what it is',
      responses: [json(schemas.ready, 'It can'), notReady],
    },
    {
      ...common,
      path: '/version',
      handler: showVersion(options),
      access: 'open',
      operationId: 'showVersion',
      summary: 'What runs here',
      responses: [json(schemas.version, 'Name and version')],
    },
    {
      ...common,
      path: '/metrics',
      handler: showMetrics(options),
      access: 'token',
      role: 'read',
      operationId: 'showMetrics',
      summary: 'Metrics for Prometheus',
      responses: [{ status: 200, description: 'Metrics', content: [{ type: 'text/plain' }] }],
    },
    {
      ...common,
      path: '/stats',
      handler: showStats(options, set, limiter),
      access: 'token',
      role: 'read',
      operationId: 'showStats',
      summary: 'Figures of this process for people',
      responses: [json(schemas.anyDocument, 'Figures')],
    },
    {
      ...common,
      path: '/debug/raft/{shard}',
      handler: debugRaft,
      access: 'local',
      operationId: 'debugRaft',
      summary: 'The inside of one replica',
      parameters: [
        { in: 'path', name: 'shard', description: 'A shard id', required: true },
        { in: 'query', name: 'store', description: 'Whose replica; this store by default' },
      ],
      responses: [json(schemas.anyDocument, 'The replica'), { status: 404, description: 'There is no such replica' }],
    },
  ]
}
