/**
 * What every exchange of one gateway shares.
 */
import type { Clock, EventSink, Logger, Tracer } from '../base/index.ts'
import type { Router } from '../router/index.ts'
import type { GatewayLimits, GatewayMetrics } from './options.ts'

export interface Services {
  readonly router: Router
  readonly storeId: string
  readonly clock: Clock
  readonly logger: Logger
  readonly events: EventSink
  readonly tracer: Tracer
  readonly limits: GatewayLimits
  readonly metrics: GatewayMetrics | undefined
  readonly nextRequestId: () => string
  /** Sixteen hex digits, not all zero. */
  readonly nextSpanId: () => string
  readonly isDraining: () => boolean
}
