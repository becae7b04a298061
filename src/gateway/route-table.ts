/**
 * Every route of the gateway. A route that is not here does not exist; what is said of it here is what `/openapi.json` says.
 */
import type { ExchangeSet } from './exchange-set.ts'
import type { LoadLimiter } from './load-limiter.ts'
import { openApiDocument } from './openapi.ts'
import type { GatewayOptions } from './options.ts'
import type { Handler, RouteDefinition } from './route-definition.ts'
import { clusterRoutes } from './route-table-cluster.ts'
import { configRoutes } from './route-table-config.ts'
import { consoleRoutes } from './route-table-console.ts'
import { keyRoutes, rangeRoutes } from './route-table-data.ts'
import { driverRoutes } from './route-table-driver.ts'
import { historyRoutes } from './route-table-history.ts'
import { processRoutes } from './route-table-process.ts'
import { showDocs } from './routes/docs.ts'

export function routeTable(options: GatewayOptions, set: ExchangeSet, limiter: LoadLimiter): RouteDefinition[] {
  const routes: RouteDefinition[] = [
    ...keyRoutes(),
    ...rangeRoutes(),
    ...clusterRoutes(options),
    ...driverRoutes(),
    ...configRoutes(options),
    ...processRoutes(options, set, limiter),
    ...historyRoutes(options),
    ...consoleRoutes(),
  ]
  routes.push(
    documentRoute(() => openApi),
    docsRoute,
  )
  const openApi = JSON.stringify(openApiDocument(routes, options.version))
  return routes
}

/** The text is made once, after the table is complete, and it lists itself too. */
function documentRoute(text: () => string): RouteDefinition {
  const handler: Handler = (exchange) => exchange.sendText(200, 'application/json', text())
  return {
    method: 'GET',
    path: '/openapi.json',
    handler,
    access: 'token',
    role: 'read',
    tag: 'operating',
    operationId: 'describeRoutes',
    summary: 'This description, for programs',
    responses: [{ status: 200, description: 'An OpenAPI 3.1 document', content: [{ type: 'application/json' }] }],
  }
}

const docsRoute: RouteDefinition = {
  method: 'GET',
  path: '/docs',
  handler: showDocs,
  access: 'token',
  role: 'read',
  tag: 'operating',
  operationId: 'showDocs',
  summary: 'This description, for people',
  responses: [{ status: 200, description: 'A page', content: [{ type: 'text/html; charset=utf-8' }] }],
}
