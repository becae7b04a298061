/**
 * Keys as this folder holds them: latin-1 text, one code unit per byte. Conversions to and from bytes, text and the percent-encoded
 * form in which people read and type bounds. Used by everybody who shows a key or takes one from outside.
 */
import type { Key } from './types.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** More arguments than this in one call may overflow the stack. */
const CHUNK_BYTES = 8192

export function keyFromBytes(bytes: Uint8Array): Key {
  if (bytes.length <= CHUNK_BYTES) return String.fromCharCode.apply(null, bytes as unknown as number[])
  let key = ''
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) key += keyFromBytes(bytes.subarray(at, at + CHUNK_BYTES))
  return key
}

export function keyToBytes(key: Key): Uint8Array {
  const bytes = new Uint8Array(key.length)
  for (let i = 0; i < key.length; i++) bytes[i] = key.charCodeAt(i)
  return bytes
}

/** The key whose bytes are the UTF-8 form of `text`. */
export function keyFromText(text: string): Key {
  return isAscii(text) ? text : keyFromBytes(encoder.encode(text))
}

/** The text of a key that is valid UTF-8, otherwise undefined. */
export function keyToText(key: Key): string | undefined {
  if (isAscii(key)) return key
  try {
    return decoder.decode(keyToBytes(key))
  } catch {
    // The only error of a fatal decoder is malformed input, and that is the answer.
    return undefined
  }
}

/** The smallest key greater than `key`. */
export function keySuccessor(key: Key): Key {
  return `${key}\0`
}

/** The smallest key greater than every key that begins with `prefix`; undefined where there is none. */
export function keyPrefixEnd(prefix: Key): Key | undefined {
  for (let i = prefix.length - 1; i >= 0; i--) {
    const code = prefix.charCodeAt(i)
    if (code < 0xff) return prefix.slice(0, i) + String.fromCharCode(code + 1)
  }
  return undefined
}

/**
 * Percent-encoded, so that it reads the same in a path, in a query and on a terminal. Letters, digits and `-._~/:` stay as they are;
 * everything else, a plus included, becomes %XX in capitals.
 */
export function keyToPathText(key: Key): string {
  let text = ''
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i)
    text += isPlain(code) ? key[i] : `%${(code < 16 ? '0' : '') + code.toString(16).toUpperCase()}`
  }
  return text
}

/**
 * The inverse, and generous: whatever is not a percent sequence stands for its own UTF-8 bytes, a plus for a plus. Undefined when a
 * percent sign is not followed by two hexadecimal digits.
 */
export function keyFromPathText(text: string): Key | undefined {
  let key = ''
  let plainFrom = 0
  for (let at = text.indexOf('%'); at >= 0; at = text.indexOf('%', at)) {
    const high = hexDigit(text.charCodeAt(at + 1))
    const low = hexDigit(text.charCodeAt(at + 2))
    if (high < 0 || low < 0) return undefined
    key += keyFromText(text.slice(plainFrom, at)) + String.fromCharCode(high * 16 + low)
    at += 3
    plainFrom = at
  }
  return key + keyFromText(text.slice(plainFrom))
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}

function isPlain(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x2d && code <= 0x3a) ||
    code === 0x5f ||
    code === 0x7e
  )
}

/** The digit's value, or -1. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
