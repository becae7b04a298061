/**
 * One client of a simulated cluster: one operation at a time, through one gateway after the other, with deadlines of its own, and never
 * silent about what it saw. A gateway is the router of a store, or that of a process of its own which is no store.
 */
import type { Key } from '../../shard-map/index.ts'
import type { Router } from '../router/index.ts'
import { expectedError, OPERATION_KINDS, type OperationEnd, type PlannedOperation } from './operations.ts'
import type { Recorder } from './recorder.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { SimulatedProcess } from './simulated-process.ts'
import type { Timeline } from './timeline.ts'

/** Where requests can be handed in. */
export interface Gateway {
  readonly process: SimulatedProcess
  readonly router: Router
}

export interface ClientHooks {
  /** Gateways that run now. */
  gateways(): readonly Gateway[]
  /** For the trace. */
  note(kind: 'invoke' | 'return' | 'lost', client: string, keys: readonly Key[], text: string): void
  fail(message: string, keys: readonly Key[]): void
}

export interface ClientSettings {
  readonly keys: readonly Key[]
  readonly thinkMsMax: number
  readonly timeoutMsMin: number
  readonly timeoutMsMax: number
}

/** How long after its deadline an operation may end: slots of timers, sweeps, drift, the way back. */
const HANG_SLACK_MS = 600
const HANDOVER_US_MAX = 400

interface OpenOperation {
  readonly planned: PlannedOperation
  readonly gateway: Gateway
  readonly calledUs: number
  readonly timeoutMs: number
}

export class SimulatedClient {
  readonly name: string
  readonly #timeline: Timeline
  readonly #random: SeededRandom
  readonly #recorder: Recorder
  readonly #settings: ClientSettings
  readonly #hooks: ClientHooks
  readonly #seen = new Map<Key, number>()
  #open: OpenOperation | undefined
  #gateway: Gateway | undefined
  #values = 0
  #isStopped = false

  constructor(
    name: string,
    timeline: Timeline,
    random: SeededRandom,
    recorder: Recorder,
    settings: ClientSettings,
    hooks: ClientHooks,
  ) {
    this.name = name
    this.#timeline = timeline
    this.#random = random
    this.#recorder = recorder
    this.#settings = settings
    this.#hooks = hooks
  }

  get isIdle(): boolean {
    return this.#open === undefined
  }

  start(): void {
    this.#think()
  }

  /** Begins nothing new. */
  stop(): void {
    this.#isStopped = true
  }

  /** A process died: whoever waited for its answer will never have one. */
  processGone(process: SimulatedProcess): void {
    if (this.#gateway?.process === process) this.#gateway = undefined
    const open = this.#open
    if (open?.gateway.process === process) this.#end(open, { kind: 'lost' })
  }

  #think(): void {
    if (this.#isStopped) return
    const delayMs = this.#random.below(this.#settings.thinkMsMax + 1)
    this.#timeline.schedule(delayMs * 1000 + this.#random.below(1000), 'world', undefined, () => this.#begin())
  }

  #begin(): void {
    if (this.#isStopped) return
    const gateway = this.#chooseGateway()
    if (gateway === undefined) {
      this.#think()
      return
    }
    const random = this.#random
    const planned = this.#draw()
    const { timeoutMsMin, timeoutMsMax } = this.#settings
    const open: OpenOperation = {
      planned,
      gateway,
      calledUs: this.#timeline.nowUs,
      timeoutMs: random.between(timeoutMsMin, timeoutMsMax),
    }
    this.#open = open
    this.#hooks.note('invoke', this.name, planned.keys, planned.text)
    gateway.process.arrival(random.below(HANDOVER_US_MAX), () => this.#perform(open))
    this.#watch(open, open.timeoutMs)
  }

  #perform(open: OpenOperation): void {
    open.planned.perform(open.gateway.router, open.timeoutMs).then(
      (answer) => this.#end(open, { kind: 'answer', answer }),
      (error: unknown) => {
        const expected = expectedError(error)
        if (expected !== undefined) {
          this.#end(open, { kind: 'error', error: expected })
          return
        }
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
        if (open.gateway.process.isAlive)
          this.#hooks.fail(
            `${this.name} was answered with an error that the contract does not know: ${text}`,
            open.planned.keys,
          )
      },
    )
  }

  /** Nothing hangs past its deadline, unless its process sleeps. */
  #watch(open: OpenOperation, waitMs: number): void {
    this.#timeline.schedule((waitMs + HANG_SLACK_MS) * 1000, 'world', undefined, () => {
      if (this.#open !== open) return
      const { process } = open.gateway
      // A process that slept gets the whole time once more.
      const sinceUs = Math.max(open.calledUs, process.pausedUntilUs)
      const leftUs = sinceUs + (open.timeoutMs + HANG_SLACK_MS) * 1000 - this.#timeline.nowUs
      if (leftUs > 0) {
        this.#watch(open, leftUs / 1000)
        return
      }
      this.#hooks.fail(
        `${this.name} waits for "${open.planned.text}" on ${process.name} since ${open.calledUs / 1000} ms, with a deadline of ${open.timeoutMs} ms`,
        open.planned.keys,
      )
    })
  }

  #end(open: OpenOperation, end: OperationEnd): void {
    if (this.#open !== open) return
    this.#open = undefined
    const { planned, gateway } = open
    // A dead process answers nobody.
    const ending: OperationEnd = gateway.process.isAlive ? end : { kind: 'lost' }
    const { counts, kinds } = this.#recorder
    if (ending.kind === 'answer') {
      counts.done++
      kinds.set(planned.kind, (kinds.get(planned.kind) ?? 0) + 1)
    } else if (ending.kind === 'lost' || ending.error.outcome === 'unknown') counts.unknown++
    else if (ending.error.code === 'PRECONDITION_FAILED') counts.refused++
    else counts.none++
    planned.ended(this.#recorder, { calledMs: open.calledUs / 1000, returnedMs: this.#timeline.nowUs / 1000 }, ending)
    const shown =
      ending.kind === 'error'
        ? `${ending.error.code} (${ending.error.outcome})`
        : ending.kind === 'answer'
          ? 'done'
          : 'lost'
    this.#hooks.note(ending.kind === 'lost' ? 'lost' : 'return', this.name, planned.keys, `${planned.text}: ${shown}`)
    // Whoever was let down tries another gateway.
    if (ending.kind !== 'answer' && this.#random.chance(600)) this.#gateway = undefined
    this.#think()
  }

  #chooseGateway(): Gateway | undefined {
    const gateways = this.#hooks.gateways()
    const present = gateways.find((each) => each.process === this.#gateway?.process)
    this.#gateway = present !== undefined && !this.#random.chance(30) ? present : this.#random.pick(gateways)
    return this.#gateway
  }

  #draw(): PlannedOperation {
    const random = this.#random
    let roll = random.below(TOTAL_WEIGHT)
    const kind = OPERATION_KINDS.find(({ weight }) => {
      roll -= weight
      return roll < 0
    })
    const context = {
      client: this.name,
      keys: this.#settings.keys,
      random,
      seen: this.#seen,
      newValue: () => `${this.name}.${++this.#values}`,
      newBatch: () => `${this.name}.b${++this.#values}`,
    }
    return (kind ?? (OPERATION_KINDS[0] as (typeof OPERATION_KINDS)[number])).draw(context)
  }
}

const TOTAL_WEIGHT = OPERATION_KINDS.reduce((sum, { weight }) => sum + weight, 0)
