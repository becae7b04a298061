/**
 * One shard: its range, its members and how far each is, its history as this store saw it, and what can be done with it.
 */
import { allOperators, allShards, allStores, lastEvents } from '../api/cluster.ts'
import type { Decision, Replica, Shard } from '../api/shapes.ts'
import { Loaded } from '../app/loaded.ts'
import type { Context, Page } from '../app/page.ts'
import { link, type Route } from '../app/route.ts'
import { type Child, h, type VirtualNode } from '../dom/node.ts'
import { act } from '../parts/action.ts'
import { decisionList } from '../parts/decisions.ts'
import { eventList } from '../parts/events.ts'
import { bytes, count, rate } from '../parts/format.ts'
import { boundText, visible } from '../parts/keys.ts'
import { operatorList } from '../parts/operators.ts'
import { type Palette, paletteOf } from '../parts/palette.ts'
import { badge, button, card, facts, heading, isUnknown, shown, storeLink } from '../parts/pieces.ts'
import { loadReplicas, logTail, type ReplicaInside, replicaLogs } from '../parts/replica-logs.ts'
import {
  addReplicaAction,
  mergeAction,
  moveAction,
  removeReplicaAction,
  splitAction,
  transferAction,
} from '../parts/shard-actions.ts'
import { inKeyOrder, strip } from '../parts/strip.ts'
import { table } from '../parts/table.ts'

/** What changed range or members, and who led. */
const HISTORY_TYPES =
  'split_applied,merge_prepared,merge_committed,merge_rolled_back,member_added,member_removed,member_role_changed,leader_changed,election_won,leader_lost,replica_created'

export function openShard(context: Context, route: Route): Page {
  return new ShardPage(context, route.item)
}

class ShardPage implements Page {
  readonly title: string
  readonly #context: Context
  readonly #id: string
  readonly #shard
  readonly #shards
  readonly #stores
  readonly #operators
  readonly #events
  readonly #decisions
  readonly #replicas: Loaded<readonly ReplicaInside[]>
  /** Leader, term and members at the last look at the replicas. */
  #seenInside = ''

  constructor(context: Context, id: string) {
    this.#context = context
    this.#id = id
    this.title = `Shard ${id}`
    const { client, redraw } = context
    const name = encodeURIComponent(id)
    this.#shard = new Loaded(redraw, () => client.json<Shard>(`admin/shards/${name}`))
    this.#shards = new Loaded(redraw, () => allShards(client))
    this.#stores = new Loaded(redraw, () => allStores(client))
    this.#operators = new Loaded(redraw, () => allOperators(client))
    this.#events = new Loaded(redraw, () => lastEvents(client, { group: id, type: HISTORY_TYPES, limit: '50' }))
    this.#decisions = new Loaded(redraw, async () => {
      return (await client.json<{ decisions: readonly Decision[] }>(`admin/explain?shard=${name}`)).decisions
    })
    this.#replicas = new Loaded(redraw, () => loadReplicas(client, this.#shard.value))
  }

  async refresh(): Promise<void> {
    await this.#shard.load()
    await Promise.all([
      this.#shards.load(),
      this.#stores.load(),
      this.#operators.load(),
      this.#events.load(),
      this.#decisions.load(),
      this.#lookInside(),
    ])
  }

  /** Only when another leads or others are members: each look at the inside of a replica is noted as an act of administration. */
  async #lookInside(): Promise<void> {
    const shard = this.#shard.value
    const seen = shard === undefined ? '' : `${shard.leader} ${shard.term} ${shard.epoch.membership}`
    if (this.#replicas.value !== undefined && seen === this.#seenInside) return
    this.#seenInside = seen
    await this.#replicas.load()
  }

  render(): Child {
    const shard = this.#shard.value
    const palette = paletteOf(this.#stores.value, shard === undefined ? [] : [shard])
    const nowMs = this.#context.world.nowMs()
    if (isUnknown(this.#shard)) {
      const words = h('p', h('a', { href: link('shards') }, 'All shards'))
      return [heading(`Shard ${visible(this.#id)}`), shown(this.#shard, () => null), words]
    }
    return [
      heading(`Shard ${visible(this.#id)}`, shard !== undefined && this.#buttons(shard)),
      shown(this.#shard, (found) => [
        card(undefined, this.#place(found, palette), this.#facts(found, palette)),
        card('Members', members(found, palette)),
        card(
          h(
            'span',
            'Logs of the replicas ',
            button('Look again', () => void this.#replicas.load(), { class: 'quiet' }),
          ),
          shown(this.#replicas, (replicas) => replicaLogs(replicas, palette)),
        ),
      ]),
      card(
        'Operators',
        shown(this.#operators, (all) => operatorList(this.#own(all), nowMs)),
      ),
      h(
        'div.columns',
        card('Last entries of the leader’s log', shown(this.#replicas, logTail)),
        card(
          h(
            'span',
            'History, as this store saw it ',
            h('a.more', { href: link('events', '', { group: this.#id }) }, 'all events'),
          ),
          shown(this.#events, (events) => eventList(events, nowMs, true)),
        ),
      ),
      card(
        'Why the placement driver did or did not act',
        shown(this.#decisions, (decisions) => decisionList(decisions, this.#context.world.nowMs())),
      ),
    ]
  }

  #own<Subject extends { readonly shard?: number }>(all: readonly Subject[]): readonly Subject[] {
    return all.filter(({ shard }) => String(shard) === this.#id).slice(0, 10)
  }

  #place(shard: Shard, palette: Palette): Child {
    const all = this.#shards.value
    if (shard.kind === 'placement')
      return h('p.muted', 'The placement driver’s own group: it keeps the shard map and the operators.')
    if (all === undefined) return null
    return strip(all, { palette, operators: this.#operators.value ?? [], marked: shard.id, isSmall: true })
  }

  #facts(shard: Shard, palette: Palette): VirtualNode {
    const range: readonly (readonly [string, Child])[] =
      shard.kind === 'placement'
        ? []
        : [
            ['From key', h('code', boundText(shard.start, 'lowest'))],
            ['Up to key', h('code', boundText(shard.end, 'highest'))],
          ]
    return facts(
      ...range,
      ['Leader', [palette.swatch(shard.leader), storeLink(shard.leader)]],
      ['Term', shard.term],
      ['Commit index', shard.commitIndex],
      ['Applied index', shard.appliedIndex],
      [
        'Epoch',
        h('span', { title: 'Changes of members, changes of range' }, `${shard.epoch.membership}.${shard.epoch.range}`),
      ],
      ['Size', bytes(shard.bytes)],
      ['Keys', count(shard.keys)],
      ['Reads', rate(shard.load.readsPerSecond)],
      ['Writes', rate(shard.load.writesPerSecond)],
    )
  }

  #buttons(shard: Shard): Child {
    const context = this.#context
    const stores = this.#stores.value ?? []
    const transfer = button('Transfer leader …', () => act(context, transferAction(shard)))
    const move = button('Move …', () => act(context, moveAction(shard, stores)))
    const add = button('Add replica …', () => act(context, addReplicaAction(shard, stores)))
    const remove = button('Remove replica …', () => act(context, removeReplicaAction(shard)))
    if (shard.kind === 'placement') return [transfer, move, add, remove]
    return [
      button('Split …', () => act(context, splitAction(shard))),
      button('Merge …', () => act(context, mergeAction(shard, this.#neighbours(shard)))),
      transfer,
      move,
      add,
      remove,
    ]
  }

  #neighbours(shard: Shard): Shard[] {
    const ordered = inKeyOrder(this.#shards.value ?? [])
    const position = ordered.findIndex(({ id }) => id === shard.id)
    return [ordered[position + 1], ordered[position - 1]].filter((each) => each !== undefined)
  }
}

const STATE_TONES: Readonly<Record<string, string>> = { replicate: 'good', probe: 'warn', snapshot: 'busy' }

function members(shard: Shard, palette: Palette): VirtualNode {
  return table<Replica>(
    [
      { name: 'Store', cell: ({ store }) => [palette.swatch(store), storeLink(store)] },
      { name: 'Role', cell: ({ store, role }) => (store === shard.leader ? `${role}, leads` : role) },
      { name: 'Match index', cell: ({ matchIndex }) => matchIndex ?? '–', isNumber: true },
      { name: 'Behind', cell: ({ matchIndex }) => behind(shard, matchIndex), isNumber: true },
      {
        name: 'Replication',
        cell: ({ state }) =>
          state === null ? h('span.muted', 'not known') : badge(state, STATE_TONES[state] ?? 'idle'),
      },
    ],
    shard.replicas,
    { label: 'Members', key: ({ store }) => store },
  )
}

function behind(shard: Shard, matchIndex: number | null): string {
  return matchIndex === null ? '–' : String(Math.max(0, shard.commitIndex - matchIndex))
}
