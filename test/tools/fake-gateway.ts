/**
 * A gateway that answers as the contract says, over a map in memory. It also records what it was asked, and can be told to misbehave.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Record {
  readonly value: Buffer
  readonly revision: number
}

export interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** True when it has taken care of the request. */
export type Misbehaviour = (asked: Asked, response: ServerResponse) => boolean

export interface FakeGateway {
  readonly endpoint: string
  readonly records: Map<string, Record>
  readonly asked: Asked[]
  misbehaviour: Misbehaviour | undefined
  /** How the next operator ends. */
  operatorState: string
  put(key: string, value: string | Uint8Array): void
  close(): Promise<void>
}

export async function startFakeGateway(): Promise<FakeGateway> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const gateway = new Fake(server)
  server.on('request', (request, response) => gateway.take(request, response))
  return gateway
}

const SHARD = {
  epoch: { membership: 2, range: 1 },
  term: 3,
  commitIndex: 17,
  appliedIndex: 17,
  bytes: 2048,
  keys: 5,
  load: { readsPerSecond: 1.5, writesPerSecond: 0 },
  leader: 's1',
  replicas: [
    { store: 's1', role: 'voter', matchIndex: 17, state: 'replicate' },
    { store: 's2', role: 'voter', matchIndex: null, state: null },
  ],
}
export const SHARDS = [
  { id: 1, kind: 'placement', ...SHARD },
  { id: 2, kind: 'data', start: '', end: 'm%FF', ...SHARD },
  { id: 3, kind: 'data', start: 'm%FF', end: null, ...SHARD, leader: null },
]
export const STORES = [
  {
    id: 's1',
    address: '127.0.0.1:8080',
    labels: { host: 'a', zone: 'z,"1"' },
    state: 'up',
    replicas: 3,
    leaders: 2,
    bytes: 3 * 1024 * 1024,
    load: { readsPerSecond: 10, writesPerSecond: 2.4 },
    version: '0.1.0',
    lag: { s2: 4 },
    uptimeSeconds: 7300,
  },
]
export const STATUS = {
  health: 'healthy: every store answers and every shard has a leader',
  ok: true,
  version: '0.1.0',
  stores: { total: 1, up: 1 },
  shards: { total: 2, leaderless: [3], underReplicated: [] },
  leaders: { s1: 2 },
  operators: { running: 0 },
  placement: { leader: 's1', term: 3 },
}

class Fake implements FakeGateway {
  readonly endpoint: string
  readonly records = new Map<string, Record>()
  readonly asked: Asked[] = []
  misbehaviour: Misbehaviour | undefined
  operatorState = 'finished'
  readonly #server: Server
  #revision = 0

  constructor(server: Server) {
    this.#server = server
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  put(key: string, value: string | Uint8Array): void {
    this.records.set(Buffer.from(key).toString('latin1'), { value: Buffer.from(value), revision: ++this.#revision })
  }

  close(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  take(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      const asked = { method, url, headers, body: Buffer.concat(chunks) }
      this.asked.push(asked)
      if (this.misbehaviour?.(asked, response) === true) return
      this.#answer(asked, response)
    })
  }

  #answer(asked: Asked, response: ServerResponse): void {
    const [path = '', query = ''] = asked.url.split('?')
    const parameters = new URLSearchParams(query)
    if (path.startsWith('/kv64/')) this.#answerKey(asked, path.slice(6), response)
    else if (path === '/kv') this.#answerScan(query, response)
    else if (path === '/admin/status') sendJson(response, 200, STATUS)
    else if (path === '/admin/stores') sendJson(response, 200, { stores: STORES })
    else if (path === '/admin/stores/s1') sendJson(response, 200, STORES[0])
    else if (path.startsWith('/admin/stores/')) sendProblem(response, 404, 'STORE_NOT_FOUND', 'there is no such store')
    else if (path === '/admin/shards') {
      // Two pages, so that whoever asks must turn one.
      if (parameters.get('cursor') === 'c/1') sendJson(response, 200, { shards: SHARDS.slice(2), next: null })
      else sendJson(response, 200, { shards: SHARDS.slice(0, 2), next: 'c/1' })
    } else if (path === '/admin/shards/lookup') sendJson(response, 200, { key: 'k', shard: SHARDS[1] })
    else if (path === '/admin/shards/2') sendJson(response, 200, SHARDS[1])
    else if (path === '/admin/shards/2/transfer-leader') this.#answerTransfer(parameters, response)
    else if (path.startsWith('/admin/shards/')) sendProblem(response, 404, 'SHARD_NOT_FOUND', 'there is no such shard')
    else sendProblem(response, 404, 'ROUTE_NOT_FOUND', 'there is no such route')
  }

  #answerKey({ method, headers, body }: Asked, encoded: string, response: ServerResponse): void {
    const key = Buffer.from(encoded, 'base64url')
    const name = key.toString('latin1')
    const found = this.records.get(name)
    const etag = found === undefined ? {} : { etag: `"${found.revision}"` }
    if (method === 'GET') {
      if (found === undefined) sendProblem(response, 404, 'KEY_NOT_FOUND', 'the key does not exist')
      else if (headers.accept === 'application/json') sendJson(response, 200, entry(name, found))
      else response.writeHead(200, { 'content-type': 'application/octet-stream', ...etag }).end(found.value)
      return
    }
    const isRefused =
      (headers['if-none-match'] === '*' && found !== undefined) ||
      (headers['if-match'] !== undefined && headers['if-match'] !== `"${found?.revision}"`)
    if (isRefused) {
      sendProblem(response, 412, 'PRECONDITION_FAILED', `the key has revision ${found?.revision ?? 'none'}`, {
        hint: 'Read it again.',
      })
    } else if (method === 'PUT') {
      const revision = ++this.#revision
      this.records.set(name, { value: body, revision })
      response.writeHead(204, { etag: `"${revision}"` }).end()
    } else {
      this.records.delete(name)
      response.writeHead(204, { 'flotilla-deleted': found === undefined ? '0' : '1' }).end()
    }
  }

  #answerScan(query: string, response: ServerResponse): void {
    const parameters = new Map(
      query.split('&').map((pair) => [pair.split('=')[0] ?? '', percentDecode(pair.split('=')[1] ?? '')]),
    )
    const prefix = parameters.get('prefix') ?? ''
    const start = parameters.get('start') ?? ''
    const end = parameters.get('end')
    const names = [...this.records.keys()]
      .filter((name) => name.startsWith(prefix) && name >= start && (end === undefined || name < end))
      .sort()
    if (parameters.get('reverse') === 'true') names.reverse()
    const from = Number(parameters.get('cursor') ?? 0)
    // Pages are small here, so that a few records need several.
    const to = from + Math.min(2, Number(parameters.get('limit') ?? 2))
    const items = names.slice(from, to).map((name) => {
      const { value, encoding, ...rest } = entry(name, this.records.get(name) as Record)
      return parameters.get('keys_only') === 'true' ? rest : { ...rest, value, encoding }
    })
    sendJson(response, 200, { items, next: to < names.length ? String(to) : null })
  }

  #answerTransfer(parameters: URLSearchParams, response: ServerResponse): void {
    const operator = {
      kind: 'transfer-leader',
      shard: 2,
      reason: 'asked for over HTTP',
      steps: [],
      createdAt: '2026-01-01T00:00:00.000Z',
      endedAt: null,
      error: this.operatorState === 'failed' ? 'the store is not up to date' : null,
    }
    if (parameters.get('dry_run') === 'true') sendJson(response, 200, { id: null, state: 'running', ...operator })
    else if (parameters.get('wait') !== null)
      sendJson(response, 200, { id: 'o-1', state: this.operatorState, ...operator })
    else sendJson(response, 202, { id: 'o-1', state: 'running', ...operator })
  }
}

function entry(
  name: string,
  { value, revision }: Record,
): { key: string; keyEncoding?: string; value: string; encoding: string; revision: number } {
  const key = Buffer.from(name, 'latin1')
  const isText = (bytes: Buffer): boolean => Buffer.from(bytes.toString('utf8')).equals(bytes)
  return {
    ...(isText(key) ? { key: key.toString('utf8') } : { key: key.toString('base64'), keyEncoding: 'base64' }),
    ...(isText(value)
      ? { value: value.toString('utf8'), encoding: 'utf8' }
      : { value: value.toString('base64'), encoding: 'base64' }),
    revision,
  }
}

function percentDecode(text: string): string {
  return text.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

export function sendJson(response: ServerResponse, status: number, document: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document))
}

export function sendProblem(
  response: ServerResponse,
  status: number,
  code: string,
  detail: string,
  more: { readonly outcome?: string; readonly hint?: string } = {},
): void {
  const problem = { type: 'about:blank', title: code, status, detail, code, retryable: false, outcome: 'none', ...more }
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem))
}
