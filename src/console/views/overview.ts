/**
 * The cluster at a glance: one sentence, a few figures with their recent shape, the key space, stores, operators, the last events.
 */
import { allOperators, allShards, allStores, lastEvents } from '../api/cluster.ts'
import { type Histogram, quantile, requestHistogram, since } from '../api/latency.ts'
import type { Status, Store } from '../api/shapes.ts'
import { Loaded } from '../app/loaded.ts'
import type { Context, Page } from '../app/page.ts'
import { link } from '../app/route.ts'
import { type Child, h, type VirtualNode } from '../dom/node.ts'
import { curve } from '../parts/curve.ts'
import { eventList } from '../parts/events.ts'
import { bytes, count, plural, rate, seconds, span } from '../parts/format.ts'
import { visible } from '../parts/keys.ts'
import { operatorList } from '../parts/operators.ts'
import { paletteOf } from '../parts/palette.ts'
import { card, heading, shown, storeLink, storeState } from '../parts/pieces.ts'
import { strip } from '../parts/strip.ts'

const EVENTS_SHOWN = 12
const OPERATORS_SHOWN = 5

export function openOverview(context: Context): Page {
  return new Overview(context)
}

class Overview implements Page {
  readonly title = 'Overview'
  readonly #context: Context
  readonly #status
  readonly #stores
  readonly #shards
  readonly #operators
  readonly #events
  #histogram: Histogram | undefined
  #quantiles: { readonly p50: number; readonly p99: number } | undefined
  #isMeasured = true

  constructor(context: Context) {
    this.#context = context
    const { client, redraw } = context
    this.#status = new Loaded(redraw, () => client.json<Status>('admin/status'))
    this.#stores = new Loaded(redraw, () => allStores(client))
    this.#shards = new Loaded(redraw, () => allShards(client))
    this.#operators = new Loaded(redraw, () => allOperators(client))
    this.#events = new Loaded(redraw, () => lastEvents(client, { level: 'info', limit: String(EVENTS_SHOWN) }))
  }

  async refresh(): Promise<void> {
    await Promise.all([
      this.#status.load(),
      this.#stores.load(),
      this.#shards.load(),
      this.#operators.load(),
      this.#events.load(),
      this.#measure(),
    ])
    const nowMs = this.#context.world.nowMs()
    if (this.#stores.value === undefined) return
    const { reads, writes } = totalLoad(this.#stores.value)
    this.#context.readings.add('reads', nowMs, reads)
    this.#context.readings.add('writes', nowMs, writes)
  }

  async #measure(): Promise<void> {
    const page = await this.#context.client.text('metrics').catch(() => undefined)
    const histogram = page === undefined ? undefined : requestHistogram(page)
    this.#isMeasured = histogram !== undefined
    if (histogram === undefined) return
    const recent = since(this.#histogram, histogram)
    this.#histogram = histogram
    const p50 = quantile(recent, 0.5)
    const p99 = quantile(recent, 0.99)
    if (p50 === undefined || p99 === undefined) return
    this.#quantiles = { p50, p99 }
    this.#context.readings.add('p99', this.#context.world.nowMs(), p99)
  }

  render(): Child {
    return [
      heading('Overview'),
      shown(this.#status, (status) => sentence(status)),
      this.#figures(),
      this.#keySpace(),
      h(
        'div.columns',
        card(
          'Stores',
          shown(this.#stores, (stores) => this.#storeRows(stores)),
        ),
        card(
          h('span', 'Operators ', h('a.more', { href: link('operators') }, 'all')),
          shown(this.#operators, (operators) => operatorList(operators.slice(0, OPERATORS_SHOWN), this.#nowMs)),
        ),
      ),
      card(
        h('span', 'Last events of this store ', h('a.more', { href: link('events') }, 'all')),
        shown(this.#events, (events) => eventList(events, this.#nowMs)),
      ),
    ]
  }

  get #nowMs(): number {
    return this.#context.world.nowMs()
  }

  #figures(): VirtualNode {
    const { readings } = this.#context
    const stores = this.#stores.value
    const shards = this.#shards.value
    const { reads, writes } = totalLoad(stores ?? [])
    const data = (shards ?? []).reduce((sum, shard) => sum + shard.bytes, 0)
    const keys = (shards ?? []).reduce((sum, shard) => sum + shard.keys, 0)
    const latency = this.#quantiles
    return h(
      'div.figures',
      figure(
        'Reads',
        stores === undefined ? '–' : rate(reads),
        'whole cluster',
        curve(readings.of('reads'), this.#nowMs, 'Reads per second'),
      ),
      figure(
        'Writes',
        stores === undefined ? '–' : rate(writes),
        'whole cluster',
        curve(readings.of('writes'), this.#nowMs, 'Writes per second'),
      ),
      figure(
        'Latency, p99',
        latency === undefined ? '–' : seconds(latency.p99),
        latency === undefined
          ? this.#isMeasured
            ? 'no request at this gateway yet'
            : 'not measured here'
          : `p50 ${seconds(latency.p50)}, at this gateway`,
        curve(readings.of('p99'), this.#nowMs, 'Latency'),
      ),
      shards === undefined
        ? figure('Data', '–', 'not known')
        : figure('Data', bytes(data), `about ${count(keys)} keys`),
    )
  }

  #keySpace(): VirtualNode {
    const operators = this.#operators.value ?? []
    return card(
      h('span', 'Key space ', h('a.more', { href: link('shards') }, 'shard map')),
      shown(this.#shards, (shards) => {
        const palette = paletteOf(this.#stores.value, shards)
        return [strip(shards, { palette, operators }), palette.legend()]
      }),
    )
  }

  #storeRows(stores: readonly Store[]): VirtualNode {
    const palette = paletteOf(stores, [])
    return h(
      'ul.rows.stores',
      stores.map((store) =>
        h(
          'li',
          { key: store.id },
          h('span.name', palette.swatch(store.id), storeLink(store.id)),
          storeState(store.state),
          h('span.muted', `${plural(store.leaders, 'leader')}, ${plural(store.replicas, 'replica')}`),
          h('span.muted.last', `up ${span(store.uptimeSeconds)}`),
        ),
      ),
    )
  }
}

function sentence(status: Status): VirtualNode {
  const { shards, operators, placement } = status
  return h(
    'div.sentence',
    { class: status.ok ? 'good' : 'warn', role: 'status' },
    h('span.dot', { class: status.ok ? 'good' : 'warn' }),
    h(
      'div',
      h('p', h('b', capitalized(visible(status.health)), '.')),
      h(
        'p.muted',
        `${status.stores.up} of ${plural(status.stores.total, 'store')} up · ${plural(shards.total, 'shard')} · `,
        `${plural(operators.running, 'operator')} running · placement driver on `,
        storeLink(placement.leader),
        ` · version ${status.version}`,
      ),
      shards.leaderless.length > 0 && h('p', 'Without a leader: ', shardLinks(shards.leaderless)),
      shards.underReplicated.length > 0 && h('p', 'Under-replicated: ', shardLinks(shards.underReplicated)),
    ),
  )
}

const LINKS_MAX = 20

function shardLinks(ids: readonly number[]): Child {
  const more = ids.length - LINKS_MAX
  return [
    ids.slice(0, LINKS_MAX).map((id) => [h('a', { href: link('shards', String(id)) }, String(id)), ' ']),
    more > 0 && `and ${more} more`,
  ]
}

function figure(name: string, value: string, note: string, shape?: VirtualNode): VirtualNode {
  return h('section.figure', h('h2', name), h('p.value', value), h('p.muted', note), shape)
}

function totalLoad(stores: readonly Store[]): { readonly reads: number; readonly writes: number } {
  return {
    reads: stores.reduce((sum, store) => sum + store.load.readsPerSecond, 0),
    writes: stores.reduce((sum, store) => sum + store.load.writesPerSecond, 0),
  }
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
