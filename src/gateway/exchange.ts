/**
 * One request and its answer: reads headers and body straight from Node's HTTP objects and writes the answer straight to them, because
 * a Request and a Response object per operation cost more than the operation. Handlers see nothing else of HTTP. An exchange is answered
 * exactly once; whoever comes second (the handler after the deadline, say) is ignored.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { AssertionFailure, utf8Encode } from '../base/index.ts'
import { ERROR_TABLE, type ErrorValue, FlotillaError, internal } from '../protocol/index.ts'
import type { Served } from '../router/index.ts'
import type { Grant } from './access.ts'
import { type BodySink, collectBody, NO_BODY } from './body.ts'
import type { ExchangeSet } from './exchange-set.ts'
import { refusal } from './failures.ts'
import type { LoadLimiter } from './load-limiter.ts'
import { hasRetryAfter, PROBLEM_CONTENT_TYPE, problemOf, RETRY_AFTER_SECONDS } from './problem.ts'
import { EMPTY_QUERY, Query } from './query.ts'
import { isSaneRequestId, parseTimeoutMs } from './request-headers.ts'
import { beginRequestSpan, endRequestSpan, type RequestSpan } from './request-span.ts'
import type { Services } from './services.ts'
import type { Target } from './target.ts'

type BodyTooLargeCode = 'VALUE_TOO_LARGE' | 'BATCH_TOO_LARGE' | 'INVALID_ARGUMENT'

/** What a handler that waits for the body asked for. */
interface WantedBody {
  readonly bytesMax: number
  readonly tooLargeCode: BodyTooLargeCode
  readonly resolve: (body: Buffer) => void
  readonly reject: (error: FlotillaError) => void
}

/**
 * `waiting` for those before it on its connection; then a body is `reading` if one is wanted, then the handler is `working`; an answer is `streaming` if it
 * has no known length, then `done`.
 */
export type Phase = 'waiting' | 'reading' | 'working' | 'streaming' | 'done'

const JSON_CONTENT_TYPE = 'application/json'

export class Exchange implements BodySink {
  readonly services: Services
  readonly target: Target
  /** The method as sent; HEAD is routed as GET and answered without a body. */
  readonly method: string
  readonly requestId: string
  readonly startedMs: number
  /** What the request causes is traced as a part of this. */
  readonly span: RequestSpan | undefined
  /** The template of the route that answers, for metrics. */
  route = 'none'
  pathParameters: Readonly<Record<string, string>> = {}
  phase: Phase = 'working'
  /** Moment on the clock by which the answer is due. */
  deadlineMs: number
  /** A write was handed to the router: a failure that does not say otherwise leaves its outcome unknown. */
  mayHaveWritten = false
  /** What the caller's token allows; undefined where no token was needed. */
  grant: Grant | undefined
  /** Counts this one among the data requests in progress. */
  limiter: LoadLimiter | undefined
  /** Told the status when there is an answer. */
  whenAnswered: ((status: number) => void) | undefined
  /** Body bytes received; tells a slow body from one that stalled. */
  receivedBytes = 0

  readonly #incoming: IncomingMessage
  readonly #outgoing: ServerResponse
  readonly #set: ExchangeSet
  readonly #expectsContinue: boolean
  readonly #headers: string[]
  #query: Query | undefined
  #abort: AbortController | undefined
  #reservedBytes = 0
  #closesConnection = false
  #bodyIsComing: boolean
  #wanted: WantedBody | undefined

  constructor(
    services: Services,
    set: ExchangeSet,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    target: Target,
    expectsContinue: boolean,
  ) {
    this.services = services
    this.#set = set
    this.#incoming = incoming
    this.#outgoing = outgoing
    this.target = target
    this.method = incoming.method ?? 'GET'
    this.#expectsContinue = expectsContinue
    this.startedMs = services.clock.nowMs()
    this.deadlineMs = this.startedMs + services.limits.requestTimeoutMs
    const headers = incoming.headers
    const ownId = headers['request-id']
    this.requestId = typeof ownId === 'string' && isSaneRequestId(ownId) ? ownId : services.nextRequestId()
    this.#headers = ['Request-Id', this.requestId]
    this.#bodyIsComing = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
    const { traceparent } = headers
    if (traceparent !== undefined || services.tracer.isOn)
      this.span = beginRequestSpan(services, traceparent, this.#headers)
  }

  /** Takes the caller's own deadline; throws INVALID_ARGUMENT when it is not one. */
  takeTimeout(): void {
    const timeout = this.#incoming.headers['flotilla-timeout-ms']
    if (timeout !== undefined) this.deadlineMs = this.startedMs + parseTimeoutMs(String(timeout))
  }

  get isHead(): boolean {
    return this.method === 'HEAD'
  }

  get remoteAddress(): string {
    return this.#incoming.socket.remoteAddress ?? ''
  }

  /** A parameter of the route's path, as it stands in the URL after percent-decoding. */
  pathParameter(name: string): string {
    return this.pathParameters[name] ?? ''
  }

  /** The value of a request header by its lower-case name; repeated ones are joined with ', '. */
  requestHeader(name: string): string | undefined {
    const value = this.#incoming.headers[name]
    return typeof value === 'string' || value === undefined ? value : value.join(', ')
  }

  get query(): Query {
    if (this.#query === undefined) this.#query = this.target.query === '' ? EMPTY_QUERY : new Query(this.target.query)
    return this.#query
  }

  /** Milliseconds until the deadline, at least one: the router counts from now. */
  get remainingMs(): number {
    return Math.max(1, this.deadlineMs - this.services.clock.nowMs())
  }

  /** Aborted when the client leaves or the answer is given. Costs a controller: for work of many steps, not for single keys. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const controller = new AbortController()
      this.#abort = controller
      if (this.#outgoing.destroyed || this.phase === 'done') controller.abort()
      else this.#outgoing.once('close', () => controller.abort())
    }
    return this.#abort.signal
  }

  /** The client is gone, or never finished its request. */
  get isAbandoned(): boolean {
    return this.#outgoing.destroyed || this.#incoming.socket.destroyed
  }

  // The body.

  /**
   * The whole body. Throws `tooLargeCode` as soon as it is known to exceed `bytesMax`, without reading the rest; OVERLOADED when all
   * requests together hold too much; REQUEST_TIMEOUT when it stalls. Not an async function: that would be a second promise per write.
   */
  readBody(bytesMax: number, tooLargeCode: BodyTooLargeCode): Promise<Buffer> | Buffer {
    if (!this.#bodyIsComing) return NO_BODY
    const declared = this.#incoming.headers['content-length']
    const declaredBytes = declared === undefined ? undefined : Number(declared)
    if (declaredBytes === 0) return NO_BODY
    if (declaredBytes !== undefined && declaredBytes > bytesMax) throw bodyTooLarge(tooLargeCode, bytesMax)
    if (this.#expectsContinue) this.#outgoing.writeContinue()
    this.phase = 'reading'
    return new Promise((resolve, reject) => {
      this.#wanted = { bytesMax, tooLargeCode, resolve, reject }
      collectBody(this.#incoming, declaredBytes, this)
    })
  }

  takeBytes(bytes: number): boolean {
    if (this.phase !== 'reading' || this.#wanted === undefined) return false
    this.receivedBytes += bytes
    const { bytesMax, tooLargeCode } = this.#wanted
    if (this.receivedBytes > bytesMax) this.#refuseBody(bodyTooLarge(tooLargeCode, bytesMax))
    else if (!this.#set.reserveBytes(bytes)) this.#refuseBody(refusal('OVERLOADED', 'too many bodies are in progress'))
    else {
      this.#reservedBytes += bytes
      return true
    }
    return false
  }

  endBody(body: Buffer): void {
    if (this.phase !== 'reading') return
    this.phase = 'working'
    this.#bodyIsComing = false
    this.#wanted?.resolve(body)
  }

  #refuseBody(error: FlotillaError): void {
    this.phase = 'working'
    this.#wanted?.reject(error)
  }

  // The answer.

  /** Adds a header to the answer, whatever the answer will be. The value must be printable; Node refuses what could split the answer. */
  header(name: string, value: string): void {
    this.#headers.push(name, value)
  }

  /** The headers that tell where the answer of one key came from. */
  servedHeaders(served: Served): void {
    const leader = served.leader
    this.#headers.push(
      'Flotilla-Shard',
      String(served.shard),
      'Flotilla-Epoch',
      `${served.epoch.membership}.${served.epoch.range}`,
      'Server-Timing',
      `route;dur=${microseconds(served.routeMs)}, raft;dur=${microseconds(served.raftMs)}, apply;dur=${microseconds(served.applyMs)}`,
    )
    if (leader !== undefined) this.#headers.push('Flotilla-Leader', printable(leader))
  }

  sendEmpty(status: number): void {
    if (!this.#finish(status)) return
    this.#outgoing.writeHead(status, this.#headers)
    this.#outgoing.end()
  }

  sendBytes(status: number, contentType: string, body: Uint8Array, caching = 'no-store'): void {
    if (!this.#finish(status)) return
    this.#headers.push('Content-Type', contentType, 'Content-Length', String(body.length), 'Cache-Control', caching)
    this.#outgoing.writeHead(status, this.#headers)
    if (this.isHead) this.#outgoing.end()
    else this.#outgoing.end(body)
    this.#set.unread.note(this.#outgoing, this.#incoming.socket)
  }

  sendText(status: number, contentType: string, text: string): void {
    this.sendBytes(status, contentType, utf8Encode(text))
  }

  sendJson(status: number, value: unknown): void {
    this.sendText(status, JSON_CONTENT_TYPE, JSON.stringify(value))
  }

  /** Ends the request with an error. What is not a FlotillaError is a bug: it is logged, and the client learns only its request id. */
  fail(error: unknown): void {
    if (this.phase === 'done') return
    if (error instanceof FlotillaError) {
      this.sendError(error)
      return
    }
    this.sendError(this.reportBug(error))
  }

  /** Logs what no code foresaw, and gives what the client may know of it. A failed assertion also stops the process. */
  reportBug(error: unknown): ErrorValue {
    this.services.logger.log('error', 'a request failed unexpectedly', {
      requestId: this.requestId,
      route: this.route,
      error: error instanceof Error ? error.stack : String(error),
    })
    const data = { requestId: this.requestId, route: this.route }
    this.services.events.emit({ type: 'request_failed', data })
    if (error instanceof AssertionFailure) {
      // Rethrown from a turn of its own, so that the answer still leaves.
      this.services.clock.soon(() => {
        throw error
      })
    }
    const message = 'the server failed in a way it did not expect; the request id leads to its log'
    return internal(message, this.mayHaveWritten ? 'unknown' : 'none')
  }

  /** Ends the request with an error that is an ordinary answer, such as an absent key. */
  sendError(error: ErrorValue, extensions?: Readonly<Record<string, unknown>>): void {
    if (this.phase === 'done') return
    const status = ERROR_TABLE[error.code].httpStatus
    if (hasRetryAfter(status)) this.#headers.push('Retry-After', String(RETRY_AFTER_SECONDS))
    if (this.target.kind === 'key' && !this.#headers.includes('Flotilla-Shard')) {
      if (error.shard !== undefined) this.#headers.push('Flotilla-Shard', String(error.shard))
      if (error.leader !== undefined) this.#headers.push('Flotilla-Leader', printable(error.leader))
    }
    this.sendText(status, PROBLEM_CONTENT_TYPE, JSON.stringify(problemOf(error, this.requestId, extensions)))
  }

  /** Begins an answer of unknown length; `write` and `endStream` follow. */
  startStream(status: number, contentType: string): void {
    if (this.phase === 'done' || this.phase === 'streaming') return
    this.phase = 'streaming'
    this.limiter?.withdraw()
    this.limiter = undefined
    this.#headers.push('Content-Type', contentType, 'Cache-Control', 'no-store')
    if (this.services.isDraining()) this.#headers.push('Connection', 'close')
    this.#outgoing.writeHead(status, this.#headers)
  }

  /** Resolves when the client has room for more. Rejects with CLOSED when it is gone, or does not read for too long. */
  async write(text: string): Promise<void> {
    if (this.isAbandoned) throw clientGone()
    if (this.#outgoing.write(text)) return
    await new Promise<void>((resolve, reject) => {
      const outgoing = this.#outgoing
      const stalled = this.services.clock.after(this.services.limits.streamStallMsMax, () => outgoing.destroy())
      const settle = (): void => {
        stalled.cancel()
        outgoing.off('drain', settle)
        outgoing.off('close', settle)
        if (outgoing.destroyed) reject(clientGone())
        else resolve()
      }
      outgoing.on('drain', settle)
      outgoing.on('close', settle)
    })
  }

  endStream(): void {
    if (this.phase !== 'streaming') return
    this.#outgoing.end()
    this.#done(this.#outgoing.statusCode)
  }

  // Called by the set's sweep.

  /** The head arrived and the body did not, or what came is not a body. Nothing more can be read from the connection. */
  failBody(error: FlotillaError): void {
    if (this.phase !== 'reading') return
    this.#closesConnection = true
    this.#refuseBody(error)
  }

  /** Whether this is a request of the given connection. */
  isOn(socket: Duplex): boolean {
    return this.#incoming.socket === socket
  }

  /** Calls `run` when the answer has been handed to the connection. */
  whenFinished(run: () => void): void {
    this.#outgoing.once('finish', run)
  }

  /** Nobody will read the answer. */
  abandon(): void {
    if (this.phase === 'done') return
    this.#done(499)
    this.#wanted?.reject(clientGone())
  }

  /** Ends the connection of an exchange that is over but whose body never came to an end. */
  destroyIfUnread(): void {
    if (this.hasUnreadBody) this.#incoming.socket.destroy()
  }

  /** The client has announced a body and not sent all of it. */
  get hasUnreadBody(): boolean {
    return this.#bodyIsComing && !this.#incoming.complete && !this.#incoming.socket.destroyed
  }

  /** Claims the right to answer. */
  #finish(status: number): boolean {
    if (this.phase === 'done') return false
    // A client that was not told to continue may or may not send its body, so nobody knows where its next request begins.
    const bodyIsUncertain = this.#expectsContinue && this.receivedBytes === 0 && !this.#incoming.complete
    if (this.#closesConnection || bodyIsUncertain || this.services.isDraining())
      this.#headers.push('Connection', 'close')
    this.#done(status)
    return true
  }

  #done(status: number): void {
    this.phase = 'done'
    if (this.#reservedBytes > 0) this.#set.releaseBytes(this.#reservedBytes)
    this.#set.remove(this)
    this.whenAnswered?.(status)
    if (this.span !== undefined) endRequestSpan(this.services, this.span, this, status)
    const tookMs = this.services.clock.nowMs() - this.startedMs
    this.limiter?.leave(this.method === 'GET' || this.isHead ? 'read' : 'write', status, tookMs)
    this.services.metrics?.observe(this.route, this.method, status, tookMs / 1000)
    if (this.#abort !== undefined && !this.#abort.signal.aborted) this.#abort.abort()
  }
}

function clientGone(): FlotillaError {
  return refusal('CLOSED', 'the client closed the connection')
}

/** Store ids come from configuration; whatever is in one, it cannot begin a header of its own. */
function printable(text: string): string {
  return /^[\x21-\x7e]*$/.test(text) ? text : text.replace(/[^\x21-\x7e]/g, '?')
}

function microseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000
}

function bodyTooLarge(code: BodyTooLargeCode, bytesMax: number): FlotillaError {
  return refusal(code, `the request body has more than ${bytesMax} bytes`)
}
