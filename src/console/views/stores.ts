/**
 * All stores side by side.
 */
import { allStores } from '../api/cluster.ts'
import type { Store } from '../api/shapes.ts'
import { Loaded } from '../app/loaded.ts'
import type { Context, Page } from '../app/page.ts'
import { type Child, h } from '../dom/node.ts'
import { bytes, plural, rate, span } from '../parts/format.ts'
import { visible } from '../parts/keys.ts'
import { Palette } from '../parts/palette.ts'
import { card, heading, labelList, shown, storeLink, storeState } from '../parts/pieces.ts'
import { type Column, type Sorting, table } from '../parts/table.ts'

export function openStores(context: Context): Page {
  const stores = new Loaded(context.redraw, () => allStores(context.client))
  const sorting: Sorting = { column: 'Store', descending: false }
  return {
    title: 'Stores',
    refresh: () => stores.load(),
    render: () => [
      heading('Stores'),
      shown(stores, (all) => {
        const palette = new Palette(all.map(({ id }) => id))
        return card(undefined, table(columns(palette), all, { label: 'Stores', key: ({ id }) => id, sorting }))
      }),
    ],
  }
}

function columns(palette: Palette): readonly Column<Store>[] {
  return [
    { name: 'Store', cell: ({ id }) => [palette.swatch(id), storeLink(id)], sort: ({ id }) => id },
    { name: 'State', cell: ({ state }) => storeState(state), sort: ({ state }) => state },
    { name: 'Address', cell: ({ address }) => h('code', visible(address)) },
    { name: 'Labels', cell: ({ labels }) => labelList(labels) },
    { name: 'Leaders', cell: ({ leaders }) => leaders, sort: ({ leaders }) => leaders, isNumber: true },
    { name: 'Replicas', cell: ({ replicas }) => replicas, sort: ({ replicas }) => replicas, isNumber: true },
    { name: 'Data', cell: (store) => bytes(store.bytes), sort: (store) => store.bytes, isNumber: true },
    {
      name: 'Reads',
      cell: ({ load }) => rate(load.readsPerSecond),
      sort: ({ load }) => load.readsPerSecond,
      isNumber: true,
    },
    {
      name: 'Writes',
      cell: ({ load }) => rate(load.writesPerSecond),
      sort: ({ load }) => load.writesPerSecond,
      isNumber: true,
    },
    {
      name: 'Largest lag',
      cell: ({ lag }) => largestLag(lag),
      sort: ({ lag }) => Math.max(0, ...Object.values(lag)),
      isNumber: true,
    },
    { name: 'Up', cell: (store) => span(store.uptimeSeconds), sort: (store) => store.uptimeSeconds, isNumber: true },
  ]
}

function largestLag(lag: Store['lag']): Child {
  const most = Math.max(0, ...Object.values(lag))
  return most === 0 ? h('span.muted', 'none') : plural(most, 'entry', 'entries')
}
