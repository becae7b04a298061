/**
 * The JSON that a client sends with CONNECT, checked and reduced to what the broker heeds. Unknown fields are ignored, as the protocol
 * asks; a known field of the wrong type refuses the whole line.
 */
export interface ConnectOptions {
  /** Acknowledge each operation with +OK. */
  readonly verbose: boolean
  /** Refuse malformed subjects of publications instead of letting them match nothing. */
  readonly pedantic: boolean
  /** Deliver the client's own publications to its own subscriptions. */
  readonly echo: boolean
  /** The client understands HMSG and may send HPUB. */
  readonly headers: boolean
  /** Answer a request that nobody receives with status 503. */
  readonly noResponders: boolean
  /** 0 or 1. */
  readonly protocol: number
  readonly user: string | undefined
  readonly password: string | undefined
  readonly token: string | undefined
  /** What the client calls itself, for diagnostics. */
  readonly name: string | undefined
}

/** What holds before CONNECT, and for fields that it leaves out. Talkative, because people type this by hand. */
export const DEFAULT_CONNECT_OPTIONS: ConnectOptions = {
  verbose: true,
  pedantic: true,
  echo: true,
  headers: false,
  noResponders: false,
  protocol: 0,
  user: undefined,
  password: undefined,
  token: undefined,
  name: undefined,
}

/** Reads the argument of CONNECT on top of `current`; undefined when it is not an object of the right types. */
export function parseConnectOptions(json: string, current: ConnectOptions): ConnectOptions | undefined {
  const fields = parseObject(json)
  if (fields === undefined) return undefined
  const { verbose, pedantic, echo, headers, no_responders, protocol, user, pass, auth_token, name } = fields
  const flags = [verbose, pedantic, echo, headers, no_responders]
  const texts = [user, pass, auth_token, name]
  if (!flags.every(isFlagOrAbsent) || !texts.every(isTextOrAbsent)) return undefined
  if (isPresent(protocol) && !Number.isInteger(protocol)) return undefined
  return {
    verbose: (verbose ?? current.verbose) as boolean,
    pedantic: (pedantic ?? current.pedantic) as boolean,
    echo: (echo ?? current.echo) as boolean,
    headers: (headers ?? current.headers) as boolean,
    noResponders: (no_responders ?? current.noResponders) as boolean,
    protocol: (protocol ?? current.protocol) as number,
    user: (user ?? current.user) as string | undefined,
    password: (pass ?? current.password) as string | undefined,
    token: (auth_token ?? current.token) as string | undefined,
    name: (name ?? current.name) as string | undefined,
  }
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return value as Record<string, unknown>
  } catch {
    // The only error of JSON.parse is malformed input, and that is the answer.
    return undefined
  }
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null
}

function isFlagOrAbsent(value: unknown): boolean {
  return !isPresent(value) || typeof value === 'boolean'
}

function isTextOrAbsent(value: unknown): boolean {
  return !isPresent(value) || typeof value === 'string'
}
