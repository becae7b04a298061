/**
 * The port for events: typed facts about what the process did, for people and tools. Emitting never blocks and never fails.
 */
import type { LogLevel } from './log.ts'

export interface EventRecord {
  /** snake_case, from the catalogue. */
  readonly type: string
  readonly level: LogLevel
  readonly group?: number
  readonly term?: number
  readonly index?: number
  readonly peer?: string
  readonly data?: Readonly<Record<string, unknown>>
}

export interface EventSink {
  emit(event: EventRecord): void
}

export const silentEvents: EventSink = { emit() {} }
