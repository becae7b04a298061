/**
 * A store in memory that answers after a service time on the test's clock, one operation after the other per lane, and can be told to
 * stall, refuse, stay silent or lie.
 */
import type { Lane, LaneObserver, Target } from '../../bench/load/index.ts'
import type { VirtualClock } from './virtual-clock.ts'

export interface FakeBehaviour {
  readonly serviceMs: number
  /** No operation completes between these times; those under way complete at its end. */
  readonly stall?: { readonly fromMs: number; readonly toMs: number }
  readonly failWith?: string
  readonly silent?: boolean
  /** What a get returns instead of the current value; `history` is oldest first. */
  readonly lie?: (history: readonly Buffer[]) => Buffer | undefined
}

export class FakeTarget implements Target {
  readonly name = 'fake'
  readonly histories = new Map<string, Buffer[]>()
  operations = 0
  closed = false
  readonly #clock: VirtualClock
  readonly #behaviour: FakeBehaviour

  constructor(clock: VirtualClock, behaviour: FakeBehaviour) {
    this.#clock = clock
    this.#behaviour = behaviour
  }

  async open(lanes: number, observer: LaneObserver): Promise<readonly Lane[]> {
    return Array.from({ length: lanes }, (_, index) => this.#lane(index, observer))
  }

  async close(): Promise<void> {
    this.closed = true
  }

  #lane(index: number, observer: LaneObserver): Lane {
    const { failWith, silent, lie } = this.#behaviour
    const answer = (run: () => void): void => {
      this.operations++
      if (silent === true) return
      this.#clock.after(this.#delayMs(), failWith === undefined ? run : () => observer.failed(index, failWith, 'none'))
    }
    return {
      put: (key, value) =>
        answer(() => {
          this.histories.set(key, [...(this.histories.get(key) ?? []), Buffer.from(value)])
          observer.putDone(index)
        }),
      get: (key) =>
        answer(() => {
          const history = this.histories.get(key) ?? []
          observer.getDone(index, lie === undefined ? history.at(-1) : lie(history))
        }),
      abandon: () => observer.failed(index, 'TIMEOUT', 'unknown'),
    }
  }

  #delayMs(): number {
    const { serviceMs, stall } = this.#behaviour
    const nowMs = this.#clock.nowMs()
    const doneMs = nowMs + serviceMs
    return stall !== undefined && doneMs >= stall.fromMs && doneMs < stall.toMs ? stall.toMs - nowMs : serviceMs
  }
}
