/**
 * The embedded broker: a small server of the core NATS protocol in this process, for `npm start`, demos and tests when no nats-server is
 * configured. No clustering, no persistence, no TLS: production uses nats-server, which speaks the same protocol. This file listens,
 * keeps the list of connections and hands each message to those subscribed; everything about one client is in its connection.
 */
import { type AddressInfo, createServer, isIPv6, type Server, type Socket } from 'node:net'
import { assert, type Clock, type Logger, silentLogger, type Timer } from '../base/index.ts'
import { ClientConnection, type ConnectionHost } from './client-connection.ts'
import type { ConnectOptions } from './connect-options.ts'
import { type BrokerAuth, isAuthorized } from './credentials.ts'
import { type BrokerLimits, resolveBrokerLimits } from './limits.ts'
import { toBrokerListenError } from './listen-error.ts'
import { ChunkPool } from './output.ts'
import { PROTOCOL_ERROR } from './protocol-error.ts'
import { RouteTable } from './route-table.ts'
import type { Subscriber, Subscription } from './subscription.ts'
import { systemClock } from './system-clock.ts'

/** The version of nats-server whose behaviour this follows; clients decide by it what they may use. */
const PROTOCOL_VERSION = '2.9.10'

export interface BrokerOptions {
  /** An address of this machine, IPv4 or IPv6, or a name of it. */
  readonly host: string
  /** 0 takes any free port; see `Broker.port`. */
  readonly port: number
  /** Absent: everybody who can reach the address may connect. */
  readonly auth?: BrokerAuth
  readonly limits?: Partial<BrokerLimits>
  readonly clock?: Clock
  readonly logger?: Logger
}

/** Counters since the start, except where they say "now". */
export interface BrokerStats {
  /** Now. */
  readonly connections: number
  readonly connectionsTotal: number
  /** Now. */
  readonly subscriptions: number
  /** Publications received. */
  readonly messagesIn: number
  /** Deliveries to subscriptions; more than `messagesIn` where several subscribe. */
  readonly messagesOut: number
  /** Header and body bytes of `messagesIn`, without control lines. */
  readonly bytesIn: number
  /** Header and body bytes of `messagesOut`, without control lines. */
  readonly bytesOut: number
  /** Clients closed because they did not read fast enough. */
  readonly slowConsumers: number
  /** Now: bytes that wait for clients to read them. */
  readonly pendingBytes: number
}

export interface Broker {
  /** The address it listens on, as the system names it. */
  readonly address: string
  readonly port: number
  /** For clients: `nats://address:port`. */
  readonly url: string
  stats(): BrokerStats
  /**
   * Takes no more clients, sends each what it is owed, closes all connections. Resolves when the port is free and all sockets are
   * closed, after `closeGraceMs` at the latest. Calling it again returns the same promise.
   */
  stop(): Promise<void>
}

/** Listens and serves. Rejects with `BrokerListenError`, whose code is `ADDRESS_IN_USE` when somebody already listens there. */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const broker = new EmbeddedBroker(options)
  await broker.listen(options.host, options.port)
  return broker
}

class EmbeddedBroker implements Broker, ConnectionHost {
  readonly limits: BrokerLimits
  readonly clock: Clock
  readonly chunks = new ChunkPool()
  readonly #auth: BrokerAuth | undefined
  readonly #logger: Logger
  readonly #server: Server
  readonly #routes: RouteTable
  /** Connections whose socket is open, those that are leaving included. */
  readonly #connections = new Set<ClientConnection>()
  #dirty: ClientConnection[] = []
  readonly #flushDirty = (): void => this.#flushAll()
  #address: AddressInfo | undefined
  #livenessTimer: Timer | undefined
  #stopping: Promise<void> | undefined
  #connectionsTotal = 0
  #active = 0
  #messagesIn = 0
  #messagesOut = 0
  #bytesIn = 0
  #bytesOut = 0
  #slowConsumers = 0

  constructor(options: BrokerOptions) {
    this.limits = resolveBrokerLimits(options.limits)
    this.clock = options.clock ?? systemClock
    this.#auth = options.auth
    this.#logger = options.logger ?? silentLogger
    this.#routes = new RouteTable(this.limits.routeCacheSubjectsMax)
    // Half-open sockets, so that a client that has said everything still gets what it is owed.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket))
  }

  async listen(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => reject(toBrokerListenError(`${host}:${port}`, error))
      this.#server.once('error', onError)
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', onError)
        resolve()
      })
    })
    // After a successful listen: running out of file descriptors, for instance. The connections there are go on.
    this.#server.on('error', (error) => this.#logger.log('error', 'broker cannot accept', { error: error.message }))
    const address = this.#server.address()
    assert(typeof address === 'object' && address !== null, 'a listening TCP server has an address')
    this.#address = address
    this.#watchLiveness()
    this.#logger.log('info', 'broker listens', { url: this.url })
  }

  get address(): string {
    return this.#listening().address
  }

  get port(): number {
    return this.#listening().port
  }

  get url(): string {
    const { address, port } = this.#listening()
    return `nats://${isIPv6(address) ? `[${address}]` : address}:${port}`
  }

  stats(): BrokerStats {
    let pendingBytes = 0
    for (const connection of this.#connections) pendingBytes += connection.pendingBytes
    return {
      connections: this.#active,
      connectionsTotal: this.#connectionsTotal,
      subscriptions: this.#routes.subscriptions,
      messagesIn: this.#messagesIn,
      messagesOut: this.#messagesOut,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      slowConsumers: this.#slowConsumers,
      pendingBytes,
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= new Promise((resolve) => {
      this.#livenessTimer?.cancel()
      this.#server.close(() => resolve())
      for (const connection of [...this.#connections]) connection.close('broker stops')
      this.#logger.log('info', 'broker stops', { url: this.url })
    })
    return this.#stopping
  }

  // ConnectionHost

  get requiresAuth(): boolean {
    return this.#auth !== undefined
  }

  isAuthorized(options: ConnectOptions): boolean {
    return isAuthorized(this.#auth, options)
  }

  subscribed(subscription: Subscription): void {
    this.#routes.add(subscription)
  }

  unsubscribed(subscription: Subscription): void {
    this.#routes.remove(subscription)
  }

  route(
    from: Subscriber,
    subject: string,
    reply: string | undefined,
    headerBytes: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): number {
    this.#messagesIn++
    this.#bytesIn += end - start
    const { plain, groups } = this.#routes.routeOf(subject)
    let receivers = 0
    for (const subscription of plain) {
      if (this.#deliver(subscription, from, subject, reply, headerBytes, bytes, start, end)) receivers++
    }
    for (const group of groups) {
      const { members } = group
      // The next in turn; where that one cannot take it, the one after, until all were asked.
      for (let asked = 0; asked < members.length; asked++) {
        const member = members[group.next++ % members.length] as Subscription
        if (!this.#deliver(member, from, subject, reply, headerBytes, bytes, start, end)) continue
        receivers++
        break
      }
    }
    return receivers
  }

  wantsFlush(connection: ClientConnection): void {
    if (this.#dirty.push(connection) === 1) this.clock.soon(this.#flushDirty)
  }

  left(connection: ClientConnection, reason: string): void {
    this.#active--
    if (reason === PROTOCOL_ERROR.slowConsumer) this.#slowConsumers++
    this.#logger.log('debug', 'broker client left', { client: connection.id, reason })
  }

  closed(connection: ClientConnection): void {
    this.#connections.delete(connection)
  }

  // Inner workings

  /** Whether the subscription took the message. */
  #deliver(
    subscription: Subscription,
    from: Subscriber,
    subject: string,
    reply: string | undefined,
    headerBytes: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): boolean {
    const { subscriber, sid } = subscription
    if (subscription.closed || (subscriber === from && !subscriber.wantsEcho)) return false
    const replyPart = reply === undefined ? '' : `${reply} `
    let bodyStart = start
    let head: string
    if (headerBytes > 0 && subscriber.acceptsHeaders) {
      head = `HMSG ${subject} ${sid} ${replyPart}${headerBytes} ${end - start}\r\n`
    } else {
      if (headerBytes > 0) bodyStart += headerBytes
      head = `MSG ${subject} ${sid} ${replyPart}${end - bodyStart}\r\n`
    }
    this.#messagesOut++
    this.#bytesOut += end - bodyStart
    subscription.delivered++
    subscriber.deliver(head, bytes, bodyStart, end + 2)
    if (subscription.delivered === subscription.deliveredMax) subscriber.finish(subscription)
    return true
  }

  #flushAll(): void {
    const dirty = this.#dirty
    this.#dirty = []
    for (const connection of dirty) connection.flush()
  }

  #accept(socket: Socket): void {
    const connection = new ClientConnection(++this.#connectionsTotal, socket, this)
    this.#connections.add(connection)
    this.#active++
    connection.open(this.#infoLine(connection.id, socket.remoteAddress))
    if (this.#active > this.limits.connectionsMax) connection.fail(PROTOCOL_ERROR.connectionsExceeded)
    else this.#logger.log('debug', 'broker client connected', { client: connection.id, from: socket.remoteAddress })
  }

  #infoLine(clientId: number, clientAddress: string | undefined): string {
    const { address, port } = this.#listening()
    const info = {
      server_id: `FLOTILLA-${process.pid}-${port}`,
      server_name: 'flotilla-embedded',
      version: PROTOCOL_VERSION,
      proto: 1,
      host: address,
      port,
      headers: true,
      max_payload: this.limits.payloadBytesMax,
      auth_required: this.requiresAuth,
      client_id: clientId,
      client_ip: clientAddress ?? '',
    }
    return `INFO ${JSON.stringify(info)} \r\n`
  }

  /** One timer looks at all connections; none of them has its own. */
  #watchLiveness(): void {
    this.#livenessTimer = this.clock.after(this.limits.pingIntervalMs, () => {
      for (const connection of [...this.#connections]) connection.checkLiveness()
      this.#watchLiveness()
    })
  }

  #listening(): AddressInfo {
    assert(this.#address !== undefined, 'the broker has an address once it listens')
    return this.#address
  }
}
