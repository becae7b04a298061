/** Tells when a store becomes ready and when it ceases to be, from a look every second. */
import type { Clock, EventSink, Timer } from '../base/index.ts'

const LOOK_MS = 1_000

export class ReadinessEvents {
  readonly #events: EventSink
  readonly #clock: Clock
  readonly #notReady: () => readonly string[]
  #isReady = false
  #timer: Timer | undefined

  constructor(events: EventSink, clock: Clock, notReady: () => readonly string[]) {
    this.#events = events
    this.#clock = clock
    this.#notReady = notReady
    this.#look()
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #look(): void {
    const [reason] = this.#notReady()
    if (this.#isReady !== (reason === undefined)) {
      this.#isReady = reason === undefined
      if (reason === undefined) this.#events.emit({ type: 'node_ready' })
      else this.#events.emit({ type: 'node_not_ready', data: { reason } })
    }
    this.#timer = this.#clock.after(LOOK_MS, () => this.#look())
  }
}
