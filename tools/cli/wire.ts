/**
 * Connections to gateways, with and without TLS. Knows which certificates to trust and to show; knows nothing of requests beyond Node's own.
 */
import { readFileSync } from 'node:fs'
import { Agent, type ClientRequest, request as httpRequest, type RequestOptions } from 'node:http'
import { request as httpsRequest, Agent as TlsAgent } from 'node:https'
import { UsageError } from './cli-error.ts'

export interface Endpoint {
  readonly host: string
  readonly port: number
  readonly isTls: boolean
  /** `http://host:port` or `https://host:port`, for people. */
  readonly text: string
}

/** PEM texts. Without `ca`, the authorities that Node knows are trusted. */
export interface ClientTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

const POOL = { keepAlive: true, maxSockets: 1 } as const

export class Wire {
  readonly #tls: ClientTls
  readonly #agent = new Agent(POOL)
  readonly #tlsAgent: TlsAgent

  constructor(tls: ClientTls) {
    this.#tls = tls
    this.#tlsAgent = new TlsAgent({ ...POOL, ...tls })
  }

  /** `isKept`: over a connection that later requests use too. */
  request(endpoint: Endpoint, options: RequestOptions, isKept: boolean): ClientRequest {
    const target = { ...options, host: endpoint.host, port: endpoint.port }
    if (!endpoint.isTls) return httpRequest({ ...target, agent: isKept ? this.#agent : false })
    return httpsRequest({ ...target, ...this.#tls, agent: isKept ? this.#tlsAgent : false })
  }

  close(): void {
    this.#agent.destroy()
    this.#tlsAgent.destroy()
  }
}

/** When bytes of a request may have left: with TLS not before the gateway has shown who it is. */
export function openEvent(endpoint: Endpoint): 'connect' | 'secureConnect' {
  return endpoint.isTls ? 'secureConnect' : 'connect'
}

/** The texts of the files that were named. */
export function readClientTls(files: { readonly [Part in keyof ClientTls]: string | undefined }): ClientTls {
  if ((files.cert === undefined) !== (files.key === undefined)) {
    throw new UsageError('--cert and --key belong together: a certificate, and the key it is for')
  }
  const texts: { -readonly [Part in keyof ClientTls]: string } = {}
  for (const part of ['ca', 'cert', 'key'] as const) {
    const file = files[part]
    if (file !== undefined) texts[part] = readPem(`--${part}`, file)
  }
  return texts
}

function readPem(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    // The file is the caller's to mend.
    throw new UsageError(`${flag} ${JSON.stringify(file)} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
}
