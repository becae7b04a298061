/**
 * Which colour stands for which store: by its place among all, so that it is the same in every view. The colours themselves are in the style sheet.
 */
import type { Shard, Store } from '../api/shapes.ts'
import { h, type VirtualNode } from '../dom/node.ts'
import { visible } from './keys.ts'

const COLOURS = 8

/** Of all stores; until they are known, of those that hold replicas. */
export function paletteOf(stores: readonly Store[] | undefined, shards: readonly Shard[]): Palette {
  return new Palette(
    stores?.map(({ id }) => id) ?? shards.flatMap(({ replicas }) => replicas.map(({ store }) => store)),
  )
}

export class Palette {
  readonly #order: readonly string[]

  constructor(stores: Iterable<string>) {
    this.#order = [...new Set(stores)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  }

  get stores(): readonly string[] {
    return this.#order
  }

  /** A class. A shard without a leader has a colour of its own. */
  of(store: string | null): string {
    const position = store === null ? -1 : this.#order.indexOf(store)
    return position < 0 ? 'store-none' : `store-${position % COLOURS}`
  }

  swatch(store: string | null): VirtualNode {
    return h('i.swatch', { class: this.of(store), 'aria-hidden': 'true' })
  }

  legend(): VirtualNode {
    return h(
      'ul.legend',
      this.#order.map((store) => h('li', { key: store }, this.swatch(store), visible(store))),
    )
  }
}
