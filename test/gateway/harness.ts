/**
 * A gateway over a fake router on a free port, and two ways to talk to it: whole requests through `node:http`, which leaves paths alone,
 * and raw bytes through a socket.
 */
import assert from 'node:assert/strict'
import http from 'node:http'
import net from 'node:net'
import type { TestContext } from 'node:test'
import type { Clock, Logger } from '../../src/base/index.ts'
import { type Gateway, type GatewayOptions, startGateway } from '../../src/gateway/index.ts'
import { FakeRouter } from './fake-router.ts'

export const realClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
  soon: (run) => void setImmediate(run),
}

export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents of every shape.
  json(): any
}

export interface Question {
  readonly method?: string
  readonly headers?: http.OutgoingHttpHeaders
  readonly body?: string | Uint8Array
}

export class Harness {
  readonly router: FakeRouter
  readonly gateway: Gateway
  readonly logged: string[]
  readonly observed: string[]

  constructor(router: FakeRouter, gateway: Gateway, logged: string[], observed: string[]) {
    this.router = router
    this.gateway = gateway
    this.logged = logged
    this.observed = observed
  }

  /** Sends the path exactly as given. */
  ask(path: string, question: Question = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { method = 'GET', headers = {}, body } = question
      const request = http.request(
        { host: '127.0.0.1', port: this.gateway.port, path, method, headers, agent: false },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () => {
            const bytes = Buffer.concat(chunks)
            const text = bytes.toString('utf8')
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: bytes,
              text,
              json: () => JSON.parse(text),
            })
          })
        },
      )
      request.on('error', reject)
      request.end(body)
    })
  }

  /** Sends bytes, and gives back everything received until the server closes. */
  raw(bytes: string | Uint8Array): Promise<string> {
    return new Promise((resolve, reject) => {
      let received = ''
      const socket = net.connect(this.gateway.port, '127.0.0.1', () => socket.write(bytes))
      socket.setEncoding('latin1')
      socket.on('data', (text) => {
        received += text
      })
      socket.on('error', (error: NodeJS.ErrnoException) =>
        error.code === 'ECONNRESET' ? resolve(received) : reject(error),
      )
      socket.on('close', () => resolve(received))
    })
  }

  connect(): Promise<net.Socket> {
    return new Promise((resolve, reject) => {
      const socket = net.connect(this.gateway.port, '127.0.0.1', () => resolve(socket))
      socket.on('error', reject)
    })
  }

  /** Asserts a complete problem document. */
  async problem(path: string, question: Question, status: number, code: string): Promise<Record<string, unknown>> {
    return checkProblem(await this.ask(path, question), status, code)
  }
}

export function checkProblem(answer: Answer, status: number, code: string): Record<string, unknown> {
  assert.equal(answer.status, status, answer.text)
  assert.equal(answer.headers['content-type'], 'application/problem+json')
  const problem = answer.json() as Record<string, unknown>
  assert.equal(problem.code, code)
  assert.equal(problem.status, status)
  assert.equal(problem.type, `urn:flotilla:error:${code}`)
  assert.equal(typeof problem.title, 'string')
  assert.equal(typeof problem.detail, 'string')
  assert.equal(typeof problem.retryable, 'boolean')
  assert.match(String(problem.outcome), /^(none|applied|unknown)$/)
  assert.equal(problem.requestId, answer.headers['request-id'])
  assert.doesNotMatch(answer.text, /\bat .*\.ts:/, 'a stack trace leaked')
  if (status === 429 || status === 503) assert.match(String(answer.headers['retry-after']), /^[0-9]+$/)
  return problem
}

export async function startHarness(
  context: TestContext,
  options: Partial<GatewayOptions> = {},
  router = new FakeRouter(),
): Promise<Harness> {
  const logged: string[] = []
  const observed: string[] = []
  const logger: Logger = {
    log: (level, message, fields) => void logged.push(`${level} ${message} ${JSON.stringify(fields)}`),
  }
  let seed = 1
  const gateway = await startGateway({
    listen: { host: '127.0.0.1', port: 0 },
    router,
    storeId: 's1',
    version: '0.1.0',
    readiness: () => ({ ready: true, reasons: [] }),
    clock: realClock,
    random: {
      below(bound) {
        seed = (seed * 48271) % 0x7fffffff
        return seed % bound
      },
    },
    logger,
    metrics: { observe: (route, method, status) => void observed.push(`${method} ${route} ${status}`) },
    ...options,
  })
  context.after(() => gateway.close())
  return new Harness(router, gateway, logged, observed)
}
