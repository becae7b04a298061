import type { ExchangeSet } from './exchange-set.ts'
import type { GatewayOptions } from './options.ts'
import type { RouteDefinition } from './route-definition.ts'
import { deleteKey, getKey, postKey, putKey } from './routes/key.ts'

export function routeTable(_options: GatewayOptions, _set: ExchangeSet): RouteDefinition[] {
  const base = { access: 'token', tag: 'data', operationId: 'x', summary: '', responses: [] } as const
  return ['/kv/{key}', '/kv64/{key}'].flatMap((path) => [
    { ...base, path, method: 'PUT', handler: putKey } as const,
    { ...base, path, method: 'POST', handler: postKey } as const,
    { ...base, path, method: 'GET', handler: getKey } as const,
    { ...base, path, method: 'HEAD', handler: getKey } as const,
    { ...base, path, method: 'DELETE', handler: deleteKey } as const,
  ])
}
