/**
 * Values and keys as documents carry them: text, base64, or bytes where the document type has them. Shared by POST and batches.
 */
import { utf8Encode } from '../base/index.ts'
import type { Fields } from './document.ts'
import { refusal } from './failures.ts'
import { base64Decode } from './percent.ts'

/** The bytes of the field `value` under the field `encoding`. */
export function valueBytes(fields: Fields): Uint8Array {
  const value = fields.get('value')
  const encoding = fields.get('encoding')
  if (encoding !== undefined && encoding !== 'utf8' && encoding !== 'base64') {
    throw fields.refuse('encoding', 'utf8 or base64')
  }
  if (value instanceof Uint8Array && encoding === undefined) return value
  if (typeof value !== 'string') throw fields.refuse('value', 'a string')
  return textBytes(fields, 'value', value, encoding)
}

/** Text as UTF-8 or base64. A lone surrogate has no UTF-8; replacing it would store something else than was sent. */
export function textBytes(
  fields: Fields,
  name: string,
  text: string,
  encoding: 'utf8' | 'base64' | undefined,
): Uint8Array {
  if (encoding === 'base64') {
    const bytes = base64Decode(text)
    if (bytes === undefined) throw fields.refuse(name, 'valid base64')
    return bytes
  }
  if (/\p{Surrogate}/u.test(text)) throw fields.refuse(name, 'valid Unicode')
  return utf8Encode(text)
}

export function valueTooLarge(bytesMax: number): Error {
  return refusal('VALUE_TOO_LARGE', `a value has at most ${bytesMax} bytes`)
}
