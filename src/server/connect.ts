import { type Client, HttpClient, RouterClient } from '../client/index.ts'
import { type ErrorCode, FlotillaError } from '../protocol/index.ts'
import { createRouter } from '../router/index.ts'
import { discoverCluster, openNatsTransport, TransportError, type TransportErrorCode } from '../transport/index.ts'
import { type ClientTls, httpsFetch } from './https-fetch.ts'
import { systemClock, systemRandom, uniqueName } from './system.ts'

/** A client for a cluster that runs elsewhere. */
export interface ConnectOptions {
  /** Which cluster, where several share a NATS server. */
  readonly clusterId?: string
  readonly user?: string
  readonly password?: string
  /** For the broker over NATS, for the gateway over HTTP. */
  readonly token?: string
  /** For `https://` gateways, where Node's own authorities do not do. */
  readonly tls?: ClientTls
}

/**
 * Why nothing was connected, as callers of the client are told everything. Trying again helps only where somebody may start what is missing.
 */
const CODES: Readonly<Record<TransportErrorCode, ErrorCode>> = {
  BAD_ID: 'INVALID_ARGUMENT',
  BAD_OPTIONS: 'INVALID_ARGUMENT',
  SEVERAL_CLUSTERS: 'INVALID_ARGUMENT',
  AUTH_FAILED: 'UNAUTHENTICATED',
  TLS_FAILED: 'UNAVAILABLE',
  NO_BROKER: 'UNAVAILABLE',
  NO_CLUSTER: 'UNAVAILABLE',
}

function explained(error: unknown): unknown {
  if (!(error instanceof TransportError)) return error
  const { code, message } = error
  const retryable = code === 'NO_BROKER' || code === 'NO_CLUSTER'
  return new FlotillaError({ code: CODES[code], message, outcome: 'none', retryable }, { cause: error })
}

/**
 * Connects to a cluster: over NATS straight to the stores (`nats://host:port`, several separated by commas), or over a gateway
 * (`http://host:port`, `https://host:port`). Rejects with a FlotillaError: UNAVAILABLE when no broker or no store answers, UNAUTHENTICATED, or
 * INVALID_ARGUMENT.
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Client> {
  if (/^https?:\/\//.test(url)) {
    if (!URL.canParse(url)) throw refused(`${JSON.stringify(url.slice(0, 80))} is no address`)
    const { token, tls } = options
    return new HttpClient(url, { token, wire: tls === undefined ? undefined : httpsFetch(tls) })
  }
  if (!/^(nats|tls):\/\//.test(url)) {
    throw refused(`connect takes a nats:// or http:// address, not ${JSON.stringify(String(url).slice(0, 80))}`)
  }
  return await connectOverNats(url, options).catch((error: unknown) => {
    throw explained(error)
  })
}

function refused(message: string): FlotillaError {
  return new FlotillaError({ code: 'INVALID_ARGUMENT', message, outcome: 'none', retryable: false })
}

async function connectOverNats(url: string, options: ConnectOptions): Promise<Client> {
  const servers = url.split(',').map((server) => server.trim())
  const { user, password, token } = options
  const credentials = {
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(token === undefined ? {} : { token }),
  }
  const found = await discoverCluster({
    servers,
    credentials,
    clock: systemClock,
    ...(options.clusterId === undefined ? {} : { clusterId: options.clusterId }),
  })
  const transport = await openNatsTransport({
    clusterId: found.clusterId,
    address: `client-${uniqueName()}`,
    incarnation: '',
    role: 'client',
    servers,
    credentials,
    clock: systemClock,
    random: systemRandom,
  })
  let next = 0
  const router = createRouter({
    clock: systemClock,
    transport,
    anyStore: () => found.stores[next++ % found.stores.length] ?? '',
    close: () => transport.close(),
  })
  return new RouterClient(router, () => router.close())
}
