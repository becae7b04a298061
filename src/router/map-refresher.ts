import type { StoreId } from '../../shard-map/index.ts'
import { type Clock, LIMITS } from '../base/index.ts'
import { FlotillaError } from '../protocol/index.ts'
import type { Channel } from './channel.ts'
import type { ClusterView } from './cluster-view.ts'

/**
 * Fetches the shard map when somebody finds that it is missing or wrong. However many ask, one question is under way; it goes to another
 * store each time, so that one that is down or behind does not matter.
 */
const ATTEMPT_TIMEOUT_MS = 1_000
/** A refresh that just ended serves those who ask right after it, too. */
const FRESH_MS = 20
const RETRY_MS = 20

export class MapRefresher {
  readonly #clock: Clock
  readonly #view: ClusterView
  readonly #channel: Channel
  readonly #waiting = new Set<() => void>()
  #isAsking = false
  #next = 0
  #lastMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, view: ClusterView, channel: Channel) {
    this.#clock = clock
    this.#view = view
    this.#channel = channel
  }

  /**
   * Calls `done` when an attempt has ended, successful or not, and after `patienceMs` at the latest: an attempt that others began may take longer than
   * this caller has.
   */
  refresh(patienceMs: number, done: () => void): void {
    if (!this.#view.isEmpty && this.#clock.nowMs() - this.#lastMs < FRESH_MS) {
      done()
      return
    }
    this.#wait(patienceMs, done)
    if (this.#isAsking) return
    this.#isAsking = true
    this.#channel.request(
      this.#target(),
      { kind: 'map', since: this.#view.map.version },
      ATTEMPT_TIMEOUT_MS,
      (reply) => {
        this.#isAsking = false
        if (typeof reply !== 'string' && reply.kind === 'map') {
          this.#view.learn(reply.map, reply.leaders)
          this.#lastMs = this.#clock.nowMs()
        }
        const waiting = [...this.#waiting]
        this.#waiting.clear()
        for (const run of waiting) run()
      },
    )
  }

  #wait(patienceMs: number, done: () => void): void {
    if (patienceMs >= ATTEMPT_TIMEOUT_MS) {
      this.#waiting.add(done)
      return
    }
    const timer = this.#clock.after(patienceMs, () => {
      if (this.#waiting.delete(run)) done()
    })
    const run = (): void => {
      timer.cancel()
      done()
    }
    this.#waiting.add(run)
  }

  /** Resolves once there is a map; rejects with a FlotillaError when none comes in time. */
  whenKnown(timeoutMs: number = LIMITS.requestTimeoutMsDefault): Promise<void> {
    if (!this.#view.isEmpty) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const deadlineMs = this.#clock.nowMs() + timeoutMs
      const check = (): void => {
        if (!this.#view.isEmpty) {
          resolve()
          return
        }
        const leftMs = deadlineMs - this.#clock.nowMs()
        if (leftMs <= 0) reject(noMap(this.#channel.localId))
        else this.refresh(leftMs, () => this.#clock.after(Math.min(RETRY_MS, leftMs), check))
      }
      check()
    })
  }

  #target(): StoreId {
    const stores = this.#view.allStores
    if (stores.length === 0) return this.#channel.anyStore
    return stores[this.#next++ % stores.length] ?? this.#channel.anyStore
  }
}

/** A store that has no map yet has just started; a client without one reaches no store at all. */
function noMap(localId: StoreId | undefined): FlotillaError {
  const isClient = localId === undefined
  return new FlotillaError({
    code: isClient ? 'UNAVAILABLE' : 'NOT_READY',
    message: isClient ? 'no store of the cluster answers' : `store ${localId} has no shard map yet`,
    outcome: 'none',
    retryable: true,
    hint: isClient
      ? 'are the stores running, on this NATS server and with this cluster id?'
      : 'the placement group must have a leader; see /readyz for the reasons',
  })
}
