/** Requests by key, routed to leaders, retried where that is safe: what the gateway and the public client stand on. */
import { type Clock, silentTracer, type Tracer } from '../base/index.ts'
import type { Transport } from '../transport/index.ts'
import { Channel, type LocalStore } from './channel.ts'
import { ClusterView } from './cluster-view.ts'
import { DataRouter } from './data-router.ts'
import { MapRefresher } from './map-refresher.ts'
import type { Router } from './types.ts'

export type { LocalStore } from './channel.ts'
export type {
  AdminRouter,
  BatchItemAnswer,
  CallOptions,
  GetAnswer,
  Router,
  ScanAnswer,
  ScanRequest,
  Served,
  WriteAnswer,
} from './types.ts'

/** `anyStore` names a store to ask while nothing is known; `local` is the store in this process, if there is one. */
export function createRouter(options: {
  readonly clock: Clock
  readonly transport: Transport
  readonly local?: LocalStore
  readonly anyStore: () => string
  readonly close: () => Promise<void>
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer
}): Router {
  const view = new ClusterView()
  const channel = new Channel(options.transport, options.local, options.anyStore)
  const refresher = new MapRefresher(options.clock, view, channel)
  const stats = { calls: 0, attempts: 0, failures: 0 }
  return new DataRouter(
    { clock: options.clock, view, channel, refresher, stats, tracer: options.tracer ?? silentTracer },
    options.close,
  )
}
