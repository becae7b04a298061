/**
 * Reads HTTP/1.1 responses (RFC 9112) off one connection that has one request in flight: status, framing by Content-Length, chunked
 * coding or the end of the connection, and the body's bytes. Not a general client: it ignores every header that does not frame the
 * message. Bytes may arrive cut anywhere. Used by `HttpLane` only.
 */
import { EMPTY_BYTES } from '../../src/base/index.ts'

export interface ResponseHandler {
  /** `body` is only valid during the call. `reusable` says whether another request may follow on the connection. */
  response(status: number, body: Buffer, reusable: boolean): void
  /** The bytes are not HTTP, or too many; the parser ignores everything after. */
  malformed(reason: string): void
}

const HEAD_BYTES_MAX = 64 * 1024
/** Far above any value, so only a broken peer reaches it. */
const BODY_BYTES_MAX = 64 * 1024 * 1024

const CR = 0x0d
const LF = 0x0a
const COLON = 0x3a
const EMPTY = Buffer.from(EMPTY_BYTES)

type State = 'head' | 'fixed' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailer' | 'until-end' | 'dead'

export class ResponseParser {
  readonly #handler: ResponseHandler
  #state: State = 'head'
  /** Bytes of an incomplete line or head, copied, because the reader reuses its buffer. */
  #held: Buffer = EMPTY
  #status = 0
  #reusable = true
  /** Bytes of the body still to come in states `fixed` and `chunk-data`. */
  #missing = 0
  #parts: Buffer[] = []
  #partBytes = 0

  constructor(handler: ResponseHandler) {
    this.#handler = handler
  }

  /** Takes the next bytes of the connection; `bytes` may be reused after the call. */
  feed(bytes: Buffer): void {
    const data = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
    this.#held = EMPTY
    let position = 0
    while (position < data.length) {
      const next = this.#step(data, position)
      if (next === position) break
      position = next
    }
    if (this.#state === 'dead' || position === data.length) return
    if (data.length - position > HEAD_BYTES_MAX) this.#fail('a head or line is too long')
    else this.#held = Buffer.from(data.subarray(position))
  }

  /** The connection has ended: completes a body that only its end delimits. Answers whether a response was cut off. */
  end(): boolean {
    if (this.#state === 'until-end') {
      this.#complete(this.#takeParts())
      return false
    }
    return this.#state !== 'dead' && (this.#state !== 'head' || this.#held.length > 0)
  }

  /** Consumes what it can from `position` on; the same position means that more bytes are needed. */
  #step(data: Buffer, position: number): number {
    switch (this.#state) {
      case 'head':
        return this.#head(data, position)
      case 'fixed':
        return this.#fixed(data, position)
      case 'chunk-size':
        return this.#chunkSize(data, position)
      case 'chunk-data':
        return this.#chunkData(data, position)
      case 'chunk-end':
        return this.#chunkEnd(data, position)
      case 'trailer':
        return this.#trailer(data, position)
      case 'until-end':
        this.#keepPart(data.subarray(position))
        return data.length
      case 'dead':
        return data.length
    }
  }

  #head(data: Buffer, start: number): number {
    const end = endOfHead(data, start)
    if (end === -1) return start
    const status = statusOf(data, start)
    if (status === -1) return this.#fail('the status line is not HTTP/1.x')
    this.#status = status
    this.#reusable = data[start + 7] !== 0x30
    let contentLength = -1
    let chunked = false
    let line = data.indexOf(LF, start) + 1
    while (line < end) {
      const lineEnd = data.indexOf(LF, line)
      // Only names that begin with `c` or `t` can matter.
      const initial = (data[line] as number) | 0x20
      if (initial === 0x63) {
        if (isHeader(data, line, 'content-length')) contentLength = decimalAfter(data, line + 15, lineEnd)
        else if (isHeader(data, line, 'connection')) this.#connection(textOf(data, line + 11, lineEnd))
        if (contentLength === -2) return this.#fail('the content length is not a number')
      } else if (initial === 0x74 && isHeader(data, line, 'transfer-encoding')) {
        chunked = textOf(data, line + 18, lineEnd).endsWith('chunked')
        if (!chunked) return this.#fail('the transfer coding is not chunked')
      }
      line = lineEnd + 1
    }
    return this.#beginBody(data, end, contentLength, chunked)
  }

  #beginBody(data: Buffer, start: number, contentLength: number, chunked: boolean): number {
    const status = this.#status
    // Interim responses announce the real one.
    if (status < 200) return start
    if (status === 204 || status === 304) {
      this.#complete(EMPTY)
    } else if (chunked) {
      this.#state = 'chunk-size'
    } else if (contentLength === -1) {
      this.#reusable = false
      this.#state = 'until-end'
    } else if (contentLength > BODY_BYTES_MAX) {
      return this.#fail(`a body of ${contentLength} bytes is too long`)
    } else if (start + contentLength <= data.length) {
      // The usual case: the whole response arrived at once, and nothing is copied.
      this.#complete(data.subarray(start, start + contentLength))
      return start + contentLength
    } else {
      this.#missing = contentLength
      this.#state = 'fixed'
    }
    return start
  }

  #fixed(data: Buffer, position: number): number {
    const taken = this.#takeMissing(data, position)
    if (this.#missing === 0) this.#complete(this.#takeParts())
    return position + taken
  }

  #chunkSize(data: Buffer, position: number): number {
    const lineEnd = data.indexOf(LF, position)
    if (lineEnd === -1) return position
    const size = hexadecimalOf(data, position, lineEnd)
    if (size === -1) return this.#fail('a chunk size is not a number')
    if (this.#partBytes + size > BODY_BYTES_MAX) return this.#fail('a chunked body is too long')
    this.#missing = size
    this.#state = size === 0 ? 'trailer' : 'chunk-data'
    return lineEnd + 1
  }

  #chunkData(data: Buffer, position: number): number {
    const taken = this.#takeMissing(data, position)
    if (this.#missing === 0) this.#state = 'chunk-end'
    return position + taken
  }

  #chunkEnd(data: Buffer, position: number): number {
    if (data.length - position < 2) return position
    if (data[position] !== CR || data[position + 1] !== LF) return this.#fail('a chunk is longer than its size says')
    this.#state = 'chunk-size'
    return position + 2
  }

  #trailer(data: Buffer, position: number): number {
    const lineEnd = data.indexOf(LF, position)
    if (lineEnd === -1) return position
    if (lineEnd === position || (lineEnd === position + 1 && data[position] === CR)) this.#complete(this.#takeParts())
    return lineEnd + 1
  }

  #connection(value: string): void {
    if (value.includes('close')) this.#reusable = false
    else if (value.includes('keep-alive')) this.#reusable = true
  }

  #takeMissing(data: Buffer, position: number): number {
    const taken = Math.min(this.#missing, data.length - position)
    this.#keepPart(data.subarray(position, position + taken))
    this.#missing -= taken
    return taken
  }

  #keepPart(part: Buffer): void {
    if (this.#partBytes + part.length > BODY_BYTES_MAX) {
      this.#fail('the body is too long')
      return
    }
    this.#parts.push(Buffer.from(part))
    this.#partBytes += part.length
  }

  #takeParts(): Buffer {
    const [first] = this.#parts
    const body = this.#parts.length === 1 && first !== undefined ? first : Buffer.concat(this.#parts)
    this.#parts = []
    this.#partBytes = 0
    return body
  }

  /** The next response may follow in the same bytes, so the state is reset before the handler runs. */
  #complete(body: Buffer): void {
    this.#state = 'head'
    this.#handler.response(this.#status, body, this.#reusable)
  }

  #fail(reason: string): number {
    this.#state = 'dead'
    this.#parts = []
    this.#handler.malformed(reason)
    // Any position but the current one would do: a dead parser consumes everything.
    return Number.MAX_SAFE_INTEGER
  }
}

/** The index after the empty line that ends the head which begins at `start`, or -1. */
function endOfHead(data: Buffer, start: number): number {
  let lineStart = start
  for (;;) {
    const lineEnd = data.indexOf(LF, lineStart)
    if (lineEnd === -1) return -1
    if (lineEnd === lineStart || (lineEnd === lineStart + 1 && data[lineStart] === CR)) return lineEnd + 1
    lineStart = lineEnd + 1
  }
}

/** `HTTP/1.x SSS`: the three digits, or -1. */
function statusOf(data: Buffer, start: number): number {
  if (data.toString('latin1', start, start + 7) !== 'HTTP/1.') return -1
  const hundreds = digitAt(data, start + 9)
  const tens = digitAt(data, start + 10)
  const ones = digitAt(data, start + 11)
  if (data[start + 8] !== 0x20 || hundreds < 1 || tens < 0 || ones < 0) return -1
  return hundreds * 100 + tens * 10 + ones
}

function digitAt(data: Buffer, index: number): number {
  const digit = (data[index] ?? 0) - 0x30
  return digit >= 0 && digit <= 9 ? digit : -1
}

function isHeader(data: Buffer, line: number, lowerCaseName: string): boolean {
  if (data[line + lowerCaseName.length] !== COLON) return false
  for (let i = 0; i < lowerCaseName.length; i++) {
    if (((data[line + i] as number) | 0x20) !== lowerCaseName.charCodeAt(i)) return false
  }
  return true
}

function textOf(data: Buffer, start: number, end: number): string {
  return data.toString('latin1', start, end).trim().toLowerCase()
}

/** The decimal number between `start` and the line's end, or -2. */
function decimalAfter(data: Buffer, start: number, lineEnd: number): number {
  let value = -2
  for (let i = start; i < lineEnd; i++) {
    const byte = data[i] as number
    const digit = byte - 0x30
    if (digit >= 0 && digit <= 9) value = value === -2 ? digit : value * 10 + digit
    else if (byte !== 0x20 && byte !== CR && byte !== 0x09) return -2
  }
  return value
}

/** The hexadecimal number that begins the line, extensions ignored, or -1. */
function hexadecimalOf(data: Buffer, start: number, lineEnd: number): number {
  const line = data.toString('latin1', start, lineEnd)
  const digits = (line.split(';', 1)[0] ?? '').trim()
  return /^[0-9a-fA-F]{1,8}$/.test(digits) ? Number.parseInt(digits, 16) : -1
}
