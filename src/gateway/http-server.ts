/**
 * Node's HTTP server with its edges covered: what is not HTTP, what never finishes, what expects something unknown. Turns each request into a call
 * of `onRequest` and answers everything below that level itself. Knows no routes.
 */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { LIMITS } from '../base/index.ts'
import { ERROR_TABLE, type FlotillaError } from '../protocol/index.ts'
import type { ExchangeSet } from './exchange-set.ts'
import { invalidArgument, refusal } from './failures.ts'
import { KEEP_ALIVE_MS, SWEEP_INTERVAL_MS } from './limits.ts'
import type { GatewayTls } from './options.ts'
import { PROBLEM_CONTENT_TYPE, problemOf } from './problem.ts'
import type { Services } from './services.ts'

/** What a request said of `Expect`. */
export type Expectation = 'none' | 'continue' | 'unknown'

export type OnRequest = (incoming: IncomingMessage, outgoing: ServerResponse, expectation: Expectation) => void

export function createHttpServer(
  services: Services,
  set: ExchangeSet,
  tls: GatewayTls | undefined,
  onRequest: OnRequest,
): Server {
  const settings: ServerOptions = {
    maxHeaderSize: LIMITS.httpHeadBytesMax,
    headersTimeout: services.limits.stallMsMax,
    // Bodies have deadlines of their own, per request.
    requestTimeout: 0,
    connectionsCheckingInterval: SWEEP_INTERVAL_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Node would answer without a problem document; admission checks it.
    requireHostHeader: false,
  }
  const server = tls === undefined ? createServer(settings) : createTls(settings, tls, services.limits.stallMsMax)
  // Node drops headers beyond the count silently, which could drop a condition. The size of the head bounds them anyway.
  server.maxHeadersCount = 0
  server.maxConnections = services.limits.connectionsMax
  server.on('request', (incoming, outgoing) => onRequest(incoming, outgoing, 'none'))
  server.on('checkContinue', (incoming, outgoing) => onRequest(incoming, outgoing, 'continue'))
  server.on('checkExpectation', (incoming, outgoing) => onRequest(incoming, outgoing, 'unknown'))
  server.on('connect', (_incoming: IncomingMessage, socket: Duplex) => {
    answerRaw(
      services,
      socket,
      refusal('METHOD_NOT_ALLOWED', 'CONNECT is not possible here'),
      'Allow: DELETE, GET, HEAD, POST, PUT\r\n',
    )
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) =>
    onClientError(services, set, error, socket),
  )
  return server
}

function createTls(settings: ServerOptions, tls: GatewayTls, stallMsMax: number): Server {
  const asksForCertificate = tls.ca !== undefined
  const server = createTlsServer({
    ...settings,
    ...tls,
    minVersion: 'TLSv1.2',
    handshakeTimeout: stallMsMax,
    requestCert: asksForCertificate,
    rejectUnauthorized: asksForCertificate,
  })
  // Node would hand failed handshakes to the handler of malformed requests, and there is no encrypted way to answer.
  server.removeAllListeners('tlsClientError')
  server.on('tlsClientError', (_error: Error, socket: Duplex) => socket.destroy())
  return server
}

/** For connections from now on. Whether certificates are asked for stays as it was. Throws when Node cannot use them. */
export function exchangeCertificates(server: Server, tls: GatewayTls): void {
  if (server instanceof TlsServer) server.setSecureContext({ ...tls, minVersion: 'TLSv1.2' })
}

/**
 * The parser gave up on a connection. Requests it had taken before are still answered, in their order, and then the bytes that were no
 * request; only then does the connection close.
 */
function onClientError(services: Services, set: ExchangeSet, error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const last = set.openOn(socket).at(-1)
  if (last === undefined) answerRaw(services, socket, failureOf(error))
  else if (last.phase === 'reading') last.failBody(invalidArgument('the request body is malformed'))
  else last.whenFinished(() => answerRaw(services, socket, failureOf(error)))
}

function failureOf(error: NodeJS.ErrnoException): FlotillaError {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return refusal('HEADERS_TOO_LARGE', `the head of a request has at most ${LIMITS.httpHeadBytesMax} bytes`)
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return refusal('REQUEST_TIMEOUT', 'the head of the request did not arrive in time')
    default:
      return invalidArgument('the bytes received are not an HTTP request')
  }
}

/** Answers where there is no request to answer, and closes. */
function answerRaw(services: Services, socket: Duplex, error: FlotillaError, extraHeaders = ''): void {
  if (!socket.writable) return
  const requestId = services.nextRequestId()
  const status = ERROR_TABLE[error.code].httpStatus
  const body = JSON.stringify(problemOf(error, requestId))
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n` +
      `Content-Type: ${PROBLEM_CONTENT_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Request-Id: ${requestId}\r\nCache-Control: no-store\r\n${extraHeaders}Connection: close\r\n\r\n${body}`,
  )
  lingeringClose(services, socket)
}

/** Reads on for a moment: closing with unread bytes resets the connection, and the client might never see the answer. */
function lingeringClose(services: Services, socket: Duplex): void {
  socket.on('error', () => socket.destroy())
  socket.resume()
  services.clock.after(LINGER_MS, () => socket.destroy())
}

const LINGER_MS = 500
