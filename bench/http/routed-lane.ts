/**
 * A lane that goes straight to leaders: it keeps one connection to each endpoint and sends every operation to the one that leads its key.
 * Like any lane it has one operation in flight. Made by `HttpTarget`.
 */
import type { Lane } from '../load/index.ts'
import type { HttpLane } from './http-lane.ts'
import type { LeaderDirectory } from './leader-directory.ts'

export class RoutedLane implements Lane {
  readonly #lanes: readonly HttpLane[]
  readonly #leaders: LeaderDirectory
  #current: HttpLane

  /** One lane per endpoint, all with this lane's number. */
  constructor(lanes: readonly [HttpLane, ...HttpLane[]], leaders: LeaderDirectory) {
    this.#lanes = lanes
    this.#leaders = leaders
    this.#current = lanes[0]
  }

  async open(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.open()))
  }

  close(): void {
    for (const lane of this.#lanes) lane.close()
  }

  put(key: string, value: Buffer): void {
    this.#turnTo(key).put(key, value)
  }

  get(key: string): void {
    this.#turnTo(key).get(key)
  }

  abandon(): void {
    this.#current.abandon()
  }

  #turnTo(key: string): HttpLane {
    this.#current = this.#lanes[this.#leaders.endpointOf(key)] as HttpLane
    return this.#current
  }
}
