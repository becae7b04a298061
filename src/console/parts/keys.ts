/**
 * Keys and values as people see them: bytes to readable text and back, in the spellings of the gateway. Nothing keyText is ever invisible: what
 * would hide or reorder text is shown as an escape.
 */

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const ENCODER = new TextEncoder()

/** Controls, and characters that hide, join or turn around what stands beside them; blanks that are not the usual one. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu

/** The bytes that percent-encoded text spells. Undefined when an escape is malformed. */
export function percentBytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes: number[] = []
  const plain = ENCODER.encode(text)
  for (let i = 0; i < plain.length; i++) {
    const byte = plain[i] as number
    if (byte !== 0x25) {
      bytes.push(byte)
      continue
    }
    const digits = String.fromCharCode(plain[i + 1] ?? 0, plain[i + 2] ?? 0)
    if (!/^[0-9A-Fa-f]{2}$/.test(digits)) return undefined
    bytes.push(Number.parseInt(digits, 16))
    i += 2
  }
  return Uint8Array.from(bytes)
}

export function percentText(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    const character = String.fromCharCode(byte)
    text += /[A-Za-z0-9._~-]/.test(character) ? character : `%${hexByte(byte).toUpperCase()}`
  }
  return text
}

/** UTF-8 text where the bytes are some; undefined where they are not. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes)
  } catch {
    // Not UTF-8; the caller shows bytes.
    return undefined
  }
}

export function utf8Bytes(text: string): Uint8Array<ArrayBuffer> {
  return ENCODER.encode(text)
}

/** One line that shows every character; bytes that are no text as `\xff`. */
export function keyText(bytes: Uint8Array): string {
  const text = utf8Text(bytes)
  if (text !== undefined) return visible(text)
  return [...bytes]
    .map((byte) => (byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${hexByte(byte)}`))
    .join('')
}

export function visible(text: string): string {
  return text.replace(INVISIBLE, (character) => {
    const code = character.codePointAt(0) ?? 0
    return code < 0x100 ? `\\x${hexByte(code)}` : `\\u{${code.toString(16)}}`
  })
}

/** A key bound of the shard map, for people: the ends have words. */
export function boundText(bound: string | null | undefined, end: 'lowest' | 'highest'): string {
  if (bound === null || bound === undefined || bound === '') return end
  const bytes = percentBytes(bound)
  return bytes === undefined ? bound : keyText(bytes)
}

/** The bytes of a key or value of a document. */
export function documentBytes(text: string, encoding: string | undefined): Uint8Array<ArrayBuffer> {
  return encoding === 'base64' ? base64Bytes(text) : utf8Bytes(text)
}

export function base64Bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}

export function base64Text(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}

/** The path of a key that no proxy and no browser will touch. */
export function keyPath(key: Uint8Array): string {
  return `kv64/${base64Text(key).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')}`
}

/** As documents spell a key. */
export function keyFields(key: Uint8Array, name = 'key'): Record<string, string> {
  const text = utf8Text(key)
  return text === undefined ? { [name]: base64Text(key), [`${name}Encoding`]: 'base64' } : { [name]: text }
}

const HEX_COLUMNS = 16

/** Offset, bytes, characters: as `hexdump -C` shows them. */
export function hexDump(bytes: Uint8Array, bytesMax: number): string {
  const lines: string[] = []
  for (let offset = 0; offset < Math.min(bytes.length, bytesMax); offset += HEX_COLUMNS) {
    const row = [...bytes.subarray(offset, Math.min(offset + HEX_COLUMNS, bytesMax))]
    const hex = row
      .map(hexByte)
      .join(' ')
      .padEnd(HEX_COLUMNS * 3 - 1)
    const characters = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    lines.push(`${offset.toString(16).padStart(6, '0')}  ${hex}  ${characters}`)
  }
  return lines.join('\n')
}

/** The bytes that hex digits spell, blanks between them or not; undefined when they spell none. */
export function hexBytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  const digits = text.replaceAll(/\s+/g, '')
  if (!/^([0-9a-f]{2})*$/i.test(digits)) return undefined
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

export function hexText(bytes: Uint8Array): string {
  return [...bytes].map(hexByte).join(' ')
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}

/** Byte by byte; a key that begins another stands before it. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}
