/**
 * One connection to a NATS broker, by the unmodified `nats` client. The client reconnects by itself; this file begins again where the
 * client gives up (a refused login), tells people why there is no connection, and keeps three of its habits from us: it throws on a
 * closed connection, it buffers without bound while disconnected, and an exception in a callback would silently end its reader.
 */
import { type ConnectionOptions, connect, ErrorCode, Events, type NatsConnection, NatsError, type Status } from 'nats'
import { type Clock, LIMITS, type Logger, type Timer } from '../../base/index.ts'
import { TransportError } from '../transport-error.ts'
import type { Wire } from '../wire.ts'
import { lookAtCertificate } from './certificate-look.ts'
import { COMPLAINT_INTERVAL_MS, Complaints } from './complaints.ts'
import { explainNatsError } from './nats-failure.ts'

/** Between attempts while the client itself has given up, or never got through. */
const RETRY_MS = 250
/** A broker that is there lets us in long before. */
const LOOK_AFTER_MS = 1_000
/** What a closing connection gets to send its last bytes. */
const CLOSE_GRACE_MS = 500
/** A subscription that was refused is tried again: permissions change without a reconnect. */
const RESUBSCRIBE_MS = 5_000

export interface NatsWireOptions {
  readonly connection: ConnectionOptions
  /** For people. */
  readonly servers: string
  readonly clock: Clock
  readonly logger: Logger
  /** Where several wires lead to the same servers: what is told of one needs no telling of the others. */
  readonly complaints?: Complaints
}

export class NatsWire implements Wire {
  readonly #options: NatsWireOptions
  readonly #clock: Clock
  readonly #subscriptions = new Map<string, (bytes: Uint8Array) => void>()
  readonly #complaints: Complaints
  #connection: NatsConnection | undefined
  #isOpen = false
  #isClosed = false
  #payloadBytesMax: number = LIMITS.frameBytesMax
  #onChange: (() => void) | undefined
  /** Open while we wait for a broker: the timers of `Clock` alone would let a process end that has nothing else to do yet. */
  #reasonToLive: InstanceType<typeof MessagePort> | undefined
  /** Why there is no connection, where the client does not know it. */
  #reason: TransportError | undefined
  #look: Timer | undefined
  #onFirst: ((outcome: TransportError | undefined) => void) | undefined

  constructor(options: NatsWireOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#complaints = options.complaints ?? new Complaints(options.clock, options.logger, options.servers)
  }

  /**
   * Begins to connect. Resolves with undefined once it is connected for the first time, or with the reason when the broker turns us away
   * so that only a change of configuration helps; it goes on trying all the same until it is closed. Stays pending while there is no broker.
   */
  connect(): Promise<TransportError | undefined> {
    return new Promise((resolve) => {
      this.#onFirst = resolve
      this.#lookAfter(LOOK_AFTER_MS)
      this.#dial()
    })
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get payloadBytesMax(): number {
    return this.#payloadBytesMax
  }

  publish(subject: string, bytes: Uint8Array): boolean {
    if (!this.#isOpen || this.#connection === undefined) return false
    try {
      this.#connection.publish(subject, bytes)
      return true
    } catch (error) {
      // The client throws on a connection that is closing and on a payload beyond what the broker now takes. Both mean: not sent.
      if (!(error instanceof NatsError)) throw error
      this.#complain('warn', `a frame of ${bytes.length} bytes could not be sent`, explainNatsError(error))
      return false
    }
  }

  subscribe(subject: string, deliver: (bytes: Uint8Array) => void): void {
    this.#subscriptions.set(subject, deliver)
    if (this.#connection !== undefined) this.#subscribeOn(this.#connection, subject)
  }

  watch(onChange: () => void): void {
    this.#onChange = onChange
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#look?.cancel()
    const connection = this.#connection
    this.#connection = undefined
    this.#letProcessEnd()
    this.#settleFirst(undefined)
    if (connection === undefined) return
    if (this.#isOpen) await this.#lastFlush(connection)
    this.#isOpen = false
    await connection.close()
  }

  #dial(): void {
    if (this.#reasonToLive === undefined) {
      this.#reasonToLive = new MessageChannel().port1
      this.#reasonToLive.ref()
    }
    connect({ ...this.#options.connection }).then(
      (connection) => this.#adopt(connection),
      (error: unknown) => this.#onDialFailed(error),
    )
  }

  #onDialFailed(error: unknown): void {
    if (this.#isClosed) return
    const explained = explainNatsError(error)
    const failure = explained instanceof TransportError ? explained : (this.#reason ?? explained)
    this.#complain('warn', 'no connection to the broker', failure)
    if (failure instanceof TransportError) this.#settleFirst(failure)
    this.#clock.after(RETRY_MS, () => {
      if (!this.#isClosed) this.#dial()
    })
  }

  #adopt(connection: NatsConnection): void {
    if (this.#isClosed) {
      connection.close().catch((error: unknown) => this.#complain('warn', 'late connection', explainNatsError(error)))
      return
    }
    this.#connection = connection
    this.#letProcessEnd()
    for (const subject of this.#subscriptions.keys()) this.#subscribeOn(connection, subject)
    void this.#followStatus(connection)
    void connection.closed().then((error) => this.#onClientGaveUp(connection, error))
    // Once the broker has answered this, our subscriptions are in force.
    connection.flush().then(
      () => this.#setOpen(connection, true),
      (error: unknown) => this.#complain('warn', 'the broker went away at once', explainNatsError(error)),
    )
  }

  /** Never rejects: the client's status ends with the connection. */
  async #followStatus(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) this.#onStatus(connection, status)
  }

  #onStatus(connection: NatsConnection, status: Status): void {
    if (this.#isClosed || connection !== this.#connection) return
    switch (status.type) {
      case Events.Disconnect:
        this.#setOpen(connection, false)
        this.#complain('warn', 'lost the connection to the broker', 'reconnecting; if it recurs, see the broker’s log')
        break
      case Events.Reconnect:
        this.#setOpen(connection, true)
        break
      case Events.Error:
        this.#complain('error', 'the broker complains', explainStatus(status))
        break
      default:
        // Servers that join and leave, pings, attempts: of no interest to anybody here.
        break
    }
  }

  #onClientGaveUp(connection: NatsConnection, error: unknown): void {
    if (this.#isClosed || connection !== this.#connection) return
    this.#setOpen(connection, false)
    this.#connection = undefined
    this.#onDialFailed(error ?? new Error('the connection was closed'))
  }

  #setOpen(connection: NatsConnection, isOpen: boolean): void {
    if (this.#isClosed || connection !== this.#connection || isOpen === this.#isOpen) return
    this.#isOpen = isOpen
    if (!isOpen) this.#lookAfter(LOOK_AFTER_MS)
    else {
      this.#reason = undefined
      this.#look?.cancel()
      this.#payloadBytesMax = connection.info?.max_payload ?? LIMITS.frameBytesMax
      this.#options.logger.log('info', 'connected to the broker', { server: connection.getServer() })
      this.#settleFirst(undefined)
    }
    this.#onChange?.()
  }

  #letProcessEnd(): void {
    this.#reasonToLive?.close()
    this.#reasonToLive = undefined
  }

  #settleFirst(outcome: TransportError | undefined): void {
    const onFirst = this.#onFirst
    this.#onFirst = undefined
    onFirst?.(outcome)
  }

  #subscribeOn(connection: NatsConnection, subject: string): void {
    const deliver = this.#subscriptions.get(subject)
    if (deliver === undefined) return
    connection.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) this.#onSubscriptionRefused(connection, subject, error)
        else crashOnError(() => deliver(message.data))
      },
    })
  }

  #onSubscriptionRefused(connection: NatsConnection, subject: string, error: NatsError): void {
    this.#complain('error', `cannot listen on ${subject}`, explainNatsError(error))
    this.#clock.after(RESUBSCRIBE_MS, () => {
      if (connection === this.#connection && !connection.isClosed()) this.#subscribeOn(connection, subject)
    })
  }

  async #lastFlush(connection: NatsConnection): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(CLOSE_GRACE_MS, resolve)
      const settle = (): void => {
        timer.cancel()
        resolve()
      }
      // A connection that breaks now has nothing more to send either.
      connection.flush().then(settle, settle)
    })
  }

  /** While there is no connection, looks now and then whether our certificate is in the way. */
  #lookAfter(delayMs: number): void {
    const { connection, clock } = this.#options
    const { servers, tls } = connection
    if (tls === null || !Array.isArray(servers)) return
    this.#look?.cancel()
    this.#look = clock.after(delayMs, () => {
      void lookAtCertificate(servers, tls ?? {}, clock).then((reason) => {
        if (this.#isClosed || this.#isOpen) return
        this.#reason = reason
        if (reason !== undefined) {
          this.#complain('warn', 'no connection to the broker', reason)
          this.#settleFirst(reason)
        }
        this.#lookAfter(COMPLAINT_INTERVAL_MS)
      })
    })
  }

  #complain(level: 'warn' | 'error', what: string, why: TransportError | string): void {
    this.#complaints.tell(level, what, why)
  }
}

function explainStatus(status: Status): string {
  const context = status.permissionContext
  if (status.data === ErrorCode.PermissionsViolation && context !== undefined) {
    return `it forbids ${context.operation} on ${context.subject}: allow publish and subscribe on flotilla.>`
  }
  return String(status.data)
}

/** Runs what must not fail. The client swallows exceptions of callbacks, but a failed assertion has to end the process. */
function crashOnError(run: () => void): void {
  try {
    run()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
