/**
 * The routes that change shards, and those that follow such a change. Operators belong to the placement driver: whichever gateway is asked, the
 * same ones are seen, and a gateway that ends takes none with it.
 */
import type { HandRequest } from '../../../shard-map/index.ts'
import { FlotillaError, type OperateRequest } from '../../protocol/index.ts'
import { ask } from '../ask-driver.ts'
import { decodeDocument, documentTypeOf, Fields } from '../document.ts'
import type { Exchange } from '../exchange.ts'
import { invalidArgument } from '../failures.ts'
import { ADMIN_BODY_BYTES_MAX, WAIT_MS_MAX } from '../limits.ts'
import type { Handler } from '../route-definition.ts'
import { optionalKeyField } from '../values.ts'
import { shardId } from './cluster.ts'
import { tryCancel } from './trial.ts'

/** Between two looks at an operator that somebody waits for. */
const POLL_MS = 100

/** Reads the request of one kind out of an exchange. */
type ReadHand = (shard: number, fields: Fields) => HandRequest

interface HandBody {
  readonly known: readonly string[]
  /** An absent body stands for an empty one. */
  readonly mayBeEmpty: boolean
  readonly read: ReadHand
}

const BODIES: Readonly<Record<HandRequest['kind'], HandBody>> = {
  'transfer-leader': body(['store'], (shard, fields) => ({
    kind: 'transfer-leader',
    shard,
    store: fields.text('store'),
  })),
  move: body(['from', 'to'], (shard, fields) => ({
    kind: 'move',
    shard,
    from: fields.text('from'),
    to: fields.text('to'),
  })),
  'add-replica': body(['store', 'role'], (shard, fields) => {
    const role = fields.get('role') ?? 'voter'
    if (role !== 'voter' && role !== 'learner') throw fields.refuse('role', '"voter" or "learner"')
    return { kind: 'add-replica', shard, store: fields.text('store'), role }
  }),
  'remove-replica': body(['store'], (shard, fields) => ({
    kind: 'remove-replica',
    shard,
    store: fields.text('store'),
  })),
  split: {
    known: ['key', 'keyEncoding', 'policy'],
    mayBeEmpty: true,
    read: (shard, fields) => {
      const policy = fields.get('policy')
      if (policy !== undefined && policy !== 'size' && policy !== 'load')
        throw fields.refuse('policy', '"size" or "load"')
      const key = optionalKeyField(fields)
      if (key !== undefined && policy !== undefined) throw invalidArgument('a split has a key or a policy, not both')
      return {
        kind: 'split',
        shard,
        ...(key === undefined ? {} : { key }),
        ...(policy === undefined ? {} : { policy }),
      }
    },
  },
  merge: {
    known: ['with'],
    mayBeEmpty: true,
    read: (shard, fields) => {
      const other = fields.get('with')
      if (other === undefined) return { kind: 'merge', shard }
      if (!Number.isSafeInteger(other) || (other as number) < 0) throw fields.refuse('with', 'the id of a shard')
      return { kind: 'merge', shard, with: other as number }
    },
  },
}

function body(known: readonly string[], read: ReadHand): HandBody {
  return { known, mayBeEmpty: false, read }
}

/** Starts an operator on the shard that the path names, or shows what it would be. */
export function changeShard(kind: HandRequest['kind']): Handler {
  return async (exchange) => {
    const dryRun = exchange.query.boolean('dry_run')
    const waitMs = waitOf(exchange)
    const shard = shardId(exchange)
    const { known, mayBeEmpty, read } = BODIES[kind]
    const request = read(shard, await bodyFields(exchange, known, mayBeEmpty))
    await startAndAnswer(exchange, { what: 'start', request, dryRun }, dryRun, waitMs)
  }
}

/** A store is drained, leaves for good, or is taken back. */
export function changeStore(what: 'drain' | 'decommission' | 'recommission'): Handler {
  return async (exchange) => {
    const dryRun = exchange.query.boolean('dry_run')
    const store = exchange.pathParameter('store')
    await startAndAnswer(exchange, { what, store, dryRun }, dryRun, waitOf(exchange))
  }
}

/** Snapshots now, of one shard or of all of them. */
export async function snapshot(exchange: Exchange): Promise<void> {
  const dryRun = exchange.query.boolean('dry_run')
  const waitMs = waitOf(exchange)
  const fields = await bodyFields(exchange, ['shard'], true)
  const shard = fields.get('shard')
  if (shard !== undefined && !(Number.isSafeInteger(shard) && (shard as number) >= 0)) {
    throw fields.refuse('shard', 'the id of a shard')
  }
  await startAndAnswer(exchange, { what: 'snapshot', shard: shard as number | undefined, dryRun }, dryRun, waitMs)
}

/** The logs of one shard shortened now, on each of its stores. */
export async function compact(exchange: Exchange): Promise<void> {
  const dryRun = exchange.query.boolean('dry_run')
  const waitMs = waitOf(exchange)
  const shard = shardId(exchange)
  await bodyFields(exchange, [], true)
  await startAndAnswer(exchange, { what: 'compact', shard, dryRun }, dryRun, waitMs)
}

export async function rebalance(exchange: Exchange): Promise<void> {
  const dryRun = exchange.query.boolean('dry_run')
  exchange.mayHaveWritten = !dryRun
  exchange.sendJson(dryRun ? 200 : 202, await ask(exchange, { what: 'rebalance', dryRun }))
}

export async function listOperators(exchange: Exchange): Promise<void> {
  exchange.sendJson(200, await ask(exchange, { what: 'list-operators' }))
}

export async function showOperator(exchange: Exchange): Promise<void> {
  exchange.sendJson(200, await ask(exchange, { what: 'show-operator', operator: exchange.pathParameter('operator') }))
}

export async function cancelOperator(exchange: Exchange): Promise<void> {
  const operator = exchange.pathParameter('operator')
  if (exchange.query.boolean('dry_run')) return tryCancel(exchange, operator)
  exchange.mayHaveWritten = true
  exchange.sendJson(200, await ask(exchange, { what: 'cancel-operator', operator }))
}

/** The fields of a body; those of an empty one where that is allowed. */
export async function bodyFields(exchange: Exchange, known: readonly string[], mayBeEmpty: boolean): Promise<Fields> {
  const bytes = await exchange.readBody(ADMIN_BODY_BYTES_MAX, 'INVALID_ARGUMENT')
  const type = documentTypeOf(exchange.requestHeader('content-type'))
  const document = mayBeEmpty && bytes.length === 0 ? {} : decodeDocument(bytes, type)
  return new Fields(document, 'the body', known)
}

function waitOf(exchange: Exchange): number | undefined {
  return exchange.query.durationMs('wait', WAIT_MS_MAX)
}

interface OperatorAnswer {
  readonly id: string | null
  readonly state: string
}

async function startAndAnswer(
  exchange: Exchange,
  request: OperateRequest,
  isDryRun: boolean,
  waitMs: number | undefined,
): Promise<void> {
  exchange.mayHaveWritten = !isDryRun
  let operator = (await ask(exchange, request)) as OperatorAnswer
  const { id } = operator
  if (isDryRun || id === null) {
    exchange.sendJson(200, operator)
    return
  }
  exchange.header('Location', `/admin/operators/${id}`)
  if (waitMs === undefined) {
    exchange.sendJson(202, operator)
    return
  }
  exchange.deadlineMs += waitMs
  const { clock } = exchange.services
  const untilMs = clock.nowMs() + waitMs
  const mayWait = (): boolean => clock.nowMs() < untilMs && !exchange.signal.aborted && !exchange.services.isDraining()
  while (operator.state === 'running' && mayWait()) {
    await new Promise<void>((resolve) => {
      clock.after(Math.min(POLL_MS, untilMs - clock.nowMs()), resolve)
    })
    operator = await newest(exchange, id, operator)
  }
  exchange.sendJson(operator.state === 'running' ? 202 : 200, operator)
}

/** The operator as it is now, or as it was known while the placement driver cannot be reached: it was started, so that no failure to look is an answer. */
async function newest(exchange: Exchange, id: string, known: OperatorAnswer): Promise<OperatorAnswer> {
  try {
    return (await ask(exchange, { what: 'show-operator', operator: id })) as OperatorAnswer
  } catch (error) {
    // Another leader will know of it.
    if (error instanceof FlotillaError && (error.retryable || error.code === 'TIMEOUT')) return known
    throw error
  }
}
