/**
 * Who may come in: HTTP's own demands, tokens, origins, load. Asked before any handler runs; refuses by throwing.
 */
import { type AccessToken, type Role, TokenSet } from './access.ts'
import type { Exchange } from './exchange.ts'
import { invalidArgument, refusal } from './failures.ts'
import { HeldRefusals } from './held-refusals.ts'
import type { LoadLimiter } from './load-limiter.ts'
import type { GatewayOptions } from './options.ts'
import { AUDIT_PATH_CHARS_MAX, RefusalAudit } from './refusal-audit.ts'
import type { RouteDefinition } from './route-definition.ts'
import type { Services } from './services.ts'

const EXPOSED_HEADERS =
  'ETag, Request-Id, Flotilla-Shard, Flotilla-Epoch, Flotilla-Leader, Flotilla-Revision, Flotilla-Deleted, Flotilla-Staleness-Ms, Server-Timing, Retry-After, Location, traceparent'
const ALLOWED_HEADERS =
  'Authorization, Content-Type, Accept, If-Match, If-None-Match, Request-Id, Flotilla-Timeout-Ms, Idempotency-Key, Last-Event-ID, traceparent'
const OVERLOAD_CURE = 'Try again after a moment, or use another store.'
/** A browser may remember a preflight for ten minutes. */
const PREFLIGHT_SECONDS = 600

export class Admission {
  readonly #services: Services
  readonly #limiter: LoadLimiter
  readonly #held: HeldRefusals
  /** Undefined where no tokens are configured and everything is open. */
  #tokens: TokenSet | undefined
  readonly #origins: readonly string[] | undefined
  readonly #refusals: RefusalAudit

  constructor(services: Services, limiter: LoadLimiter, options: Pick<GatewayOptions, 'tokens' | 'cors'>) {
    this.#services = services
    this.#limiter = limiter
    this.#held = new HeldRefusals(services.clock)
    this.setTokens(options.tokens ?? [])
    this.#origins = options.cors?.origins
    this.#refusals = new RefusalAudit(services.clock, services.events)
  }

  /** For requests that are admitted from now on. */
  setTokens(tokens: readonly AccessToken[]): void {
    this.#tokens = tokens.length === 0 ? undefined : new TokenSet(tokens)
  }

  /** Before routing; `fault` is what is wrong with the head. Returns true when the exchange is answered already (a preflight). */
  greet(exchange: Exchange, fault: string | undefined): boolean {
    if (fault !== undefined) throw invalidArgument(fault)
    const isPreflight = this.#origins !== undefined && this.#answerOrigin(exchange, this.#origins)
    exchange.takeTimeout()
    return isPreflight
  }

  /** Before a handler. False when the request is refused and will be told so. */
  admit(exchange: Exchange, route: RouteDefinition): boolean {
    // First, because it must be cheap when there is much of it.
    if (route.tag === 'data') {
      if (!this.#limiter.enter()) {
        this.#held.hold(exchange, refusal('OVERLOADED', 'too many requests are in progress', OVERLOAD_CURE))
        return false
      }
      exchange.limiter = this.#limiter
    }
    if (route.access === 'open') return true
    try {
      this.#identify(exchange, route)
    } catch (error) {
      // Refused as it is; it is only told of.
      this.#refusals.note(exchange, route, error)
      throw error
    }
    if (isAdministration(route)) this.#audit(exchange, route)
    return true
  }

  #identify(exchange: Exchange, route: RouteDefinition): void {
    if (this.#tokens !== undefined) this.#authorize(exchange, route, this.#tokens)
    else if (route.access === 'local' && !isLoopback(exchange.remoteAddress)) {
      throw refusal('PERMISSION_DENIED', 'this route answers loopback addresses only, or callers with a token')
    }
    if (route.method === 'POST') this.#refuseForeignPage(exchange)
  }

  #authorize(exchange: Exchange, route: RouteDefinition, tokens: TokenSet): void {
    const grant = tokens.grantOf(exchange.requestHeader('authorization'))
    if (grant === undefined) {
      exchange.header('WWW-Authenticate', 'Bearer')
      throw refusal('UNAUTHENTICATED', 'a valid token is needed', 'Send Authorization: Bearer <token>.')
    }
    exchange.grant = grant
    const role = roleFor(route)
    if (!grant.includes(role)) {
      exchange.header('WWW-Authenticate', 'Bearer error="insufficient_scope"')
      throw refusal('PERMISSION_DENIED', `the token does not have the role ${role}`)
    }
    // A route that forgot to look at keys must not be a way around the prefixes.
    if (grant.isScoped && route.tag === 'data' && route.checksKeys !== true) {
      throw refusal('PERMISSION_DENIED', 'this route is not for tokens that are confined to key prefixes')
    }
  }

  /** Tells, when it is answered, who did what. */
  #audit(exchange: Exchange, route: RouteDefinition): void {
    const { path } = exchange.target.kind === 'path' ? exchange.target : { path: route.path }
    const token = exchange.grant?.name
    exchange.whenAnswered = (status) =>
      this.#services.events.emit({
        type: 'admin_action',
        ...(route.auditLevel === undefined ? {} : { level: route.auditLevel }),
        data: {
          action: route.operationId,
          path: path.slice(0, AUDIT_PATH_CHARS_MAX),
          status,
          address: exchange.remoteAddress,
          requestId: exchange.requestId,
          ...(token === undefined ? {} : { token }),
        },
      })
  }

  /** Browsers send a POST of text from any page without asking first; one from a page we did not allow must not write. */
  #refuseForeignPage(exchange: Exchange): void {
    if (exchange.requestHeader('sec-fetch-site') !== 'cross-site') return
    const origin = exchange.requestHeader('origin')
    if (origin !== undefined && this.#origins !== undefined && isAllowed(origin, this.#origins)) return
    throw refusal(
      'PERMISSION_DENIED',
      'pages of other sites may not use this gateway',
      'Put their origin into gateway.cors.origins.',
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
    exchange.header('Access-Control-Allow-Methods', 'GET, HEAD, PUT, POST, PATCH, DELETE')
    exchange.header('Access-Control-Allow-Headers', ALLOWED_HEADERS)
    exchange.header('Access-Control-Max-Age', String(PREFLIGHT_SECONDS))
    exchange.sendEmpty(204)
    return true
  }
}

function isAllowed(origin: string, origins: readonly string[]): boolean {
  return origins.includes('*') || origins.includes(origin)
}

/** What a caller needs to be let in; the handler may ask for more. */
function roleFor(route: RouteDefinition): Role {
  if (route.role !== undefined) return route.role
  if (route.tag === 'operating') return 'admin'
  return route.method === 'GET' || route.method === 'HEAD' ? 'read' : 'write'
}

/** What changes the cluster or shows its inside. Looking at its state is not worth an entry in the history. */
function isAdministration(route: RouteDefinition): boolean {
  return route.tag === 'operating' && (route.method !== 'GET' || route.access === 'local')
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}
