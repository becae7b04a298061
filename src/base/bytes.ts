/**
 * Byte strings: order, equality, text. Keys are compared as unsigned bytes, everywhere in the program.
 */
const encoder = new TextEncoder()
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const EMPTY_BYTES: Uint8Array = new Uint8Array(0)

/** Lexicographic order of unsigned bytes; a prefix sorts before what extends it. Negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

export function utf8Encode(text: string): Uint8Array {
  return encoder.encode(text)
}

/** The text of valid UTF-8, or undefined when the bytes are not valid UTF-8. */
export function utf8Decode(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes)
  } catch {
    // The only error of a fatal decoder is malformed input, and that is the answer.
    return undefined
  }
}

/** The smallest byte string greater than every string that starts with `prefix`; undefined means "no upper bound". */
export function prefixEnd(prefix: Uint8Array): Uint8Array | undefined {
  for (let i = prefix.length - 1; i >= 0; i--) {
    const byte = prefix[i] as number
    if (byte < 0xff) {
      const end = prefix.slice(0, i + 1)
      end[i] = byte + 1
      return end
    }
  }
  return undefined
}

/** The bytes as a string of code units 0 to 255: a cheap Map key with the same order as the bytes. */
export function bytesToLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

export function latin1ToBytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}
