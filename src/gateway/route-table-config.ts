/**
 * The routes of the configuration.
 */
import type { GatewayOptions } from './options.ts'
import type { RouteDefinition } from './route-definition.ts'
import { dryRunParameter, json, operating } from './route-table-cluster.ts'
import { patchConfig, showConfig, showConfigHistory } from './routes/config.ts'
import * as schemas from './schemas.ts'

export function configRoutes({ settings }: GatewayOptions): RouteDefinition[] {
  return [
    operating({
      path: '/admin/config',
      handler: showConfig(settings),
      operationId: 'showConfig',
      summary:
        'Every setting of this store with its value, its default and where the value comes from; secrets are replaced',
      responses: [json(schemas.settings, 'The settings by dotted name')],
    }),
    operating({
      method: 'PATCH',
      path: '/admin/config',
      handler: patchConfig(settings),
      operationId: 'patchConfig',
      summary: 'Change settings of the whole cluster while it runs; answers when every store that lives goes by them',
      parameters: [dryRunParameter],
      body: {
        description: 'A merge patch, nested as the file is; null returns a setting to the next source',
        content: [
          { type: 'application/json', schema: schemas.anyDocument },
          { type: 'application/merge-patch+json', schema: schemas.anyDocument },
        ],
      },
      responses: [json(schemas.settings, 'The settings that the patch names, as they are now')],
    }),
    operating({
      path: '/admin/config/history',
      handler: showConfigHistory(settings),
      operationId: 'showConfigHistory',
      summary: 'Who changed which settings of the cluster, the newest first',
      responses: [json(schemas.settingsHistory, 'The last changes')],
    }),
  ]
}
