/**
 * The routes of the console: a page and its files.
 */
import type { ParameterDefinition, RouteDefinition } from './route-definition.ts'
import { consoleHandlers } from './routes/console.ts'

const folder: ParameterDefinition = { in: 'path', name: 'folder', description: 'A folder of modules', required: true }
const file: ParameterDefinition = { in: 'path', name: 'file', description: 'A file', required: true }
const inside: ParameterDefinition = { in: 'path', name: 'module', description: 'A file in it', required: true }

export function consoleRoutes(): RouteDefinition[] {
  const handlers = consoleHandlers()
  const common = { method: 'GET', access: 'open', tag: 'operating' } as const
  const page = {
    ...common,
    handler: handlers.page,
    responses: [{ status: 200, description: 'The page', content: [{ type: 'text/html; charset=utf-8' }] }],
  }
  const files = {
    ...common,
    handler: handlers.file,
    responses: [
      { status: 200, description: 'A script, a style sheet or a picture', content: [{ type: 'text/javascript' }] },
      { status: 304, description: 'It is still the one with this ETag' },
      { status: 404, description: 'There is no such file' },
    ],
  }
  return [
    { ...page, path: '/console', operationId: 'showConsole', summary: 'The web console' },
    {
      ...common,
      path: '/console/',
      handler: handlers.aside,
      operationId: 'findConsole',
      summary: 'Leads to the console',
      responses: [{ status: 308, description: 'It is at /console', headers: ['Location'] }],
    },
    {
      ...files,
      path: '/console/{file}',
      operationId: 'showConsoleFile',
      summary: 'A file of the console',
      parameters: [file],
    },
    {
      ...files,
      path: '/console/{folder}/{module}',
      operationId: 'showConsoleModule',
      summary: 'A module of the console',
      parameters: [folder, inside],
    },
  ]
}
