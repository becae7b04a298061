/** Tells when stores fall silent and are heard again, as the acting placement driver sees it. A store that was never heard is no news. */
import type { EventSink } from '../base/index.ts'

type Liveness = 'up' | 'suspect' | 'down'

export class LivenessEvents {
  readonly #events: EventSink
  readonly #known = new Map<string, Liveness>()

  constructor(events: EventSink) {
    this.#events = events
  }

  /** Another store's driver knew what this one has yet to learn. */
  forgetAll(): void {
    this.#known.clear()
  }

  note(store: string, state: Liveness): void {
    const before = this.#known.get(store)
    if (before === state || (before === undefined && state !== 'up')) return
    this.#known.set(store, state)
    if (before === undefined) return
    if (state === 'up') this.#events.emit({ type: 'store_up', peer: store })
    else if (state === 'suspect') this.#events.emit({ type: 'store_suspected', peer: store })
    else this.#events.emit({ type: 'store_down', peer: store })
  }
}
