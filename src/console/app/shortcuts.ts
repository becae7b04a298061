/**
 * Single keys: `g` and a letter goes to a view, a few others do what buttons do. Quiet while somebody types or a dialog is open.
 */
import { h } from '../dom/node.ts'
import type { Dialog } from './dialogs.ts'

interface Bindings {
  readonly goTo: ReadonlyMap<string, () => void>
  readonly keys: ReadonlyMap<string, () => void>
  areOff(): boolean
}

const OTHERS: readonly (readonly [string, string])[] = [
  ['/', 'Go to the filter or the search of a view'],
  ['r', 'Look again now'],
  ['t', 'Light, dark, or as the system'],
  ['?', 'This list'],
  ['Esc', 'Close a dialog'],
]

export class Shortcuts {
  readonly #bindings: Bindings
  #afterG = false

  constructor(bindings: Bindings) {
    this.#bindings = bindings
  }

  take(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || this.#bindings.areOff() || isTyping(event.target)) return
    const run = this.#afterG ? this.#bindings.goTo.get(event.key) : this.#bindings.keys.get(event.key)
    const wasAfterG = this.#afterG
    this.#afterG = event.key === 'g' && !wasAfterG
    if (run !== undefined) run()
    else if (event.key === '/' && !wasAfterG) document.querySelector<HTMLElement>('main [data-search]')?.focus()
    else return
    event.preventDefault()
  }
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  )
}

export function helpDialog(sections: readonly { readonly name: string; readonly shortcut?: string }[]): Dialog {
  const views = sections.flatMap(({ name, shortcut }) =>
    shortcut === undefined ? [] : [[`g ${shortcut}`, name] as const],
  )
  const rows = [...views, ...OTHERS]
  return {
    title: 'Keys',
    render: () =>
      h(
        'dl.keys',
        rows.map(([keys, meaning]) => [
          h(
            'dt',
            keys.split(' ').map((key) => h('kbd', key)),
          ),
          h('dd', meaning),
        ]),
      ),
  }
}
