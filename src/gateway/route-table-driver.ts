/**
 * The routes that change the cluster: operators on shards and stores, and what the placement driver goes by.
 */
import { z } from 'zod'
import type { HandRequest } from '../../shard-map/index.ts'
import type { ParameterDefinition, ResponseDefinition, RouteDefinition } from './route-definition.ts'
import { absent, dryRunParameter, json, operating, shardParameter, storeParameter } from './route-table-cluster.ts'
import {
  explain,
  forgetStore,
  listSchedulers,
  patchStore,
  pauseScheduler,
  registerStore,
  resumeScheduler,
  showHeatMap,
  showHot,
} from './routes/driver.ts'
import {
  cancelOperator,
  changeShard,
  changeStore,
  compact,
  listOperators,
  rebalance,
  showOperator,
  snapshot,
} from './routes/operator.ts'
import * as schemas from './schemas.ts'

const operatorParameter: ParameterDefinition = {
  in: 'path',
  name: 'operator',
  description: 'An operator id',
  required: true,
}
const schedulerParameter: ParameterDefinition = {
  in: 'path',
  name: 'scheduler',
  description: 'The name of a scheduler',
  required: true,
}
const waitParameter: ParameterDefinition = {
  in: 'query',
  name: 'wait',
  description: 'Answer when it has ended, or after this duration, such as 30s',
}

const OPERATOR_ANSWERS: readonly ResponseDefinition[] = [
  { ...json(schemas.operator, 'It runs', 202), headers: ['Location'] },
  { ...json(schemas.operator, 'It has ended, or it was only tried'), headers: ['Location'] },
  absent('shard or store'),
  { status: 409, description: 'Another operator is in the way, or a store is not in the state that this needs' },
]

export function driverRoutes(): RouteDefinition[] {
  return [
    shardChange('transfer-leader', 'transferLeader', 'Move the leadership of a shard to another of its stores'),
    shardChange('move', 'moveReplica', 'Move a replica of a shard from one store to another'),
    shardChange('add-replica', 'addReplica', 'Add a replica of a shard on a store'),
    shardChange('remove-replica', 'removeReplica', 'Remove the replica of a shard from a store'),
    shardChange('split', 'splitShard', 'Split a shard in two, at a key or in its middle'),
    shardChange('merge', 'mergeShards', 'Merge a shard with its neighbour; the left one of the two survives'),
    operating({
      method: 'POST',
      path: '/admin/shards/{shard}/compact',
      handler: compact,
      operationId: 'compactShard',
      summary: 'Shorten the log of a shard now, on each of its stores, as far as its followers allow',
      parameters: [shardParameter, dryRunParameter, waitParameter],
      responses: OPERATOR_ANSWERS,
    }),
    operating({
      method: 'POST',
      path: '/admin/snapshot',
      handler: snapshot,
      operationId: 'takeSnapshots',
      summary: 'Make durable in the engine, now, what is applied: of one shard on its stores, or everywhere',
      parameters: [dryRunParameter, waitParameter],
      body: {
        description: 'Which shard; nothing stands for all of them',
        content: [{ type: 'application/json', schema: schemas.snapshotRequest }],
      },
      responses: OPERATOR_ANSWERS,
    }),
    ...['/admin/stores', '/admin/nodes'].flatMap(storeChanges),
    ...operatorRoutes(),
    ...schedulerRoutes(),
    operating({
      method: 'POST',
      path: '/admin/rebalance',
      handler: rebalance,
      operationId: 'rebalance',
      summary: 'Let every scheduler plan now',
      parameters: [dryRunParameter],
      responses: [
        json(schemas.operators, 'The operators that were started', 202),
        json(schemas.operators, 'Those that would be started'),
      ],
    }),
    operating({
      path: '/admin/explain',
      handler: explain,
      operationId: 'explain',
      summary: 'Why the placement driver did, or did not, act on a shard or a store',
      parameters: [
        { in: 'query', name: 'shard', description: 'A shard id', schema: z.int() },
        { in: 'query', name: 'store', description: 'A store id' },
      ],
      responses: [json(schemas.explanation, 'Decisions, the newest first'), absent('shard or store')],
    }),
    operating({
      path: '/admin/hot',
      handler: showHot,
      operationId: 'showHot',
      summary: 'The busiest shards, and keys with a large share of their requests',
      responses: [json(schemas.hot, 'Shards and keys by requests per second')],
    }),
    operating({
      path: '/admin/heatmap',
      handler: showHeatMap,
      operationId: 'showHeatMap',
      summary: 'Where the load was in the last hour; it begins anew when another store becomes placement driver',
      responses: [json(schemas.heatMap, 'Rates by time and key')],
    }),
  ]
}

function shardChange(kind: HandRequest['kind'], operationId: string, summary: string): RouteDefinition {
  return operating({
    method: 'POST',
    path: `/admin/shards/{shard}/${kind}`,
    handler: changeShard(kind),
    operationId,
    summary,
    parameters: [shardParameter, dryRunParameter, waitParameter],
    body: {
      description: 'What is to be done',
      content: [{ type: 'application/json', schema: schemas.handRequests[kind] }],
    },
    responses: OPERATOR_ANSWERS,
  })
}

/** Nodes are another word for stores. */
function storeChanges(path: string): RouteDefinition[] {
  const suffix = path === '/admin/stores' ? 'Store' : 'Node'
  const change = (name: string, what: 'drain' | 'decommission' | 'recommission', summary: string): RouteDefinition =>
    operating({
      method: 'POST',
      path: `${path}/{store}/${name}`,
      handler: changeStore(what),
      operationId: `${name}${suffix}`,
      summary,
      parameters: [storeParameter, dryRunParameter, waitParameter],
      responses: OPERATOR_ANSWERS,
    })
  return [
    operating({
      method: 'POST',
      path,
      handler: registerStore,
      operationId: `register${suffix}`,
      summary: 'Announce a store that will join',
      parameters: [dryRunParameter],
      body: { description: 'Who it is', content: [{ type: 'application/json', schema: schemas.registerRequest }] },
      responses: [
        json(schemas.store, 'The store', 201),
        json(schemas.store, 'The store, which was not announced'),
        { status: 409, description: 'It is in the cluster already' },
      ],
    }),
    operating({
      method: 'PATCH',
      path: `${path}/{store}`,
      handler: patchStore,
      operationId: `patch${suffix}`,
      summary: 'Change labels and weight of a store; null removes a label',
      parameters: [storeParameter, dryRunParameter],
      body: { description: 'A merge patch', content: [{ type: 'application/json', schema: schemas.storePatch }] },
      responses: [json(schemas.store, 'The store as it is, or would be'), absent('store')],
    }),
    operating({
      method: 'DELETE',
      path: `${path}/{store}`,
      handler: forgetStore,
      operationId: `forget${suffix}`,
      summary: 'Forget a store that is only registered, or gone',
      parameters: [storeParameter, dryRunParameter],
      responses: [
        json(schemas.anyDocument, 'The id of the store'),
        absent('store'),
        { status: 409, description: 'The store takes part' },
      ],
    }),
    change('drain', 'drain', 'Take all leaders away from a store; it keeps its replicas'),
    change('decommission', 'decommission', 'Take everything away from a store, for good'),
    change('recommission', 'recommission', 'Take a store back that was to leave'),
    change('undrain', 'recommission', 'Take a store back that was drained'),
  ]
}

function operatorRoutes(): RouteDefinition[] {
  return [
    operating({
      path: '/admin/operators',
      handler: listOperators,
      operationId: 'listOperators',
      summary: 'Operators that run and the last that ended, newest first',
      responses: [json(schemas.operators, 'The operators')],
    }),
    operating({
      path: '/admin/operators/{operator}',
      handler: showOperator,
      operationId: 'showOperator',
      summary: 'One operator',
      parameters: [operatorParameter],
      responses: [json(schemas.operator, 'The operator'), absent('operator')],
    }),
    operating({
      method: 'DELETE',
      path: '/admin/operators/{operator}',
      handler: cancelOperator,
      operationId: 'cancelOperator',
      summary: 'Cancel a running operator; what it did is taken back',
      parameters: [operatorParameter, dryRunParameter],
      responses: [
        json(schemas.operator, 'The operator, cancelled or on its way back'),
        absent('operator'),
        { status: 409, description: 'It has ended already' },
      ],
    }),
  ]
}

function schedulerRoutes(): RouteDefinition[] {
  return [
    operating({
      path: '/admin/schedulers',
      handler: listSchedulers,
      operationId: 'listSchedulers',
      summary: 'The schedulers in the order in which they are asked',
      responses: [json(schemas.schedulers, 'The schedulers')],
    }),
    operating({
      method: 'POST',
      path: '/admin/schedulers/{scheduler}/pause',
      handler: pauseScheduler,
      operationId: 'pauseScheduler',
      summary: 'Let a scheduler plan nothing for a while',
      parameters: [schedulerParameter, dryRunParameter],
      body: { description: 'For how long', content: [{ type: 'application/json', schema: schemas.pauseRequest }] },
      responses: [json(schemas.scheduler, 'The scheduler'), absent('scheduler')],
    }),
    operating({
      method: 'POST',
      path: '/admin/schedulers/{scheduler}/resume',
      handler: resumeScheduler,
      operationId: 'resumeScheduler',
      summary: 'Let a paused scheduler plan again',
      parameters: [schedulerParameter, dryRunParameter],
      responses: [json(schemas.scheduler, 'The scheduler'), absent('scheduler')],
    }),
  ]
}
