/**
 * Changing a setting of the whole cluster, as an action. Values are typed as in a configuration file; the gateway judges them.
 */
import type { Setting } from '../api/shapes.ts'
import { type Child, h } from '../dom/node.ts'
import type { Action } from './action.ts'
import { visible } from './keys.ts'

export function settingText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

export function settingAction(name: string, setting: Setting, changed: () => void): Action {
  return {
    title: `Change ${name}`,
    about: [
      'Takes effect on every store at once, and stays over restarts. Default: ',
      h('code', settingText(setting.default)),
      '.',
    ],
    verb: 'Change',
    fields: [
      {
        kind: 'text',
        name: 'value',
        label: 'Value; null returns to what the stores were started with',
        initial: settingText(setting.value),
      },
    ],
    plan: ({ value = '' }) => {
      if (value.trim() === '') return 'A value is needed.'
      return {
        method: 'PATCH',
        path: 'admin/config',
        json: nested(name.split('.'), typed(value.trim())),
        command: ['config', 'set', name, value.trim()],
      }
    },
    preview: (answer) => previewOf(answer as Readonly<Record<string, Setting>>),
    done: changed,
  }
}

function previewOf(settings: Readonly<Record<string, Setting>>): Child {
  const rows = Object.entries(settings)
  if (rows.length === 0) return h('p.muted', 'Nothing: it is so already.')
  return rows.map(([name, { value, source }]) =>
    h(
      'p',
      { key: name },
      h('code', visible(name)),
      ' becomes ',
      h('code', visible(settingText(value))),
      `, from ${source}`,
    ),
  )
}

/** What reads as JSON is that; all else is text, as durations and sizes are. */
function typed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Text such as 64MiB.
    return text
  }
}

function nested([first = '', ...rest]: readonly string[], value: unknown): Readonly<Record<string, unknown>> {
  return Object.fromEntries([[first, rest.length === 0 ? value : nested(rest, value)]])
}
