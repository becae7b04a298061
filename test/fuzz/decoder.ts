/**
 * What the fuzzer knows of a decoder: how to call it, valid inputs to start from, and which errors it may throw. The tables of decoders beside this
 * file are lists of these.
 */
export interface Decoder {
  /** `path#export` of what is called; the house rule that no decoder is forgotten compares these with the sources. */
  readonly covers: readonly string[]
  readonly name: string
  /** Reads the bytes and uses what comes out as its callers do. The answer says whether the bytes were accepted. */
  readonly decode: (bytes: Uint8Array) => boolean
  /** Valid inputs, few and different. */
  readonly seeds: readonly Uint8Array[]
  /** Whether an error is one that this decoder documents. Nothing is allowed when absent. */
  readonly allows?: (error: unknown) => boolean
  /** Makes changed bytes pass a checksum again, so that what lies behind it is reached. Used for half of the inputs. */
  readonly repair?: (bytes: Uint8Array) => void
  /** Bytes of memory that one byte of input may cost, over `FREE_BYTES`. */
  readonly bytesPerByteMax?: number
  /** Memory that is reserved whatever comes. */
  readonly reservedBytes?: number
}

/** Texts as bytes, one unit per byte, as sockets hand them out. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}
