/**
 * What a gateway is made of: the ports it stands on and the limits it keeps. Its owner, a composition root, fills them in.
 */
import type { Clock, EventSink, Logger, Random, Tracer } from '../base/index.ts'
import type { Router } from '../router/index.ts'
import type { AccessToken } from './access.ts'
import type { DebugPort } from './debug-port.ts'
import type { EventsPort, RpcLogPort } from './history-port.ts'
import type { SettingsPort } from './settings-port.ts'

/** Whether the store can serve; `reasons` is empty when it can. */
export interface Readiness {
  readonly ready: boolean
  readonly reasons: readonly string[]
}

/** Told once per finished request. `route` is the template, not the path, so that it can be a label. */
export interface GatewayMetrics {
  observe(route: string, method: string, status: number, seconds: number): void
}

/** The metrics page of the process, as `prom-client` registries offer it. */
export interface MetricsPage {
  readonly contentType: string
  metrics(): Promise<string>
}

/** Defaults and reasons are in `limits.ts`. */
export interface GatewayLimits {
  readonly valueBytesMax: number
  /** Data requests in progress; one more is refused with OVERLOADED. */
  readonly inflightMax: number
  /** As many data requests are let in however long they take. */
  readonly inflightMin: number
  /** Where even the fastest data requests take longer than this, fewer are let in at a time. */
  readonly queueDelayMs: number
  /** Open connections; one more is closed at once. Fixed when the gateway starts. */
  readonly connectionsMax: number
  /** Request bodies held in memory by all requests together. */
  readonly bodyBytesInflightMax: number
  /** Bytes of whole answers that wait for their readers, of all connections together; beyond it the slowest are closed. */
  readonly unreadBytesMax: number
  readonly requestTimeoutMs: number
  /** How long a head or a body, or the reading of an answer, may make no progress. */
  readonly stallMsMax: number
  /** How long a stream waits for a client that does not read. */
  readonly streamStallMsMax: number
  /** How long `close` waits for requests in progress. */
  readonly drainMsMax: number
  /** How long no request may have come on any connection before `close` ends those that carry none. */
  readonly drainIdleMs: number
  /** After this it ends them although requests still come on others. */
  readonly drainIdleMsMax: number
}

export interface GatewayOptions {
  /** Loopback unless the owner decides otherwise. */
  readonly listen: { readonly host?: string; readonly port: number }
  readonly router: Router
  readonly storeId: string
  readonly version: string
  readonly readiness: () => Readiness
  readonly clock: Clock
  /** Makes request ids and span ids; nothing secret depends on it. */
  readonly random: Random
  readonly logger: Logger
  readonly limits?: Partial<GatewayLimits>
  readonly metrics?: GatewayMetrics
  readonly metricsPage?: MetricsPage
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer
  /** What happens in the gateway is told here. */
  readonly events?: EventSink
  /** What `GET /events` shows. */
  readonly history?: EventsPort
  /** What `GET /rpc-log` shows. */
  readonly rpcLog?: RpcLogPort
  /** What `/debug/profile/*` and `/debug/bundle` hand out. */
  readonly debug?: DebugPort
  /** What `/admin/config` shows and changes. */
  readonly settings?: SettingsPort
  /** More members of `GET /stats`. */
  readonly stats?: () => Readonly<Record<string, unknown>>
  /** Who may come in; without any, everything is open. */
  readonly tokens?: readonly AccessToken[]
  /** Origins whose pages may call this gateway; `*` is all of them. */
  readonly cors?: { readonly origins: readonly string[] }
  /** Absent: requests come unencrypted. */
  readonly tls?: GatewayTls
}

/** PEM texts. */
export interface GatewayTls {
  readonly key: string
  readonly cert: string
  /** With these authorities, only clients that show a certificate one of them signed come in. */
  readonly ca?: string
}
