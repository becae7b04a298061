/**
 * Keys and values between the command line, URLs and terminals. A key on the command line is text, or base64 where it is asked for; in requests it
 * travels in a form that nothing on the way can normalise.
 */
import { utf8Decode } from '../../src/base/index.ts'
import { UsageError } from './cli-error.ts'

/** The bytes that an argument means. `what` is only shown. */
export function argumentBytes(what: string, text: string, isBase64: boolean): Uint8Array {
  if (!isBase64) return Buffer.from(text, 'utf8')
  const bytes = base64Bytes(text)
  if (bytes === undefined) throw new UsageError(`${what} ${JSON.stringify(text)} is not base64`)
  return bytes
}

/** Of base64 or base64url, with or without padding; undefined when it is neither. */
function base64Bytes(text: string): Uint8Array | undefined {
  const plain = text.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '')
  const bytes = Buffer.from(plain, 'base64')
  // Node skips what it does not understand; a round trip shows whether it skipped anything.
  return bytes.toString('base64').replace(/=+$/, '') === plain ? bytes : undefined
}

export function keyArgument(text: string, isBase64: boolean): Uint8Array {
  const key = argumentBytes('the key', text, isBase64)
  if (key.length === 0) throw new UsageError('a key has at least one byte')
  return key
}

/** The path of a key, without any character that a client or proxy might touch. */
export function keyPath(key: Uint8Array): string {
  return `/kv64/${Buffer.from(key).toString('base64url')}`
}

/** Bytes for a query parameter. */
export function percentEncode(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    const character = String.fromCharCode(byte)
    text += /[A-Za-z0-9._~-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text
}

/** A key as JSON carries it: text, or base64 and a word that says so. */
export interface JsonKey {
  readonly key: string
  readonly keyEncoding?: 'base64'
}

export function jsonKey(key: Uint8Array): JsonKey {
  const text = utf8Decode(key)
  return text === undefined ? { key: Buffer.from(key).toString('base64'), keyEncoding: 'base64' } : { key: text }
}
