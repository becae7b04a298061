/**
 * `fetch` for gateways whose certificates are signed by an authority of one's own, or that ask for a client certificate: the built-in one takes neither. Answers are read as a
 * whole, as the client does anyway.
 */
import { Agent, type RequestOptions, request } from 'node:https'

/** PEM texts. */
export interface ClientTls {
  /** Who signed the gateways' certificates. Absent: the authorities that Node knows. */
  readonly ca?: string
  /** For gateways that ask for a certificate; with `key`. */
  readonly cert?: string
  readonly key?: string
  readonly rejectUnauthorized?: boolean
}

export interface HttpsFetch {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  close(): void
}

export function httpsFetch(tls: ClientTls): HttpsFetch {
  const agent = new Agent({ keepAlive: true, ...tls })
  return {
    fetch: (url, { method = 'GET', headers, body, signal }) =>
      new Promise((resolve, reject) => {
        const options: RequestOptions = { method, agent, headers: headers as Record<string, string> }
        if (signal instanceof AbortSignal) options.signal = signal
        // As the built-in one does it: the reason of a broken connection is the cause.
        const fail = (cause: Error): void => reject(new TypeError('fetch failed', { cause }))
        const outgoing = request(url, options, (incoming) => {
          const chunks: Buffer[] = []
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
          incoming.on('error', fail)
          incoming.on('end', () => {
            const status = incoming.statusCode ?? 0
            const answered = Object.entries(incoming.headers).map(([name, value]): [string, string] => [
              name,
              String(value),
            ])
            // These have no body, and the constructor insists; it takes no others than these at all.
            const isEmpty = status === 204 || status === 205 || status === 304
            if (status < 200 || status > 599) fail(new Error(`an answer with the status ${status}`))
            else resolve(new Response(isEmpty ? null : Buffer.concat(chunks), { status, headers: answered }))
          })
        })
        outgoing.on('error', fail)
        outgoing.end(body as Uint8Array | undefined)
      }),
    close: () => agent.destroy(),
  }
}
