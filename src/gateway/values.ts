/**
 * Values and keys as documents carry them: text, base64, or bytes where the document type has them. Shared by POST and batches.
 */
import type { Key } from '../../shard-map/index.ts'
import { bytesToLatin1, LIMITS, utf8Encode } from '../base/index.ts'
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

/** The field `key` under the field `keyEncoding`. */
export function keyField(fields: Fields): Key {
  const key = fields.get('key')
  const encoding = fields.get('keyEncoding')
  if (encoding !== undefined && encoding !== 'utf8' && encoding !== 'base64')
    throw fields.refuse('keyEncoding', 'utf8 or base64')
  let bytes: Uint8Array
  if (key instanceof Uint8Array && encoding === undefined) bytes = key
  else if (typeof key === 'string') bytes = textBytes(fields, 'key', key, encoding)
  else throw fields.refuse('key', 'a string')
  if (bytes.length === 0) throw fields.refuse('key', '1 to 4096 bytes')
  if (bytes.length > LIMITS.keyBytesMax) {
    throw refusal('KEY_TOO_LARGE', `a key has ${bytes.length} bytes; at most ${LIMITS.keyBytesMax} are allowed`)
  }
  return bytesToLatin1(bytes)
}

/** The same where it may be absent. */
export function optionalKeyField(fields: Fields): Key | undefined {
  return fields.get('key') === undefined ? undefined : keyField(fields)
}

export function valueTooLarge(bytesMax: number): Error {
  return refusal('VALUE_TOO_LARGE', `a value has at most ${bytesMax} bytes`)
}
