/**
 * The routes that change the cluster, and those that follow such a change.
 */
import type { Shard, ShardMap, StoreId } from '../../../shard-map/index.ts'
import { viewMap } from '../cluster-view.ts'
import { decodeDocument, documentTypeOf, Fields } from '../document.ts'
import type { Exchange } from '../exchange.ts'
import { invalidArgument, refusal } from '../failures.ts'
import { ADMIN_BODY_BYTES_MAX, WAIT_MS_MAX } from '../limits.ts'
import type { OperatorList, OperatorPlan } from '../operators.ts'
import type { Handler } from '../route-definition.ts'
import { namedShard } from './cluster.ts'

/** A transfer either happens within an election time-out or two, or does not happen. */
const TRANSFER_TIMEOUT_MS = 30_000

export function transferLeader(operators: OperatorList): Handler {
  return async (exchange) => {
    const isDryRun = exchange.query.boolean('dry_run')
    const waitMs = exchange.query.durationMs('wait', WAIT_MS_MAX)
    const body = await exchange.readBody(ADMIN_BODY_BYTES_MAX, 'INVALID_ARGUMENT')
    const document = decodeDocument(body, documentTypeOf(exchange.requestHeader('content-type')))
    const store = new Fields(document, 'the body', ['store']).text('store')
    const map = await viewMap(exchange)
    const shard = namedShard(exchange, map)
    checkTarget(map, shard, store)
    const plan = transferPlan(exchange, shard, store)
    if (isDryRun) exchange.sendJson(200, operators.preview(plan))
    else await startAndAnswer(exchange, operators, plan, waitMs)
  }
}

export function listOperators(operators: OperatorList): Handler {
  return (exchange) => exchange.sendJson(200, { operators: operators.list() })
}

export function showOperator(operators: OperatorList): Handler {
  return (exchange) => exchange.sendJson(200, operators.get(exchange.pathParameter('operator')))
}

export function cancelOperator(operators: OperatorList): Handler {
  return (exchange) => {
    const id = exchange.pathParameter('operator')
    operators.cancel(id)
    exchange.sendJson(200, operators.get(id))
  }
}

/** Refuses a transfer that can never be done. */
function checkTarget(map: ShardMap, shard: Shard, store: StoreId): void {
  if (!map.stores.some((known) => known.id === store)) {
    throw refusal('STORE_NOT_FOUND', 'there is no such store', 'GET /admin/stores lists them.')
  }
  const replica = shard.replicas.find((candidate) => candidate.store === store)
  if (replica === undefined)
    throw invalidArgument(`the store holds no replica of shard ${shard.id}`, 'Add a replica first.')
  if (replica.role !== 'voter' && replica.role !== 'incoming') {
    throw invalidArgument(`the store's replica of shard ${shard.id} is no voter, so it cannot lead`)
  }
}

function transferPlan(exchange: Exchange, shard: Shard, store: StoreId): OperatorPlan {
  const { router } = exchange.services
  return {
    kind: 'transfer-leader',
    shard: shard.id,
    reason: 'asked for over HTTP',
    step: `transfer the leadership of shard ${shard.id} to ${store}`,
    run: (signal) => router.admin.transferLeader(shard.id, store, { timeoutMs: TRANSFER_TIMEOUT_MS, signal }),
  }
}

async function startAndAnswer(
  exchange: Exchange,
  operators: OperatorList,
  plan: OperatorPlan,
  waitMs: number | undefined,
): Promise<void> {
  const { id } = operators.start(plan)
  exchange.mayHaveWritten = true
  exchange.header('Location', `/admin/operators/${id}`)
  if (waitMs === undefined) {
    exchange.sendJson(202, operators.get(id))
    return
  }
  exchange.deadlineMs += waitMs
  const operator = await operators.wait(id, waitMs)
  exchange.sendJson(operator.state === 'running' ? 202 : 200, operator)
}
