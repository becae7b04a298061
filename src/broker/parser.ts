/**
 * The client side of the NATS protocol, taken apart incrementally. Bytes come in chunks cut anywhere; operations go out to a sink, the
 * same ones for every way of cutting. Payloads are not copied: the sink gets a range of the received chunk, or of one joined buffer when
 * a message spans chunks. The parser knows nothing of sessions, permissions or subjects' meaning. One per connection.
 *
 *   CONNECT {json}                               PING   PONG   +OK   INFO {json}
 *   PUB  subject [reply] size                    then `size` bytes and CR LF
 *   HPUB subject [reply] headerSize totalSize    then `totalSize` bytes and CR LF
 *   SUB  subject [queue] sid                     UNSUB sid [max]
 *
 * Operations are case-insensitive, arguments are separated by blanks or tabs, a line ends with LF and an optional CR before it.
 */
import { PROTOCOL_ERROR, type ProtocolErrorText } from './protocol-error.ts'

export interface ProtocolSink {
  connect(json: string): void
  ping(): void
  pong(): void
  subscribe(subject: string, queue: string | undefined, sid: string): void
  /** `max` of zero: at once. */
  unsubscribe(sid: string, max: number): void
  /**
   * `bytes[start, end)` is header and body, followed by CR LF; the first `headerBytes` are the header, -1 means a PUB.
   * The buffer is never written to again, so the sink may keep it.
   */
  publish(
    subject: string,
    reply: string | undefined,
    headerBytes: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void
  /** The stream makes no sense from here on; the parser takes nothing more. */
  violation(error: ProtocolErrorText): void
}

export interface ParserLimits {
  readonly controlLineBytesMax: number
  readonly payloadBytesMax: number
}

const LF = 0x0a
const CR = 0x0d
const BLANK = 0x20
const TAB = 0x09

const OPERATIONS = ['PUB', 'HPUB', 'SUB', 'UNSUB', 'PING', 'PONG', 'CONNECT', 'INFO', '+OK'] as const
type Operation = (typeof OPERATIONS)[number]

/** The longest line of arguments has four of them, after the operation itself. */
const WORDS_MAX = 5
const SIZE_DIGITS_MAX = 9

export class ProtocolParser {
  readonly #sink: ProtocolSink
  readonly #limits: ParserLimits
  #stopped = false

  /** The beginning of a control line whose end has not arrived; allocated when first needed. */
  #partial: Buffer | undefined
  #partialBytes = 0

  /** Where the words of the current line begin and end: [start, end, start, end, ...]. */
  readonly #words = new Int32Array(2 * WORDS_MAX)
  #wordCount = 0

  /** The publication whose payload is awaited; `#payloadBytes` is -1 while there is none. */
  #payloadBytes = -1
  #subject = ''
  #reply: string | undefined
  #headerBytes = -1
  /** Payload and line end of a message that spans chunks. */
  #joined: Buffer | undefined
  #joinedBytes = 0

  constructor(sink: ProtocolSink, limits: ParserLimits) {
    this.#sink = sink
    this.#limits = limits
  }

  /** Ignores everything from now on. The sink may call it from within an operation. */
  stop(): void {
    this.#stopped = true
    this.#partial = undefined
    this.#joined = undefined
  }

  /** Takes the next bytes of the stream. The chunk must not change afterwards. */
  feed(chunk: Buffer): void {
    let position = 0
    const end = chunk.length
    while (position < end && !this.#stopped) {
      position = this.#payloadBytes < 0 ? this.#feedLine(chunk, position) : this.#feedPayload(chunk, position)
    }
  }

  #fail(error: ProtocolErrorText): void {
    if (this.#stopped) return
    this.stop()
    this.#sink.violation(error)
  }

  /** Takes bytes of a control line; returns how far it came. */
  #feedLine(chunk: Buffer, start: number): number {
    if (this.#partialBytes === 0) {
      const lineEnd = this.#scan(chunk, start, chunk.length)
      if (lineEnd >= 0) {
        this.#line(chunk, start, lineEnd)
        return lineEnd + 1
      }
    }
    const lineEnd = chunk.indexOf(LF, start)
    const stop = lineEnd < 0 ? chunk.length : lineEnd + 1
    // One line end more than a line may be long: what does not fit is too long whatever follows.
    this.#partial ??= Buffer.allocUnsafeSlow(this.#limits.controlLineBytesMax + 2)
    const partial = this.#partial
    const copied = chunk.copy(partial, this.#partialBytes, start, stop)
    this.#partialBytes += copied
    const isWhole = lineEnd >= 0 && copied === stop - start
    if (isWhole) {
      const bytes = this.#partialBytes
      this.#partialBytes = 0
      this.#scan(partial, 0, bytes)
      this.#line(partial, 0, bytes - 1)
      return stop
    }
    // Garbage is refused as soon as it cannot become an operation: waiting for its line end could mean waiting for ever.
    if (!mayBecomeOperation(partial, this.#partialBytes)) this.#fail(PROTOCOL_ERROR.unknownOperation)
    else if (this.#partialBytes === partial.length) this.#fail(PROTOCOL_ERROR.controlLineExceeded)
    return stop
  }

  /** Finds the words of the line that begins at `start`; returns the place of its LF, or -1 when it is not there yet. */
  #scan(bytes: Buffer, start: number, end: number): number {
    const words = this.#words
    let count = 0
    let wordStart = -1
    for (let i = start; i < end; i++) {
      const byte = bytes[i] as number
      if (byte > BLANK) {
        if (wordStart < 0) wordStart = i
        continue
      }
      if (byte !== BLANK && byte !== TAB && byte !== LF && byte !== CR) {
        if (wordStart < 0) wordStart = i
        continue
      }
      if (wordStart >= 0) {
        if (count < WORDS_MAX) {
          words[2 * count] = wordStart
          words[2 * count + 1] = i
        }
        count++
        wordStart = -1
      }
      if (byte === LF) {
        this.#wordCount = count
        return i
      }
    }
    return -1
  }

  /** Performs the scanned line `[start, lineEnd)`. */
  #line(bytes: Buffer, start: number, lineEnd: number): void {
    const words = this.#words
    // A line begins with its operation: leading blanks and empty lines are no operation.
    const startsWithWord = this.#wordCount > 0 && words[0] === start
    const operation = startsWithWord ? operationOf(bytes, start, words[1] as number) : undefined
    const lineBytes = lineEnd - start - (bytes[lineEnd - 1] === CR ? 1 : 0)
    if (operation === undefined) {
      this.#fail(PROTOCOL_ERROR.unknownOperation)
    } else if (lineBytes > this.#limits.controlLineBytesMax) {
      this.#fail(PROTOCOL_ERROR.controlLineExceeded)
    } else if (!this.#perform(operation, bytes, lineEnd)) {
      this.#fail(PROTOCOL_ERROR.unknownOperation)
    }
  }

  /** Returns whether the arguments of the operation were well formed. */
  #perform(operation: Operation, bytes: Buffer, lineEnd: number): boolean {
    const count = this.#wordCount - 1
    switch (operation) {
      case 'PUB':
        return this.#beginPublication(bytes, count, 1)
      case 'HPUB':
        return this.#beginPublication(bytes, count, 2)
      case 'PING':
        this.#sink.ping()
        return true
      case 'PONG':
        this.#sink.pong()
        return true
      case 'SUB':
        if (count !== 2 && count !== 3) return false
        this.#sink.subscribe(
          this.#word(bytes, 1),
          count === 3 ? this.#word(bytes, 2) : undefined,
          this.#word(bytes, count),
        )
        return true
      case 'UNSUB': {
        if (count !== 1 && count !== 2) return false
        const max = count === 2 ? this.#size(bytes, 2) : 0
        if (max < 0) return false
        this.#sink.unsubscribe(this.#word(bytes, 1), max)
        return true
      }
      case 'CONNECT':
        if (count < 1) return false
        this.#sink.connect(bytes.toString('utf8', this.#words[2], lineEnd))
        return true
      case 'INFO':
      case '+OK':
        // Servers say these to clients; the other way round they are legal and mean nothing.
        return true
    }
  }

  #beginPublication(bytes: Buffer, count: number, sizes: 1 | 2): boolean {
    if (count !== sizes + 1 && count !== sizes + 2) return false
    const total = this.#size(bytes, count)
    const headerBytes = sizes === 2 ? this.#size(bytes, count - 1) : -1
    if (total < 0 || (sizes === 2 && (headerBytes < 0 || headerBytes > total))) return false
    if (total > this.#limits.payloadBytesMax) {
      this.#fail(PROTOCOL_ERROR.payloadExceeded)
      return true
    }
    this.#subject = this.#word(bytes, 1)
    this.#reply = count === sizes + 2 ? this.#word(bytes, 2) : undefined
    this.#headerBytes = headerBytes
    this.#payloadBytes = total
    return true
  }

  /** Takes bytes of a payload and its line end; returns how far it came. */
  #feedPayload(chunk: Buffer, start: number): number {
    const wanted = this.#payloadBytes + 2
    if (this.#joined === undefined) {
      if (chunk.length - start >= wanted) {
        this.#publication(chunk, start)
        return start + wanted
      }
      // Allocated once at its final size, so that a large message costs one copy however many chunks it comes in.
      this.#joined = Buffer.allocUnsafeSlow(wanted)
      this.#joinedBytes = 0
    }
    const joined = this.#joined
    const copied = chunk.copy(joined, this.#joinedBytes, start, chunk.length)
    this.#joinedBytes += copied
    if (this.#joinedBytes === wanted) {
      this.#joined = undefined
      this.#publication(joined, 0)
    }
    return start + copied
  }

  #publication(bytes: Buffer, start: number): void {
    const end = start + this.#payloadBytes
    this.#payloadBytes = -1
    if (bytes[end] === CR && bytes[end + 1] === LF) {
      this.#sink.publish(this.#subject, this.#reply, this.#headerBytes, bytes, start, end)
    } else {
      this.#fail(PROTOCOL_ERROR.unknownOperation)
    }
  }

  #word(bytes: Buffer, i: number): string {
    return bytes.toString('latin1', this.#words[2 * i], this.#words[2 * i + 1])
  }

  /** The decimal number in word `i`, or -1. */
  #size(bytes: Buffer, i: number): number {
    const start = this.#words[2 * i] as number
    const end = this.#words[2 * i + 1] as number
    if (end - start > SIZE_DIGITS_MAX) return -1
    let value = 0
    for (let at = start; at < end; at++) {
      const digit = (bytes[at] as number) - 0x30
      if (digit < 0 || digit > 9) return -1
      value = value * 10 + digit
    }
    return value
  }
}

function upper(byte: number): number {
  return byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte
}

function startsWith(bytes: Buffer, start: number, text: string, length: number): boolean {
  for (let i = 0; i < length; i++) {
    if (upper(bytes[start + i] as number) !== text.charCodeAt(i)) return false
  }
  return true
}

function operationOf(bytes: Buffer, start: number, end: number): Operation | undefined {
  const length = end - start
  for (const operation of OPERATIONS) {
    if (operation.length === length && startsWith(bytes, start, operation, length)) return operation
  }
  return undefined
}

/** Whether the beginning of a line can still turn out to be an operation. */
function mayBecomeOperation(bytes: Buffer, length: number): boolean {
  for (const operation of OPERATIONS) {
    if (length <= operation.length) {
      if (startsWith(bytes, 0, operation, length)) return true
      continue
    }
    const next = bytes[operation.length] as number
    if (startsWith(bytes, 0, operation, operation.length) && (next === BLANK || next === TAB || next === CR))
      return true
  }
  return false
}
