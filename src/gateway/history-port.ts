/**
 * What the gateway needs of the process's histories, of events and of messages. The composition root plugs it in; the gateway knows nothing of buses and files.
 */
import type { LogLevel } from '../base/index.ts'

/** An event as JSON carries it. */
export interface EventView {
  readonly id: string
  /** ISO 8601. */
  readonly ts: string
  readonly level: LogLevel
  readonly type: string
  readonly store: string
  readonly group?: number
  readonly term?: number
  readonly index?: number
  readonly peer?: string
  readonly traceId?: string
  readonly data?: Readonly<Record<string, unknown>>
}

export interface EventQuery {
  readonly types?: readonly string[]
  readonly level?: LogLevel
  readonly group?: number
  readonly peer?: string
  /** Milliseconds since 1970. */
  readonly sinceMs?: number
}

export interface EventsPort {
  /** Types that a filter may name, beside those that begin with `custom_`. */
  readonly types: readonly string[]
  /** The newest `limit` events that pass, newest first. */
  query(filter: EventQuery, limit: number): Promise<readonly EventView[]>
  /** Calls `take` with events as they happen, oldest first, until the answer is called. */
  follow(filter: EventQuery, take: (events: readonly EventView[]) => void): () => void
}

/** A message to another store, and what became of it. */
export interface CallView {
  readonly id: string
  /** ISO 8601. */
  readonly ts: string
  readonly from: string
  readonly to: string
  readonly type: string
  readonly group: number
  readonly term: number
  readonly entries: number
  readonly bytes: number
  readonly latencyMs: number | null
  readonly heartbeat: boolean
  readonly error: string | null
}

export interface CallQuery {
  readonly types?: readonly string[]
  readonly group?: number
  readonly peer?: string
  readonly sinceMs?: number
  readonly heartbeats?: boolean
}

export interface RpcLogPort {
  /** False: it is switched off now. */
  readonly isOn?: boolean
  /** The newest `limit` calls that pass, newest first. */
  query(filter: CallQuery, limit: number): Promise<readonly CallView[]>
  /** Figures over all that pass; a document. */
  stats(filter: CallQuery): Promise<object>
}
