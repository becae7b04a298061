/**
 * An event as outputs get it: what was emitted, with its identity, its time and its store. The same shape goes into files and over HTTP.
 */
import type { LogLevel } from '../../base/index.ts'

export interface Event {
  /** Unique: the bus's beginning and a counter. Later events of one bus have higher counters. */
  readonly id: string
  /** ISO 8601 with milliseconds, as this machine's clock believes. */
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

/** Where events go. Called with batches, in order, never again before the last call's promise has settled. */
export interface EventOutput {
  readonly name: string
  write(events: readonly Event[]): void | Promise<void>
  close?(): void | Promise<void>
}

/** An output, and what it is to get. */
export interface EventSubscription {
  readonly output: EventOutput
  /** Events below it are not even built for this output; `info` where nothing is said. */
  readonly level?: LogLevel
  /** Only these types, whatever their level. The only way to hear of types that happen with every write. */
  readonly types?: readonly string[]
}

/** Which events of the past, or of the stream, somebody wants to see. */
export interface EventFilter {
  readonly types?: readonly string[]
  readonly level?: LogLevel
  readonly group?: number
  readonly peer?: string
  /** Milliseconds since 1970. */
  readonly sinceMs?: number
}
