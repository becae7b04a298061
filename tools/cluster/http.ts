/**
 * HTTP for tests: raw paths and bytes, connections that are kept, and a hard limit after which a silent server counts as hanging. It
 * tells apart what happened to the connection, because that decides whether a write may have happened.
 */
import { Agent, request } from 'node:http'
import type { Socket } from 'node:net'
import { credentials } from './test-token.ts'

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

export interface HttpRequest {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  /** After this the request counts as hanging. */
  readonly hangMs?: number
  readonly agent?: Agent
}

/** A request without an answer. */
export class NoAnswer extends Error {
  /** `refused`: nobody listens, so nothing was sent. `lost`: the connection broke; it may have been received. `hang`: silence. */
  readonly kind: 'refused' | 'lost' | 'hang'

  constructor(kind: 'refused' | 'lost' | 'hang', message: string) {
    super(`${kind}: ${message}`)
    this.kind = kind
  }
}

const HANG_MS = 15_000
const SECOND_LOOK_MS = 500

/** Sends one request to `host:port`. Rejects with NoAnswer. */
export function http(
  address: string,
  { method, path, headers, body, hangMs, agent }: HttpRequest,
): Promise<HttpAnswer> {
  const { hostname, port } = new URL(`http://${address}`)
  return new Promise((resolve, reject) => {
    const allHeaders = { ...credentials(address), ...headers }
    const outgoing = request({ hostname, port, method, path, headers: allHeaders, agent: agent ?? false })
    const onHang = (): void => {
      reject(new NoAnswer('hang', `${method} ${path} at ${address}: no answer within ${hangMs ?? HANG_MS} ms`))
      outgoing.destroy()
    }
    // Asked twice, so that after a pause of this process what has arrived meanwhile is read first.
    let hang = setTimeout(() => {
      hang = setTimeout(onHang, SECOND_LOOK_MS)
    }, hangMs ?? HANG_MS)
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        clearTimeout(hang)
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) })
      })
      incoming.on('error', (error) => fail(error))
    })
    const fail = (error: NodeJS.ErrnoException): void => {
      clearTimeout(hang)
      reject(new NoAnswer(error.code === 'ECONNREFUSED' ? 'refused' : 'lost', `${method} ${path}: ${error.message}`))
    }
    outgoing.on('error', fail)
    outgoing.end(body)
  })
}

/** An agent with kept connections, and the sockets it opened. */
export function keptConnections(count: number): Agent & { readonly sockets: Record<string, Socket[]> } {
  return new Agent({ keepAlive: true, maxSockets: count, scheduling: 'fifo' }) as Agent & {
    sockets: Record<string, Socket[]>
  }
}

export function json(answer: HttpAnswer): unknown {
  return JSON.parse(answer.body.toString('utf8'))
}

/** The parts of a problem document that tests look at. */
export interface Problem {
  readonly code: string
  readonly outcome: 'none' | 'applied' | 'unknown'
  readonly retryable: boolean
  readonly detail: string
  readonly status: number
  readonly revision?: number | null
  readonly reasons?: readonly string[]
}

/** Undefined when the answer is no problem document. */
export function problem(answer: HttpAnswer): Problem | undefined {
  if (answer.headers['content-type'] !== 'application/problem+json') return undefined
  return json(answer) as Problem
}
