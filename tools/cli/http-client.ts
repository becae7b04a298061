/**
 * Requests to gateways. Several endpoints may be named: one that cannot be reached is passed over for the next, as long as the request cannot have
 * arrived anywhere. What a gateway answers with is a value; what went wrong is a CliError.
 */
import type { IncomingMessage } from 'node:http'
import type { Clock, Timer } from '../../src/base/index.ts'
import { CliError, EXIT, errorOfProblem, lookAfter, type Problem, unknownOutcome } from './cli-error.ts'
import { type ClientTls, type Endpoint, openEvent, Wire } from './wire.ts'

export interface ClientRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH'
  /** Sent as it is. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Beyond the time-out of every request: what the gateway was asked to wait. */
  readonly extraMs?: number
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export interface HttpClientOptions {
  readonly endpoints: readonly Endpoint[]
  readonly token: string | undefined
  readonly timeoutMs: number
  readonly clock: Clock
  readonly tls?: ClientTls
}

/** The gateway is told the time-out and answers by then, and its answer says what became of a write; so it gets a little longer. */
const GRACE_MS = 500
/** The longest that a gateway can be told. */
const GATEWAY_TIMEOUT_MS_MAX = 60_000

type Attempt =
  | { readonly kind: 'answered'; readonly answer: Answer }
  /** Nothing left this process. */
  | { readonly kind: 'unreachable'; readonly reason: string }
  | { readonly kind: 'broken'; readonly reason: string }
  | { readonly kind: 'timeout' }

export class HttpClient {
  readonly #options: HttpClientOptions
  readonly #wire: Wire
  /** Where the last request was answered; the next goes there first. */
  #first = 0

  constructor(options: HttpClientOptions) {
    this.#options = options
    this.#wire = new Wire(options.tls ?? {})
  }

  /** Answers with a success; every other status, and no answer at all, rejects with CliError. */
  async send(request: ClientRequest): Promise<Answer> {
    const { endpoints, clock, timeoutMs } = this.#options
    const deadlineMs = clock.nowMs() + timeoutMs + (request.extraMs ?? 0)
    const isRead = request.method === 'GET' || isTrial(request)
    const failures: string[] = []
    for (let i = 0; i < endpoints.length; i++) {
      const index = (this.#first + i) % endpoints.length
      const endpoint = endpoints[index] as Endpoint
      const isLast = i === endpoints.length - 1
      const attempt = await this.#attempt(endpoint, request, deadlineMs, isLast)
      if (attempt.kind === 'answered') {
        this.#first = index
        return succeeded(attempt.answer, endpoint, request.path)
      }
      if (attempt.kind === 'unreachable') failures.push(`${endpoint.text} (${attempt.reason})`)
      else if (isRead && attempt.kind === 'broken') failures.push(`${endpoint.text} (${attempt.reason})`)
      else throw interrupted(endpoint, attempt, isRead, request.path)
    }
    throw nobodyAnswers(failures)
  }

  /**
   * The lines of an answer that goes on, from the first gateway that gives one, until it ends or breaks off. Rejects with CliError when nobody answers, or
   * not with a success.
   */
  async *lines(request: ClientRequest): AsyncGenerator<string> {
    const incoming = await this.#firstStream(request)
    let rest = ''
    try {
      for await (const chunk of incoming.setEncoding('utf8')) {
        const lines = (rest + String(chunk)).split('\n')
        rest = lines.pop() ?? ''
        yield* lines
      }
    } catch (error) {
      // The connection broke, which is one way for such an answer to end; whoever wants more asks again.
      if (!(error instanceof Error && 'code' in error)) throw error
    }
  }

  async #firstStream(request: ClientRequest): Promise<IncomingMessage> {
    const { endpoints, token, timeoutMs, clock } = this.#options
    const failures: string[] = []
    for (const endpoint of endpoints) {
      const headers = { ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }), ...request.headers }
      const opened = await new Promise<IncomingMessage | string>((resolve) => {
        const { method, path } = request
        const outgoing = this.#wire.request(endpoint, { method, path, headers }, false)
        const timer = clock.after(timeoutMs, () => outgoing.destroy(new Error('no answer in time')))
        outgoing.on('error', (error) => resolve(describeFailure(error)))
        outgoing.on('response', (incoming) => {
          timer.cancel()
          resolve(incoming)
        })
        outgoing.end()
      })
      if (typeof opened === 'string') {
        failures.push(`${endpoint.text} (${opened})`)
        continue
      }
      const status = opened.statusCode ?? 0
      if (status >= 200 && status < 300) return opened
      const chunks: Buffer[] = []
      for await (const chunk of opened) chunks.push(chunk as Buffer)
      succeeded({ status, headers: opened.headers, body: Buffer.concat(chunks) }, endpoint, request.path)
    }
    throw nobodyAnswers(failures)
  }

  close(): void {
    this.#wire.close()
  }

  #attempt(endpoint: Endpoint, request: ClientRequest, deadlineMs: number, isLast: boolean): Promise<Attempt> {
    const { clock, token } = this.#options
    const leftMs = Math.max(1, Math.ceil(deadlineMs - clock.nowMs()))
    const headers: Record<string, string | number> = {
      'Flotilla-Timeout-Ms': Math.min(leftMs, GATEWAY_TIMEOUT_MS_MAX),
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(request.body === undefined ? {} : { 'Content-Length': request.body.length }),
      ...request.headers,
    }
    return new Promise((resolve) => {
      let isConnected = false
      const timers: Timer[] = []
      const end = (attempt: Attempt): void => {
        for (const timer of timers) timer.cancel()
        resolve(attempt)
      }
      const { method, path } = request
      const outgoing = this.#wire.request(endpoint, { method, path, headers, setHost: true }, true)
      const giveUp = (): void => {
        end(isConnected ? { kind: 'timeout' } : { kind: 'unreachable', reason: 'no connection in time' })
        outgoing.destroy()
      }
      timers.push(clock.after(leftMs + GRACE_MS, giveUp))
      // Half of the time is left for the others when this one does not even connect.
      if (!isLast) timers.push(clock.after(leftMs / 2, () => (isConnected ? undefined : giveUp())))
      outgoing.on('socket', (socket) => {
        isConnected = !socket.connecting
        // A kept connection never tells again, and would gather those who wait for it.
        if (isConnected) return
        socket.once(openEvent(endpoint), () => {
          isConnected = true
        })
      })
      outgoing.on('error', (error) => {
        const reason = describeFailure(error)
        end(isConnected ? { kind: 'broken', reason } : { kind: 'unreachable', reason })
      })
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', (error) => end({ kind: 'broken', reason: describeFailure(error) }))
        incoming.on('end', () => {
          const status = incoming.statusCode ?? 0
          end({ kind: 'answered', answer: { status, headers: incoming.headers, body: Buffer.concat(chunks) } })
        })
      })
      outgoing.end(request.body)
    })
  }
}

function nobodyAnswers(failures: readonly string[]): CliError {
  return new CliError(EXIT.unavailable, 'UNAVAILABLE', `no gateway answers at ${failures.join(', ')}`, [
    'flotilla demo                            start a cluster on this machine',
    'flotilla status -e http://HOST:PORT      ask a gateway elsewhere',
  ])
}

/** It only asks what would be done. */
function isTrial({ path }: ClientRequest): boolean {
  return path.endsWith('?dry_run=true')
}

function succeeded(answer: Answer, endpoint: Endpoint, path: string): Answer {
  if (answer.status >= 200 && answer.status < 300) return answer
  const problem = parseProblem(answer)
  if (problem !== undefined) throw errorOfProblem(problem, answer.status, path)
  const sentence = `${endpoint.text} answers with status ${answer.status} and is probably no Flotilla gateway`
  throw new CliError(EXIT.failed, 'UNAVAILABLE', sentence, ['flotilla status -e http://HOST:PORT'])
}

function parseProblem({ headers, body }: Answer): Problem | undefined {
  if (!(headers['content-type'] ?? '').startsWith('application/problem+json')) return undefined
  try {
    const parsed = JSON.parse(body.toString('utf8')) as Partial<Problem> & { readonly title?: string }
    if (typeof parsed.code !== 'string') return undefined
    const detail = parsed.detail ?? parsed.title ?? 'the gateway gives no reason'
    const problem = { code: parsed.code, detail, outcome: parsed.outcome ?? 'none' }
    return parsed.hint === undefined ? problem : { ...problem, hint: parsed.hint }
  } catch {
    // An answer that claims to be a problem document and is none does not come from a gateway.
    return undefined
  }
}

function interrupted(
  endpoint: Endpoint,
  attempt: Attempt & { kind: 'broken' | 'timeout' },
  isRead: boolean,
  path: string,
): CliError {
  const what = attempt.kind === 'timeout' ? 'did not answer in time' : `broke off (${attempt.reason})`
  const code = attempt.kind === 'timeout' ? 'TIMEOUT' : 'UNAVAILABLE'
  if (isRead) return new CliError(EXIT.unavailable, code, `${endpoint.text} ${what}`, ['flotilla status'])
  return new CliError(EXIT.unknownOutcome, code, `${endpoint.text} ${what}${unknownOutcome(path)}`, [lookAfter(path)])
}

const FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'no such host for now',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'timed out',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted; --ca names the file of who signed it',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted; --ca names the file of who signed it',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted; --ca names the file of who signed it',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not trusted; --ca names the file of who signed it',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it asks for a certificate; --cert and --key name the files',
  EPROTO: 'it does not speak TLS',
}

function describeFailure(error: NodeJS.ErrnoException): string {
  return FAILURES[error.code ?? ''] ?? (error.message || (error.code ?? 'connection failed'))
}
