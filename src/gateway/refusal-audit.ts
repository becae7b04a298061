/**
 * Tells of attempts on the operating routes that were refused for want of a token or a role. Whoever tries many must not fill the history: a few are told
 * one by one, then one now and then with the number of those that were not.
 */
import type { Clock, EventSink } from '../base/index.ts'
import { FlotillaError } from '../protocol/index.ts'
import type { Exchange } from './exchange.ts'
import type { RouteDefinition } from './route-definition.ts'

/** Told at once after a quiet time; every further one has to wait for its share. */
const BURST = 10
const INTERVAL_MS = 1_000
/** No route is longer; whatever else somebody sends shall not fill the history. */
export const AUDIT_PATH_CHARS_MAX = 256

export class RefusalAudit {
  readonly #clock: Clock
  readonly #events: EventSink
  #credit = BURST
  #sinceMs: number
  #untold = 0

  constructor(clock: Clock, events: EventSink) {
    this.#clock = clock
    this.#events = events
    this.#sinceMs = clock.nowMs()
  }

  /** `error` ended the exchange before its handler. */
  note(exchange: Exchange, route: RouteDefinition, error: unknown): void {
    if (route.tag !== 'operating' || !(error instanceof FlotillaError)) return
    const status = error.code === 'UNAUTHENTICATED' ? 401 : error.code === 'PERMISSION_DENIED' ? 403 : undefined
    if (status === undefined) return
    if (!this.#mayTell()) {
      this.#untold++
      return
    }
    const token = exchange.grant?.name
    const { path } = exchange.target.kind === 'path' ? exchange.target : { path: route.path }
    this.#events.emit({
      type: 'admin_refused',
      data: {
        action: route.operationId,
        path: path.slice(0, AUDIT_PATH_CHARS_MAX),
        status,
        address: exchange.remoteAddress,
        requestId: exchange.requestId,
        ...(token === undefined ? {} : { token }),
        ...(this.#untold === 0 ? {} : { untold: this.#untold }),
      },
    })
    this.#untold = 0
  }

  #mayTell(): boolean {
    const nowMs = this.#clock.nowMs()
    this.#credit = Math.min(BURST, this.#credit + (nowMs - this.#sinceMs) / INTERVAL_MS)
    this.#sinceMs = nowMs
    if (this.#credit < 1) return false
    this.#credit--
    return true
  }
}
