/**
 * Decides which requests are traced and gives their spans identities; what becomes of ended spans is the exporter's business. A caller that says it traces is
 * followed. Requests of others are traced by a share of them, and never more than a few a second, so that tracing stays cheap however busy the store is.
 */
import type { Clock, Random, SpanRecord, TraceContext, Tracer } from '../../base/index.ts'

/** Takes ended spans; never waits and never fails. */
export interface SpanExporter {
  export(span: SpanRecord): void
  /** Hands over what waits. */
  close(): Promise<void>
}

export interface RequestTracerOptions {
  readonly clock: Clock
  readonly random: Random
  readonly exporter: SpanExporter
  /** Of the requests whose callers do not trace, 0 to 1. */
  readonly ratio: number
}

const OWN_TRACES_PER_SECOND_MAX = 50
const RATIO_STEPS = 1_000_000

export class RequestTracer implements Tracer {
  readonly isOn = true
  readonly #options: RequestTracerOptions
  #secondBeganMs = Number.NEGATIVE_INFINITY
  #begunInSecond = 0

  constructor(options: RequestTracerOptions) {
    this.#options = options
  }

  begin(caller: { readonly traceId: string; readonly isSampled: boolean } | undefined): TraceContext | undefined {
    if (caller !== undefined) return caller.isSampled ? this.#context(caller.traceId) : undefined
    const { random, ratio } = this.#options
    if (ratio <= 0 || random.below(RATIO_STEPS) >= ratio * RATIO_STEPS || this.#isFull()) return undefined
    return this.#context(this.#word() + this.#word() + this.#word() + this.#word())
  }

  child({ traceId }: TraceContext): TraceContext {
    return this.#context(traceId)
  }

  record(span: SpanRecord): void {
    this.#options.exporter.export(span)
  }

  #isFull(): boolean {
    const nowMs = this.#options.clock.nowMs()
    if (nowMs - this.#secondBeganMs >= 1_000) {
      this.#secondBeganMs = nowMs
      this.#begunInSecond = 0
    }
    return ++this.#begunInSecond > OWN_TRACES_PER_SECOND_MAX
  }

  #context(traceId: string): TraceContext {
    return { traceId, spanId: this.#word() + this.#word() }
  }

  /** Eight hex digits, never all zero: identities of zeros mean none. */
  #word(): string {
    return (this.#options.random.below(0xffffffff) + 1).toString(16).padStart(8, '0')
  }
}
