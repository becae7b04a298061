/**
 * The span `request` of a call on a client in the process of a store: it begins where a program asks and ends with the answer, as that of the gateway does for
 * HTTP. While nothing is traced a call costs one look at a flag.
 */
import { type Clock, parseTraceParent, type TraceContext, type Tracer } from '../base/index.ts'

const SAMPLED = 1

export interface ClientTracing {
  readonly tracer: Tracer
  readonly clock: Clock
}

/** Runs `call` with the context of its span, undefined where it is not traced; the name of what failed is told, keys and values are not. */
export async function tracedCall<T>(
  { tracer, clock }: ClientTracing,
  operation: string,
  traceparent: string | undefined,
  call: (trace: TraceContext | undefined) => Promise<T>,
): Promise<T> {
  const caller = traceparent === undefined ? undefined : parseTraceParent(traceparent)
  const isSampled = caller !== undefined && (Number.parseInt(caller.flags, 16) & SAMPLED) !== 0
  const context = tracer.begin(caller === undefined ? undefined : { traceId: caller.traceId, isSampled })
  if (context === undefined) return call(undefined)
  const startMs = clock.nowMs()
  let failure: string | undefined = 'INTERNAL'
  try {
    const result = await call(context)
    failure = undefined
    return result
  } catch (error) {
    // Rejections have a code, which is all that the span tells of them.
    if (error instanceof Error && 'code' in error) failure = String(error.code)
    throw error
  } finally {
    tracer.record({
      name: 'request',
      kind: 'internal',
      context,
      parentSpanId: caller?.spanId,
      startMs,
      endMs: clock.nowMs(),
      attributes: { 'flotilla.operation': operation },
      error: failure,
    })
  }
}
