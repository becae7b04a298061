/** Tiny HTTP servers that keep keys in memory and speak like Flotilla and like etcd, with planted faults. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeServer {
  readonly port: number
  readonly store: Map<string, Buffer>
  readonly requests: { readonly method: string; readonly url: string }[]
  close(): Promise<void>
}

type Handler = (request: IncomingMessage, body: Buffer, response: ServerResponse, server: FakeServer) => void

export async function startFakeServer(handle: Handler): Promise<FakeServer> {
  const http = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      fake.requests.push({ method: request.method ?? '', url: request.url ?? '' })
      handle(request, Buffer.concat(parts), response, fake)
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const fake: FakeServer = {
    port: (http.address() as AddressInfo).port,
    store: new Map(),
    requests: [],
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve())
        http.closeAllConnections()
      }),
  }
  return fake
}

/** `PUT` and `GET /kv/{key}`, and `/metrics` that counts an fsync for every second write. */
export const likeFlotilla: Handler = (request, body, response, { store, requests }) => {
  const key = (request.url ?? '').slice('/kv/'.length)
  if (request.url === '/metrics') {
    const writes = requests.filter(({ method }) => method === 'PUT').length
    response.end(`# HELP storage_syncs_total x\nstorage_syncs_total{store="s1"} ${Math.floor(writes / 2)}\n`)
  } else if (request.method === 'PUT') {
    store.set(key, body)
    response.writeHead(204, { ETag: '"1"' }).end()
  } else {
    const value = store.get(key)
    if (value === undefined) problem(response, 404, 'KEY_NOT_FOUND', 'none')
    else response.writeHead(200, { 'Content-Type': 'application/octet-stream' }).end(value)
  }
}

/** Acknowledges writes and forgets every second one. */
export function forgetfulFlotilla(): Handler {
  let writes = 0
  return (request, body, response, server) => {
    if (request.method === 'PUT' && writes++ % 2 === 1) response.writeHead(204).end()
    else likeFlotilla(request, body, response, server)
  }
}

/** `POST /v3/kv/put` and `/v3/kv/range`, JSON with base64. */
export const likeEtcd: Handler = (request, body, response, { store }) => {
  const { key, value } = JSON.parse(body.toString()) as { key: string; value?: string }
  if (request.url === '/v3/kv/put') {
    store.set(Buffer.from(key, 'base64').toString(), Buffer.from(value ?? '', 'base64'))
    response.end('{"header":{"revision":"2"}}')
  } else {
    const found = store.get(Buffer.from(key, 'base64').toString())
    const kvs = found === undefined ? {} : { kvs: [{ key, value: found.toString('base64') }], count: '1' }
    response.end(JSON.stringify({ header: { revision: '2' }, ...kvs }))
  }
}

export function problem(response: ServerResponse, status: number, code: string, outcome: string): void {
  response.writeHead(status, { 'Content-Type': 'application/problem+json' })
  response.end(JSON.stringify({ status, code, outcome, retryable: true }))
}
