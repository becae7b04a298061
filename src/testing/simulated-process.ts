/**
 * One process of a simulation from its start to its death: its clock, its chance, its pauses. A dead process keeps running its promises to
 * their end, as objects do, but nothing it does reaches anybody: every port asks `effect` first. A restart makes a new one.
 */
import type { Clock, Timer } from '../base/index.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { EventOwner, ScheduledEvent, Timeline } from './timeline.ts'

/** How long `soon` takes at most: the rest of a turn. */
const TURN_US_MAX = 40
/** How late a timer fires at most on a machine that is not busy. */
const TIMER_LATE_US_MAX = 900
/** After a pause, timers wait for what the queued messages cause at once: Node polls for input before it looks at its timers. */
const WAKE_TIMERS_AFTER_US = 2 * TURN_US_MAX
/** 2026-01-01, for everybody's wall clock. */
const WALL_START_MS = 1_767_225_600_000

export interface ProcessClockSettings {
  /** Local seconds per million real ones, minus a million: how fast its clock runs. */
  readonly driftPerMillion: number
  /** How far its wall clock is off. */
  readonly wallOffsetMs: number
}

export class SimulatedProcess implements EventOwner {
  readonly name: string
  readonly number: number
  readonly clock: Clock
  readonly random: SeededRandom
  readonly #timeline: Timeline
  readonly #rate: number
  readonly #startUs: number
  readonly #onDeath: (process: SimulatedProcess) => void
  #isAlive = true
  #pausedUntilUs = 0
  #deferred: ScheduledEvent[] = []
  #wallOffsetMs: number
  /** When the latest `soon` is due: they keep their order. */
  #soonUs = 0
  #effectsLeft = Number.POSITIVE_INFINITY

  constructor(
    name: string,
    number: number,
    timeline: Timeline,
    random: SeededRandom,
    settings: ProcessClockSettings,
    onDeath: (process: SimulatedProcess) => void,
  ) {
    this.name = name
    this.number = number
    this.random = random
    this.#timeline = timeline
    this.#rate = 1 + settings.driftPerMillion / 1e6
    this.#wallOffsetMs = settings.wallOffsetMs
    this.#startUs = timeline.nowUs
    this.#onDeath = onDeath
    this.clock = {
      nowMs: () => this.#localMs(),
      wallMs: () => WALL_START_MS + Math.floor(timeline.nowUs / 1000) + this.#wallOffsetMs,
      after: (delayMs, run) => this.#after(delayMs, run),
      soon: (run) => this.soon(run),
    }
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  get pausedUntilUs(): number {
    return this.#pausedUntilUs
  }

  /** Asked by every port before something of this process reaches the world. False once it is dead. */
  effect(): boolean {
    if (!this.#isAlive) return false
    if (--this.#effectsLeft >= 0) return true
    this.#isAlive = false
    this.#onDeath(this)
    return false
  }

  /** It dies right before its next effect but `count`: in the middle of whatever it then does. */
  dieAfterEffects(count: number): void {
    this.#effectsLeft = Math.min(this.#effectsLeft, count)
  }

  /** What would have killed it in the middle of something does not come any more. */
  spare(): void {
    if (this.#isAlive) this.#effectsLeft = Number.POSITIVE_INFINITY
  }

  /** Nothing of it reaches anybody from here on. The one who calls this sees to the disk and the connections. */
  die(): void {
    this.#isAlive = false
    this.#deferred = []
  }

  /** Stops it like SIGSTOP: what arrives waits. */
  pause(durationUs: number): void {
    const until = this.#timeline.nowUs + durationUs
    if (!this.#isAlive || until <= this.#pausedUntilUs) return
    this.#pausedUntilUs = until
    this.#timeline.schedule(durationUs, 'world', undefined, () => this.#wake())
  }

  jumpWallClock(byMs: number): void {
    this.#wallOffsetMs += byMs
  }

  defer(event: ScheduledEvent): void {
    this.#deferred.push(event)
  }

  /** Something from outside: a frame, the end of a write. */
  arrival(delayUs: number, run: () => void, detail = 0): ScheduledEvent {
    return this.#timeline.schedule(delayUs, 'arrival', this, run, detail)
  }

  soon(run: () => void): void {
    const { nowUs } = this.#timeline
    this.#soonUs = Math.max(this.#soonUs, nowUs + this.random.below(TURN_US_MAX))
    this.#timeline.schedule(this.#soonUs - nowUs, 'soon', this, run)
  }

  #wake(): void {
    if (!this.#isAlive || this.#pausedUntilUs > this.#timeline.nowUs) return
    const deferred = this.#deferred
    this.#deferred = []
    // Sequence numbers keep the order within each kind.
    for (const event of deferred) this.#timeline.reschedule(event, event.kind === 'timer' ? WAKE_TIMERS_AFTER_US : 0)
  }

  #localMs(): number {
    return 1000 + ((this.#timeline.nowUs - this.#startUs) / 1000) * this.#rate
  }

  #after(delayMs: number, run: () => void): Timer {
    const delayUs = (Math.max(0, delayMs) * 1000) / this.#rate + this.random.below(TIMER_LATE_US_MAX)
    return this.#timeline.schedule(delayUs, 'timer', this, run)
  }
}
