/**
 * What this store did, newest first, as it happens: with filters that are part of the link, and as CSV.
 */
import { lastEvents } from '../api/cluster.ts'
import type { EventRow } from '../api/shapes.ts'
import { Loaded } from '../app/loaded.ts'
import type { Context, Page } from '../app/page.ts'
import { link, type Route } from '../app/route.ts'
import { h, type VirtualNode } from '../dom/node.ts'
import { downloadButton } from '../parts/download.ts'
import { eventDetail, eventType, levelBadge } from '../parts/events.ts'
import { type Filter, Filters } from '../parts/filters.ts'
import { zone } from '../parts/format.ts'
import { button, card, heading, shardLink, shown, timeOfDay } from '../parts/pieces.ts'
import { table } from '../parts/table.ts'

const ROWS = '200'
const CSV_ROWS = '1000'

const FILTERS: readonly Filter[] = [
  { name: 'type', label: 'Types', hint: 'leader_changed,election_won' },
  {
    name: 'level',
    label: 'Level',
    // Each flush of the data is one of level debug, and would hide everything else.
    initial: 'info',
    options: [
      ['debug', 'all'],
      ['info', 'info and above'],
      ['warn', 'warn and above'],
      ['error', 'error'],
    ],
  },
  { name: 'group', label: 'Shard', hint: '5' },
  { name: 'peer', label: 'Store', hint: 's2' },
  { name: 'since', label: 'Since', hint: '5m' },
]

export function openEvents(context: Context, route: Route): Page {
  let isPaused = false
  const events = new Loaded(context.redraw, () => lastEvents(context.client, { ...filters.query, limit: ROWS }))
  const filters: Filters = new Filters(FILTERS, route.query, () => {
    context.rename(link('events', '', filters.query))
    void events.load().then(() => events.load())
  })
  return {
    title: 'Events',
    refresh: async () => {
      if (!isPaused) await events.load()
    },
    render: () => [
      heading(
        'Events of this store',
        button(isPaused ? 'Go on' : 'Hold still', () => {
          isPaused = !isPaused
        }),
        downloadButton('CSV', `events?${csvQuery(filters)}`, 'events.csv', context),
      ),
      filters.render(),
      card(
        undefined,
        shown(events, (rows) => eventTable(rows, filters.query.level, context.world.nowMs())),
      ),
    ],
  }
}

function csvQuery(filters: Filters): string {
  return new URLSearchParams({ ...filters.query, format: 'csv', limit: CSV_ROWS }).toString()
}

/** Types that belong to an election, which can be drawn. */
const OF_ELECTIONS = /^(?:pre_vote|election|vote|campaign|leader)_/

function eventTable(events: readonly EventRow[], level: string | undefined, nowMs: number): VirtualNode {
  return table<EventRow>(
    [
      { name: `Time, ${zone(nowMs)}`, cell: ({ ts }) => timeOfDay(ts, nowMs) },
      { name: 'Type', cell: ({ level, type }) => h('span.whole', eventType(type), ' ', levelBadge(level)) },
      { name: 'Shard', cell: ({ group }) => (group === undefined ? null : h('span.whole', shardLink(group))) },
      { name: 'What it told', cell: (event) => h('span.muted.told', eventDetail(event)) },
      {
        name: '',
        cell: ({ type, group, term }) =>
          group === undefined || term === undefined || !OF_ELECTIONS.test(type)
            ? null
            : h('a', { href: link('election', String(group), { term: String(term) }) }, 'draw'),
      },
    ],
    events,
    {
      label: 'Events',
      key: ({ id }) => id,
      tone: ({ level }) => (level === 'error' ? 'bad' : undefined),
      empty: `Nothing passes the filters${level === 'debug' ? '' : '; levels below the chosen one are left out'}.`,
    },
  )
}
