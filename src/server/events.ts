/**
 * Events in composition roots: the bus that applications make for themselves, on the real clock, and the one of a store process with its outputs and its
 * history.
 */
import path from 'node:path'
import { EVENT_CATALOGUE, type LogLevel } from '../base/index.ts'
import type { EventsPort } from '../gateway/index.ts'
import {
  consoleOutput,
  type Event,
  EventBus,
  EventHistory,
  type EventOutput,
  type EventSubscription,
  jsonOutput,
  type LogFormat,
  passes,
} from '../observe/index.ts'
import { systemClock } from './system.ts'

export interface CreateEventsOptions {
  /** Who emits the application's own events, as it stands in their field `store`. */
  readonly source?: string
  readonly outputs?: readonly EventSubscription[]
}

/** A bus for `openStore` and `createCluster`. Its maker closes it, after the stores. */
export function createEvents(options: CreateEventsOptions = {}): EventBus {
  return new EventBus({ store: options.source ?? 'app', clock: systemClock, outputs: options.outputs ?? [] })
}

/** The events of a store process. */
export interface ProcessEvents {
  readonly bus: EventBus
  /** Undefined until `keepHistory`. */
  history(): EventHistory | undefined
  /** The data directory is ours: from now on, and from the first event on, its history is kept there. Undefined keeps it in memory. */
  keepHistory(dir: string | undefined): Promise<void>
  /** What is told on standard error, and how; and what is weak enough to be left out of the history. */
  adjust(level: LogLevel, format: LogFormat, historyLevel: LogLevel): void
  close(): Promise<void>
}

const HISTORY_FOLDER = 'events'

export function openProcessEvents(store: string, level: LogLevel, format: LogFormat): ProcessEvents {
  let lines = linesOf(format)
  const told: EventOutput = { name: 'console', write: (events) => lines.write(events) }
  const bus = new EventBus({ store, clock: systemClock, outputs: [{ output: told, level }] })
  let history: EventHistory | undefined
  let settle: () => void = () => {}
  const begun = new Promise<void>((resolve) => {
    settle = resolve
  })
  const memory: EventOutput = {
    name: 'history',
    write: (events: readonly Event[]) =>
      history === undefined ? begun.then(() => history?.write(events)) : history.write(events),
    close: () => history?.close(),
  }
  bus.add({ level: 'debug', output: memory })
  return {
    bus,
    history: () => history,
    async keepHistory(dir) {
      const directory = dir === undefined ? undefined : path.join(dir, HISTORY_FOLDER)
      history = await EventHistory.open({ directory })
      settle()
    },
    adjust(level, format, historyLevel) {
      lines = linesOf(format)
      bus.setLevel(told, level)
      bus.setLevel(memory, historyLevel)
    },
    async close() {
      settle()
      await bus.close()
    },
  }
}

function linesOf(format: LogFormat): EventOutput {
  return format === 'json' ? jsonOutput() : consoleOutput()
}

/** What the gateway shows of them. */
export function eventsPort({ bus, history }: ProcessEvents): EventsPort {
  return {
    types: Object.keys(EVENT_CATALOGUE),
    async query(filter, limit) {
      await bus.flush()
      return (await history()?.query(filter, limit)) ?? []
    },
    follow(filter, take) {
      const write = (events: readonly Event[]): void => {
        const passing = events.filter((event) => passes(event, filter))
        if (passing.length > 0) take(passing)
      }
      const { types } = filter
      return bus.add({
        output: { name: 'stream', write },
        level: filter.level ?? 'debug',
        ...(types === undefined ? {} : { types }),
      })
    },
  }
}
