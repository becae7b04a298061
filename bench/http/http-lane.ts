/**
 * One connection that carries one request at a time: writes it, parses the answer, and connects again after a loss. Not a pool and not a
 * client for general use. Made by `HttpTarget`.
 */
import { connect, type Socket } from 'node:net'
import { assert } from '../../src/base/index.ts'
import type { Lane, LaneObserver } from '../load/index.ts'
import { OperatingError } from '../operating-error.ts'
import type { HttpDialect } from './dialect.ts'
import { RequestBuffer } from './request-buffer.ts'
import { type ResponseHandler, ResponseParser } from './response-parser.ts'

export interface HttpEndpoint {
  readonly host: string
  readonly port: number
}

const REQUEST_BYTES_FIRST = 1024
const READ_BYTES = 64 * 1024

type Pending = 'put' | 'get' | undefined

export class HttpLane implements Lane, ResponseHandler {
  readonly #index: number
  readonly #endpoint: HttpEndpoint
  readonly #hostHeader: string
  readonly #dialect: HttpDialect
  readonly #observer: LaneObserver
  readonly #request = new RequestBuffer(REQUEST_BYTES_FIRST)
  readonly #readBuffer: Buffer
  #socket: Socket | undefined
  #parser: ResponseParser
  #connected = false
  #pending: Pending
  /** Some byte of the pending request may have left this process, so the server may have acted on it. */
  #sent = false
  /** Resolves or rejects the first `connect`. */
  #onFirstConnect: ((error: Error | undefined) => void) | undefined

  /** `readBuffer` is shared by all lanes of a target: bytes are consumed before the next read. */
  constructor(
    index: number,
    endpoint: HttpEndpoint,
    dialect: HttpDialect,
    observer: LaneObserver,
    readBuffer: Buffer = Buffer.allocUnsafe(READ_BYTES),
  ) {
    this.#index = index
    this.#endpoint = endpoint
    this.#hostHeader = endpoint.host.includes(':')
      ? `[${endpoint.host}]:${endpoint.port}`
      : `${endpoint.host}:${endpoint.port}`
    this.#dialect = dialect
    this.#observer = observer
    this.#readBuffer = readBuffer
    this.#parser = new ResponseParser(this)
  }

  /** Connects for the first time. Rejects with the socket's error; later losses are errors of single operations. */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onFirstConnect = (error) => (error === undefined ? resolve() : reject(error))
      this.#connect()
    })
  }

  close(): void {
    assert(this.#pending === undefined, `lane ${this.#index} is closed with a request in flight`)
    this.#drop()
  }

  put(key: string, value: Buffer): void {
    this.#begin('put')
    this.#dialect.writePut(this.#request, this.#hostHeader, key, value)
    this.#send()
  }

  get(key: string): void {
    this.#begin('get')
    this.#dialect.writeGet(this.#request, this.#hostHeader, key)
    this.#send()
  }

  abandon(): void {
    if (this.#pending !== undefined) this.#fail('TIMEOUT')
  }

  response(status: number, body: Buffer, reusable: boolean): void {
    const pending = this.#pending
    if (pending === undefined) {
      // Nobody asked: the connection is out of step, and a new one is cheaper than guessing.
      this.#drop()
      return
    }
    this.#pending = undefined
    if (!reusable) this.#drop()
    if (pending === 'put') this.#dialect.readPut(this.#index, status, body, this.#observer)
    else this.#dialect.readGet(this.#index, status, body, this.#observer)
  }

  malformed(_reason: string): void {
    this.#fail('MALFORMED_RESPONSE')
  }

  #begin(kind: 'put' | 'get'): void {
    assert(this.#pending === undefined, `lane ${this.#index} has a request in flight`)
    this.#pending = kind
    this.#sent = false
    // An answer may overtake the tail of its request; then the socket still holds the old bytes.
    this.#request.reset(this.#socket !== undefined && this.#socket.writableLength > 0)
  }

  #send(): void {
    if (this.#socket === undefined) {
      this.#connect()
    } else if (this.#connected) {
      this.#sent = true
      this.#socket.write(this.#request.view())
    }
    // While the connection is being made, `connect` sends what is pending.
  }

  #connect(): void {
    const socket = connect({
      host: this.#endpoint.host,
      port: this.#endpoint.port,
      noDelay: true,
      // Reading into one buffer of our own saves an allocation of 64 KiB per read.
      onread: {
        buffer: this.#readBuffer,
        callback: (length, buffer) => {
          if (this.#socket === socket) this.#parser.feed((buffer as Buffer).subarray(0, length))
          return true
        },
      },
    })
    this.#socket = socket
    this.#connected = false
    this.#parser = new ResponseParser(this)
    socket.on('connect', () => this.#onConnect(socket))
    socket.on('end', () => this.#onEnd(socket))
    socket.on('error', (error: NodeJS.ErrnoException) => this.#onLoss(socket, error.code ?? 'SOCKET_ERROR', error))
    socket.on('close', () => this.#onLoss(socket, 'CONNECTION_CLOSED', undefined))
  }

  #onConnect(socket: Socket): void {
    if (this.#socket !== socket) return
    this.#connected = true
    this.#onFirstConnect?.(undefined)
    this.#onFirstConnect = undefined
    if (this.#pending !== undefined) this.#send()
  }

  #onEnd(socket: Socket): void {
    // A body without a length ends here; `response` then drops the connection itself.
    if (this.#socket === socket) this.#parser.end()
  }

  #onLoss(socket: Socket, code: string, error: Error | undefined): void {
    if (this.#socket !== socket) return
    this.#onFirstConnect?.(
      error ?? new OperatingError(`the connection to ${this.#hostHeader} closed before it was open`),
    )
    this.#onFirstConnect = undefined
    if (this.#pending === undefined) this.#drop()
    else this.#fail(code)
  }

  #fail(code: string): void {
    const pending = this.#pending
    const outcome = pending === 'put' && this.#sent ? 'unknown' : 'none'
    this.#pending = undefined
    this.#drop()
    if (pending !== undefined) this.#observer.failed(this.#index, code, outcome)
  }

  #drop(): void {
    const socket = this.#socket
    this.#socket = undefined
    this.#connected = false
    socket?.destroy()
  }
}
