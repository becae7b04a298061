/**
 * A database behind HTTP endpoints. Without a directory of leaders a lane is one connection, and lanes are spread round-robin over the
 * endpoints; with one, every operation goes straight to the endpoint that leads its key. Called by the composition of a run.
 */
import type { Lane, LaneObserver, Target } from '../load/index.ts'
import type { HttpDialect } from './dialect.ts'
import { type HttpEndpoint, HttpLane } from './http-lane.ts'
import type { LeaderDirectory } from './leader-directory.ts'
import { RoutedLane } from './routed-lane.ts'

const READ_BYTES = 64 * 1024
const REFRESH_INTERVAL_MS = 500

export class HttpTarget implements Target {
  readonly name: string
  readonly #dialect: HttpDialect
  readonly #endpoints: readonly HttpEndpoint[]
  readonly #leaders: LeaderDirectory | undefined
  #lanes: readonly (HttpLane | RoutedLane)[] = []
  #refreshing: NodeJS.Timeout | undefined

  constructor(dialect: HttpDialect, endpoints: readonly HttpEndpoint[], leaders?: LeaderDirectory) {
    this.name = dialect.name
    this.#dialect = dialect
    this.#endpoints = endpoints
    this.#leaders = leaders
  }

  async open(lanes: number, observer: LaneObserver): Promise<readonly Lane[]> {
    const leaders = this.#leaders
    const readBuffer = Buffer.allocUnsafe(READ_BYTES)
    const open = (index: number, endpoint: HttpEndpoint): HttpLane =>
      new HttpLane(index, endpoint, this.#dialect, observer, readBuffer)
    this.#lanes = Array.from({ length: lanes }, (_, index) => {
      if (leaders === undefined) return open(index, this.#endpoints[index % this.#endpoints.length] as HttpEndpoint)
      const [first, ...others] = this.#endpoints
      return new RoutedLane(
        [open(index, first as HttpEndpoint), ...others.map((endpoint) => open(index, endpoint))],
        leaders,
      )
    })
    try {
      await leaders?.refresh()
      await Promise.all(this.#lanes.map((lane) => lane.open()))
    } catch (error) {
      // Lanes that did connect must not outlive a target that could not be opened.
      await this.close()
      throw error
    }
    if (leaders !== undefined) this.#keepFresh(leaders)
    return this.#lanes
  }

  async close(): Promise<void> {
    clearTimeout(this.#refreshing)
    for (const lane of this.#lanes) lane.close()
    this.#lanes = []
  }

  /** Leaders move; an operation that goes to yesterday's is forwarded there, so a late refresh costs time and no errors. */
  #keepFresh(leaders: LeaderDirectory): void {
    this.#refreshing = setTimeout(() => {
      leaders.refresh().then(
        () => this.#again(leaders),
        // Nobody answered: what is known stays the best guess, and the lanes count the errors.
        () => this.#again(leaders),
      )
    }, REFRESH_INTERVAL_MS)
  }

  #again(leaders: LeaderDirectory): void {
    if (this.#lanes.length > 0) this.#keepFresh(leaders)
  }
}
