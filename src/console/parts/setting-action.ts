/**
 * Changing a setting of the whole cluster, as an action. Values are typed as in a configuration file; the gateway judges them.
 */
import type { Setting } from '../api/shapes.ts'
import { type Child, h } from '../dom/node.ts'
import type { Action } from './action.ts'
import { visible } from './keys.ts'

const UNITS: Readonly<Record<string, readonly (readonly [name: string, factor: number])[]>> = {
  bytes: [
    ['GiB', 1024 ** 3],
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
  ],
  ms: [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ],
}

/** As a configuration file would say it: sizes and durations in the largest unit that they are a multiple of. Settings named by their unit are plain numbers. */
export function settingText(name: string, value: unknown, unit: string | undefined): string {
  if (typeof value === 'string') return value
  const plain = JSON.stringify(value) ?? ''
  if (typeof value !== 'number' || value <= 0 || unit === undefined || name.endsWith('Ms')) return plain
  const [word, factor] = UNITS[unit]?.find(([, each]) => value % each === 0) ?? []
  return word === undefined || factor === undefined ? plain : `${value / factor}${word}`
}

export function settingAction(name: string, setting: Setting, changed: () => void): Action {
  return {
    title: `Change ${name}`,
    about: [
      'Takes effect on every store at once, and stays over restarts. Default: ',
      h('code', settingText(name, setting.default, setting.unit)),
      '.',
    ],
    verb: 'Change',
    fields: [
      {
        kind: 'text',
        name: 'value',
        label: 'Value; null returns to what the stores were started with',
        initial: settingText(name, setting.value, setting.unit),
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
  return rows.map(([name, { value, source, unit }]) =>
    h(
      'p',
      { key: name },
      h('code', visible(name)),
      ' becomes ',
      h('code', visible(settingText(name, value, unit))),
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
