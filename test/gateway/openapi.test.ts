/** The description of all routes, beside the routes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventsPort, RpcLogPort } from '../../src/gateway/history-port.ts'
import type { SettingsPort } from '../../src/gateway/settings-port.ts'
import { buildConsole } from '../support/browser.ts'
import { startHarness } from './harness.ts'

/** A configuration without a setting. */
const NO_SETTINGS: SettingsPort = {
  heard: new Map(),
  show: () => ({}),
  plan: () => ({ ok: true, changes: [], shown: {} }),
  display: (_name, value) => value,
}

/** A history in which nothing ever happens. */
const NO_EVENTS: EventsPort = { types: [], query: () => Promise.resolve([]), follow: () => () => {} }
const NO_CALLS: RpcLogPort = { query: () => Promise.resolve([]), stats: () => Promise.resolve({}) }

test('/openapi.json describes every route, and only routes', async (t) => {
  buildConsole()
  const debug = {
    cpuProfile: async () => '{}',
    heapProfile: async () => '{}',
    bundle: async () => new Uint8Array(),
  }
  const h = await startHarness(t, { history: NO_EVENTS, rpcLog: NO_CALLS, debug, settings: NO_SETTINGS })
  const api = (await h.ask('/openapi.json')).json()
  assert.equal(api.openapi, '3.1.0')
  const described: string[] = []
  const operationIds = new Set<string>()
  for (const [path, item] of Object.entries<
    Record<string, { operationId: string; parameters?: { in: string; name: string }[] }>
  >(api.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      described.push(`${method.toUpperCase()} ${path}`)
      assert.ok(!operationIds.has(operation.operationId), `${operation.operationId} is used twice`)
      operationIds.add(operation.operationId)
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      const declared = (operation.parameters ?? [])
        .filter((parameter) => parameter.in === 'path')
        .map(({ name }) => name)
      assert.deepEqual(declared, named, `${method} ${path}`)
    }
  }
  const placeholders: Record<string, string> = {
    key: 'YQ',
    shard: '2',
    store: 's1',
    operator: 'none',
    scheduler: 'drain',
    file: 'main.js',
    folder: 'app',
    module: 'frame.js',
  }
  for (const line of described) {
    const [method = '', template = ''] = line.split(' ')
    const path = template.replace(/\{(\w+)\}/g, (_, name: string) => placeholders[name] ?? '')
    const answer = await h.ask(path, { method, body: method === 'POST' || method === 'PUT' ? '{}' : '' })
    assert.ok(
      (![405].includes(answer.status) && !answer.text.includes('ROUTE_NOT_FOUND')) || template === '/metrics',
      `${line}: ${answer.status}`,
    )
  }
  for (const path of Object.keys(api.paths)) {
    const methods = Object.keys(api.paths[path]).map((method) => method.toUpperCase())
    const concrete = path.replace(/\{(\w+)\}/g, (_, name: string) => placeholders[name] ?? '')
    const allow = String((await h.ask(concrete, { method: 'PROPFIND' })).headers.allow).split(', ')
    assert.deepEqual(allow, [...new Set([...methods, ...(methods.includes('GET') ? ['HEAD'] : [])])].sort(), path)
  }
  const text = JSON.stringify(api)
  for (const [, name] of text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)) {
    assert.ok(api.components.schemas[name as string], `${name} is referred to and missing`)
  }
  for (const [name, schema] of Object.entries<Record<string, unknown>>(api.components.schemas)) {
    const says = Object.keys(schema).filter((word) => ['type', 'anyOf', 'oneOf', 'allOf'].includes(word))
    assert.ok(says.length > 0, `${name} says nothing: ${JSON.stringify(schema)}`)
  }
  assert.deepEqual(Object.keys(api.components.schemas.Entry.properties), [
    'key',
    'keyEncoding',
    'value',
    'encoding',
    'revision',
  ])
  assert.doesNotMatch(text, /\$defs|"\$schema"/)
})
