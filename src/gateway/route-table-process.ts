/**
 * The routes about this process.
 */
import type { z } from 'zod'
import type { ExchangeSet } from './exchange-set.ts'
import type { LoadLimiter } from './load-limiter.ts'
import type { GatewayOptions } from './options.ts'
import type { ParameterDefinition, ResponseDefinition, RouteDefinition } from './route-definition.ts'
import { type DebugHandlers, debugHandlers, PROFILE_SECONDS_MAX } from './routes/debug.ts'
import { debugRaft, showHealth, showLive, showMetrics, showReady, showStats, showVersion } from './routes/process.ts'
import * as schemas from './schemas.ts'

function json(schema: z.ZodType, description: string): ResponseDefinition {
  return { status: 200, description, content: [{ type: 'application/json', schema }] }
}

const notReady: ResponseDefinition = { status: 503, description: 'It is not; `reasons` says why' }

export function processRoutes(options: GatewayOptions, set: ExchangeSet, limiter: LoadLimiter): RouteDefinition[] {
  const common = { method: 'GET', tag: 'operating' } as const
  const debug = debugHandlers(options.debug)
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
    ...profileRoutes(debug),
    {
      ...common,
      path: '/debug/bundle',
      handler: debug.bundle,
      access: 'local',
      operationId: 'makeSupportBundle',
      summary: 'What somebody needs to help, without secrets, keys and values',
      responses: [{ status: 200, description: 'A .tar.gz', content: [{ type: 'application/gzip' }] }, busy],
    },
    {
      ...common,
      path: '/debug/raft/{shard}',
      handler: debugRaft,
      auditLevel: 'debug',
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

const busy: ResponseDefinition = { status: 429, description: 'Another profile or bundle is being made' }

function profileRoutes(debug: DebugHandlers): RouteDefinition[] {
  const common = { method: 'GET', tag: 'operating', access: 'local' } as const
  const seconds: ParameterDefinition = {
    in: 'query',
    name: 'seconds',
    description: `For how long to look, 1 to ${PROFILE_SECONDS_MAX}`,
  }
  const file = (description: string): ResponseDefinition[] => [
    { status: 200, description, content: [{ type: 'application/json' }] },
    { status: 400, description: '`seconds` is out of bounds' },
    busy,
  ]
  return [
    {
      ...common,
      path: '/debug/profile/cpu',
      handler: debug.cpuProfile,
      operationId: 'profileCpu',
      summary: 'Where the processor spends its time',
      parameters: [seconds],
      responses: file('A .cpuprofile, for the developer tools of a browser'),
    },
    {
      ...common,
      path: '/debug/profile/heap',
      handler: debug.heapProfile,
      operationId: 'profileHeap',
      summary: 'Who allocates memory',
      parameters: [seconds],
      responses: file('A .heapprofile, for the developer tools of a browser'),
    },
  ]
}
