/**
 * Puts a gateway together and runs it: server, exchanges, admission, routes. The composition root of its process calls `startGateway` once
 * for each address it listens on.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { silentEvents } from '../base/index.ts'
import type { AccessToken } from './access.ts'
import { Admission } from './admission.ts'
import { GatewayApp } from './app.ts'
import { Exchange } from './exchange.ts'
import { ExchangeSet } from './exchange-set.ts'
import { createHttpServer, type Expectation, exchangeCertificates } from './http-server.ts'
import { GATEWAY_LIMITS } from './limits.ts'
import type { GatewayLimits, GatewayOptions, GatewayTls } from './options.ts'
import { routeTable } from './route-table.ts'
import type { Services } from './services.ts'
import { parseTarget } from './target.ts'

export interface Gateway {
  readonly host: string
  readonly port: number
  /** `host:port`, as others reach it. */
  readonly address: string
  readonly inflight: number
  /** Takes effect for requests that arrive from now on; time-outs of heads keep their first value. */
  setLimits(limits: Partial<GatewayLimits>): void
  /** Takes effect for requests that arrive from now on; answers that go on, such as streams, go on. */
  setTokens(tokens: readonly AccessToken[]): void
  /** Certificates for connections that are made from now on; without effect where TLS is off. */
  setTls(tls: GatewayTls): void
  /** Refuses new requests, waits for those in progress (at most `drainMsMax`), then closes every connection. */
  close(): Promise<void>
}

/** After the last answer was handed to Node, connections get this long to carry it away. */
const FLUSH_MS = 50

/** Resolves when the gateway listens; rejects with Node's error when it cannot. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const running = new RunningGateway(options)
  await running.listen(options.listen)
  return running
}

class RunningGateway implements Gateway {
  readonly #services: Services
  readonly #set: ExchangeSet
  readonly #app: GatewayApp
  readonly #admission: Admission
  readonly #server: Server
  readonly #limits: GatewayLimits
  #draining = false
  #closed: Promise<void> | undefined
  host = ''
  port = 0

  constructor(options: GatewayOptions) {
    this.#limits = { ...GATEWAY_LIMITS, ...options.limits }
    const limits = this.#limits
    this.#services = {
      router: options.router,
      storeId: options.storeId,
      clock: options.clock,
      logger: options.logger,
      events: options.events ?? silentEvents,
      limits,
      metrics: options.metrics,
      nextRequestId: requestIds(options),
      nextSpanId: () => hexWord(options) + hexWord(options),
      isDraining: () => this.#draining,
    }
    this.#set = new ExchangeSet(options.clock, limits)
    this.#admission = new Admission(this.#services, this.#set, options)
    this.#app = new GatewayApp(routeTable(options, this.#set), (exchange, route) =>
      this.#admission.admit(exchange, route),
    )
    this.#server = createHttpServer(this.#services, this.#set, options.tls, (incoming, outgoing, expectation) =>
      this.#onRequest(incoming, outgoing, expectation),
    )
  }

  get address(): string {
    return this.host.includes(':') ? `[${this.host}]:${this.port}` : `${this.host}:${this.port}`
  }

  get inflight(): number {
    return this.#set.size
  }

  async listen(listen: GatewayOptions['listen']): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(listen.port, listen.host ?? '127.0.0.1', () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    this.#server.on('error', (error) => {
      this.#services.logger.log('error', 'the gateway cannot accept a connection', { error: error.message })
    })
    const address = this.#server.address() as AddressInfo
    this.host = address.address
    this.port = address.port
    this.#services.events.emit({ type: 'gateway_listening', data: { address: this.address } })
  }

  setLimits(limits: Partial<GatewayLimits>): void {
    Object.assign(this.#limits, limits)
  }

  setTokens(tokens: readonly AccessToken[]): void {
    this.#admission.setTokens(tokens)
  }

  setTls(tls: GatewayTls): void {
    exchangeCertificates(this.#server, tls)
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#draining = true
    const { clock, events, limits } = this.#services
    events.emit({ type: 'gateway_draining', data: { inflight: this.#set.size } })
    const ended = new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
    this.#server.closeIdleConnections()
    const impatience = clock.after(limits.drainMsMax, () => this.#server.closeAllConnections())
    await Promise.race([this.#set.empty(), ended])
    const flush = clock.after(FLUSH_MS, () => this.#server.closeAllConnections())
    await ended
    impatience.cancel()
    flush.cancel()
    this.#set.stop()
    events.emit({ type: 'gateway_closed' })
  }

  #onRequest(incoming: IncomingMessage, outgoing: ServerResponse, expectation: Expectation): void {
    const target = parseTarget(incoming.url ?? '/')
    const exchange = new Exchange(this.#services, this.#set, incoming, outgoing, target, expectation === 'continue')
    this.#set.add(exchange)
    try {
      if (this.#admission.greet(exchange, expectation === 'unknown')) return
      const pending = this.#app.run(exchange)
      if (pending instanceof Promise) pending.catch((error: unknown) => exchange.fail(error))
    } catch (error) {
      // Whatever it is: the exchange tells the client, and the log if it is a bug.
      exchange.fail(error)
    }
  }
}

/** Unique in the cluster with overwhelming likelihood, and cheap: a random beginning, then counted. */
function requestIds(options: GatewayOptions): () => string {
  const beginning = hexWord(options)
  let count = 0
  return () => `${beginning}-${(++count).toString(36)}`
}

function hexWord(options: GatewayOptions): string {
  return (options.random.below(0xffffffff) + 1).toString(16).padStart(8, '0')
}
