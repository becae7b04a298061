/**
 * The data itself: keys under a prefix, page by page, and beside them the value of one. Changing is left to the actions, which always carry a condition.
 */
import type { Entry } from '../api/shapes.ts'
import { Loaded } from '../app/loaded.ts'
import type { Context, Page } from '../app/page.ts'
import { link, type Route } from '../app/route.ts'
import { type Child, h, type VirtualNode } from '../dom/node.ts'
import { act } from '../parts/action.ts'
import { createAction } from '../parts/key-actions.ts'
import { documentBytes, keyText, percentBytes, percentText, utf8Bytes } from '../parts/keys.ts'
import { button, card, heading, shown, textOf } from '../parts/pieces.ts'
import { ValuePanel } from '../parts/value-panel.ts'

const PAGE_KEYS = 50

interface KeyPage {
  readonly items: readonly Entry[]
  readonly next: string | null
}

export function openData(context: Context, route: Route): Page {
  return new DataPage(context, route)
}

class DataPage implements Page {
  readonly title = 'Data'
  readonly #context: Context
  readonly #keys
  #prefix: string
  /** What the list shows, while the field may say something else already. */
  #shownPrefix: string
  #isReversed = false
  /** Of this page and those before it; the first has none. */
  #cursors: readonly (string | undefined)[] = [undefined]
  #panel: ValuePanel | undefined

  constructor(context: Context, route: Route) {
    this.#context = context
    this.#prefix = route.query.get('prefix') ?? ''
    this.#shownPrefix = this.#prefix
    this.#keys = new Loaded(context.redraw, () => context.client.json<KeyPage>(this.#path()))
    const key = percentBytes(route.query.get('key') ?? '')
    if (key !== undefined && key.length > 0) this.#panel = this.#panelOf(key)
  }

  async refresh(): Promise<void> {
    await Promise.all([this.#keys.load(), this.#panel?.refresh()])
  }

  #path(): string {
    const cursor = this.#cursors.at(-1)
    const parts = [
      `limit=${PAGE_KEYS}`,
      'keys_only=true',
      this.#isReversed && 'reverse=true',
      this.#shownPrefix !== '' && `prefix=${percentText(utf8Bytes(this.#shownPrefix))}`,
      cursor !== undefined && `cursor=${encodeURIComponent(cursor)}`,
    ]
    return `kv?${parts.filter(Boolean).join('&')}`
  }

  #panelOf(key: Uint8Array<ArrayBuffer>): ValuePanel {
    return new ValuePanel(this.#context, key, () => void this.refresh())
  }

  #rename(): void {
    const key = this.#panel === undefined ? '' : percentText(this.#panel.key)
    this.#context.rename(link('data', '', { prefix: this.#shownPrefix, key }))
  }

  #search(): void {
    this.#shownPrefix = this.#prefix
    this.#turnTo([undefined])
  }

  #turnTo(cursors: readonly (string | undefined)[]): void {
    this.#cursors = cursors
    this.#rename()
    // A page that is on its way is not the one that is wanted now.
    void this.#keys.load().then(() => this.#keys.load())
  }

  #select(key: Uint8Array<ArrayBuffer>): void {
    this.#panel = this.#panelOf(key)
    this.#rename()
    void this.#panel.refresh()
  }

  render(): Child {
    return [
      heading(
        'Data',
        this.#form(),
        button('New key …', () => {
          act(
            this.#context,
            createAction(this.#shownPrefix, () => void this.refresh()),
          )
        }),
      ),
      h(
        'div.split',
        card(
          undefined,
          shown(this.#keys, (page) => this.#list(page)),
        ),
        this.#panel === undefined
          ? card(undefined, h('p.empty', 'Choose a key to see its value.'))
          : card(undefined, this.#panel.render()),
      ),
    ]
  }

  #form(): VirtualNode {
    return h(
      'form.search',
      {
        onsubmit: (event: Event) => {
          event.preventDefault()
          this.#search()
        },
      },
      h('input', {
        type: 'search',
        placeholder: 'Keys that begin with …',
        'aria-label': 'Prefix',
        'data-search': true,
        value: this.#prefix,
        oninput: (event: Event) => {
          this.#prefix = textOf(event)
        },
      }),
      h('button', { type: 'submit' }, 'Show'),
      h(
        'label.check',
        h('input', {
          type: 'checkbox',
          checked: this.#isReversed,
          onchange: () => {
            this.#isReversed = !this.#isReversed
            this.#search()
          },
        }),
        'from the end',
      ),
    )
  }

  #list({ items, next }: KeyPage): Child {
    const chosen = this.#panel === undefined ? undefined : percentText(this.#panel.key)
    const page = this.#cursors.length
    return [
      items.length === 0
        ? h('p.empty', 'There is no such key.')
        : h(
            'ul.keylist',
            items.map((item) => {
              const key = documentBytes(item.key, item.keyEncoding)
              const name = percentText(key)
              return h(
                'li',
                { key: name },
                h(
                  'button',
                  { type: 'button', 'aria-pressed': String(name === chosen), onclick: () => this.#select(key) },
                  h('code', keyText(key)),
                  h('span.muted', `rev ${item.revision}`),
                ),
              )
            }),
          ),
      h(
        'footer.pages',
        button('Previous', () => this.#turnTo(this.#cursors.slice(0, -1)), { disabled: page === 1 }),
        h('span.muted', `page ${page}`),
        button('Next', () => next !== null && this.#turnTo([...this.#cursors, next]), { disabled: next === null }),
      ),
    ]
  }
}
