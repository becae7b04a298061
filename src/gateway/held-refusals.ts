/**
 * Refusals for overload that leave a moment later, all of a moment together. Somebody who is refused often asks again at once, and under overload answering
 * those would cost what serving others needs; a client with a bounded number of connections asks that much less often. Called by admission.
 */
import type { Clock, Timer } from '../base/index.ts'
import type { FlotillaError } from '../protocol/index.ts'
import type { Exchange } from './exchange.ts'

/** Short for somebody who waits for an answer, long for somebody who would ask again at once. */
const HOLD_MS = 50

export class HeldRefusals {
  readonly #clock: Clock
  /** At most one for each connection. */
  #held: { readonly exchange: Exchange; readonly error: FlotillaError }[] = []
  #timer: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  hold(exchange: Exchange, error: FlotillaError): void {
    this.#held.push({ exchange, error })
    this.#timer ??= this.#clock.after(HOLD_MS, () => {
      this.#timer = undefined
      const held = this.#held
      this.#held = []
      for (const { exchange, error } of held) exchange.sendError(error)
    })
  }
}
