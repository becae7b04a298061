/**
 * The routes under Hono. Handlers answer through their exchange, so what Hono carries around is only a marker. Single keys do not come by
 * here: their path is whatever bytes the client sent, no router may look into it, and they are the hot path.
 */
import { Hono } from 'hono'
import type { Exchange } from './exchange.ts'
import { refusal } from './failures.ts'
import { checkQueryNames } from './query-names.ts'
import type { Handler, Method, RouteDefinition } from './route-definition.ts'

interface GatewayEnvironment {
  readonly Bindings: { readonly exchange: Exchange }
}

/** Tells Hono that the answer is on its way already. */
const ANSWERED = new Response(null)

/** Paths of single keys as the route table names them. */
const KEY_PATHS: readonly string[] = ['/kv/{key}', '/kv64/{key}']

export class GatewayApp {
  readonly #app: Hono<GatewayEnvironment>
  readonly #keyRoutes: ReadonlyMap<string, RouteDefinition>
  readonly #keyMethods: string
  readonly #admit: (exchange: Exchange, route: RouteDefinition) => boolean

  /** `admit` is asked before each handler; it throws to refuse, and answers false where it has seen to the refusal itself. */
  constructor(routes: readonly RouteDefinition[], admit: (exchange: Exchange, route: RouteDefinition) => boolean) {
    this.#admit = admit
    this.#app = new Hono<GatewayEnvironment>({ getPath: (request) => request.url })
    const keyRoutes = routes.filter((route) => route.path === KEY_PATHS[0])
    this.#keyRoutes = new Map(keyRoutes.map((route) => [route.method, route]))
    this.#keyMethods = allowedMethods(keyRoutes)
    const pathRoutes = routes.filter((route) => !KEY_PATHS.includes(route.path))
    for (const route of pathRoutes) this.#register(route)
    for (const path of new Set(pathRoutes.map((route) => route.path))) {
      this.#refuseOtherMethods(path, allowedMethods(pathRoutes.filter((route) => route.path === path)))
    }
    this.#app.notFound((context) => {
      throw routeNotFound(context.env.exchange)
    })
    this.#app.onError((error, context) => {
      context.env.exchange.fail(error)
      return ANSWERED
    })
  }

  /** Runs the route of an exchange. Failures reach the exchange; a rejection or exception is one that could not. */
  run(exchange: Exchange): Promise<unknown> | unknown {
    const { target } = exchange
    if (target.kind === 'key') {
      const route = this.#keyRoutes.get(exchange.method)
      if (route === undefined) throw methodNotAllowed(exchange, this.#keyMethods)
      return this.#enter(exchange, route)
    }
    // Hono looks at method and path only; a real Request would cost more than most handlers.
    const request = { method: exchange.isHead ? 'GET' : exchange.method, url: target.path } as unknown as Request
    return this.#app.fetch(request, { exchange })
  }

  #enter(exchange: Exchange, route: RouteDefinition): ReturnType<Handler> {
    exchange.route = route.path
    if (!this.#admit(exchange, route)) return undefined
    checkQueryNames(exchange, route)
    return route.handler(exchange)
  }

  #register(route: RouteDefinition): void {
    if (route.method === 'HEAD') return
    this.#app.on(route.method, honoPath(route.path), async (context) => {
      const { exchange } = context.env
      exchange.pathParameters = context.req.param()
      await this.#enter(exchange, route)
      return ANSWERED
    })
  }

  #refuseOtherMethods(path: string, allowed: string): void {
    this.#app.all(honoPath(path), (context) => {
      throw methodNotAllowed(context.env.exchange, allowed)
    })
  }
}

function honoPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1')
}

/** HEAD goes wherever GET goes. */
function allowedMethods(routes: readonly RouteDefinition[]): string {
  const methods = new Set<Method>(routes.map((route) => route.method))
  if (methods.has('GET')) methods.add('HEAD')
  return [...methods].sort().join(', ')
}

function methodNotAllowed(exchange: Exchange, allowed: string): Error {
  exchange.header('Allow', allowed)
  return refusal('METHOD_NOT_ALLOWED', `this route takes ${allowed}`)
}

function routeNotFound(exchange: Exchange): Error {
  if (exchange.target.kind === 'path' && exchange.target.path === '*') {
    return methodNotAllowed(exchange, 'DELETE, GET, HEAD, POST, PUT')
  }
  return refusal('ROUTE_NOT_FOUND', 'there is no such route', 'GET /openapi.json lists the routes.')
}
