/**
 * How many data requests may be in progress, found from how long they take: when even the fastest of a moment waited too long, there is a queue that does
 * nobody good, and fewer are let in; when they are fast, more are. The signal is CoDel's (Nichols and Jacobson, "Controlling Queue Delay", 2012: the minimum
 * over an interval, which a burst does not raise and a standing queue does); the means is a limit instead of a drop rate, so that who is refused is refused
 * at once. Reads and writes are judged apart, since reads that a store answers alone say nothing about a queue of writes. Arithmetic over a clock: no timers,
 * no requests. Called by admission.
 */
import { assert, type Clock } from '../base/index.ts'

export interface LoadLimits {
  /** The most, and where it begins. */
  readonly inflightMax: number
  /** As many are always let in: so few do not make a queue, and a slow disk must not lock everybody out. */
  readonly inflightMin: number
  /** What the fastest requests of an interval may take. */
  readonly queueDelayMs: number
}

export type LoadKind = 'read' | 'write'

/** No such key, a condition that does not hold, too late: these were served. */
const QUEUED_FAILURES: readonly number[] = [404, 412, 504]
/** Long enough to see some requests end, short enough to react before a second has passed. */
const INTERVAL_MS = 100
/** Fewer say nothing about the others. */
const SAMPLES_MIN = 5
/** One step down never takes more than half, one up adds a tenth and a few. */
const DECREASE_MIN = 0.5
const INCREASE = 1.1
const INCREASE_MIN = 8
/** What ends within a quarter of a second may always be in progress: a cluster that is only slow is not refused what it will have done soon. */
const WORTH_SECONDS = 0.25
/** What the last interval counts for in the rate, against those before it. */
const RATE_WEIGHT = 0.3
/** After as many intervals without a look nothing is known any more, and the limit is the whole again. */
const FORGOTTEN_INTERVALS = 10

export class LoadLimiter {
  readonly #clock: Clock
  readonly #limits: LoadLimits
  readonly #fastestMs: Record<LoadKind, number> = { read: Number.POSITIVE_INFINITY, write: Number.POSITIVE_INFINITY }
  readonly #ended: Record<LoadKind, number> = { read: 0, write: 0 }
  #limit: number
  #inflight = 0
  #refused = 0
  #intervalStartMs: number
  /** How many end in a second; undefined while nothing is known. */
  #rate: number | undefined

  /** `limits` may change while this runs. */
  constructor(clock: Clock, limits: LoadLimits) {
    this.#clock = clock
    this.#limits = limits
    this.#limit = limits.inflightMax
    this.#intervalStartMs = clock.nowMs()
  }

  /** As many may be in progress now. */
  get limit(): number {
    return Math.floor(this.#limit)
  }

  get inflight(): number {
    return this.#inflight
  }

  /** Since the start. */
  get refused(): number {
    return this.#refused
  }

  /** True when one more may begin, which then must `leave`. */
  enter(): boolean {
    this.#look(this.#clock.nowMs())
    if (this.#inflight >= this.limit) {
      this.#refused++
      return false
    }
    this.#inflight++
    return true
  }

  /** One has ended with this HTTP status, `tookMs` after it began. */
  leave(kind: LoadKind, status: number, tookMs: number): void {
    this.withdraw()
    // What is refused for itself never waited in the queue.
    if (status >= 400 && !QUEUED_FAILURES.includes(status)) return
    this.#ended[kind]++
    if (tookMs < this.#fastestMs[kind]) this.#fastestMs[kind] = tookMs
  }

  /** One goes on without counting: a stream is paced by its reader, and may last for days. */
  withdraw(): void {
    assert(this.#inflight > 0, 'more requests left than were let in')
    this.#inflight--
  }

  #look(nowMs: number): void {
    const elapsedMs = nowMs - this.#intervalStartMs
    if (elapsedMs < INTERVAL_MS) return
    this.#intervalStartMs = nowMs
    const { inflightMax, inflightMin, queueDelayMs } = this.#limits
    if (elapsedMs >= FORGOTTEN_INTERVALS * INTERVAL_MS) {
      this.#limit = inflightMax
      this.#rate = undefined
    } else {
      this.#noteRate(((this.#ended.read + this.#ended.write) / elapsedMs) * 1000)
      const delayMs = Math.max(this.#delayMs('read'), this.#delayMs('write'))
      // Nothing ended: nothing is known. What waits is bounded by the limit as it is.
      if (delayMs > queueDelayMs) this.#limit *= Math.max(DECREASE_MIN, queueDelayMs / delayMs)
      else if (delayMs > 0) this.#limit = Math.max(this.#limit * INCREASE, this.#limit + INCREASE_MIN)
    }
    const floor = Math.max(inflightMin, (this.#rate ?? 0) * WORTH_SECONDS)
    this.#limit = Math.min(inflightMax, Math.max(floor, this.#limit))
    for (const kind of ['read', 'write'] as const) {
      this.#fastestMs[kind] = Number.POSITIVE_INFINITY
      this.#ended[kind] = 0
    }
  }

  /** Where nothing ended, the store may only have been held up for a moment: that says nothing of its rate. */
  #noteRate(perSecond: number): void {
    if (perSecond === 0) return
    this.#rate = this.#rate === undefined ? perSecond : this.#rate + (perSecond - this.#rate) * RATE_WEIGHT
  }

  /** What the fastest took, never 0; 0 when too few have ended to tell. */
  #delayMs(kind: LoadKind): number {
    return this.#ended[kind] < SAMPLES_MIN ? 0 : Math.max(this.#fastestMs[kind], Number.MIN_VALUE)
  }
}
