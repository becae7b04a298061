/** Traces of stores inside a program: its own choice of a collector, made when it opens them. What `start` does from settings is in tracing. */
import { type Clock, type Random, silentTracer, type Tracer } from '../base/index.ts'
import { openOtlpExporter, RequestTracer } from '../observe/index.ts'
import { FlotillaError } from '../protocol/index.ts'
import { VERSION } from './version.ts'

export interface TracingOptions {
  /** The http address of an OpenTelemetry collector, such as `http://127.0.0.1:4318`; without a path, `/v1/traces` is meant. */
  readonly otlp: string
  /** Which share of the requests is traced whose callers do not trace, 0 to 1, and fifty a second at most; all when absent. */
  readonly ratio?: number
}

export interface EmbeddedTracer {
  readonly tracer: Tracer
  /** Sends what waits. */
  close(): Promise<void>
}

/** Rejects with INVALID_ARGUMENT when the options make no sense, or the packages that send traces are not installed. */
export async function openEmbeddedTracer(
  store: string,
  options: TracingOptions | undefined,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<EmbeddedTracer> {
  if (options === undefined) return { tracer: silentTracer, close: async () => {} }
  const { otlp, ratio = 1 } = options
  if (!(ratio >= 0 && ratio <= 1)) throw refused(`tracing.ratio is a number from 0 to 1, not ${ratio}`)
  if (!isHttpAddress(otlp)) throw refused(`tracing.otlp is the http address of a collector, not ${otlp}`)
  const wallOffsetMs = clock.wallMs() - clock.nowMs()
  try {
    const exporter = await openOtlpExporter({ url: otlp, store, version: VERSION, wallOffsetMs })
    return { tracer: new RequestTracer({ clock, random, exporter, ratio }), close: () => exporter.close() }
  } catch (error) {
    // The packages are optional, and their absence is said with what to install.
    throw refused(error instanceof Error ? error.message : String(error), error)
  }
}

function isHttpAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

function refused(message: string, cause?: unknown): FlotillaError {
  return new FlotillaError({ code: 'INVALID_ARGUMENT', message, outcome: 'none', retryable: false }, { cause })
}
