/**
 * Writes numbers, text and slices into bytes whose number is known before, so that a message costs one allocation and one copy.
 * Numbers are big-endian. What does not fit its field is a mistake of the caller, who checked limits long before: it asserts. The
 * encoders of this folder and of `protocol` use it.
 */
import { AssertionFailure } from '../base/index.ts'

const U32 = 0x1_0000_0000
/** Short text is written faster here than by a call into the runtime. */
const LOOP_CHARS_MAX = 48
const U48 = 0x1_0000_0000_0000

export class ByteWriter {
  readonly #buffer: Buffer
  #position = 0

  constructor(length: number) {
    this.#buffer = Buffer.allocUnsafe(length)
  }

  u8(value: number): this {
    this.#buffer[this.#position++] = value
    return this
  }

  u16(value: number): this {
    if (value < 0 || value > 0xffff) misfit(value, '16 bits')
    const buffer = this.#buffer
    const at = this.#position
    buffer[at] = value >>> 8
    buffer[at + 1] = value
    this.#position = at + 2
    return this
  }

  u32(value: number): this {
    if (value < 0 || value >= U32) misfit(value, '32 bits')
    this.#u32(value)
    return this
  }

  u48(value: number): this {
    if (value < 0 || value >= U48) misfit(value, '48 bits')
    const buffer = this.#buffer
    const high = Math.floor(value / U32)
    const at = this.#position
    buffer[at] = high >>> 8
    buffer[at + 1] = high
    this.#position = at + 2
    this.#u32(value)
    return this
  }

  /** A safe integer in eight bytes. */
  u53(value: number): this {
    if (value < 0 || !Number.isSafeInteger(value)) misfit(value, 'a safe integer')
    this.#u32(Math.floor(value / U32))
    this.#u32(value)
    return this
  }

  /** A finite number, not below zero. */
  duration(value: number): this {
    if (value < 0 || !Number.isFinite(value)) misfit(value, 'a duration')
    this.#position = this.#buffer.writeDoubleBE(value, this.#position)
    return this
  }

  flag(value: boolean): this {
    return this.u8(value ? 1 : 0)
  }

  bytes(value: Uint8Array): this {
    this.#buffer.set(value, this.#position)
    this.#position += value.length
    return this
  }

  /** Code units 0 to 255, one byte each. */
  latin1(text: string): this {
    const at = this.#position
    this.#position = at + text.length
    if (text.length > LOOP_CHARS_MAX) {
      this.#buffer.write(text, at, 'latin1')
      return this
    }
    const buffer = this.#buffer
    for (let i = 0; i < text.length; i++) buffer[at + i] = text.charCodeAt(i)
    return this
  }

  /** Invariant: exactly the announced number of bytes was written. */
  finish(): Uint8Array {
    if (this.#position !== this.#buffer.length) misfit(this.#position, `${this.#buffer.length} bytes`)
    return this.#buffer
  }

  /** The low 32 bits of a whole number. */
  #u32(value: number): void {
    const buffer = this.#buffer
    const at = this.#position
    const low = value >>> 0
    buffer[at] = low >>> 24
    buffer[at + 1] = low >>> 16
    buffer[at + 2] = low >>> 8
    buffer[at + 3] = low
    this.#position = at + 4
  }
}

/** An assertion that makes its message only when it fails: these stand on the hottest paths. */
function misfit(value: number, what: string): never {
  throw new AssertionFailure(`${value} does not fit ${what}`)
}
