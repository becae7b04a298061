/**
 * One store: how it is, what it holds, how far others are behind it, and what can be done with it. What only its own process knows is asked of it
 * when this page came from it.
 */
import { allShards, allStores } from '../api/cluster.ts'
import type { Decision, Shard, Store } from '../api/shapes.ts'
import { Loaded } from '../app/loaded.ts'
import type { Context, Page } from '../app/page.ts'
import { link, type Route } from '../app/route.ts'
import { type Child, h, type VirtualNode } from '../dom/node.ts'
import { act } from '../parts/action.ts'
import { decisionList } from '../parts/decisions.ts'
import { bytes, plural, rate, seconds, span } from '../parts/format.ts'
import { visible } from '../parts/keys.ts'
import { metricValue } from '../parts/metrics.ts'
import { paletteOf } from '../parts/palette.ts'
import {
  button,
  card,
  facts,
  heading,
  isUnknown,
  labelList,
  shardLink,
  shown,
  storeLink,
  storeState,
} from '../parts/pieces.ts'
import { forgetAction, labelsAction, storeChangeAction, storeChanges } from '../parts/store-actions.ts'
import { strip } from '../parts/strip.ts'
import { table } from '../parts/table.ts'

export function openStore(context: Context, route: Route): Page {
  return new StorePage(context, route.item)
}

const WORDS = { drain: 'Drain …', decommission: 'Decommission …', recommission: 'Take back …' } as const

class StorePage implements Page {
  readonly title: string
  readonly #context: Context
  readonly #id: string
  readonly #store
  readonly #shards
  readonly #all
  readonly #decisions
  readonly #own
  readonly #metrics

  constructor(context: Context, id: string) {
    this.#context = context
    this.#id = id
    this.title = `Store ${id}`
    const { client, redraw } = context
    const name = encodeURIComponent(id)
    this.#store = new Loaded(redraw, () => client.json<Store>(`admin/stores/${name}`))
    this.#all = new Loaded(redraw, () => allStores(client))
    this.#shards = new Loaded(redraw, () => allShards(client))
    this.#decisions = new Loaded(redraw, async () => {
      return (await client.json<{ decisions: readonly Decision[] }>(`admin/explain?store=${name}`)).decisions
    })
    this.#own = new Loaded(redraw, () => client.json<{ store: string }>('version'))
    this.#metrics = new Loaded(redraw, () => client.text('metrics'))
  }

  async refresh(): Promise<void> {
    if (this.#own.value === undefined) await this.#own.load()
    const isOwn = this.#own.value?.store === this.#id
    await Promise.all([
      this.#store.load(),
      this.#all.load(),
      this.#shards.load(),
      this.#decisions.load(),
      isOwn && this.#metrics.load(),
    ])
  }

  render(): Child {
    const store = this.#store.value
    if (isUnknown(this.#store)) {
      const words = h('p', h('a', { href: link('stores') }, 'All stores'))
      return [heading(`Store ${visible(this.#id)}`), shown(this.#store, () => null), words]
    }
    return [
      heading(`Store ${visible(this.#id)}`, store !== undefined && this.#buttons(store)),
      shown(this.#store, (found) => [card(undefined, this.#facts(found)), this.#lag(found)]),
      this.#process(),
      shown(this.#shards, (shards) => this.#held(shards)),
      card(
        'Why the placement driver did or did not act',
        shown(this.#decisions, (decisions) => decisionList(decisions, this.#context.world.nowMs())),
      ),
    ]
  }

  #buttons(store: Store): Child {
    const forgettable = store.state === 'gone' || store.state === 'registered'
    return [
      storeChanges(store).map((what) =>
        button(WORDS[what], () => act(this.#context, storeChangeAction(store, what)), { key: what }),
      ),
      button('Labels …', () => act(this.#context, labelsAction(store))),
      forgettable &&
        button('Forget …', () =>
          act(
            this.#context,
            forgetAction(store, () => this.#context.go(link('stores'))),
          ),
        ),
    ]
  }

  #facts(store: Store): VirtualNode {
    return facts(
      ['State', storeState(store.state)],
      ['Address', h('code', visible(store.address))],
      ['Labels', labelList(store.labels)],
      ['Version', visible(store.version)],
      ['Up for', span(store.uptimeSeconds)],
      ['Leaders', store.leaders],
      ['Replicas', store.replicas],
      ['Data', bytes(store.bytes)],
      ['Reads', rate(store.load.readsPerSecond)],
      ['Writes', rate(store.load.writesPerSecond)],
      ...((store.notReady ?? []).length === 0
        ? []
        : [['Not ready', visible((store.notReady ?? []).join('; '))] as const]),
    )
  }

  #lag(store: Store): Child {
    const peers = Object.entries(store.lag)
    if (peers.length === 0) return null
    const most = Math.max(1, ...peers.map(([, entries]) => entries))
    return card(
      'Entries that others are behind, in the shards led here',
      h(
        'ul.bars',
        peers.map(([peer, entries]) =>
          h(
            'li',
            { key: peer },
            h('span', storeLink(peer)),
            h('span.bar', h('i', { style: { width: `${(100 * entries) / most}%` } })),
            h('span.number', plural(entries, 'entry', 'entries')),
          ),
        ),
      ),
    )
  }

  /** Disk and loop, where this page was served by the store itself. */
  #process(): Child {
    const page = this.#metrics.value
    if (this.#own.value === undefined) return null
    if (this.#own.value.store !== this.#id) {
      const address = this.#store.value?.address
      return h(
        'p.muted',
        'Disk and loop of this store are shown by its own console',
        address !== undefined &&
          /^[\w.[\]:-]+$/.test(address) && [
            ', ',
            h(
              'a',
              { href: `${location.protocol}//${address}/console#/stores/${encodeURIComponent(this.#id)}` },
              visible(address),
            ),
          ],
        '.',
      )
    }
    if (page === undefined) return null
    const reading = (name: string, show: (value: number) => string): string => {
      const value = metricValue(page, name)
      return value === undefined ? '–' : show(value)
    }
    return card(
      'Its process',
      facts(
        ['Loop delay, p99', reading('nodejs_eventloop_lag_p99_seconds', seconds)],
        ['Loop delay, highest', reading('nodejs_eventloop_lag_max_seconds', seconds)],
        ['Memory', reading('process_resident_memory_bytes', bytes)],
        ['Log on disk', reading('storage_log_size_bytes', bytes)],
        ['Segments', reading('storage_log_segments', String)],
        ['Not yet flushed', reading('storage_overlay_bytes', bytes)],
        ['Damaged replicas', reading('storage_damaged_groups', String)],
      ),
    )
  }

  #held(shards: readonly Shard[]): VirtualNode {
    const palette = paletteOf(this.#all.value, shards)
    const here = shards.filter(({ replicas }) => replicas.some(({ store }) => store === this.#id))
    const rows = here.slice(0, 200)
    return card(
      plural(here.length, 'replica'),
      here.length > 0 && strip(here, { palette, operators: [], isSmall: true }),
      table(
        [
          { name: 'Shard', cell: ({ id }) => shardLink(id) },
          { name: 'Role here', cell: (shard) => this.#role(shard) },
          { name: 'Leader', cell: ({ leader }) => [palette.swatch(leader), storeLink(leader)] },
          { name: 'Size', cell: (shard) => bytes(shard.bytes), isNumber: true },
          { name: 'Behind the leader', cell: (shard) => this.#behind(shard), isNumber: true },
        ],
        rows,
        { label: 'Replicas on this store', key: ({ id }) => id, empty: 'It holds nothing.' },
      ),
    )
  }

  #role(shard: Shard): string {
    if (shard.leader === this.#id) return 'leader'
    return shard.replicas.find(({ store }) => store === this.#id)?.role ?? ''
  }

  #behind(shard: Shard): string {
    const matchIndex = shard.replicas.find(({ store }) => store === this.#id)?.matchIndex
    return matchIndex === null || matchIndex === undefined
      ? 'not known'
      : String(Math.max(0, shard.commitIndex - matchIndex))
  }
}
