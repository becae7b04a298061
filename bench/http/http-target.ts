/** A database behind HTTP endpoints: one connection per lane, connections spread round-robin. Called by the composition of a run. */
import type { Lane, LaneObserver, Target } from '../load/index.ts'
import type { HttpDialect } from './dialect.ts'
import { type HttpEndpoint, HttpLane } from './http-lane.ts'

const READ_BYTES = 64 * 1024

export class HttpTarget implements Target {
  readonly name: string
  readonly #dialect: HttpDialect
  readonly #endpoints: readonly HttpEndpoint[]
  #lanes: readonly HttpLane[] = []

  constructor(dialect: HttpDialect, endpoints: readonly HttpEndpoint[]) {
    this.name = dialect.name
    this.#dialect = dialect
    this.#endpoints = endpoints
  }

  async open(lanes: number, observer: LaneObserver): Promise<readonly Lane[]> {
    const readBuffer = Buffer.allocUnsafe(READ_BYTES)
    this.#lanes = Array.from({ length: lanes }, (_, index) => {
      const endpoint = this.#endpoints[index % this.#endpoints.length] as HttpEndpoint
      return new HttpLane(index, endpoint, this.#dialect, observer, readBuffer)
    })
    try {
      await Promise.all(this.#lanes.map((lane) => lane.open()))
    } catch (error) {
      // Lanes that did connect must not outlive a target that could not be opened.
      await this.close()
      throw error
    }
    return this.#lanes
  }

  async close(): Promise<void> {
    for (const lane of this.#lanes) lane.close()
    this.#lanes = []
  }
}
