/**
 * Small things that every view shows in the same way: cards, notices, states, times, links to shards and stores.
 */
import type { Failure } from '../api/client.ts'
import type { Operator, Store } from '../api/shapes.ts'
import type { Loaded } from '../app/loaded.ts'
import { link } from '../app/route.ts'
import { type Child, h, type Properties, type VirtualNode } from '../dom/node.ts'
import { ago, clockTime } from './format.ts'
import { visible } from './keys.ts'

export function heading(title: string, ...beside: readonly Child[]): VirtualNode {
  return h('header.head', h('h1', title), h('div.beside', beside))
}

export function card(title: Child, ...content: readonly Child[]): VirtualNode {
  return h('section.card', title !== undefined && h('h2', title), content)
}

/** What was loaded, or why it was not; old values stay in sight beside the reason that there are no newer ones. */
export function shown<Value>(loaded: Loaded<Value>, render: (value: Value) => Child): Child {
  const { value, failure } = loaded
  return [
    failure !== undefined && failureNotice(failure),
    value === undefined ? failure === undefined && h('p.loading', { role: 'status' }, 'Loading …') : render(value),
  ]
}

export function failureNotice(failure: Failure): VirtualNode {
  return h(
    'div.notice.bad',
    { role: 'alert' },
    h('p', h('b', visible(failure.message)), failure.status > 0 && h('span.code', ` ${failure.code}`)),
    failure.hint !== undefined && h('p', visible(failure.hint)),
    failure.requestId !== undefined && h('p.muted', `request ${failure.requestId}`),
  )
}

/** The page of something that was never there: nothing else on it would be true. */
export function isUnknown({ value, failure }: Loaded<unknown>): boolean {
  return value === undefined && failure?.status === 404
}

const STORE_TONES: Readonly<Record<Store['state'], string>> = {
  up: 'good',
  suspect: 'warn',
  down: 'bad',
  draining: 'busy',
  decommissioning: 'busy',
  gone: 'idle',
  registered: 'idle',
}

export function storeState(state: Store['state']): VirtualNode {
  return badge(state, STORE_TONES[state])
}

const OPERATOR_TONES: Readonly<Record<Operator['state'], string>> = {
  running: 'busy',
  finished: 'good',
  failed: 'bad',
  cancelled: 'idle',
}

export function operatorState(state: Operator['state']): VirtualNode {
  return badge(state, OPERATOR_TONES[state])
}

export function badge(words: string, tone: string): VirtualNode {
  return h('span.badge', { class: tone }, words)
}

export function shardLink(id: number): VirtualNode {
  return h('a', { href: link('shards', String(id)) }, `shard ${id}`)
}

export function storeLink(id: string | null | undefined): Child {
  return id === null || id === undefined ? h('span.muted', 'none') : h('a', { href: link('stores', id) }, visible(id))
}

export function moment(timestamp: string, nowMs: number): VirtualNode {
  return h('time', { datetime: timestamp, title: timestamp }, ago(timestamp, nowMs))
}

export function timeOfDay(timestamp: string, nowMs: number): VirtualNode {
  return h('time.mono', { datetime: timestamp, title: timestamp }, clockTime(timestamp, nowMs))
}

export function facts(...rows: readonly (readonly [string, Child])[]): VirtualNode {
  return h(
    'dl.facts',
    rows.map(([name, value]) => h('div', h('dt', name), h('dd', value))),
  )
}

export function button(words: Child, onclick: () => void, properties: Properties = {}): VirtualNode {
  return h('button', { type: 'button', onclick, ...properties }, words)
}

export interface Choice<Value extends string> {
  readonly value: Value
  readonly words: string
}

/** A few exclusive choices side by side. */
export function choices<Value extends string>(
  name: string,
  all: readonly Choice<Value>[],
  chosen: Value,
  choose: (value: Value) => void,
): VirtualNode {
  return h(
    'div.choices',
    { role: 'group', 'aria-label': name },
    all.map(({ value, words }) =>
      h('button', { type: 'button', 'aria-pressed': String(value === chosen), onclick: () => choose(value) }, words),
    ),
  )
}

export function textOf(event: Event): string {
  return (event.target as HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement).value
}

export function labelList(labels: Store['labels']): Child {
  const entries = Object.entries(labels)
  if (entries.length === 0) return h('span.muted', 'none')
  return h(
    'span.labels',
    entries.map(([name, value]) => h('code', { key: name }, visible(`${name}=${value}`))),
  )
}
