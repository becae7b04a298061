/**
 * Whatever a store holds on to has a limit and keeps it: queues, the bytes of a log, the overlay, calls that wait. Remembers the highest value seen of
 * each, so that a run can say how near it came and a limit that was never approached does not look proven.
 */
import type { Problem, ResourceView } from './views.ts'

export interface HighestUse {
  readonly name: string
  readonly value: number
  readonly valueMax: number
  readonly store: string
}

export class ResourceBounds {
  readonly #highest = new Map<string, HighestUse>()

  observe(resource: ResourceView): Problem {
    const { name, value, valueMax, store } = resource
    const known = this.#highest.get(name)
    if (known === undefined || value > known.value) this.#highest.set(name, { name, value, valueMax, store })
    return value > valueMax ? `${store}: ${name} is ${value}, more than ${valueMax}` : undefined
  }

  /** By name. */
  highest(): readonly HighestUse[] {
    return [...this.#highest.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }
}
