/**
 * Network addresses in configuration: where a gateway listens, where brokers are. Only their form is checked here, nothing is resolved.
 */
export interface Listen {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** As it was written; also the store's address in the shard map. */
  readonly text: string
}

const BRACKETED = /^\[([0-9A-Za-z:.%]+)\](?::([0-9]{1,5}))?$/
const PLAIN = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?::([0-9]{1,5}))?$/
const PORT_MAX = 65_535

/** The parts of `host:port` or `[::1]:port`; undefined when it is neither. */
export function parseListen(value: unknown): Listen | undefined {
  if (typeof value !== 'string') return undefined
  const parts = parseHostPort(value)
  return parts?.port === undefined ? undefined : { host: parts.host, port: parts.port, text: value }
}

/** Whether only this machine can reach it. A name counts only where every system resolves it so. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.[0-9]+\.[0-9]+\.[0-9]+$/.test(host)
}

/** Whether `value` is `nats://[user:password@|token@]host[:port]`; `tls` may stand for `nats`. */
export function isBrokerAddress(value: unknown): value is string {
  if (typeof value !== 'string') return false
  const match = /^(?:(?:nats|tls):\/\/)?(?:[^@/\s]+@)?([^@/\s]+)$/i.exec(value)
  return match !== null && parseHostPort(match[1] ?? '') !== undefined
}

/** Of an address that `isBrokerAddress` takes. */
export function hostOfBroker(address: string): string {
  return parseHostPort(address.replace(/^[a-z]+:\/\//i, '').replace(/^.*@/, ''))?.host ?? ''
}

/** The address without the credentials it may carry. */
export function withoutCredentials(address: string): string {
  return address.replace(/^([a-z]+:\/\/)?.*@/i, '$1<redacted>@')
}

function parseHostPort(text: string): { readonly host: string; readonly port: number | undefined } | undefined {
  const match = BRACKETED.exec(text) ?? PLAIN.exec(text)
  if (match === null) return undefined
  const port = match[2] === undefined ? undefined : Number(match[2])
  if (port !== undefined && port > PORT_MAX) return undefined
  return { host: match[1] ?? '', port }
}
