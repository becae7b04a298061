/**
 * The messages of this store to others and what became of them: votes and appends, with filters, figures and CSV.
 */
import type { Call } from '../api/shapes.ts'
import { Loaded } from '../app/loaded.ts'
import type { Context, Page } from '../app/page.ts'
import { link, type Route } from '../app/route.ts'
import { h, type VirtualNode } from '../dom/node.ts'
import { downloadButton } from '../parts/download.ts'
import { type Filter, Filters } from '../parts/filters.ts'
import { bytes, seconds, zone } from '../parts/format.ts'
import { visible } from '../parts/keys.ts'
import { badge, button, card, facts, heading, shardLink, shown, storeLink, timeOfDay } from '../parts/pieces.ts'
import { table } from '../parts/table.ts'

const ROWS = '200'
const CSV_ROWS = '1000'

const FILTERS: readonly Filter[] = [
  {
    name: 'type',
    label: 'Type',
    options: ['', 'AppendEntries', 'RequestVote', 'PreVote', 'InstallSnapshot', 'TimeoutNow'].map((type) => [
      type,
      type === '' ? 'all' : type,
    ]),
  },
  { name: 'group', label: 'Shard', hint: '5' },
  { name: 'peer', label: 'Store', hint: 's2' },
  { name: 'since', label: 'Since', hint: '5m' },
  {
    name: 'heartbeats',
    label: 'Heartbeats',
    options: [
      ['', 'left out'],
      ['true', 'shown'],
    ],
  },
]

export function openRpcLog(context: Context, route: Route): Page {
  let isPaused = false
  const { client } = context
  const calls = new Loaded(context.redraw, async () => {
    const query = new URLSearchParams({ ...filters.query, limit: ROWS }).toString()
    return (await client.json<{ calls: readonly Call[] }>(`rpc-log?${query}`)).calls
  })
  const filters: Filters = new Filters(FILTERS, route.query, () => {
    context.rename(link('rpc', '', filters.query))
    void calls.load().then(() => calls.load())
  })
  const csvQuery = (): string => new URLSearchParams({ ...filters.query, format: 'csv', limit: CSV_ROWS }).toString()
  return {
    title: 'RPC log',
    refresh: async () => {
      if (!isPaused) await calls.load()
    },
    render: () => [
      heading(
        'RPC log of this store',
        button(isPaused ? 'Go on' : 'Hold still', () => {
          isPaused = !isPaused
        }),
        downloadButton('CSV', `rpc-log?${csvQuery()}`, 'rpc-log.csv', context),
      ),
      filters.render(),
      shown(calls, (all) => [card(undefined, summary(all)), card(undefined, callTable(all, context.world.nowMs()))]),
    ],
  }
}

/** Of the calls that are shown. */
function summary(calls: readonly Call[]): VirtualNode {
  const latencies = calls.flatMap(({ latencyMs }) => (latencyMs === null ? [] : [latencyMs])).sort((a, b) => a - b)
  const at = (part: number): string => {
    const latencyMs = latencies[Math.min(latencies.length - 1, Math.floor(part * latencies.length))]
    return latencyMs === undefined ? '–' : seconds(latencyMs / 1000)
  }
  return facts(
    ['Shown', calls.length],
    ['Latency, p50', at(0.5)],
    ['Latency, p99', at(0.99)],
    ['Entries', calls.reduce((sum, { entries }) => sum + entries, 0)],
    ['Bytes', bytes(calls.reduce((sum, call) => sum + call.bytes, 0))],
    ['Failed', calls.filter(({ error }) => error !== null).length],
  )
}

function callTable(calls: readonly Call[], nowMs: number): VirtualNode {
  return table<Call>(
    [
      { name: `Time, ${zone(nowMs)}`, cell: ({ ts }) => timeOfDay(ts, nowMs) },
      { name: 'Type', cell: ({ type, heartbeat }) => [type, heartbeat && [' ', badge('heartbeat', 'idle')]] },
      { name: 'From', cell: ({ from }) => storeLink(from) },
      { name: 'To', cell: ({ to }) => storeLink(to) },
      { name: 'Shard', cell: ({ group }) => shardLink(group) },
      { name: 'Term', cell: ({ term }) => term, isNumber: true },
      { name: 'Entries', cell: ({ entries }) => entries, isNumber: true },
      { name: 'Bytes', cell: (call) => bytes(call.bytes), isNumber: true },
      {
        name: 'Latency',
        cell: ({ latencyMs }) => (latencyMs === null ? '–' : seconds(latencyMs / 1000)),
        isNumber: true,
      },
      { name: 'Error', cell: ({ error }) => (error === null ? null : h('span.muted', visible(error))) },
    ],
    calls,
    {
      label: 'Calls',
      key: ({ id }) => id,
      tone: ({ error }) => (error === null ? undefined : 'bad'),
      empty: 'Nothing that passes the filters. Heartbeats are left out unless they are asked for.',
    },
  )
}
