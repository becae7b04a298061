/**
 * Sends spans to a collector as OTLP over HTTP, with OpenTelemetry's own libraries. They are loaded here, when somebody wants traces, and nowhere else; batching,
 * retries and the bound on what waits are theirs.
 */
import type { SpanRecord } from '../../base/index.ts'
import type { SpanExporter } from './request-tracer.ts'

export interface OtlpOptions {
  /** Of the collector, such as `http://127.0.0.1:4318`; without a path, `/v1/traces` is meant. */
  readonly url: string
  readonly store: string
  readonly version: string
  /** What is added to the clock of spans to get milliseconds since 1970. */
  readonly wallOffsetMs: number
}

const TRACES_PATH = '/v1/traces'
const EXPORT_EVERY_MS = 1_000
const EXPORT_TIMEOUT_MS = 5_000
/** Then spans are lost; the traced requests of some seconds. */
const QUEUE_MAX = 4_096
/** Of OpenTelemetry's API: the numbers are its protocol. */
const KINDS = { internal: 0, server: 1, client: 2 } as const
const STATUS_UNSET = 0
const STATUS_ERROR = 2
const SAMPLED = 1

const NEEDED = ['api', 'exporter-trace-otlp-http', 'resources', 'sdk-trace'].map((name) => `@opentelemetry/${name}`)

/** Rejects with what to install when the libraries are not there. */
export async function openOtlpExporter(options: OtlpOptions): Promise<SpanExporter> {
  const { BatchSpanProcessor, OTLPTraceExporter, resourceFromAttributes } = await loadLibraries()
  const processor = new BatchSpanProcessor({
    exporter: new OTLPTraceExporter({ url: tracesUrl(options.url), timeoutMillis: EXPORT_TIMEOUT_MS }),
    maxQueueSize: QUEUE_MAX,
    scheduledDelayMillis: EXPORT_EVERY_MS,
    exportTimeoutMillis: EXPORT_TIMEOUT_MS,
  })
  const resource = resourceFromAttributes({
    'service.name': 'flotilla',
    'service.version': options.version,
    'service.instance.id': options.store,
  })
  const instrumentationScope = { name: 'flotilla', version: options.version }
  const time = (ms: number): [number, number] => {
    const wallMs = ms + options.wallOffsetMs
    const seconds = Math.floor(wallMs / 1000)
    return [seconds, Math.min(999_999_999, Math.round((wallMs - seconds * 1000) * 1e6))]
  }
  const duration = (ms: number): [number, number] => [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)]
  const contextOf = ({ traceId }: SpanRecord['context'], spanId: string) => ({ traceId, spanId, traceFlags: SAMPLED })
  return {
    export({ name, kind, context, parentSpanId, startMs, endMs, attributes, error }) {
      processor.onEnd({
        name,
        kind: KINDS[kind],
        spanContext: () => contextOf(context, context.spanId),
        ...(parentSpanId === undefined ? {} : { parentSpanContext: contextOf(context, parentSpanId) }),
        startTime: time(startMs),
        endTime: time(Math.max(startMs, endMs)),
        status: error === undefined ? { code: STATUS_UNSET } : { code: STATUS_ERROR, message: error },
        attributes: { ...attributes, 'flotilla.store': options.store },
        links: [],
        events: [],
        duration: duration(Math.max(0, endMs - startMs)),
        ended: true,
        resource,
        instrumentationScope,
        droppedAttributesCount: 0,
        droppedEventsCount: 0,
        droppedLinksCount: 0,
      })
    },
    close: () =>
      processor.shutdown().catch(() => {
        // The collector is not there; that must not keep a store from stopping.
      }),
  }
}

async function loadLibraries() {
  try {
    const [{ OTLPTraceExporter }, { BatchSpanProcessor }, { resourceFromAttributes }] = await Promise.all([
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/resources'),
    ])
    return { OTLPTraceExporter, BatchSpanProcessor, resourceFromAttributes }
  } catch (error) {
    // They are optional: most stores run without.
    throw new Error(`tracing needs packages that are not installed: npm install ${NEEDED.join(' ')}`, {
      cause: error,
    })
  }
}

function tracesUrl(text: string): string {
  const url = new URL(text)
  if (!url.pathname.endsWith(TRACES_PATH)) url.pathname = url.pathname.replace(/\/*$/, TRACES_PATH)
  return url.href
}
