/**
 * Refuses query parameters that a route does not know. Most servers ignore them, and what they ignore may be all that mattered: `?dryrun=true` would do the thing,
 * `?prefx=a` list everything, `?consistancy=stale` or a `ttl` of another version mean nothing, each answered with success. What that costs is that nobody can
 * append a number against caches, which no answer of these routes is for (`no-store`). Routes that only read and take no parameter at all have nothing to
 * be confused with: there probes, scrapers and browsers may append what they like. Asked by the gateway's routing, after the caller was let in.
 */
import type { Exchange } from './exchange.ts'
import { invalidArgument } from './failures.ts'
import type { RouteDefinition } from './route-definition.ts'
import { ttlUnsupported } from './routes/unsupported.ts'

const SHOWN_CHARS_MAX = 50

/** Throws INVALID_ARGUMENT. Costs nothing where there is no query. */
export function checkQueryNames(exchange: Exchange, route: RouteDefinition): void {
  if (exchange.target.query === '') return
  const known = (route.parameters ?? []).filter((parameter) => parameter.in === 'query').map(({ name }) => name)
  if (known.length === 0 && route.method === 'GET') return
  for (const name of exchange.query.names) {
    if (known.includes(name)) continue
    if (name === 'ttl' && route.tag === 'data') throw ttlUnsupported('ttl')
    const shown = JSON.stringify(name.slice(0, SHOWN_CHARS_MAX))
    const takes = known.length === 0 ? 'It takes none.' : `It takes ${known.join(', ')}.`
    throw invalidArgument(`${route.method} ${route.path} has no query parameter ${shown}`, takes)
  }
}
