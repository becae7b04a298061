/** One attempt of a call that is traced: the request takes the span along, and the span `route` says how it ended. */
import type { StoreId } from '../../shard-map/index.ts'
import type { TraceContext } from '../base/index.ts'
import { type Reply, type Request, withTrace } from '../protocol/index.ts'
import type { RequestFailure } from '../transport/index.ts'
import type { RoutingContext } from './routed-call.ts'

interface TracedRequest {
  readonly store: StoreId
  readonly request: Request
  readonly timeoutMs: number
  readonly trace: TraceContext
  /** From 1. */
  readonly attempt: number
}

export function requestTraced(
  { channel, clock, tracer }: Pick<RoutingContext, 'channel' | 'clock' | 'tracer'>,
  { store, request, timeoutMs, trace, attempt }: TracedRequest,
  done: (reply: Reply | RequestFailure) => void,
): void {
  const context = tracer.child(trace)
  const startMs = clock.nowMs()
  channel.request(store, withTrace(request, context), timeoutMs, (reply) => {
    tracer.record({
      name: 'route',
      kind: 'client',
      context,
      parentSpanId: trace.spanId,
      startMs,
      endMs: clock.nowMs(),
      attributes: { 'flotilla.to': store, 'flotilla.attempt': attempt, 'flotilla.request': request.kind },
      error: errorOf(reply),
    })
    done(reply)
  })
}

function errorOf(reply: Reply | RequestFailure): string | undefined {
  if (typeof reply === 'string') return reply
  return reply.kind === 'error' ? reply.error.code : undefined
}
