/**
 * `GET /rpc-log` and `/rpc-log/stats`: the messages that this store sent to others, and what became of them.
 */
import { type CsvValue, csvText } from '../csv.ts'
import { type StreamMessage, streamMessages } from '../event-stream.ts'
import type { Exchange } from '../exchange.ts'
import { invalidArgument, refusal } from '../failures.ts'
import type { CallQuery, RpcLogPort } from '../history-port.ts'
import type { Handler } from '../route-definition.ts'
import { HISTORY_LIMIT_MAX, historyFormat, historyLimit, subjectOf } from './events.ts'

export const CALL_TYPES = ['RequestVote', 'PreVote', 'AppendEntries', 'InstallSnapshot', 'TimeoutNow'] as const
const COLUMNS = [
  'id',
  'ts',
  'from',
  'to',
  'type',
  'group',
  'term',
  'entries',
  'bytes',
  'latencyMs',
  'heartbeat',
  'error',
] as const
/** A stream looks for new rows this often. */
const LOOK_MS = 500
/** Rows are written when their call has ended, in the order of that. */
const OVERLAP_MS = 15_000

export function listCalls(port: RpcLogPort | undefined): Handler {
  return async (exchange) => {
    const log = present(port)
    const filter = filterOf(exchange)
    const limit = historyLimit(exchange)
    switch (historyFormat(exchange)) {
      case 'json':
        exchange.sendJson(200, { calls: await log.query(filter, limit) })
        return
      case 'csv': {
        const calls = await log.query(filter, limit)
        const rows = calls.map((call) => COLUMNS.map((column): CsvValue => call[column]))
        exchange.sendText(200, 'text/csv; charset=utf-8', csvText(COLUMNS, rows))
        return
      }
      case 'sse':
        await stream(exchange, log, filter, limit)
    }
  }
}

export function showCallStats(port: RpcLogPort | undefined): Handler {
  return async (exchange) => exchange.sendJson(200, await present(port).stats(filterOf(exchange)))
}

/** Calls are not told of one by one, that would cost the path they lie on: a stream looks again and again. */
async function stream(exchange: Exchange, log: RpcLogPort, filter: CallQuery, limit: number): Promise<void> {
  const { clock } = exchange.services
  const seen = new Map<string, number>()
  let isOver = false
  const fresh = async (sinceMs: number, most: number): Promise<StreamMessage[]> => {
    const calls = (await log.query({ ...filter, sinceMs }, most)).filter((call) => !seen.has(call.id)).reverse()
    for (const call of calls) seen.set(call.id, clock.nowMs())
    for (const [id, atMs] of seen) if (clock.nowMs() - atMs > 2 * OVERLAP_MS) seen.delete(id)
    return calls.map((call) => ({ id: call.id, type: call.type, data: call }))
  }
  const startMs = clock.wallMs()
  await streamMessages(exchange, (push) => {
    const look = (): void => {
      if (isOver) return
      fresh(Math.max(startMs, clock.wallMs() - OVERLAP_MS), HISTORY_LIMIT_MAX).then(
        (messages) => {
          for (const message of messages) push(message)
          if (!isOver) clock.after(LOOK_MS, look)
        },
        // The log cannot be read now; the stream ends, and whoever reads it comes back.
        () => exchange.abandon(),
      )
    }
    clock.after(LOOK_MS, look)
    return {
      stop: () => {
        isOver = true
      },
      first: filter.sinceMs === undefined ? Promise.resolve([]) : fresh(filter.sinceMs, limit),
    }
  })
}

function present(port: RpcLogPort | undefined): RpcLogPort {
  if (port !== undefined && port.isOn !== false) return port
  throw refusal('ROUTE_NOT_FOUND', 'this store keeps no RPC log', 'Set observability.rpcLog.enabled to true.')
}

function filterOf(exchange: Exchange): CallQuery {
  const types = exchange.query.text('type')?.split(',')
  if (types?.some((type) => !CALL_TYPES.some((known) => known === type)) === true) {
    throw invalidArgument(`type is one or more of ${CALL_TYPES.join(', ')}`)
  }
  return {
    ...(types === undefined ? {} : { types }),
    ...(exchange.query.boolean('heartbeats') ? { heartbeats: true } : {}),
    ...subjectOf(exchange),
  }
}
