/**
 * Reads the few msgpack types that frames consist of, one value after the other, without building objects for what it skips over.
 * It is no general decoder: nested values, floats, maps, negative numbers and extensions are failures here, on purpose (see `frame.ts`).
 * A failure is remembered, not thrown: the reader looks at `failed` once per entry.
 */
import { EMPTY_BYTES } from '../base/index.ts'

const TWO_TO_32 = 2 ** 32

export class MsgpackReader {
  /** Set by the first value that is not what was asked for; everything read after it is void. */
  failed = false
  #bytes = EMPTY_BYTES
  #position = 0

  open(bytes: Uint8Array): void {
    this.failed = false
    this.#bytes = bytes
    this.#position = 0
  }

  get atEnd(): boolean {
    return this.#position === this.#bytes.length
  }

  /** The number of values of an array whose head comes next. A count that these bytes cannot hold is a failure. */
  array(): number {
    const head = this.#byte()
    let count = 0
    if (head >= 0x90 && head <= 0x9f) count = head & 0x0f
    else if (head === 0xdc) count = this.#big(2)
    else if (head === 0xdd) count = this.#big(4)
    else this.failed = true
    if (count > this.#bytes.length - this.#position) this.failed = true
    return this.failed ? 0 : count
  }

  /** A whole number from 0 to 2^53 - 1. */
  uint(): number {
    const head = this.#byte()
    if (head < 0x80) return head
    switch (head) {
      case 0xcc:
        return this.#byte()
      case 0xcd:
        return this.#big(2)
      case 0xce:
        return this.#big(4)
      case 0xcf: {
        const high = this.#big(4)
        const low = this.#big(4)
        if (high >= 0x20_0000) this.failed = true
        return high * TWO_TO_32 + low
      }
      default:
        this.failed = true
        return 0
    }
  }

  /** A view of the bytes of a bin. */
  bin(): Uint8Array {
    const head = this.#byte()
    let length = 0
    if (head === 0xc4) length = this.#byte()
    else if (head === 0xc5) length = this.#big(2)
    else if (head === 0xc6) length = this.#big(4)
    else this.failed = true
    return this.#take(length)
  }

  /** A str of printable ASCII; anything else is a failure, because our addresses and incarnations are nothing else. */
  text(charsMax: number): string {
    const head = this.#byte()
    let length = 0
    if (head >= 0xa0 && head <= 0xbf) length = head & 0x1f
    else if (head === 0xd9) length = this.#byte()
    else this.failed = true
    if (length > charsMax) this.failed = true
    const bytes = this.#take(length)
    let text = ''
    for (let i = 0; i < bytes.length; i++) {
      const code = bytes[i] as number
      if (code <= 0x20 || code >= 0x7f) this.failed = true
      text += String.fromCharCode(code)
    }
    return text
  }

  #byte(): number {
    const byte = this.#bytes[this.#position]
    if (byte === undefined) {
      this.failed = true
      return 0
    }
    this.#position++
    return byte
  }

  #big(length: number): number {
    let value = 0
    for (let i = 0; i < length; i++) value = value * 256 + this.#byte()
    return value
  }

  #take(length: number): Uint8Array {
    if (this.failed || length > this.#bytes.length - this.#position) {
      this.failed = true
      return EMPTY_BYTES
    }
    const start = this.#bytes.byteOffset + this.#position
    this.#position += length
    // A plain Uint8Array also where the wire hands us Buffers, so that every adapter delivers the same kind of bytes.
    return new Uint8Array(this.#bytes.buffer, start, length)
  }
}
