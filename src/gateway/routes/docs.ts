/**
 * `GET /docs`: the OpenAPI document as a page. Everything it needs is in the page itself; it fetches nothing but `/openapi.json`.
 */
import { createHash } from 'node:crypto'
import type { Exchange } from '../exchange.ts'

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b2733; background: #fff }
h1 { margin-bottom: 0 } h2 { margin-top: 2rem; border-bottom: 1px solid #d5dde5 }
details { border: 1px solid #d5dde5; border-radius: 6px; margin: .4rem 0; padding: .4rem .8rem }
summary { cursor: pointer } code, pre { font: 13px/1.4 ui-monospace, monospace }
.method { display: inline-block; min-width: 4.5rem; font-weight: 600 } .about { color: #51606f }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .2rem .6rem .2rem 0; vertical-align: top }
pre { background: #f4f7fa; padding: .6rem; overflow: auto; border-radius: 6px }
@media (prefers-color-scheme: dark) { body { color: #dde5ec; background: #12181f } details, h2 { border-color: #33404d } pre { background: #1b242e } .about { color: #93a3b3 } }
`

const SCRIPT = `
const make = (name, text, className) => {
  const element = document.createElement(name)
  if (text !== undefined) element.textContent = text
  if (className) element.className = className
  return element
}
const table = (head, rows) => {
  const result = make('table')
  for (const [i, cells] of [head, ...rows].entries()) {
    const row = result.appendChild(make('tr'))
    for (const cell of cells) row.appendChild(make(i === 0 ? 'th' : 'td', cell))
  }
  return result
}
const typeOf = (schema) => !schema ? 'bytes' : schema.$ref ? schema.$ref.split('/').pop() : schema.enum ? schema.enum.join(' | ') : schema.type || ''
const contentOf = (content) => Object.entries(content || {}).map(([type, { schema }]) => type + ': ' + typeOf(schema)).join('; ')
const operationOf = (path, method, operation) => {
  const details = make('details')
  const summary = details.appendChild(make('summary'))
  summary.appendChild(make('span', method.toUpperCase(), 'method'))
  summary.appendChild(make('code', path))
  summary.appendChild(make('span', ' ' + operation.summary, 'about'))
  if (operation.parameters) details.appendChild(table(['parameter', 'in', 'type', 'meaning'], operation.parameters.map((p) => [p.name + (p.required ? ' (required)' : ''), p.in, typeOf(p.schema), p.description])))
  if (operation.requestBody) details.appendChild(make('p', 'Body: ' + operation.requestBody.description + '. ' + contentOf(operation.requestBody.content)))
  details.appendChild(table(['status', 'meaning', 'body', 'headers'], Object.entries(operation.responses).map(([status, r]) => [status, r.description, contentOf(r.content), Object.keys(r.headers || {}).join(', ')])))
  return details
}
const show = (api) => {
  document.body.appendChild(make('h1', api.info.title + ' ' + api.info.version))
  document.body.appendChild(make('p', api.info.description))
  for (const tag of api.tags) {
    document.body.appendChild(make('h2', tag.name))
    for (const [path, item] of Object.entries(api.paths))
      for (const [method, operation] of Object.entries(item))
        if (operation.tags.includes(tag.name)) document.body.appendChild(operationOf(path, method, operation))
  }
  document.body.appendChild(make('h2', 'documents'))
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    const details = document.body.appendChild(make('details'))
    details.appendChild(make('summary')).appendChild(make('code', name))
    details.appendChild(make('pre', JSON.stringify(schema, null, 2)))
  }
}
fetch('/openapi.json').then((answer) => answer.json()).then(show, (error) => document.body.appendChild(make('p', 'openapi.json could not be loaded: ' + error)))
`

const PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Flotilla</title><style>${STYLE}</style></head>
<body><noscript>This page needs JavaScript; the same description is at <a href="/openapi.json">/openapi.json</a>.</noscript><script>${SCRIPT}</script></body></html>
`

/** Nothing but the two texts above may run or style the page. */
const POLICY = `default-src 'none'; script-src '${hashOf(SCRIPT)}'; style-src '${hashOf(STYLE)}'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'`

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

export function showDocs(exchange: Exchange): void {
  exchange.header('Content-Security-Policy', POLICY)
  exchange.header('X-Content-Type-Options', 'nosniff')
  exchange.sendText(200, 'text/html; charset=utf-8', PAGE)
}
