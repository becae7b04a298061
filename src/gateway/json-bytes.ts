/**
 * Bytes in JSON: UTF-8 text where they are that, base64 where they are not, and the name of the encoding beside them.
 */
import { isUtf8 } from 'node:buffer'
import type { Key } from '../../shard-map/index.ts'
import { latin1ToBytes } from '../base/index.ts'
import type { Item } from '../protocol/index.ts'

export interface JsonValue {
  readonly value: string
  readonly encoding: 'utf8' | 'base64'
}

/** `keyEncoding` is absent for text, so that ordinary keys read as they are. */
export interface JsonKey {
  readonly key: string
  readonly keyEncoding?: 'base64'
}

export interface JsonItem extends JsonKey, Partial<JsonValue> {
  readonly revision: number
}

export function jsonKey(key: Key): JsonKey {
  // Every byte below 0x80 is the same character in latin-1 and UTF-8.
  if (isAscii(key)) return { key }
  const bytes = asBuffer(latin1ToBytes(key))
  return isUtf8(bytes) ? { key: bytes.toString('utf8') } : { key: bytes.toString('base64'), keyEncoding: 'base64' }
}

export function jsonValue(value: Uint8Array): JsonValue {
  const bytes = asBuffer(value)
  return isUtf8(bytes)
    ? { value: bytes.toString('utf8'), encoding: 'utf8' }
    : { value: bytes.toString('base64'), encoding: 'base64' }
}

export function jsonItem(item: Item, keysOnly: boolean): JsonItem {
  return { ...jsonKey(item.key), ...(keysOnly ? {} : jsonValue(item.value)), revision: item.revision }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
