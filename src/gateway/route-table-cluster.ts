/**
 * The routes that show the cluster; those that change it are in route-table-driver.
 */
import { z } from 'zod'
import { LIMITS } from '../base/index.ts'
import type { GatewayOptions } from './options.ts'
import type { Method, ParameterDefinition, ResponseDefinition, RouteDefinition } from './route-definition.ts'
import { listShards, listStores, lookupShard, showShard, showStatus, showStore } from './routes/cluster.ts'
import * as schemas from './schemas.ts'

export const storeParameter: ParameterDefinition = {
  in: 'path',
  name: 'store',
  description: 'A store id',
  required: true,
}
export const shardParameter: ParameterDefinition = {
  in: 'path',
  name: 'shard',
  description: 'A shard id',
  required: true,
  schema: z.int(),
}
export const dryRunParameter: ParameterDefinition = {
  in: 'query',
  name: 'dry_run',
  description: 'Only show what would be done',
  schema: z.enum(['true', 'false']),
}
export function json(schema: z.ZodType, description: string, status = 200): ResponseDefinition {
  return { status, description, content: [{ type: 'application/json', schema }] }
}

export function absent(what: string): ResponseDefinition {
  return { status: 404, description: `There is no such ${what}` }
}

type Unfinished = Omit<RouteDefinition, 'access' | 'tag' | 'method'> & { readonly method?: Method }

export function operating(route: Unfinished): RouteDefinition {
  return { method: 'GET', ...route, access: 'token', tag: 'operating' }
}

export function clusterRoutes(options: GatewayOptions): RouteDefinition[] {
  return [
    operating({
      path: '/admin/status',
      handler: showStatus(options.version),
      operationId: 'showStatus',
      summary: 'The cluster at a glance',
      responses: [json(schemas.status, 'The cluster as seen from this store')],
    }),
    ...['/admin/stores', '/admin/nodes', '/nodes'].flatMap(storeRoutes),
    ...shardRoutes(),
  ]
}

/** Nodes are another word for stores, and people try the short path first. */
function storeRoutes(path: string): RouteDefinition[] {
  const suffix = path.split('/').map(capitalized).join('')
  return [
    operating({
      path,
      handler: listStores,
      operationId: `list${suffix}`,
      summary: 'All stores',
      responses: [json(schemas.stores, 'The stores')],
    }),
    operating({
      path: `${path}/{store}`,
      handler: showStore,
      operationId: `show${suffix}`,
      summary: 'One store',
      parameters: [storeParameter],
      responses: [json(schemas.store, 'The store'), absent('store')],
    }),
  ]
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

function shardRoutes(): RouteDefinition[] {
  return [
    operating({
      path: '/admin/shards',
      handler: listShards,
      operationId: 'listShards',
      summary: 'All shards by id, the placement driver among them',
      parameters: [
        {
          in: 'query',
          name: 'limit',
          description: 'At most this many',
          schema: z.int().min(1).max(LIMITS.scanPageItemsMax),
        },
        { in: 'query', name: 'cursor', description: '`next` of the page before' },
      ],
      responses: [json(schemas.shards, 'The shards')],
    }),
    operating({
      path: '/admin/shards/lookup',
      handler: lookupShard,
      operationId: 'lookupShard',
      summary: 'The shard that holds a key',
      parameters: [{ in: 'query', name: 'key', description: 'Percent-encoded bytes', required: true }],
      responses: [json(schemas.lookup, 'The key and its shard')],
    }),
    operating({
      path: '/admin/shards/{shard}',
      handler: showShard,
      operationId: 'showShard',
      summary: 'One shard',
      parameters: [shardParameter],
      responses: [json(schemas.shard, 'The shard'), absent('shard')],
    }),
  ]
}
