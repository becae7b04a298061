/**
 * Who may come in: draining, HTTP's own demands, tokens, origins, load. Asked before any handler runs; refuses by throwing.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Exchange } from './exchange.ts'
import type { ExchangeSet } from './exchange-set.ts'
import { invalidArgument, refusal } from './failures.ts'
import type { GatewayOptions } from './options.ts'
import type { RouteDefinition } from './route-definition.ts'
import type { Services } from './services.ts'

const EXPOSED_HEADERS =
  'ETag, Request-Id, Flotilla-Shard, Flotilla-Epoch, Flotilla-Leader, Flotilla-Revision, Flotilla-Deleted, Flotilla-Staleness-Ms, Server-Timing, Retry-After, Location, traceparent'
const ALLOWED_HEADERS =
  'Authorization, Content-Type, Accept, If-Match, If-None-Match, Request-Id, Flotilla-Timeout-Ms, Idempotency-Key, Last-Event-ID, traceparent'
/** A browser may remember a preflight for ten minutes. */
const PREFLIGHT_SECONDS = 600

export class Admission {
  readonly #services: Services
  readonly #set: ExchangeSet
  readonly #tokenDigests: readonly Buffer[]
  readonly #origins: readonly string[] | undefined

  constructor(services: Services, set: ExchangeSet, options: Pick<GatewayOptions, 'tokens' | 'cors'>) {
    this.#services = services
    this.#set = set
    this.#tokenDigests = (options.tokens ?? []).map(digest)
    this.#origins = options.cors?.origins
  }

  /** Before routing. Returns true when the exchange is answered already (a preflight). */
  greet(exchange: Exchange, hasUnknownExpectation: boolean): boolean {
    if (this.#services.isDraining()) throw refusal('DRAINING', 'this store is shutting down', 'Use another store.')
    this.#checkVersion(exchange)
    if (hasUnknownExpectation) throw invalidArgument('the Expect header takes only 100-continue')
    const isPreflight = this.#origins !== undefined && this.#answerOrigin(exchange, this.#origins)
    exchange.takeTimeout()
    return isPreflight
  }

  /** Node takes requests without a version as HTTP/0.9, which nobody means. */
  #checkVersion(exchange: Exchange): void {
    const version = exchange.httpVersion
    if (version === '1.0') return
    if (version !== '1.1') throw invalidArgument('the bytes received are not an HTTP/1 request')
    if (exchange.requestHeader('host') === undefined) throw invalidArgument('the Host header is missing')
  }

  /** Before a handler. */
  admit(exchange: Exchange, route: RouteDefinition): void {
    if (route.tag === 'data' && this.#set.size > this.#services.limits.inflightMax) {
      throw refusal(
        'OVERLOADED',
        'too many requests are in progress',
        'Try again after a moment, or use another store.',
      )
    }
    if (route.access === 'open') return
    if (this.#tokenDigests.length > 0) this.#checkToken(exchange)
    else if (route.access === 'local' && !isLoopback(exchange.remoteAddress)) {
      throw refusal('PERMISSION_DENIED', 'this route answers loopback addresses only, or callers with a token')
    }
    if (route.method === 'POST') this.#refuseForeignPage(exchange)
  }

  #checkToken(exchange: Exchange): void {
    const token = /^Bearer +([^ ]+)$/i.exec(exchange.requestHeader('authorization') ?? '')?.[1]
    if (token !== undefined) {
      const offered = digest(token)
      // Digests have one length, which is what the constant-time comparison needs.
      if (this.#tokenDigests.some((known) => timingSafeEqual(known, offered))) return
    }
    exchange.header('WWW-Authenticate', 'Bearer')
    throw refusal('UNAUTHENTICATED', 'a valid token is needed', 'Send Authorization: Bearer <token>.')
  }

  /** Browsers send a POST of text from any page without asking first; one from a page we did not allow must not write. */
  #refuseForeignPage(exchange: Exchange): void {
    if (exchange.requestHeader('sec-fetch-site') !== 'cross-site') return
    const origin = exchange.requestHeader('origin')
    if (origin !== undefined && this.#origins !== undefined && isAllowed(origin, this.#origins)) return
    throw refusal(
      'PERMISSION_DENIED',
      'pages of other sites may not use this gateway',
      'Configure their origin for CORS.',
    )
  }

  #answerOrigin(exchange: Exchange, origins: readonly string[]): boolean {
    exchange.header('Vary', 'Origin')
    const origin = exchange.requestHeader('origin')
    if (origin === undefined || !isAllowed(origin, origins)) return false
    exchange.header('Access-Control-Allow-Origin', origin)
    exchange.header('Access-Control-Expose-Headers', EXPOSED_HEADERS)
    if (exchange.method !== 'OPTIONS' || exchange.requestHeader('access-control-request-method') === undefined)
      return false
    exchange.header('Access-Control-Allow-Methods', 'GET, HEAD, PUT, POST, DELETE')
    exchange.header('Access-Control-Allow-Headers', ALLOWED_HEADERS)
    exchange.header('Access-Control-Max-Age', String(PREFLIGHT_SECONDS))
    exchange.sendEmpty(204)
    return true
  }
}

function isAllowed(origin: string, origins: readonly string[]): boolean {
  return origins.includes('*') || origins.includes(origin)
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}
