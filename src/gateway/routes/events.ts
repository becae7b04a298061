/**
 * `GET /events`: what this store did, newest first, as JSON or CSV, or as a stream of server-sent events that goes on.
 */
import { LIMITS, type LogLevel } from '../../base/index.ts'
import { type CsvValue, csvText } from '../csv.ts'
import { type StreamMessage, streamMessages } from '../event-stream.ts'
import type { Exchange } from '../exchange.ts'
import { invalidArgument, refusal } from '../failures.ts'
import type { EventQuery, EventsPort, EventView } from '../history-port.ts'
import type { Handler } from '../route-definition.ts'

export const HISTORY_FORMATS = ['json', 'csv', 'sse'] as const
export type HistoryFormat = (typeof HISTORY_FORMATS)[number]
const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
/** A history never reaches back further than this. */
const SINCE_MS_MAX = 366 * 24 * 3_600_000
export const HISTORY_LIMIT_MAX = LIMITS.scanPageItemsMax
const HISTORY_LIMIT_DEFAULT = LIMITS.scanPageItemsDefault

const COLUMNS = ['id', 'ts', 'level', 'type', 'store', 'group', 'term', 'index', 'peer', 'traceId', 'data'] as const

export function listEvents(port: EventsPort | undefined): Handler {
  return async (exchange) => {
    if (port === undefined) throw refusal('ROUTE_NOT_FOUND', 'this process keeps no history of events')
    const filter = filterOf(exchange, port)
    const limit = historyLimit(exchange)
    switch (historyFormat(exchange)) {
      case 'json':
        exchange.sendJson(200, { events: await port.query(filter, limit) })
        return
      case 'csv': {
        const rows = (await port.query(filter, limit)).map((event) => COLUMNS.map((column) => csvValue(event, column)))
        exchange.sendText(200, 'text/csv; charset=utf-8', csvText(COLUMNS, rows))
        return
      }
      case 'sse':
        await stream(exchange, port, filter, limit)
    }
  }
}

function csvValue(event: EventView, column: (typeof COLUMNS)[number]): CsvValue {
  if (column === 'data') return event.data === undefined ? undefined : JSON.stringify(event.data)
  return event[column]
}

async function stream(exchange: Exchange, port: EventsPort, filter: EventQuery, limit: number): Promise<void> {
  const lastId = exchange.requestHeader('last-event-id')
  await streamMessages(exchange, (push) => ({
    stop: port.follow(filter, (events) => {
      for (const event of events) push(message(event))
    }),
    first: past(port, filter, limit, lastId),
  }))
}

/** What a reader that comes back, or asks since a moment, has to be given first; oldest first. */
async function past(
  port: EventsPort,
  filter: EventQuery,
  limit: number,
  lastId: string | undefined,
): Promise<StreamMessage[]> {
  if (lastId === undefined && filter.sinceMs === undefined) return []
  const events = await port.query(filter, lastId === undefined ? limit : HISTORY_LIMIT_MAX)
  const seen = events.findIndex((event) => event.id === lastId)
  return (seen < 0 ? [...events] : events.slice(0, seen)).reverse().map(message)
}

function message(event: EventView): StreamMessage {
  return { id: event.id, type: event.type, data: event }
}

function filterOf(exchange: Exchange, port: EventsPort): EventQuery {
  const { query } = exchange
  const types = query.text('type')?.split(',')
  const unknown = types?.find((type) => !port.types.includes(type) && !/^custom_[a-z0-9_]{1,64}$/.test(type))
  if (unknown !== undefined) throw invalidArgument('type names an event that does not exist', hintForTypes(port))
  // Changes nothing here, but must be what it may be.
  query.boolean('heartbeats')
  const level = query.text('level')
  if (level !== undefined && !LEVELS.some((known) => known === level)) {
    throw invalidArgument(`level is one of ${LEVELS.join(', ')}`)
  }
  return {
    ...(types === undefined ? {} : { types }),
    ...(level === undefined ? {} : { level: level as LogLevel }),
    ...subjectOf(exchange),
  }
}

function hintForTypes(port: EventsPort): string {
  return `There are ${port.types.length} types, such as leader_changed; the reference lists them.`
}

/** The filters that all histories share. */
export function subjectOf(exchange: Exchange): {
  readonly group?: number
  readonly peer?: string
  readonly sinceMs?: number
} {
  const { query } = exchange
  const group = query.count('group', 999_999_999)
  const peer = query.text('peer')
  const sinceMs = query.moment('since', exchange.services.clock.wallMs(), SINCE_MS_MAX)
  return {
    ...(group === undefined ? {} : { group }),
    ...(peer === undefined ? {} : { peer }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
  }
}

export function historyLimit(exchange: Exchange): number {
  return exchange.query.count('limit', HISTORY_LIMIT_MAX) ?? HISTORY_LIMIT_DEFAULT
}

/** What the query says; an Accept header that asks for a stream of events counts too, because browsers send it. */
export function historyFormat(exchange: Exchange): HistoryFormat {
  const text = exchange.query.text('format')
  if (text === undefined) return exchange.requestHeader('accept') === 'text/event-stream' ? 'sse' : 'json'
  const format = HISTORY_FORMATS.find((known) => known === text)
  if (format === undefined) throw invalidArgument(`format is one of ${HISTORY_FORMATS.join(', ')}`)
  return format
}
