/**
 * Bytes in URLs: percent-encoding and base64url, to and from keys. Decoding is strict, because a guess here would read or write
 * another key than the one that was meant. '+' is a plus. Knows nothing of requests; called by the target, query and key renderers.
 */
import type { Key } from '../../shard-map/index.ts'

const PERCENT = 0x25

/** The value of an ASCII hex digit, or -1. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/**
 * The bytes that `text` spells, as a key; undefined when an escape is malformed. `text` is what the HTTP parser hands out: one code unit
 * per received byte, so bytes that should have been escaped and were not stand for themselves.
 */
export function percentDecode(text: string): Key | undefined {
  let percent = text.indexOf('%')
  if (percent < 0) return text
  let decoded = ''
  let copiedTo = 0
  while (percent >= 0) {
    const high = hexDigit(text.charCodeAt(percent + 1))
    const low = hexDigit(text.charCodeAt(percent + 2))
    if (high < 0 || low < 0) return undefined
    decoded += text.slice(copiedTo, percent) + String.fromCharCode(high * 16 + low)
    copiedTo = percent + 3
    percent = text.charCodeAt(copiedTo) === PERCENT ? copiedTo : text.indexOf('%', copiedTo)
  }
  return decoded + text.slice(copiedTo)
}

/** Escapes everything but the unreserved characters of RFC 3986, so that the text survives in a path, a query and a JSON string alike. */
export function percentEncode(key: Key): string {
  return key.replace(/[^A-Za-z0-9._~-]/g, escapeByte)
}

function escapeByte(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

/**
 * The bytes that base64url `text` spells, as a key; undefined when it is malformed. Padding may be there or not; bits that belong to no
 * byte must be zero, so that one key has one spelling.
 */
export function base64UrlDecode(text: string): Key | undefined {
  if (!/^[A-Za-z0-9_-]*={0,2}$/.test(text)) return undefined
  const unpadded = text.replace(/=+$/, '')
  if (unpadded.length !== text.length && text.length % 4 !== 0) return undefined
  const bytes = Buffer.from(unpadded, 'base64url')
  return bytes.toString('base64url') === unpadded ? bytes.toString('latin1') : undefined
}

/** The bytes of standard base64 with padding, undefined when malformed. */
export function base64Decode(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  // Node skips what it does not understand; a round trip shows whether it skipped anything.
  return bytes.toString('base64') === text ? bytes : undefined
}
