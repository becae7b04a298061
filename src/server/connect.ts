import { readFile } from 'node:fs/promises'
import { type Client, HttpClient, RouterClient } from '../client/index.ts'
import { type ErrorCode, FlotillaError } from '../protocol/index.ts'
import { createRouter } from '../router/index.ts'
import { discoverCluster, openNatsTransport, TransportError, type TransportErrorCode } from '../transport/index.ts'
import { type ClientTls, httpsFetch } from './https-fetch.ts'
import { withoutUndefined } from './nats-credentials.ts'
import { systemClock, systemRandom, uniqueName } from './system.ts'

/** A client for a cluster that runs elsewhere. How to present oneself to a broker is named as in the configuration of a store, under `transport`. */
export interface ConnectOptions {
  /** Which cluster, where several share a NATS server. Only over NATS, as are `user`, `password`, `nkey`, `creds` and `clusterKey`. */
  readonly clusterId?: string
  readonly user?: string
  readonly password?: string
  /** For the broker over NATS, for the gateway over HTTP. */
  readonly token?: string
  /** The seed of an NKey. */
  readonly nkey?: string
  /** The path of a `.creds` file. */
  readonly creds?: string
  /** The key of the cluster, where its stores have one. Only over NATS. */
  readonly clusterKey?: string
  /** For brokers, and for `https://` gateways where Node's own authorities do not do. Over NATS, `{}` insists on encryption. */
  readonly tls?: ConnectTls
}

/** PEM texts, or the paths of files with them: one of the two for each. */
export interface ConnectTls extends ClientTls {
  readonly caFile?: string
  readonly certFile?: string
  readonly keyFile?: string
  /** For brokers that begin with TLS instead of their greeting. Only over NATS. */
  readonly handshakeFirst?: boolean
  /** `false` takes a server's word for who it is. For trials. */
  readonly rejectUnauthorized?: boolean
}

/** Beside `tls` and `token`, which both kinds of addresses know. */
const NATS_NAMES = ['clusterId', 'user', 'password', 'nkey', 'creds', 'clusterKey'] as const
const TLS_FILES = ['ca', 'cert', 'key'] as const

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
  const unknown = Object.keys(options).find((name) => ![...NATS_NAMES, 'token', 'tls'].includes(name))
  if (unknown !== undefined) throw refused(`connect has no option ${unknown.slice(0, 50)}`)
  if (/^https?:\/\//.test(url)) return await connectOverHttp(url, options)
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

async function connectOverHttp(url: string, options: ConnectOptions): Promise<Client> {
  if (!URL.canParse(url)) throw refused(`${JSON.stringify(url.slice(0, 80))} is no address`)
  // Whoever passes a secret means it: it must not be left out in silence.
  const misplaced = NATS_NAMES.find((name) => options[name] !== undefined)
  if (misplaced !== undefined) throw refused(`${misplaced} is for nats:// addresses; a gateway takes token and tls`)
  const { token, tls } = options
  return new HttpClient(url, { token, wire: tls === undefined ? undefined : httpsFetch(await toHttpsTls(url, tls)) })
}

async function toHttpsTls(url: string, tls: ConnectTls): Promise<ClientTls> {
  if (!url.startsWith('https:')) throw refused('tls is for https:// addresses, and for brokers')
  if (tls.handshakeFirst !== undefined) throw refused('tls.handshakeFirst is for brokers')
  const pem: Partial<Record<(typeof TLS_FILES)[number], string>> = {}
  for (const name of TLS_FILES) {
    const text = tls[name]
    const file = tls[`${name}File`]
    if (text !== undefined && file !== undefined) throw refused(`tls.${name} and tls.${name}File exclude each other`)
    if (text !== undefined) pem[name] = text
    if (file !== undefined) pem[name] = await readPem(name, file)
  }
  return { ...pem, ...(tls.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: tls.rejectUnauthorized }) }
}

async function readPem(name: string, file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw refused(`tls.${name}File cannot be read: ${error.code ?? error.message}`)
  })
}

async function connectOverNats(url: string, options: ConnectOptions): Promise<Client> {
  const servers = url.split(',').map((server) => server.trim())
  const { user, password, token, nkey, creds, clusterKey, tls } = options
  const broker = {
    servers,
    credentials: withoutUndefined({ user, password, token, nkey, creds }),
    ...(tls === undefined ? {} : { tls }),
  }
  const found = await discoverCluster({
    ...broker,
    clock: systemClock,
    ...(options.clusterId === undefined ? {} : { clusterId: options.clusterId }),
  })
  const transport = await openNatsTransport({
    clusterId: found.clusterId,
    address: `client-${uniqueName()}`,
    incarnation: '',
    role: 'client',
    ...broker,
    clusterKey,
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
