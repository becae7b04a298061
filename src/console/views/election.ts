/**
 * One election of one shard, drawn as a sequence from the events and the RPC log of this store.
 */
import { allStores, lastEvents } from '../api/cluster.ts'
import type { Call, Shard } from '../api/shapes.ts'
import { Loaded } from '../app/loaded.ts'
import type { Context, Page } from '../app/page.ts'
import { link, type Route } from '../app/route.ts'
import { type Child, h, type VirtualNode } from '../dom/node.ts'
import { clockTime, zone } from '../parts/format.ts'
import { visible } from '../parts/keys.ts'
import { Palette } from '../parts/palette.ts'
import { card, heading, shardLink, shown } from '../parts/pieces.ts'
import { type Arrow, type Mark, type Sequence, sequenceOf } from '../parts/sequence.ts'

const TYPES =
  'pre_vote_started,election_started,election_won,election_lost,vote_granted,vote_refused,vote_received,leader_changed,leader_lost,leadership_lost,quorum_lost,election_handed_over'

export function openElection(context: Context, route: Route): Page {
  const { client } = context
  const group = route.item
  if (group === '') return noElection()
  const term = Number(route.query.get('term') ?? 0)
  const sequence = new Loaded(context.redraw, async () => {
    const [shard, all, events, calls] = await Promise.all([
      client.json<Shard>(`admin/shards/${encodeURIComponent(group)}`),
      // Only for their colours, which are the same in every view.
      allStores(client),
      lastEvents(client, { group, type: TYPES, limit: '1000' }),
      client
        .json<{ calls: readonly Call[] }>(
          `rpc-log?group=${encodeURIComponent(group)}&type=RequestVote,PreVote,TimeoutNow&limit=1000`,
        )
        .then((answer) => answer.calls)
        // Without the log of messages, what the store decided can still be drawn.
        .catch(() => []),
    ])
    const stores = shard.replicas.map(({ store }) => store)
    return { drawn: sequenceOf(term, events, calls, stores), palette: new Palette(all.map(({ id }) => id)) }
  })
  return {
    title: `Election of shard ${group}`,
    refresh: () => (sequence.value === undefined ? sequence.load() : Promise.resolve()),
    render: () => [
      heading(
        `Election of shard ${visible(group)}, term ${term}`,
        h('a.button', { href: link('election', group, { term: String(Math.max(1, term - 1)) }) }, 'Term before'),
        h('a.button', { href: link('election', group, { term: String(term + 1) }) }, 'Term after'),
      ),
      card(
        undefined,
        shown(sequence, ({ drawn, palette }) =>
          drawn === undefined ? nothing(term) : [times(drawn, context.world.nowMs()), drawing(drawn, palette)],
        ),
        h(
          'p.muted',
          'Drawn from what this store noted: its decisions, and the messages that it sent. The console of the store that won shows its side. ',
          /^\d+$/.test(group) && shardLink(Number(group)),
        ),
      ),
    ],
  }
}

function noElection(): Page {
  const way = h('a', { href: link('events', '', { type: 'election_won,leader_changed' }) }, 'the events')
  return {
    title: 'Elections',
    refresh: () => Promise.resolve(),
    render: () => [heading('Elections'), h('p.empty', 'Choose “draw” beside one of ', way, ' of an election.')],
  }
}

function nothing(term: number): VirtualNode {
  return h('p.empty', `This store has noted nothing of term ${term}, or no longer has it.`)
}

function times({ fromMs, toMs }: Sequence, nowMs: number): VirtualNode {
  const from = `${clockTime(new Date(fromMs).toISOString(), nowMs)} (${zone(fromMs)})`
  return h(
    'p.muted',
    `From ${from}, ${(toMs - fromMs).toFixed(0)} ms in all. Rows are in the order of time; gaps are not to scale.`,
  )
}

const LANE_WIDTH = 240
const ROW_HEIGHT = 30
const TOP = 34

/** Every arrow and mark gets a row: elections are bursts, and a true scale would show one line. */
function drawing({ lanes, arrows, marks, fromMs }: Sequence, palette: Palette): VirtualNode {
  const rows = [
    // Within a millisecond: what was answered, what was decided then, what was asked because of it.
    ...arrows.map((arrow) => ({ atMs: arrow.startMs, rank: arrow.kind === 'answer' ? 0 : 2, arrow, mark: undefined })),
    ...marks.map((mark) => ({ atMs: mark.atMs, rank: 1, arrow: undefined, mark })),
  ].sort((a, b) => a.atMs - b.atMs || a.rank - b.rank)
  const width = lanes.length * LANE_WIDTH + 70
  const height = TOP + rows.length * ROW_HEIGHT + 20
  const x = (store: string): number => 70 + LANE_WIDTH * (lanes.indexOf(store) + 0.5)
  const y = (row: number): number => TOP + ROW_HEIGHT * (row + 0.5)
  return h(
    'div.sequence',
    { tabindex: '0', role: 'group', 'aria-label': 'Sequence of the election' },
    h(
      'svg',
      { width, height, viewBox: `0 0 ${width} ${height}` },
      lanes.map((store) => [
        h('line.lane', {
          key: `lane ${store}`,
          class: palette.of(store),
          x1: x(store),
          x2: x(store),
          y1: TOP,
          y2: height,
        }),
        h('text.name', { key: `name ${store}`, x: x(store), y: 20 }, visible(store)),
      ]),
      rows.map(
        ({ atMs, arrow, mark }, row): Child => [
          h('text.time', { x: 4, y: y(row) + 4 }, `+${(atMs - fromMs).toFixed(0)} ms`),
          arrow !== undefined && arrowNode(arrow, x(arrow.from), x(arrow.to), y(row)),
          mark !== undefined && markNode(mark, x(mark.store), y(row)),
        ],
      ),
    ),
  )
}

function arrowNode(arrow: Arrow, from: number, to: number, y: number): VirtualNode {
  const sign = to > from ? 1 : -1
  const end = to - 6 * sign
  return h(
    'g.arrow',
    { class: arrow.isLost ? 'lost' : arrow.kind },
    h('line', { x1: from, x2: end, y1: y, y2: y }),
    h('path', { d: `M${end + 6 * sign} ${y} L${end - 4 * sign} ${y - 4} L${end - 4 * sign} ${y + 4} Z` }),
    h('text', { x: (from + to) / 2, y: y - 5 }, arrow.isLost ? `${arrow.words}, lost` : arrow.words),
  )
}

function markNode(mark: Mark, x: number, y: number): VirtualNode {
  return h(
    'g.mark',
    { class: mark.tone },
    h('circle', { cx: x, cy: y, r: 5 }),
    h('text', { x: x + 11, y: y + 4 }, visible(mark.words)),
  )
}
