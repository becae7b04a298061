/**
 * Operators this gateway started, for as long as it runs: changes that take more than one answer. Bounded; the oldest finished ones are
 * forgotten first. Operators of other gateways and of the placement driver are not in here.
 */
import type { Clock, EventSink } from '../base/index.ts'
import type { FlotillaError } from '../protocol/index.ts'
import { refusal } from './failures.ts'

const FINISHED_MAX = 200

export type OperatorState = 'running' | 'finished' | 'failed' | 'cancelled'

interface Step {
  readonly what: string
  readonly state: 'waiting' | 'running' | 'done' | 'failed'
  readonly startedAt?: string
  readonly endedAt?: string
}

export interface OperatorShape {
  readonly id: string | null
  readonly kind: string
  readonly shard: number
  readonly state: OperatorState
  readonly reason: string
  readonly steps: readonly Step[]
  readonly createdAt: string
  readonly endedAt: string | null
  readonly error: string | null
}

/** What an operator will do; `run` ends when it is done, or rejects. */
export interface OperatorPlan {
  readonly kind: string
  readonly shard: number
  readonly reason: string
  readonly step: string
  run(signal: AbortSignal): Promise<void>
}

interface Entry {
  shape: OperatorShape
  readonly abort: AbortController
  readonly ended: Promise<void>
}

export class OperatorList {
  readonly #clock: Clock
  readonly #events: EventSink
  readonly #idBeginning: string
  readonly #entries = new Map<string, Entry>()
  #count = 0

  /** `idBeginning` keeps the ids of different gateways and runs apart. */
  constructor(clock: Clock, events: EventSink, idBeginning: string) {
    this.#clock = clock
    this.#events = events
    this.#idBeginning = idBeginning
  }

  get running(): number {
    return this.list().filter((operator) => operator.state === 'running').length
  }

  /** Newest first. */
  list(): OperatorShape[] {
    return [...this.#entries.values()].map((entry) => entry.shape).reverse()
  }

  get(id: string): OperatorShape {
    return this.#entry(id).shape
  }

  /** What `start` would begin. */
  preview(plan: OperatorPlan): OperatorShape {
    this.#refuseConflict(plan)
    return {
      id: null,
      kind: plan.kind,
      shard: plan.shard,
      state: 'running',
      reason: plan.reason,
      steps: [{ what: plan.step, state: 'waiting' }],
      createdAt: this.#now(),
      endedAt: null,
      error: null,
    }
  }

  /** Throws OPERATOR_CONFLICT while another operator changes the shard. */
  start(plan: OperatorPlan): OperatorShape & { readonly id: string } {
    const preview = this.preview(plan)
    const id = `${this.#idBeginning}-${++this.#count}`
    const shape = {
      ...preview,
      id,
      steps: [{ what: plan.step, state: 'running', startedAt: preview.createdAt } as const],
    }
    const abort = new AbortController()
    const ended = plan.run(abort.signal).then(
      () => this.#end(id, 'finished', null),
      // Whatever stopped it is the operator's outcome, and shown as such.
      (error: FlotillaError) => this.#end(id, 'failed', error.message),
    )
    this.#entries.set(id, { shape, abort, ended })
    this.#forget()
    this.#events.emit({ type: 'operator_started', group: plan.shard, data: { id, kind: plan.kind } })
    return shape
  }

  /** Resolves when the operator has ended or `waitMs` have passed, with its state then. */
  async wait(id: string, waitMs: number): Promise<OperatorShape> {
    const entry = this.#entry(id)
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(waitMs, resolve)
      void entry.ended.then(() => {
        timer.cancel()
        resolve()
      })
    })
    return entry.shape
  }

  /** Gives up waiting for the operator's end; throws OPERATOR_CONFLICT when it has one. */
  cancel(id: string): OperatorShape {
    const entry = this.#entry(id)
    if (entry.shape.state !== 'running') {
      throw refusal('OPERATOR_CONFLICT', `operator ${id} has ${entry.shape.state} already`)
    }
    this.#end(id, 'cancelled', null)
    entry.abort.abort()
    return entry.shape
  }

  cancelAll(): void {
    for (const [id, entry] of this.#entries) if (entry.shape.state === 'running') this.cancel(id)
  }

  #end(id: string, state: OperatorState, error: string | null): void {
    const entry = this.#entry(id)
    if (entry.shape.state !== 'running') return
    const endedAt = this.#now()
    const stepState = state === 'finished' ? 'done' : 'failed'
    const steps = entry.shape.steps.map((step) => ({ ...step, state: stepState, endedAt }) as const)
    entry.shape = { ...entry.shape, state, steps, endedAt, error }
    const { kind, shard } = entry.shape
    const data = { id, kind, state, ...(error === null ? {} : { error }) }
    this.#events.emit({ type: 'operator_finished', group: shard, data })
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id)
    if (entry === undefined) {
      throw refusal('OPERATOR_NOT_FOUND', 'this store knows no such operator', 'Ask the store that started it.')
    }
    return entry
  }

  #refuseConflict(plan: OperatorPlan): void {
    const rival = this.list().find((operator) => operator.shard === plan.shard && operator.state === 'running')
    if (rival === undefined) return
    throw refusal(
      'OPERATOR_CONFLICT',
      `operator ${rival.id} (${rival.kind}) is changing shard ${plan.shard}`,
      'Wait for it or cancel it.',
    )
  }

  #forget(): void {
    let excess = this.#entries.size - FINISHED_MAX
    for (const [id, entry] of this.#entries) {
      if (excess <= 0) return
      if (entry.shape.state === 'running') continue
      this.#entries.delete(id)
      excess--
    }
  }

  #now(): string {
    return new Date(this.#clock.wallMs()).toISOString()
  }
}
