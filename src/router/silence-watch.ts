import type { StoreId } from '../../shard-map/index.ts'
import type { Clock } from '../base/index.ts'
import { encodeRequest } from '../protocol/index.ts'
import type { RequestFailure, Transport } from '../transport/index.ts'

/**
 * Notices that a store has fallen silent, long before the requests to it time out. A broker does not tell that a process behind it died, so
 * without this every write that was on its way to a killed leader would wait for its whole deadline. A store that owes answers and says
 * nothing for a moment is asked something that any living store answers at once; when that stays unanswered too, all that was sent to it before
 * ends with `no-answer`, and for a while routers look elsewhere. Costs a set entry per request and one timer while requests are under way.
 */
export interface Pending {
  readonly sentMs: number
  readonly done: (failure: RequestFailure) => void
}

const LOOK_EVERY_MS = 250
/** A healthy leader answers in milliseconds; stalls of a full machine stay below this. */
const QUIET_MS = 500
const PROBE_TIMEOUT_MS = 1_000
/** How long a store that did not answer is avoided. Short, because it may be back at any moment. */
const AVOIDED_MS = 2_000

/** Answered by every store from memory; no map is newer, so the answer is small. */
const PROBE = encodeRequest({ kind: 'map', since: Number.MAX_SAFE_INTEGER })

class Peer {
  /** In the order in which they were sent. */
  readonly pending = new Set<Pending>()
  heardMs = Number.NEGATIVE_INFINITY
  avoidedUntilMs = Number.NEGATIVE_INFINITY
  isProbed = false
}

export class SilenceWatch {
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #peers = new Map<StoreId, Peer>()
  #isLooking = false

  constructor(transport: Transport, clock: Clock) {
    this.#transport = transport
    this.#clock = clock
  }

  isSilent(store: StoreId): boolean {
    const peer = this.#peers.get(store)
    return peer !== undefined && peer.avoidedUntilMs > this.#clock.nowMs()
  }

  /** A request leaves for the store; `done` is called only when the watch gives it up. */
  sent(store: StoreId, done: (failure: RequestFailure) => void): Pending {
    let peer = this.#peers.get(store)
    if (peer === undefined) {
      peer = new Peer()
      this.#peers.set(store, peer)
    }
    const pending: Pending = { sentMs: this.#clock.nowMs(), done }
    peer.pending.add(pending)
    if (!this.#isLooking) this.#lookLater()
    return pending
  }

  /** The transport is done with the request. False when the watch had given it up before. */
  ended(store: StoreId, pending: Pending, isAnswered: boolean): boolean {
    const peer = this.#peers.get(store)
    if (peer === undefined) return false
    if (isAnswered) this.#heard(peer)
    return peer.pending.delete(pending)
  }

  #heard(peer: Peer): void {
    peer.heardMs = this.#clock.nowMs()
    peer.avoidedUntilMs = Number.NEGATIVE_INFINITY
  }

  #lookLater(): void {
    this.#isLooking = true
    this.#clock.after(LOOK_EVERY_MS, () => this.#look())
  }

  #look(): void {
    const nowMs = this.#clock.nowMs()
    let isBusy = false
    for (const [store, peer] of this.#peers) {
      const [oldest] = peer.pending
      if (oldest === undefined) continue
      isBusy = true
      if (!peer.isProbed && nowMs - oldest.sentMs > QUIET_MS && nowMs - peer.heardMs > QUIET_MS)
        this.#probe(store, peer, nowMs)
    }
    this.#isLooking = false
    if (isBusy) this.#lookLater()
  }

  #probe(store: StoreId, peer: Peer, askedMs: number): void {
    peer.isProbed = true
    this.#transport.request(store, PROBE, PROBE_TIMEOUT_MS, (answer) => {
      peer.isProbed = false
      if (typeof answer !== 'string') {
        this.#heard(peer)
      } else if (answer === 'no-answer' && peer.heardMs < askedMs) {
        // Without a connection to the broker (`not-sent`) nothing can be said of the store.
        peer.avoidedUntilMs = this.#clock.nowMs() + AVOIDED_MS
        this.#giveUp(peer, askedMs)
      }
    })
  }

  /** Ends what was sent before the probe. */
  #giveUp(peer: Peer, askedMs: number): void {
    for (const pending of [...peer.pending]) {
      if (pending.sentMs > askedMs) return
      peer.pending.delete(pending)
      pending.done('no-answer')
    }
  }
}
