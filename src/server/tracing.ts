/** The traces of a store process, as its settings want them now: none, or to a collector. */
import {
  type Clock,
  type Logger,
  type Random,
  type SpanRecord,
  silentTracer,
  type TraceContext,
  type Tracer,
} from '../base/index.ts'
import { openOtlpExporter, RequestTracer, type SpanExporter } from '../observe/index.ts'
import type { Config } from './config/index.ts'
import { VERSION } from './version.ts'

export class Tracing implements Tracer {
  readonly #clock: Clock
  readonly #random: Random
  readonly #logger: Logger
  #tracer: Tracer = silentTracer
  #exporter: SpanExporter | undefined
  #setting = ''
  #changing: Promise<void> = Promise.resolve()

  constructor(clock: Clock, random: Random, logger: Logger) {
    this.#clock = clock
    this.#random = random
    this.#logger = logger
  }

  get isOn(): boolean {
    return this.#tracer.isOn
  }

  begin(caller: Parameters<Tracer['begin']>[0]): TraceContext | undefined {
    return this.#tracer.begin(caller)
  }

  child(parent: TraceContext): TraceContext {
    return this.#tracer.child(parent)
  }

  record(span: SpanRecord): void {
    this.#tracer.record(span)
  }

  /** Rejects with what to install when the libraries for it are not there; nothing is traced then. */
  configure(config: Config): Promise<void> {
    const change = this.#changing.then(() => this.#change(config))
    this.#changing = change.catch((error: unknown) => {
      this.#logger.log('error', error instanceof Error ? error.message : String(error))
    })
    return change
  }

  /** Sends what waits. */
  async close(): Promise<void> {
    await this.#changing
    await this.#end()
  }

  async #change({ store, observability }: Config): Promise<void> {
    const { otlp, ratio } = observability.tracing
    const setting = `${otlp} ${ratio}`
    if (setting === this.#setting) return
    await this.#end()
    this.#setting = setting
    if (otlp === null) return
    const wallOffsetMs = this.#clock.wallMs() - this.#clock.nowMs()
    const exporter = await openOtlpExporter({ url: otlp, store: store.id, version: VERSION, wallOffsetMs })
    this.#exporter = exporter
    this.#tracer = new RequestTracer({ clock: this.#clock, random: this.#random, exporter, ratio })
  }

  async #end(): Promise<void> {
    const exporter = this.#exporter
    this.#tracer = silentTracer
    this.#exporter = undefined
    this.#setting = ''
    await exporter?.close()
  }
}
