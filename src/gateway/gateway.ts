/**
 * Puts a gateway together and runs it: server, exchanges, admission, routes. The composition root of its process calls `startGateway` once
 * for each address it listens on.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { silentEvents, silentTracer } from '../base/index.ts'
import type { AccessToken } from './access.ts'
import { Admission } from './admission.ts'
import { GatewayApp } from './app.ts'
import { drain } from './drain.ts'
import { Exchange } from './exchange.ts'
import { ExchangeSet } from './exchange-set.ts'
import { createHttpServer, type Expectation, exchangeCertificates } from './http-server.ts'
import { GATEWAY_LIMITS } from './limits.ts'
import { LoadLimiter } from './load-limiter.ts'
import { faultOf } from './message-faults.ts'
import type { GatewayLimits, GatewayOptions, GatewayTls } from './options.ts'
import { Pipelines } from './pipelines.ts'
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
  /**
   * Takes no new connections, serves what comes on the open ones and tells each of them that it ends, closes those that stay silent, and waits for
   * requests in progress, at most `drainMsMax` in all; then closes every connection.
   */
  close(): Promise<void>
}

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
  readonly #pipelines: Pipelines
  readonly #server: Server
  readonly #limits: GatewayLimits
  /** Connections that have not brought a request yet, which Node does not count as idle. */
  readonly #unused = new Set<Duplex>()
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
      tracer: options.tracer ?? silentTracer,
      limits,
      metrics: options.metrics,
      nextRequestId: requestIds(options),
      nextSpanId: () => hexWord(options) + hexWord(options),
      isDraining: () => this.#draining,
    }
    this.#set = new ExchangeSet(options.clock, limits)
    this.#pipelines = new Pipelines(limits)
    const limiter = new LoadLimiter(options.clock, limits)
    this.#admission = new Admission(this.#services, limiter, options)
    this.#app = new GatewayApp(routeTable(options, this.#set, limiter), (exchange, route) =>
      this.#admission.admit(exchange, route),
    )
    this.#server = createHttpServer(this.#services, this.#set, options.tls, (incoming, outgoing, expectation) =>
      this.#onRequest(incoming, outgoing, expectation),
    )
    this.#server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Duplex) => {
      this.#unused.add(socket)
      socket.once('close', () => this.#unused.delete(socket))
    })
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
    await drain({ server: this.#server, set: this.#set, unused: this.#unused, clock, limits })
    this.#set.stop()
    events.emit({ type: 'gateway_closed' })
  }

  #onRequest(incoming: IncomingMessage, outgoing: ServerResponse, expectation: Expectation): void {
    this.#unused.delete(incoming.socket)
    const target = parseTarget(incoming.url ?? '/')
    const exchange = new Exchange(this.#services, this.#set, incoming, outgoing, target, expectation === 'continue')
    this.#set.add(exchange)
    this.#pipelines.enter(exchange, incoming, outgoing, () => this.#run(exchange, faultOf(incoming, expectation)))
  }

  #run(exchange: Exchange, fault: string | undefined): void {
    try {
      if (this.#admission.greet(exchange, fault)) return
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
