/**
 * Filters of a history, kept in its link: named texts that become the query of the gateway as they are.
 */
import { type Child, h, type VirtualNode } from '../dom/node.ts'
import { textOf } from './pieces.ts'

export interface Filter {
  readonly name: string
  readonly label: string
  readonly hint?: string
  /** Where the link says nothing. */
  readonly initial?: string
  /** Absent: any text. */
  readonly options?: readonly (readonly [value: string, words: string])[]
}

export class Filters {
  readonly #all: readonly Filter[]
  readonly #values: Map<string, string>
  readonly #changed: () => void

  constructor(all: readonly Filter[], query: URLSearchParams, changed: () => void) {
    this.#all = all
    this.#values = new Map(all.map(({ name, initial }) => [name, query.get(name) ?? initial ?? '']))
    this.#changed = changed
  }

  /** Those that say something. */
  get query(): Record<string, string> {
    return Object.fromEntries([...this.#values].filter(([, value]) => value !== ''))
  }

  render(...beside: readonly Child[]): VirtualNode {
    return h(
      'form.filters',
      {
        onsubmit: (event: Event) => {
          event.preventDefault()
          this.#changed()
        },
      },
      this.#all.map((filter, position) =>
        h('label.field', { key: filter.name }, h('span', filter.label), this.#input(filter, position === 0)),
      ),
      h('button', { type: 'submit' }, 'Filter'),
      beside,
    )
  }

  #input({ name, hint, options }: Filter, isFirst: boolean): VirtualNode {
    const value = this.#values.get(name) ?? ''
    if (options !== undefined) {
      const onchange = (event: Event): void => {
        this.#values.set(name, textOf(event))
        this.#changed()
      }
      return h(
        'select',
        { name, value, onchange },
        options.map(([option, words]) => h('option', { key: option, value: option }, words)),
      )
    }
    return h('input', {
      name,
      value,
      type: 'text',
      autocomplete: 'off',
      placeholder: hint,
      'data-search': isFirst,
      oninput: (event: Event) => {
        this.#values.set(name, textOf(event))
      },
    })
  }
}
