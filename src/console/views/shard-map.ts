/**
 * Where keys live: the strip of the key space, a question by key, and all shards as a table.
 */

import { asFailure, type Failure } from '../api/client.ts'
import { allOperators, allShards, allStores } from '../api/cluster.ts'
import type { Shard } from '../api/shapes.ts'
import { Loaded } from '../app/loaded.ts'
import type { Context, Page } from '../app/page.ts'
import { link, type Route } from '../app/route.ts'
import { type Child, h, type VirtualNode } from '../dom/node.ts'
import { bytes, count, plural, rate } from '../parts/format.ts'
import { boundText, percentText, utf8Bytes } from '../parts/keys.ts'
import { type Palette, paletteOf } from '../parts/palette.ts'
import { card, failureNotice, heading, shown, storeLink, textOf } from '../parts/pieces.ts'
import { strip } from '../parts/strip.ts'
import { type Column, type Sorting, table } from '../parts/table.ts'

const ROWS_MAX = 500

export function openShardMap(context: Context, route: Route): Page {
  return new ShardMapPage(context, route.query.get('key') ?? '')
}

class ShardMapPage implements Page {
  readonly title = 'Shard map'
  readonly #context: Context
  readonly #shards
  readonly #operators
  readonly #stores
  readonly #sorting: Sorting = { column: 'Keys from', descending: false }
  #key: string
  #found: number | undefined
  #failure: Failure | undefined

  constructor(context: Context, key: string) {
    this.#context = context
    this.#key = key
    const { client, redraw } = context
    this.#shards = new Loaded(redraw, () => allShards(client))
    this.#operators = new Loaded(redraw, () => allOperators(client))
    // Only for their colours, which are the same in every view.
    this.#stores = new Loaded(redraw, () => allStores(client))
    if (key !== '') void this.#lookUp()
  }

  async refresh(): Promise<void> {
    await Promise.all([this.#shards.load(), this.#operators.load(), this.#stores.load()])
  }

  async #lookUp(): Promise<void> {
    this.#found = undefined
    this.#failure = undefined
    this.#context.rename(link('shards', '', { key: this.#key }))
    if (this.#key !== '') {
      try {
        const path = `admin/shards/lookup?key=${percentText(utf8Bytes(this.#key))}`
        this.#found = (await this.#context.client.json<{ shard: Shard }>(path)).shard.id
      } catch (error) {
        this.#failure = asFailure(error)
      }
    }
    this.#context.redraw()
  }

  render(): Child {
    return [
      heading('Shard map', this.#search()),
      this.#failure !== undefined && failureNotice(this.#failure),
      shown(this.#shards, (shards) => {
        const palette = paletteOf(this.#stores.value, shards)
        const operators = this.#operators.value ?? []
        const running = operators.filter(({ state }) => state === 'running').length
        const marked = this.#found === undefined ? {} : { marked: this.#found }
        return [
          card(
            'Key space',
            strip(shards, { palette, operators, ...marked }),
            h(
              'div.under',
              palette.legend(),
              h('p.muted', `Width: size. Colour: the leader’s store. ${plural(running, 'operator')} running.`),
            ),
          ),
          card(plural(shards.length - 1, 'shard'), this.#table(shards, palette)),
        ]
      }),
    ]
  }

  #search(): VirtualNode {
    return h(
      'form.search',
      {
        onsubmit: (event: Event) => {
          event.preventDefault()
          void this.#lookUp()
        },
      },
      h('input', {
        type: 'search',
        placeholder: 'Which shard has the key …',
        'aria-label': 'Key to look up',
        'data-search': true,
        value: this.#key,
        oninput: (event: Event) => {
          this.#key = textOf(event)
        },
      }),
      h('button', { type: 'submit' }, 'Find'),
      this.#found !== undefined && h('a.found', { href: link('shards', String(this.#found)) }, `shard ${this.#found}`),
    )
  }

  #table(shards: readonly Shard[], palette: Palette): Child {
    const rows = shards.slice(0, ROWS_MAX)
    return [
      table(columns(palette), rows, {
        label: 'Shards',
        key: ({ id }) => id,
        sorting: this.#sorting,
        tone: ({ id, leader }) => (id === this.#found ? 'marked' : leader === null ? 'bad' : undefined),
      }),
      shards.length > ROWS_MAX && h('p.muted', `The first ${ROWS_MAX} are shown. Look for a key to find the others.`),
    ]
  }
}

function columns(palette: Palette): readonly Column<Shard>[] {
  return [
    { name: 'Shard', cell: ({ id }) => h('a', { href: link('shards', String(id)) }, String(id)), sort: ({ id }) => id },
    {
      name: 'Keys from',
      cell: (shard) =>
        shard.kind === 'placement' ? h('span.muted', 'placement driver') : h('code', boundText(shard.start, 'lowest')),
      // The placement driver stands before all.
      sort: (shard) => (shard.kind === 'placement' ? '' : ` ${shard.start ?? ''}`),
    },
    {
      name: 'Leader',
      cell: ({ leader }) => [palette.swatch(leader), storeLink(leader)],
      sort: ({ leader }) => leader ?? '',
    },
    { name: 'Replicas', cell: ({ replicas }) => replicaDots(replicas, palette) },
    { name: 'Size', cell: (shard) => bytes(shard.bytes), sort: (shard) => shard.bytes, isNumber: true },
    { name: 'Keys', cell: ({ keys }) => count(keys), sort: ({ keys }) => keys, isNumber: true, isMinor: true },
    {
      name: 'Reads',
      cell: ({ load }) => rate(load.readsPerSecond),
      sort: ({ load }) => load.readsPerSecond,
      isNumber: true,
      isMinor: true,
    },
    {
      name: 'Writes',
      cell: ({ load }) => rate(load.writesPerSecond),
      sort: ({ load }) => load.writesPerSecond,
      isNumber: true,
      isMinor: true,
    },
    { name: 'Term', cell: ({ term }) => term, sort: ({ term }) => term, isNumber: true, isMinor: true },
    { name: 'Epoch', cell: ({ epoch }) => `${epoch.membership}.${epoch.range}`, isNumber: true, isMinor: true },
  ]
}

function replicaDots(replicas: Shard['replicas'], palette: Palette): VirtualNode {
  return h(
    'span.replicas',
    replicas.map(({ store, role }) =>
      h('i.swatch', { key: store, class: `${palette.of(store)} ${role}`, title: `${store}, ${role}` }),
    ),
    h('span.muted', replicas.map(({ store }) => store).join(' ')),
  )
}
