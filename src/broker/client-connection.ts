/**
 * One client of the broker, from its socket to its subscriptions: performs the operations the parser finds, gathers what the client is
 * sent, and ends the connection when it must. Who else receives a message is the business of the host (the broker), which also calls
 * `flush` once per turn of the event loop for connections that announced output.
 *
 * Life: open -> closing (its last bytes are on the way, nothing more is heeded) -> closed.
 */
import type { Socket } from 'node:net'
import { type Clock, present, type Timer } from '../base/index.ts'
import { type ConnectOptions, DEFAULT_CONNECT_OPTIONS, parseConnectOptions } from './connect-options.ts'
import type { BrokerLimits } from './limits.ts'
import { type ChunkPool, Output, type OutputBatch } from './output.ts'
import { ProtocolParser, type ProtocolSink } from './parser.ts'
import { PROTOCOL_ERROR, type ProtocolErrorText } from './protocol-error.ts'
import { isValidPublishSubject, isValidSubscriptionSubject, subjectMatches } from './subject.ts'
import type { Subscriber, Subscription } from './subscription.ts'

/** More than this is not held back until the end of the turn: the socket can take it meanwhile. */
const EARLY_FLUSH_BYTES = 256 * 1024

/** What a connection needs from the broker. */
export interface ConnectionHost {
  readonly limits: BrokerLimits
  readonly clock: Clock
  readonly chunks: ChunkPool
  readonly requiresAuth: boolean
  isAuthorized(options: ConnectOptions): boolean
  subscribed(subscription: Subscription): void
  unsubscribed(subscription: Subscription): void
  /** Hands out one message; returns to how many subscriptions it went. See `ProtocolSink.publish` for the range. */
  route(
    from: Subscriber,
    subject: string,
    reply: string | undefined,
    headerBytes: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): number
  /** The connection has output and was clean before: `flush` must be called at the end of this turn. */
  wantsFlush(connection: ClientConnection): void
  /** The connection has stopped taking part; called once, with the reason. */
  left(connection: ClientConnection, reason: string): void
  /** The socket is gone as well; called once, after `left`. */
  closed(connection: ClientConnection): void
}

export class ClientConnection implements ProtocolSink, Subscriber {
  readonly id: number
  readonly #socket: Socket
  readonly #host: ConnectionHost
  readonly #parser: ProtocolParser
  readonly #output: Output
  readonly #subscriptions = new Map<string, Subscription>()
  #options: ConnectOptions = DEFAULT_CONNECT_OPTIONS
  #state: 'open' | 'closing' | 'closed' = 'open'
  #isAwaitingAuth: boolean
  #authTimer: Timer | undefined
  #graceTimer: Timer | undefined
  /** Bytes came since the last look at this connection. */
  #wasActive = true
  #pingsOut = 0
  /** On the host's list for this turn. */
  #isDirty = false
  /** The write the socket has not finished; at most one, so that a blocked socket leaves the rest here, where it can be dropped. */
  #writing: OutputBatch | undefined
  readonly #onWritten = (error?: Error | null): void => this.#written(error ?? undefined)

  constructor(id: number, socket: Socket, host: ConnectionHost) {
    this.id = id
    this.#socket = socket
    this.#host = host
    this.#parser = new ProtocolParser(this, host.limits)
    this.#output = new Output(host.chunks)
    this.#isAwaitingAuth = host.requiresAuth
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#received(chunk))
    socket.on('end', () => this.close('client closed the connection'))
    // What is wrong with a socket is told once more by `close`, which always follows.
    socket.on('error', (error) => this.#leave(`socket error: ${error.message}`))
    socket.on('close', () => this.#socketClosed())
  }

  get acceptsHeaders(): boolean {
    return this.#options.headers
  }

  get wantsEcho(): boolean {
    return this.#options.echo
  }

  /** Bytes gathered for the client that its socket has not taken. */
  get pendingBytes(): number {
    return this.#output.bytes + (this.#writing?.bytes ?? 0)
  }

  /** Greets the client with the INFO line and, where it must prove who it is, starts the time it has for that. */
  open(infoLine: string): void {
    this.#say(infoLine)
    if (!this.#isAwaitingAuth) return
    this.#authTimer = this.#host.clock.after(this.#host.limits.authTimeoutMs, () =>
      this.fail(PROTOCOL_ERROR.authenticationTimeout),
    )
  }

  /** The periodic look at this connection: pings one that is silent, ends one that left too many pings unanswered. */
  checkLiveness(): void {
    if (this.#state !== 'open') return
    if (this.#wasActive) {
      this.#wasActive = false
      this.#pingsOut = 0
      return
    }
    if (this.#pingsOut >= this.#host.limits.pingsOutMax) {
      this.fail(PROTOCOL_ERROR.staleConnection)
      return
    }
    this.#pingsOut++
    this.#say('PING\r\n')
  }

  /** Tells the client what is wrong, after all it was already sent, and ends the connection. */
  fail(error: ProtocolErrorText): void {
    if (this.#state !== 'open') return
    this.#sayError(error)
    this.close(error)
  }

  /** Ends the connection once the client has been sent what was gathered for it, or after the grace time. */
  close(reason: string): void {
    if (this.#state !== 'open') return
    this.#leave(reason)
    this.#graceTimer = this.#host.clock.after(this.#host.limits.closeGraceMs, () => this.#socket.destroy())
    this.flush()
  }

  /** Hands the gathered output to the socket, unless an earlier write is still under way: that one continues with the rest. */
  flush(): void {
    this.#isDirty = false
    if (this.#writing !== undefined || this.#state === 'closed') return
    if (this.#output.bytes === 0) {
      if (this.#state === 'closing') this.#socket.end()
      return
    }
    const batch = this.#output.take()
    this.#writing = batch
    const last = batch.segments.length - 1
    const socket = this.#socket
    if (last > 0) {
      socket.cork()
      for (let i = 0; i < last; i++) socket.write(present(batch.segments[i], 'segment'))
    }
    socket.write(present(batch.segments[last], 'segment'), this.#onWritten)
    if (last > 0) socket.uncork()
  }

  // Subscriber

  deliver(head: string, bytes: Buffer, start: number, end: number): void {
    this.#output.message(head, bytes, start, end)
    this.#announce()
  }

  finish(subscription: Subscription): void {
    this.#endSubscription(subscription)
  }

  // ProtocolSink: what the client says

  connect(json: string): void {
    const options = parseConnectOptions(json, this.#options)
    const refusal = this.#refusalOf(options)
    if (options === undefined || refusal !== undefined) {
      this.fail(refusal ?? PROTOCOL_ERROR.unknownOperation)
      return
    }
    this.#isAwaitingAuth = false
    this.#authTimer?.cancel()
    this.#options = options
    this.#acknowledge()
  }

  ping(): void {
    if (this.#isRefused()) return
    this.#say('PONG\r\n')
  }

  pong(): void {
    if (this.#isRefused()) return
    this.#pingsOut = 0
  }

  subscribe(subject: string, queue: string | undefined, sid: string): void {
    if (this.#isRefused()) return
    // A name that is taken keeps its first subject, as in nats-server.
    if (!this.#subscriptions.has(sid)) {
      if (this.#subscriptions.size >= this.#host.limits.subscriptionsMax) {
        this.#sayError(PROTOCOL_ERROR.subscriptionsExceeded)
        return
      }
      if (!isValidSubscriptionSubject(subject)) {
        this.#sayError(PROTOCOL_ERROR.invalidSubject)
        return
      }
      const counters = { delivered: 0, deliveredMax: 0, closed: false }
      const subscription: Subscription = { subscriber: this, sid, subject, queue, ...counters }
      this.#subscriptions.set(sid, subscription)
      this.#host.subscribed(subscription)
    }
    this.#acknowledge()
  }

  unsubscribe(sid: string, max: number): void {
    if (this.#isRefused()) return
    const subscription = this.#subscriptions.get(sid)
    if (subscription !== undefined) {
      if (max > subscription.delivered) subscription.deliveredMax = max
      else this.#endSubscription(subscription)
    }
    this.#acknowledge()
  }

  publish(
    subject: string,
    reply: string | undefined,
    headerBytes: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    if (this.#isRefused()) return
    const options = this.#options
    if (headerBytes >= 0 && !options.headers) {
      this.fail(PROTOCOL_ERROR.headersNotSupported)
      return
    }
    if (options.pedantic && !isValidPublishSubject(subject)) this.#sayError(PROTOCOL_ERROR.invalidPublishSubject)
    if (options.verbose) this.#say('+OK\r\n')
    const receivers = this.#host.route(this, subject, reply, headerBytes, bytes, start, end)
    if (receivers === 0 && reply !== undefined && options.noResponders) this.#sayNoResponders(reply)
  }

  violation(error: ProtocolErrorText): void {
    this.fail(this.#isAwaitingAuth ? PROTOCOL_ERROR.authorizationViolation : error)
  }

  // Inner workings

  #received(chunk: Buffer): void {
    if (this.#state !== 'open') return
    this.#wasActive = true
    this.#parser.feed(chunk)
  }

  /** Until CONNECT has proved who the client is, every other operation is a violation. */
  #isRefused(): boolean {
    if (this.#isAwaitingAuth) this.fail(PROTOCOL_ERROR.authorizationViolation)
    return this.#isAwaitingAuth
  }

  /** Why CONNECT is refused; undefined when it is not. */
  #refusalOf(options: ConnectOptions | undefined): ProtocolErrorText | undefined {
    if (options === undefined) return PROTOCOL_ERROR.unknownOperation
    if (options.protocol < 0 || options.protocol > 1) return PROTOCOL_ERROR.invalidClientProtocol
    if (!this.#host.isAuthorized(options)) return PROTOCOL_ERROR.authorizationViolation
    if (options.noResponders && !options.headers) return PROTOCOL_ERROR.noRespondersNeedsHeaders
    return undefined
  }

  #acknowledge(): void {
    if (this.#options.verbose) this.#say('+OK\r\n')
  }

  #sayError(error: ProtocolErrorText): void {
    this.#say(`-ERR '${error}'\r\n`)
  }

  #say(line: string): void {
    this.#output.text(line)
    this.#announce()
  }

  /** A request that nobody received is answered on the requester's own subscription, with a header and no body. */
  #sayNoResponders(reply: string): void {
    for (const subscription of this.#subscriptions.values()) {
      if (!subjectMatches(subscription.subject, reply)) continue
      this.#say(`HMSG ${reply} ${subscription.sid} 16 16\r\nNATS/1.0 503\r\n\r\n\r\n`)
      return
    }
  }

  /** Puts the connection on the list for this turn; ends it when more waits for its client than may. */
  #announce(): void {
    if (this.#writing === undefined && this.#output.bytes > EARLY_FLUSH_BYTES && this.#state === 'open') {
      this.flush()
      return
    }
    if (this.pendingBytes > this.#host.limits.pendingBytesMax && this.#state === 'open') {
      this.#output.clear()
      this.#output.text(`-ERR '${PROTOCOL_ERROR.slowConsumer}'\r\n`)
      this.close(PROTOCOL_ERROR.slowConsumer)
      return
    }
    if (this.#isDirty) return
    this.#isDirty = true
    this.#host.wantsFlush(this)
  }

  #endSubscription(subscription: Subscription): void {
    if (subscription.closed) return
    subscription.closed = true
    this.#subscriptions.delete(subscription.sid)
    this.#host.unsubscribed(subscription)
  }

  /** Stops taking part: nothing is heeded or delivered from here on. */
  #leave(reason: string): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#parser.stop()
    this.#authTimer?.cancel()
    for (const subscription of [...this.#subscriptions.values()]) this.#endSubscription(subscription)
    this.#host.left(this, reason)
  }

  #written(error: Error | undefined): void {
    const batch = this.#writing
    this.#writing = undefined
    if (batch === undefined) return
    // After an error the `close` event follows. The chunks are not reused: who still holds them is not known.
    if (error !== undefined) return
    this.#host.chunks.giveBack(batch.chunks)
    if (!this.#isDirty) this.flush()
  }

  #socketClosed(): void {
    this.#leave('socket closed')
    this.#state = 'closed'
    this.#graceTimer?.cancel()
    this.#output.clear()
    this.#host.closed(this)
  }
}
