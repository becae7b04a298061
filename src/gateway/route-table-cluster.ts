/**
 * The routes that show and change the cluster.
 */
import { z } from 'zod'
import { LIMITS } from '../base/index.ts'
import type { OperatorList } from './operators.ts'
import type { GatewayOptions } from './options.ts'
import type { Method, ParameterDefinition, ResponseDefinition, RouteDefinition } from './route-definition.ts'
import { listShards, listStores, lookupShard, showShard, showStatus, showStore } from './routes/cluster.ts'
import { cancelOperator, listOperators, showOperator, transferLeader } from './routes/operator.ts'
import * as schemas from './schemas.ts'

const storeParameter: ParameterDefinition = { in: 'path', name: 'store', description: 'A store id', required: true }
const shardParameter: ParameterDefinition = {
  in: 'path',
  name: 'shard',
  description: 'A shard id',
  required: true,
  schema: z.int(),
}
const operatorParameter: ParameterDefinition = {
  in: 'path',
  name: 'operator',
  description: 'An operator id',
  required: true,
}

function json(schema: z.ZodType, description: string, status = 200): ResponseDefinition {
  return { status, description, content: [{ type: 'application/json', schema }] }
}

function absent(what: string): ResponseDefinition {
  return { status: 404, description: `There is no such ${what}` }
}

type Unfinished = Omit<RouteDefinition, 'access' | 'tag' | 'method'> & { readonly method?: Method }

function operating(route: Unfinished): RouteDefinition {
  return { method: 'GET', ...route, access: 'token', tag: 'operating' }
}

export function clusterRoutes(options: GatewayOptions, operators: OperatorList): RouteDefinition[] {
  return [
    operating({
      path: '/admin/status',
      handler: showStatus(options.version, operators),
      operationId: 'showStatus',
      summary: 'The cluster at a glance',
      responses: [json(schemas.status, 'The cluster as seen from this store')],
    }),
    ...['/admin/stores', '/admin/nodes', '/nodes'].flatMap(storeRoutes),
    ...shardRoutes(operators),
    ...operatorRoutes(operators),
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

function shardRoutes(operators: OperatorList): RouteDefinition[] {
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
    operating({
      method: 'POST',
      path: '/admin/shards/{shard}/transfer-leader',
      handler: transferLeader(operators),
      operationId: 'transferLeader',
      summary: 'Move the leadership of a shard to another of its stores',
      parameters: [
        shardParameter,
        {
          in: 'query',
          name: 'dry_run',
          description: 'Only show what would be done',
          schema: z.enum(['true', 'false']),
        },
        { in: 'query', name: 'wait', description: 'Answer when it has ended, or after this duration, such as 30s' },
      ],
      body: {
        description: 'Which store is to lead',
        content: [{ type: 'application/json', schema: schemas.transferRequest }],
      },
      responses: [
        { ...json(schemas.operator, 'It runs', 202), headers: ['Location'] },
        json(schemas.operator, 'It has ended, or it was only tried'),
        absent('shard or store'),
        { status: 409, description: 'Another operator is changing the shard' },
      ],
    }),
  ]
}

function operatorRoutes(operators: OperatorList): RouteDefinition[] {
  return [
    operating({
      path: '/admin/operators',
      handler: listOperators(operators),
      operationId: 'listOperators',
      summary: 'Operators that this store started, newest first',
      responses: [json(schemas.operators, 'The operators')],
    }),
    operating({
      path: '/admin/operators/{operator}',
      handler: showOperator(operators),
      operationId: 'showOperator',
      summary: 'One operator',
      parameters: [operatorParameter],
      responses: [json(schemas.operator, 'The operator'), absent('operator')],
    }),
    operating({
      method: 'DELETE',
      path: '/admin/operators/{operator}',
      handler: cancelOperator(operators),
      operationId: 'cancelOperator',
      summary: 'Cancel a running operator',
      parameters: [operatorParameter],
      responses: [
        json(schemas.operator, 'The operator, cancelled'),
        absent('operator'),
        { status: 409, description: 'It has ended already' },
      ],
    }),
  ]
}
