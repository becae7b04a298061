/**
 * The port for events: typed facts about what the process did, for people and tools. Emitting never blocks and never fails. Which events there are
 * says `event-catalogue.ts`; who gets them says the bus in `observe`.
 */
import {
  EVENT_CATALOGUE,
  type EventDefinition,
  type EventField,
  type EventType,
  type GroupFamily,
} from './event-catalogue.ts'
import type { LogLevel } from './log.ts'

type Catalogue = typeof EVENT_CATALOGUE

type ValueOf<Field extends EventField> = Field extends 'text' | 'text?'
  ? string
  : Field extends 'number' | 'number?'
    ? number
    : boolean

type DataOf<Fields> = {
  readonly [Name in keyof Fields as Fields[Name] extends `${string}?` ? never : Name]: ValueOf<
    Fields[Name] extends EventField ? Fields[Name] : never
  >
} & {
  readonly [Name in keyof Fields as Fields[Name] extends `${string}?` ? Name : never]?: ValueOf<
    Fields[Name] extends EventField ? Fields[Name] : never
  >
}

/** What an event is about. */
interface Subject {
  readonly term?: number
  readonly index?: number
  /** Another store. */
  readonly peer?: string
  /** Of the request that led to it, where that was traced. */
  readonly traceId?: string
}

type Known<Type extends EventType> = Subject & {
  readonly type: Type
  /** Where one occurrence weighs more or less than the catalogue says. */
  readonly level?: LogLevel
} & (Catalogue[Type]['family'] extends GroupFamily ? { readonly group: number } : { readonly group?: number }) &
  (keyof Catalogue[Type]['data'] extends never
    ? { readonly data?: undefined }
    : { readonly data: DataOf<Catalogue[Type]['data']> })

/** An event of the catalogue, with exactly the data of its type. */
export type CatalogueEvent = { readonly [Type in EventType]: Known<Type> }[EventType]

/** An event of an application that embeds the program. */
export interface CustomEvent extends Subject {
  /** snake_case. */
  readonly type: `custom_${string}`
  readonly level: LogLevel
  readonly group?: number
  readonly data?: Readonly<Record<string, unknown>>
}

export type EventRecord = CatalogueEvent | CustomEvent

export interface EventSink {
  emit(event: EventRecord): void
  /** Whether anybody would hear of events of this type now. Asked before an event is built that happens with every write. */
  wants(type: EventType): boolean
}

export const silentEvents: EventSink = { emit() {}, wants: () => false }

/** The row of a type; undefined for custom types and for texts that are no type. */
export function eventDefinition(type: string): EventDefinition | undefined {
  return Object.hasOwn(EVENT_CATALOGUE, type) ? EVENT_CATALOGUE[type as EventType] : undefined
}
