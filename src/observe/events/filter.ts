/** Whether an event passes a filter. Pure. */
import { LEVEL_RANK } from '../levels.ts'
import type { Event, EventFilter } from './event.ts'

export function passes(event: Event, filter: EventFilter): boolean {
  return (
    (filter.types === undefined || filter.types.includes(event.type)) &&
    (filter.level === undefined || LEVEL_RANK[event.level] >= LEVEL_RANK[filter.level]) &&
    (filter.group === undefined || event.group === filter.group) &&
    (filter.peer === undefined || event.peer === filter.peer || event.store === filter.peer) &&
    (filter.sinceMs === undefined || Date.parse(event.ts) >= filter.sinceMs)
  )
}
