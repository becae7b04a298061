/**
 * When to look again: soon after something happened in the cluster (the store's events say so), and every few seconds anyway, because this store does
 * not hear of everything. Never while nobody looks.
 */
import type { Client } from '../api/client.ts'
import { follow, type StreamState } from '../api/stream.ts'
import type { World } from '../world.ts'

const AFTER_EVENT_MS = 150
const AT_MOST_EVERY_MS = 700
const ANYWAY_MS = 4_000
/** In a large cluster looking takes long; most of the time shall belong to others. */
const REST_FACTOR = 4
const REST_MS_MAX = 30_000
/** While operators run, their steps are worth seeing. */
const BUSY_MS = 1_200

/** What the console asks may be told too, and must not make it ask again. */
const ABOUT_REQUESTS: ReadonlySet<string> = new Set(['admin_action', 'admin_refused', 'request_failed'])

export class Pulse {
  state: StreamState = 'connecting'
  readonly #world: World
  readonly #beat: () => Promise<boolean>
  readonly #follow: () => () => void
  #stopFollowing: (() => void) | undefined
  #cancelNext: (() => void) | undefined
  #isBeating = false
  #isStopped = false
  #again = false
  #lastMs = 0
  #anywayMs = ANYWAY_MS

  /** `beat` fetches what is shown, and answers whether something is going on. */
  constructor(client: Client, world: World, beat: () => Promise<boolean>, changed: () => void) {
    this.#world = world
    this.#beat = beat
    this.#follow = () =>
      follow(client, world, 'events?format=sse&level=info', {
        take: (messages) => {
          if (messages.some(({ type }) => !ABOUT_REQUESTS.has(type))) this.soon(AFTER_EVENT_MS)
        },
        state: (state) => {
          this.state = state
          changed()
        },
      })
    if (!document.hidden) this.#stopFollowing = this.#follow()
    document.addEventListener('visibilitychange', this.#visible)
    this.soon(0)
  }

  stop(): void {
    this.#isStopped = true
    this.#stopFollowing?.()
    this.#cancelNext?.()
    document.removeEventListener('visibilitychange', this.#visible)
  }

  soon(delayMs: number): void {
    if (this.#isBeating) {
      this.#again = true
      return
    }
    const sinceLastMs = this.#world.nowMs() - this.#lastMs
    this.#schedule(delayMs === 0 ? 0 : Math.max(delayMs, AT_MOST_EVERY_MS - sinceLastMs))
  }

  /** A browser has few connections to one host for all its tabs, so a hidden one gives its stream back. */
  readonly #visible = (): void => {
    this.#stopFollowing?.()
    this.#stopFollowing = document.hidden ? undefined : this.#follow()
    if (!document.hidden) this.soon(0)
  }

  #schedule(delayMs: number): void {
    this.#cancelNext?.()
    this.#cancelNext = this.#world.after(delayMs, () => void this.#run())
  }

  async #run(): Promise<void> {
    // Whoever comes back to the page is shown it anew at once.
    if (document.hidden) return
    this.#isBeating = true
    this.#again = false
    this.#lastMs = this.#world.nowMs()
    try {
      this.#anywayMs = (await this.#beat()) ? BUSY_MS : ANYWAY_MS
    } finally {
      this.#isBeating = false
    }
    if (this.#isStopped) return
    const restMs = Math.min(REST_MS_MAX, REST_FACTOR * (this.#world.nowMs() - this.#lastMs))
    this.#schedule(Math.max(restMs, this.#again ? AT_MOST_EVERY_MS : this.#anywayMs))
  }
}
