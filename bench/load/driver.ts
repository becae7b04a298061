/**
 * Runs one load: keeps every lane busy (closed loop) or starts operations by a timetable (open loop), checks what comes back, measures.
 * Knows no protocol and opens no socket; a `Target` does. Called by `bench run`, by `compare` and by the tests, each with their clock.
 *
 * Nothing here allocates per operation except the ledger's note of a write, since the generator takes its cycles from the servers it
 * measures.
 */
import { assert, type Clock, type Timer } from '../../src/base/index.ts'
import type { KeySpace } from './key-space.ts'
import type { Ledger, ReadTicket, WriteOutcome } from './ledger.ts'
import type { OperationSource } from './operation-source.ts'
import { type LoadResult, ResultRecorder } from './result.ts'
import { Schedule } from './schedule.ts'
import type { Lane, LaneObserver, Target } from './target.ts'
import type { ValueCodec } from './value.ts'

export interface LoadOptions {
  readonly lanes: number
  readonly source: OperationSource
  readonly keys: KeySpace
  readonly values: ValueCodec
  /** Judges the reads. Hand the same one to all runs on the same data. */
  readonly ledger: Ledger
  readonly warmUpMs: number
  readonly durationMs: number
  /** Operations per second of an open loop; undefined is a closed loop. */
  readonly ratePerSecond?: number | undefined
  /** Ends the run after this many operations, if that comes before `durationMs`. */
  readonly operationsMax?: number | undefined
  /** An operation unanswered for this long counts as an error with an unknown outcome. */
  readonly timeoutMs: number
  readonly clock: Clock
  /** Processor time of this process so far, in milliseconds. */
  readonly cpuMs?: (() => number) | undefined
  /** Called when the measured window begins and when it ends. */
  readonly onWindow?: ((edge: 'start' | 'end') => void) | undefined
}

/** A lane rests after a failure, so that a dead server is not asked a hundred thousand times a second. */
const REST_MS = 20
const SWEEP_INTERVAL_MS = 50
/**
 * Timers wake up to a millisecond late, sometimes two. Where a lane stood ready, that much lateness is the generator's and not the
 * servers', so it is not charged to them; any more is.
 */
const TIMER_LATENESS_MS_MAX = 2

interface LaneState {
  readonly index: number
  readonly ticket: ReadTicket
  buffer: Buffer
  busy: boolean
  isGet: boolean
  key: number
  write: number
  /** Latency counts from here: the start in a closed loop, the due time in an open one. */
  countedFromMs: number
  sentMs: number
}

/** Runs `options` against `target`, which it opens and closes. Rejects only when the target cannot be opened. */
export async function runLoad(target: Target, options: LoadOptions): Promise<LoadResult> {
  const driver = new LoadDriver(options)
  const lanes = await target.open(options.lanes, driver)
  try {
    return await driver.run(lanes)
  } finally {
    await target.close()
  }
}

class LoadDriver implements LaneObserver {
  readonly #options: LoadOptions
  readonly #clock: Clock
  readonly #states: readonly LaneState[]
  readonly #recorder: ResultRecorder
  readonly #idle: LaneState[] = []
  readonly #operationsMax: number
  #lanes: readonly Lane[] = []
  #schedule: Schedule | undefined
  #pumpTimer: Timer | undefined
  #sweepTimer: Timer | undefined
  #windowStartMs = 0
  #windowEndMs = 0
  #started = 0
  #busy = 0
  #resting = 0
  #stopped = false
  /** Open loop: the last look at the timetable left no lane free, so whatever is late now is late because of the servers. */
  #starved = false
  #cpuAtStartMs: number | undefined
  #cpuAtEndMs: number | undefined
  #finish: ((result: LoadResult) => void) | undefined

  constructor(options: LoadOptions) {
    assert(options.lanes >= 1, `${options.lanes} lanes cannot carry anything`)
    this.#options = options
    this.#clock = options.clock
    this.#recorder = new ResultRecorder(options.durationMs)
    this.#operationsMax = options.operationsMax ?? Number.POSITIVE_INFINITY
    this.#states = Array.from({ length: options.lanes }, (_, index) => ({
      index,
      ticket: { floor: 0, overlapping: undefined },
      buffer: options.values.createBuffer(),
      busy: false,
      isGet: false,
      key: 0,
      write: 0,
      countedFromMs: 0,
      sentMs: 0,
    }))
  }

  run(lanes: readonly Lane[]): Promise<LoadResult> {
    assert(lanes.length === this.#states.length, `${lanes.length} lanes opened, ${this.#states.length} wanted`)
    this.#lanes = lanes
    const { warmUpMs, durationMs, ratePerSecond } = this.#options
    const nowMs = this.#clock.nowMs()
    this.#windowStartMs = nowMs + warmUpMs
    this.#windowEndMs = this.#windowStartMs + durationMs
    if (ratePerSecond !== undefined) this.#schedule = new Schedule(nowMs, ratePerSecond)
    const finished = new Promise<LoadResult>((resolve) => {
      this.#finish = resolve
    })
    if (warmUpMs === 0) this.#beginWindow()
    else this.#clock.after(warmUpMs, () => this.#beginWindow())
    this.#armSweep()
    for (const state of this.#states) this.#release(state, nowMs)
    return finished
  }

  putDone(lane: number): void {
    const nowMs = this.#clock.nowMs()
    const state = this.#settle(lane)
    this.#options.ledger.writeSettled(state.key, state.write, 'applied')
    this.#succeeded(state, nowMs)
    this.#release(state, nowMs)
  }

  getDone(lane: number, value: Uint8Array | undefined): void {
    const nowMs = this.#clock.nowMs()
    const state = this.#settle(lane)
    const read = value === undefined ? undefined : this.#options.values.read(value)
    const verdict = this.#options.ledger.readSettled(state.key, state.ticket, read)
    if (verdict !== 'ok') this.#recorder.violations[verdict]++
    if (value === undefined && nowMs >= this.#windowStartMs) this.#recorder.absent++
    this.#succeeded(state, nowMs)
    this.#release(state, nowMs)
  }

  failed(lane: number, code: string, outcome: WriteOutcome): void {
    const nowMs = this.#clock.nowMs()
    const state = this.#settle(lane)
    if (!state.isGet) {
      this.#options.ledger.writeSettled(state.key, state.write, outcome)
      // The target may still hold the bytes of a write it gave up on.
      state.buffer = this.#options.values.createBuffer()
    }
    if (nowMs >= this.#windowStartMs) this.#recorder.failed(code, nowMs - state.sentMs)
    this.#resting++
    this.#clock.after(REST_MS, () => {
      this.#resting--
      this.#release(state, this.#clock.nowMs())
    })
  }

  #settle(lane: number): LaneState {
    const state = this.#states[lane]
    assert(state?.busy, `lane ${lane} settled an operation that it does not have`)
    state.busy = false
    this.#busy--
    return state
  }

  #succeeded(state: LaneState, nowMs: number): void {
    if (nowMs < this.#windowStartMs) return
    this.#recorder.succeeded(
      state.isGet,
      nowMs - state.countedFromMs,
      nowMs - this.#windowStartMs,
      nowMs - state.sentMs,
    )
  }

  /** The lane is free: gives it its next operation, or ends the run when it was the last one. */
  #release(state: LaneState, nowMs: number): void {
    if (nowMs >= this.#windowEndMs) this.#stop(this.#windowEndMs)
    else if (this.#started >= this.#operationsMax && this.#busy === 0 && this.#resting === 0) this.#stop(nowMs)
    if (this.#stopped) {
      this.#finishWhenIdle()
    } else if (this.#schedule === undefined) {
      if (this.#started < this.#operationsMax) this.#launch(state, nowMs, nowMs)
    } else {
      this.#idle.push(state)
      this.#pump(this.#schedule, nowMs)
    }
  }

  #launch(state: LaneState, countedFromMs: number, nowMs: number): void {
    const { source, ledger, keys, values } = this.#options
    const lane = this.#lanes[state.index] as Lane
    const key = source.nextKey()
    state.key = key
    state.isGet = source.nextIsGet()
    state.countedFromMs = countedFromMs
    state.sentMs = nowMs
    state.busy = true
    this.#busy++
    this.#started++
    if (state.isGet) {
      ledger.readStarted(key, state.ticket)
      lane.get(keys.text(key))
    } else {
      state.write = ledger.writeStarted(key)
      values.write(state.buffer, key, state.write)
      lane.put(keys.text(key), state.buffer)
    }
  }

  /** Open loop: starts what is due as far as lanes are free, then sleeps until the next is. */
  #pump(schedule: Schedule, nowMs: number): void {
    while (this.#idle.length > 0 && schedule.isDue(nowMs) && this.#started < this.#operationsMax) {
      const dueMs = schedule.take()
      const timerIsToBlame = !this.#starved && nowMs - dueMs <= TIMER_LATENESS_MS_MAX
      this.#launch(this.#idle.pop() as LaneState, timerIsToBlame ? nowMs : dueMs, nowMs)
    }
    this.#starved = this.#idle.length === 0
    if (this.#starved || this.#pumpTimer !== undefined) return
    this.#pumpTimer = this.#clock.after(Math.max(0, schedule.nextDueMs() - nowMs), () => {
      this.#pumpTimer = undefined
      if (!this.#stopped) this.#pump(schedule, this.#clock.nowMs())
    })
  }

  #beginWindow(): void {
    this.#cpuAtStartMs = this.#options.cpuMs?.()
    this.#options.onWindow?.('start')
  }

  #stop(nowMs: number): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#windowEndMs = nowMs
    this.#cpuAtEndMs = this.#options.cpuMs?.()
    this.#options.onWindow?.('end')
    this.#pumpTimer?.cancel()
    this.#countUnstarted(nowMs)
  }

  /** What was due and never found a lane has waited at least until now; leaving it out would flatter the percentiles. */
  #countUnstarted(nowMs: number): void {
    const schedule = this.#schedule
    if (schedule === undefined || this.#operationsMax !== Number.POSITIVE_INFINITY) return
    while (this.#starved && schedule.isDue(nowMs)) {
      const waitedMs = nowMs - schedule.take()
      const recorder = this.#options.source.nextIsGet() ? this.#recorder.get : this.#recorder.put
      recorder.record(waitedMs)
      this.#recorder.unstarted++
    }
  }

  #finishWhenIdle(): void {
    if (this.#busy > 0 || this.#resting > 0 || this.#finish === undefined) return
    const finish = this.#finish
    this.#finish = undefined
    this.#sweepTimer?.cancel()
    const cpuMs =
      this.#cpuAtStartMs === undefined || this.#cpuAtEndMs === undefined
        ? undefined
        : this.#cpuAtEndMs - this.#cpuAtStartMs
    finish(this.#recorder.result((this.#windowEndMs - this.#windowStartMs) / 1000, cpuMs))
  }

  /** One timer for all lanes instead of one per operation: finds what timed out, and notices the end when nothing settles. */
  #armSweep(): void {
    this.#sweepTimer = this.#clock.after(SWEEP_INTERVAL_MS, () => {
      const nowMs = this.#clock.nowMs()
      this.#armSweep()
      for (const state of this.#states) {
        if (state.busy && nowMs - state.sentMs >= this.#options.timeoutMs) this.#lanes[state.index]?.abandon()
      }
      if (nowMs >= this.#windowEndMs) {
        this.#stop(this.#windowEndMs)
        this.#finishWhenIdle()
      }
    })
  }
}
