/**
 * The port for traces: what one request did where, as spans of a trace (W3C Trace Context, OpenTelemetry). Only requests that are traced have a context, and
 * whoever has none does nothing here: while tracing is off, no object exists for it. Spans are told when they have ended, with times on the own clock.
 */
export interface TraceContext {
  /** 32 hex digits. */
  readonly traceId: string
  /** 16 hex digits: the span that what comes next belongs to. */
  readonly spanId: string
}

/**
 * request: at the gateway. route: one attempt of the router. propose: until the leader proposed the write. append: until a store's log had it durably.
 * replicate: until a follower said so. read_index: until a quorum confirmed the leader. apply and read: the state machine and the data.
 */
export type SpanName = 'request' | 'route' | 'propose' | 'append' | 'replicate' | 'apply' | 'read_index' | 'read'

export interface SpanRecord {
  readonly name: SpanName
  readonly kind: 'server' | 'client' | 'internal'
  /** Its own. */
  readonly context: TraceContext
  readonly parentSpanId: string | undefined
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Readonly<Record<string, string | number>>
  /** Absent: it went well. */
  readonly error?: string | undefined
}

export interface Tracer {
  /** Whether requests may be traced now. */
  readonly isOn: boolean
  /** The context of a request that comes in, if it is to be traced; `caller` is where it says that it comes from. */
  begin(caller: { readonly traceId: string; readonly isSampled: boolean } | undefined): TraceContext | undefined
  /** The context of something that this span causes. */
  child(parent: TraceContext): TraceContext
  record(span: SpanRecord): void
}

export const silentTracer: Tracer = {
  isOn: false,
  begin: () => undefined,
  child: (parent) => parent,
  record() {},
}
