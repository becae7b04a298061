/**
 * The configuration as this store goes by it, and changes of what can be changed while it runs.
 */
import type { Setting } from '../api/shapes.ts'
import { Loaded } from '../app/loaded.ts'
import type { Context, Page } from '../app/page.ts'
import { link, type Route } from '../app/route.ts'
import { h } from '../dom/node.ts'
import { act } from '../parts/action.ts'
import { visible } from '../parts/keys.ts'
import { badge, button, card, heading, shown, textOf } from '../parts/pieces.ts'
import { settingAction, settingText } from '../parts/setting-action.ts'
import { table } from '../parts/table.ts'

type Row = readonly [name: string, setting: Setting]

export function openSettings(context: Context, route: Route): Page {
  let filter = route.query.get('filter') ?? ''
  const settings = new Loaded(context.redraw, () =>
    context.client.json<Readonly<Record<string, Setting>>>('admin/config'),
  )
  return {
    title: 'Settings',
    refresh: () => settings.load(),
    render: () => [
      heading(
        'Settings',
        h('input', {
          type: 'search',
          placeholder: 'Filter',
          'aria-label': 'Filter',
          'data-search': true,
          value: filter,
          oninput: (event: Event) => {
            filter = textOf(event)
            context.rename(link('settings', '', { filter }))
          },
        }),
      ),
      shown(settings, (all) => {
        const rows = Object.entries(all).filter(([name]) => name.toLowerCase().includes(filter.toLowerCase()))
        return card(
          undefined,
          h('p.muted', 'As this store goes by them. What is changed here holds for the whole cluster, at once.'),
          settingTable(rows, () => void settings.load(), context),
        )
      }),
    ],
  }
}

function settingTable(rows: readonly Row[], changed: () => void, context: Context) {
  return table<Row>(
    [
      { name: 'Setting', cell: ([name]) => h('code', visible(name)) },
      { name: 'Value', cell: ([name, { value, unit }]) => h('code.setting', visible(settingText(name, value, unit))) },
      {
        name: 'From',
        cell: ([, { source }]) =>
          badge(source, source === 'default' ? 'idle' : source === 'cluster' ? 'busy' : 'plain'),
      },
      {
        name: 'Default',
        cell: ([name, { source, default: usual, unit }]) =>
          h('span.muted', source === 'default' ? 'the same' : visible(settingText(name, usual, unit))),
      },
      {
        name: '',
        cell: ([name, setting]) =>
          setting.dynamic
            ? button('Change …', () => act(context, settingAction(name, setting, changed)))
            : h('span.muted', 'at start only'),
      },
    ],
    rows,
    { label: 'Settings', key: ([name]) => name, empty: 'No setting has such a name.' },
  )
}
