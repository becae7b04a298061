import { isIP } from 'node:net'
import type { Clock, Logger } from '../base/index.ts'
import { type Broker, BrokerListenError, startBroker } from '../broker/index.ts'

/**
 * Decides whether this process hosts the broker. `false` never; `true` on the first server address; `auto` the same, but only where
 * that address is loopback and nobody listens there yet, which is the case for the first process on a developer's machine.
 */
export async function hostBroker(options: {
  readonly embedded: 'auto' | boolean
  readonly servers: readonly string[]
  readonly auth: {
    readonly user?: string | undefined
    readonly password?: string | undefined
    readonly token?: string | undefined
  }
  readonly clock: Clock
  readonly logger: Logger
}): Promise<Broker | undefined> {
  const { embedded, servers, auth, clock, logger } = options
  const [first] = servers
  if (embedded === false || first === undefined) return undefined
  const { host, port } = parseServer(first)
  if (embedded === 'auto' && !isLoopback(host)) return undefined
  const { user, password, token } = auth
  const credentials =
    token !== undefined ? { token } : user !== undefined && password !== undefined ? { user, password } : undefined
  try {
    const broker = await startBroker({
      host,
      port,
      clock,
      logger,
      ...(credentials === undefined ? {} : { auth: credentials }),
    })
    logger.log('info', `hosting the embedded broker at ${broker.url}`)
    return broker
  } catch (error) {
    // Somebody listens there already: that is the broker then.
    if (embedded === 'auto' && error instanceof BrokerListenError && error.code === 'ADDRESS_IN_USE') return undefined
    throw error
  }
}

export function parseServer(server: string): { host: string; port: number } {
  const rest = server.replace(/^[a-z]+:\/\//i, '').replace(/^.*@/, '')
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(rest)
  if (bracketed !== null) return { host: bracketed[1] as string, port: Number(bracketed[2] ?? 4222) }
  const [host = '127.0.0.1', port] = rest.split(':')
  return { host, port: Number(port ?? 4222) }
}

export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true
  return isIP(host) === 4 && host.startsWith('127.')
}
