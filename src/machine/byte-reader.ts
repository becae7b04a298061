/**
 * Reads numbers, text and slices from bytes that nobody has checked yet. It never throws and never reads outside: the first
 * thing that does not fit sets `failed`, and from then on everything reads as zero or empty, so a decoder checks once, at its
 * end. Numbers are big-endian. The decoders of this folder and of `protocol` use it.
 */
import { EMPTY_BYTES } from '../base/index.ts'

/** Works on any Uint8Array without making a Buffer of it first, which would cost more than the reading. */
const latin1Slice = Buffer.prototype.latin1Slice

export class ByteReader {
  readonly #bytes: Uint8Array
  #position: number
  #failed = false

  constructor(bytes: Uint8Array, position = 0) {
    this.#bytes = bytes
    this.#position = position
    if (position > bytes.length) this.fail()
  }

  get failed(): boolean {
    return this.#failed
  }

  get position(): number {
    return this.#position
  }

  /** Bytes not read yet; bounds every count that the bytes claim. */
  get remaining(): number {
    return this.#bytes.length - this.#position
  }

  /** Whether everything was read, and nothing failed. */
  get isComplete(): boolean {
    return !this.#failed && this.#position === this.#bytes.length
  }

  /** Declares the bytes unusable, for reasons that only the caller can see. */
  fail(): void {
    this.#failed = true
    this.#position = this.#bytes.length
  }

  /** Moves over `length` bytes; their position, or -1 when there are fewer. */
  #take(length: number): number {
    const at = this.#position
    if (length > this.#bytes.length - at) {
      this.fail()
      return -1
    }
    this.#position = at + length
    return at
  }

  u8(): number {
    const at = this.#take(1)
    return at < 0 ? 0 : (this.#bytes[at] as number)
  }

  u16(): number {
    const at = this.#take(2)
    if (at < 0) return 0
    const bytes = this.#bytes
    return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
  }

  u32(): number {
    const at = this.#take(4)
    return at < 0 ? 0 : this.#u32At(at)
  }

  u48(): number {
    const at = this.#take(6)
    if (at < 0) return 0
    const bytes = this.#bytes
    return (((bytes[at] as number) << 8) | (bytes[at + 1] as number)) * 0x1_0000_0000 + this.#u32At(at + 2)
  }

  /** Eight bytes that must be a safe integer. */
  u53(): number {
    const at = this.#take(8)
    if (at < 0) return 0
    const high = this.#u32At(at)
    if (high > 0x1f_ffff) {
      this.fail()
      return 0
    }
    return high * 0x1_0000_0000 + this.#u32At(at + 4)
  }

  /** Eight bytes of IEEE 754 that must be a finite number, not below zero. */
  duration(): number {
    const at = this.#take(8)
    if (at < 0) return 0
    const bytes = this.#bytes
    const value = new DataView(bytes.buffer, bytes.byteOffset + at, 8).getFloat64(0)
    if (Number.isFinite(value) && value >= 0) return value
    this.fail()
    return 0
  }

  /** One byte that must be 0 or 1. */
  flag(): boolean {
    const value = this.u8()
    if (value > 1) this.fail()
    return value === 1
  }

  /** A part of the input, not a copy: it keeps the whole input in memory for as long as it lives. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length)
    return at < 0 ? EMPTY_BYTES : this.#bytes.subarray(at, at + length)
  }

  rest(): Uint8Array {
    return this.bytes(this.remaining)
  }

  /** Bytes as a string of code units 0 to 255: how keys are held. */
  latin1(length: number): string {
    const at = this.#take(length)
    return at < 0 ? '' : latin1Slice.call(this.#bytes as Buffer, at, at + length)
  }

  #u32At(at: number): number {
    const bytes = this.#bytes
    return (
      (((bytes[at] as number) << 24) |
        ((bytes[at + 1] as number) << 16) |
        ((bytes[at + 2] as number) << 8) |
        (bytes[at + 3] as number)) >>>
      0
    )
  }
}
