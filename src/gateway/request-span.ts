/**
 * The trace of one HTTP request: takes the caller's `traceparent`, says ours, and tells the span `request` when there is an answer. A valid `traceparent` is answered
 * with one of the same trace whether or not anybody here traces.
 */
import { parseTraceParent, type SpanRecord, type TraceContext } from '../base/index.ts'
import type { Services } from './services.ts'

const SAMPLED = 1
const SERVER_ERROR = 500

export interface RequestSpan {
  readonly context: TraceContext
  readonly parentSpanId: string | undefined
}

/** Adds to the answer's headers. Undefined: this request is not traced. */
export function beginRequestSpan(
  { tracer, nextSpanId }: Services,
  header: string | string[] | undefined,
  answerHeaders: string[],
): RequestSpan | undefined {
  const caller = typeof header === 'string' ? parseTraceParent(header) : undefined
  const isSampled = caller !== undefined && (Number.parseInt(caller.flags, 16) & SAMPLED) !== 0
  const context = tracer.begin(caller === undefined ? undefined : { traceId: caller.traceId, isSampled })
  if (context !== undefined) {
    answerHeaders.push('traceparent', `00-${context.traceId}-${context.spanId}-${caller?.flags ?? '01'}`)
    return { context, parentSpanId: caller?.spanId }
  }
  if (caller !== undefined) answerHeaders.push('traceparent', `00-${caller.traceId}-${nextSpanId()}-${caller.flags}`)
  return undefined
}

/** Names follow OpenTelemetry's conventions for HTTP; keys are the users' and not told. */
export function endRequestSpan(
  { tracer, clock }: Services,
  { context, parentSpanId }: RequestSpan,
  request: { readonly method: string; readonly route: string; readonly requestId: string; readonly startedMs: number },
  status: number,
): void {
  const span: SpanRecord = {
    name: 'request',
    kind: 'server',
    context,
    parentSpanId,
    startMs: request.startedMs,
    endMs: clock.nowMs(),
    attributes: {
      'http.request.method': request.method,
      'http.route': request.route,
      'http.response.status_code': status,
      'flotilla.request_id': request.requestId,
    },
    error: status >= SERVER_ERROR ? `status ${status}` : undefined,
  }
  tracer.record(span)
}
