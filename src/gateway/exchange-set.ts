/**
 * The requests in progress of one gateway. One look at all of them every moment replaces a timer per request: it finds stalled bodies, passed
 * deadlines and clients that left. Bounds requests and body bytes. Called by exchanges and by the bridge.
 */
import type { Duplex } from 'node:stream'
import type { Clock, Timer } from '../base/index.ts'
import { type FlotillaError, timeout } from '../protocol/index.ts'
import type { Exchange } from './exchange.ts'
import { refusal } from './failures.ts'
import { DEADLINE_GRACE_MS, SWEEP_INTERVAL_MS } from './limits.ts'
import type { GatewayLimits } from './options.ts'
import { UnreadAnswers } from './unread-answers.ts'

interface Watched {
  /** As of the last look. */
  receivedBytes: number
  changedMs: number
}

export class ExchangeSet {
  readonly #clock: Clock
  readonly #limits: GatewayLimits
  readonly #open = new Set<Exchange>()
  /** Answered, but the client still sends: given some time to finish, so that it can read the answer. */
  readonly #unfinished = new Map<Exchange, number>()
  readonly unread: UnreadAnswers
  readonly #bodies = new WeakMap<Exchange, Watched>()
  #bodyBytes = 0
  #begun = 0
  #answered = 0
  #timer: Timer | undefined
  #whenEmpty: (() => void) | undefined

  constructor(clock: Clock, limits: GatewayLimits) {
    this.#clock = clock
    this.#limits = limits
    this.unread = new UnreadAnswers(limits)
  }

  get size(): number {
    return this.#open.size
  }

  /** Requests that came since the start. */
  get begun(): number {
    return this.#begun
  }

  /** Requests that ended since the start. */
  get answered(): number {
    return this.#answered
  }

  get bodyBytes(): number {
    return this.#bodyBytes
  }

  add(exchange: Exchange): void {
    this.#open.add(exchange)
    this.#begun++
    if (this.#timer === undefined) this.#arm()
  }

  remove(exchange: Exchange): void {
    this.#open.delete(exchange)
    this.#answered++
    if (exchange.hasUnreadBody) this.#unfinished.set(exchange, this.#clock.nowMs())
    if (this.#open.size === 0) this.#whenEmpty?.()
  }

  /** The requests of a connection that are not answered yet, oldest first. Looks at all of them: for rare occasions. */
  openOn(socket: Duplex): Exchange[] {
    return [...this.#open].filter((exchange) => exchange.isOn(socket))
  }

  /** False when all bodies together would hold too much memory. */
  reserveBytes(bytes: number): boolean {
    if (this.#bodyBytes + bytes > this.#limits.bodyBytesInflightMax) return false
    this.#bodyBytes += bytes
    return true
  }

  releaseBytes(bytes: number): void {
    this.#bodyBytes -= bytes
  }

  /** Resolves when nothing is in progress. */
  async empty(): Promise<void> {
    if (this.#open.size === 0) return
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve
    })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(): void {
    this.#timer = this.#clock.after(SWEEP_INTERVAL_MS, () => {
      this.#timer = undefined
      this.#sweep(this.#clock.nowMs())
      if (this.#open.size > 0 || this.#unfinished.size > 0) this.#arm()
    })
  }

  #sweep(nowMs: number): void {
    for (const exchange of this.#open) {
      if (exchange.isAbandoned) this.#sweepAbandoned(exchange, nowMs)
      else if (exchange.phase === 'reading') this.#sweepReading(exchange, nowMs)
      else if (
        (exchange.phase === 'working' || exchange.phase === 'waiting') &&
        nowMs > exchange.deadlineMs + DEADLINE_GRACE_MS
      ) {
        const message = 'the request was not answered before its deadline'
        exchange.sendError(timeout(message, exchange.mayHaveWritten ? 'unknown' : 'none'))
      }
    }
    for (const [exchange, sinceMs] of this.#unfinished) {
      if (exchange.hasUnreadBody && nowMs - sinceMs <= this.#limits.stallMsMax) continue
      exchange.destroyIfUnread()
      this.#unfinished.delete(exchange)
    }
  }

  /** A write goes on without its client, and counts until it has ended: leaving must not be a way around the limit. */
  #sweepAbandoned(exchange: Exchange, nowMs: number): void {
    if (exchange.phase !== 'working' || nowMs > exchange.deadlineMs) exchange.abandon()
  }

  #sweepReading(exchange: Exchange, nowMs: number): void {
    const watched = this.#bodies.get(exchange)
    if (nowMs > exchange.deadlineMs) exchange.failBody(slowBody())
    else if (watched === undefined) {
      this.#bodies.set(exchange, { receivedBytes: exchange.receivedBytes, changedMs: nowMs })
    } else if (watched.receivedBytes !== exchange.receivedBytes) {
      watched.receivedBytes = exchange.receivedBytes
      watched.changedMs = nowMs
    } else if (nowMs - watched.changedMs > this.#limits.stallMsMax) exchange.failBody(slowBody())
  }
}

function slowBody(): FlotillaError {
  return refusal('REQUEST_TIMEOUT', 'the request body did not arrive in time')
}
