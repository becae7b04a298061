/**
 * Events as a short list: when, what, of which shard, with what it told.
 */
import type { EventRow } from '../api/shapes.ts'
import { type Child, h, type VirtualNode } from '../dom/node.ts'
import { visible } from './keys.ts'
import { badge, moment, shardLink } from './pieces.ts'
import { quantity } from './quantity.ts'

const LEVEL_TONES: Readonly<Record<EventRow['level'], string>> = {
  debug: 'idle',
  info: 'plain',
  warn: 'warn',
  error: 'bad',
}

/** `isOfOne`: all are of the same shard, which need not be said. */
export function eventList(events: readonly EventRow[], nowMs: number, isOfOne = false): VirtualNode {
  if (events.length === 0) return h('p.empty', 'Nothing happened yet.')
  return h(
    'ul.rows.events',
    events.map((event) =>
      h(
        'li',
        { key: event.id },
        h('span.when.muted', moment(event.ts, nowMs)),
        h('span.type', levelBadge(event.level), eventType(event.type)),
        h(
          'span.what',
          event.group !== undefined && !isOfOne && [shardLink(event.group), ' '],
          h('span.muted', eventDetail(event)),
        ),
      ),
    ),
  )
}

export function levelBadge(level: EventRow['level']): Child {
  return level === 'info' ? null : badge(level, LEVEL_TONES[level] ?? 'plain')
}

/** `leader_changed` reads better as words. */
export function eventType(type: string): string {
  return visible(type).replaceAll('_', ' ')
}

/** What an event tells beside its type and group, in one line. */
export function eventDetail(event: EventRow): string {
  const parts: string[] = []
  if (event.peer !== undefined) parts.push(`peer ${event.peer}`)
  if (event.term !== undefined) parts.push(`term ${event.term}`)
  if (event.index !== undefined) parts.push(`index ${event.index}`)
  for (const [name, value] of Object.entries(event.data ?? {})) parts.push(quantity(name, value))
  return visible(parts.join(' · '))
}
