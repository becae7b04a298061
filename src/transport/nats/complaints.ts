/** What is in the way of a connection, told to people once for all connections of a store, and again only when it has lasted. Called by wires. */
import type { Clock, Logger } from '../../base/index.ts'
import type { TransportError } from '../transport-error.ts'

/** The same complaint is not repeated before this. */
export const COMPLAINT_INTERVAL_MS = 30_000
/** Complaints are few, because reasons are; this bounds them all the same. */
const REMEMBERED_MAX = 100

export class Complaints {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #servers: string
  readonly #toldMs = new Map<string, number>()

  /** `servers` is for people. */
  constructor(clock: Clock, logger: Logger, servers: string) {
    this.#clock = clock
    this.#logger = logger
    this.#servers = servers
  }

  tell(level: 'warn' | 'error', what: string, why: TransportError | string): void {
    const reason = typeof why === 'string' ? why : why.message
    const nowMs = this.#clock.nowMs()
    const key = `${what}: ${reason}`
    if (nowMs < (this.#toldMs.get(key) ?? Number.NEGATIVE_INFINITY) + COMPLAINT_INTERVAL_MS) return
    if (this.#toldMs.size >= REMEMBERED_MAX) this.#toldMs.clear()
    this.#toldMs.set(key, nowMs)
    this.#logger.log(level, what, { reason, servers: this.#servers })
  }
}
