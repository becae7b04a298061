/**
 * From our options to those of the `nats` client, secrets included. Nothing here is logged; what may be shown of servers is
 * `shownServers`.
 */
import { readFile } from 'node:fs/promises'
import {
  type Authenticator,
  type ConnectionOptions,
  credsAuthenticator,
  nkeyAuthenticator,
  type TlsOptions,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from 'nats'
import { TransportError } from '../transport-error.ts'

/** How to present oneself to the broker. At most one of user, token, nkey and creds. */
export interface NatsCredentials {
  readonly user?: string
  readonly password?: string
  readonly token?: string
  /** The seed of an NKey, beginning with `SU`. */
  readonly nkey?: string
  /** The path of a `.creds` file. */
  readonly creds?: string
}

export type NatsTls = TlsOptions & { readonly rejectUnauthorized?: boolean }

export interface NatsServerOptions {
  /** `nats://host:port`; one with `user:password@` or `token@` serves as credentials where none are given. */
  readonly servers: readonly string[]
  readonly credentials?: NatsCredentials
  /** As the `nats` client takes it: `{}` insists on encryption, null refuses it. */
  readonly tls?: NatsTls | null
}

/** How long one attempt to connect may take. */
const CONNECT_TIMEOUT_MS = 5_000
/** Between attempts to reach one server again: short, because every store waits for it; with jitter, because all of them do. */
const RECONNECT_WAIT_MS = 200
const RECONNECT_JITTER_MS = 200
/** A broker that does not answer two of these is taken for gone. */
const PING_INTERVAL_MS = 5_000

/** Rejects with TransportError `BAD_OPTIONS`. */
export async function toConnectionOptions(options: NatsServerOptions, name: string): Promise<ConnectionOptions> {
  if (options.servers.length === 0) throw new TransportError('BAD_OPTIONS', 'transport.servers is empty: name a broker')
  const servers = options.servers.map(splitServer)
  const authenticator = await toAuthenticator(options.credentials ?? servers.find(hasCredentials)?.credentials ?? {})
  return {
    servers: servers.map((server) => server.hostPort),
    name,
    ...(authenticator === undefined ? {} : { authenticator }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    timeout: CONNECT_TIMEOUT_MS,
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    reconnectJitterTLS: RECONNECT_JITTER_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
    noAsyncTraces: true,
  }
}

/** The servers as they may be shown to people. */
export function shownServers(servers: readonly string[]): string {
  return servers.map((server) => splitServer(server).hostPort).join(', ')
}

interface Server {
  readonly hostPort: string
  readonly credentials: NatsCredentials
}

function splitServer(server: string): Server {
  const rest = server.trim().replace(/^[a-z]+:\/\//i, '')
  const at = rest.lastIndexOf('@')
  if (at < 0) return { hostPort: rest, credentials: {} }
  const [user = '', ...password] = rest.slice(0, at).split(':')
  const hostPort = rest.slice(at + 1)
  if (password.length === 0) return { hostPort, credentials: { token: decode(user) } }
  return { hostPort, credentials: { user: decode(user), password: decode(password.join(':')) } }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A lone "%" is no escape: then the text means itself.
    return text
  }
}

function hasCredentials({ credentials }: Server): boolean {
  return credentials.user !== undefined || credentials.token !== undefined
}

async function toAuthenticator(credentials: NatsCredentials): Promise<Authenticator | undefined> {
  const { user, password, token, nkey, creds } = credentials
  const given = { user, token, nkey, creds }
  const names = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  if (names.length > 1) {
    throw new TransportError('BAD_OPTIONS', `transport has ${names.join(' and ')}: give one kind of credentials`)
  }
  if (password !== undefined && user === undefined) {
    throw new TransportError('BAD_OPTIONS', 'transport.password is given without transport.user')
  }
  if (user !== undefined) return usernamePasswordAuthenticator(user, password)
  if (token !== undefined) return tokenAuthenticator(token)
  if (nkey !== undefined) return tried('transport.nkey is not the seed of an NKey', nkeyAuthenticator(bytesOf(nkey)))
  if (creds === undefined) return undefined
  const file = await readFile(creds).catch((error: NodeJS.ErrnoException) => {
    throw new TransportError('BAD_OPTIONS', `transport.creds cannot be read: ${error.code ?? error.message}`)
  })
  return tried('transport.creds is not a NATS credentials file', credsAuthenticator(file))
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text.trim())
}

/** Signs something, so that a broken secret is found before a broker asks for it, with words that do not show it. */
function tried(complaint: string, authenticator: Authenticator): Authenticator {
  try {
    authenticator('nonce')
  } catch {
    // Whatever the client says may quote the secret.
    throw new TransportError('BAD_OPTIONS', complaint)
  }
  return authenticator
}
