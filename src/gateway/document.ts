/**
 * Structured request bodies: JSON, or MessagePack where the content type says so. Refuses what would cost more memory than its bytes
 * promise before building anything from it, and gives fields out one by one, so that what a caller did not ask for is never trusted.
 */
import { decode, encode } from '@msgpack/msgpack'
import { utf8Decode } from '../base/index.ts'
import { checkJsonShape, checkMsgpackShape } from './document-shape.ts'
import { invalidArgument } from './failures.ts'
import { preferredType } from './request-headers.ts'

const JSON_TYPE = 'application/json'
export const MSGPACK_TYPE = 'application/vnd.msgpack'

export type DocumentType = 'json' | 'msgpack'

export function documentTypeOf(contentType: string | undefined): DocumentType {
  return contentType?.split(';', 1)[0]?.trim().toLowerCase() === MSGPACK_TYPE ? 'msgpack' : 'json'
}

/** The type of the answer: the request's, unless Accept prefers the other. */
export function answerTypeOf(accept: string | undefined, requestType: DocumentType): DocumentType {
  const preferred = preferredType(
    accept,
    requestType === 'json' ? [JSON_TYPE, MSGPACK_TYPE] : [MSGPACK_TYPE, JSON_TYPE],
  )
  return preferred === MSGPACK_TYPE ? 'msgpack' : 'json'
}

/** Throws INVALID_ARGUMENT when the bytes are not one document of the type. */
export function decodeDocument(body: Uint8Array, type: DocumentType): unknown {
  if (body.length === 0) throw invalidArgument(`the request has no body; a ${type} document is expected`)
  return type === 'json' ? decodeJson(body) : decodeMsgpack(body)
}

export function encodeMsgpack(value: unknown): Uint8Array {
  return encode(value, { ignoreUndefined: true })
}

function decodeJson(body: Uint8Array): unknown {
  const text = utf8Decode(body)
  if (text === undefined) throw invalidArgument('the body is not valid UTF-8')
  checkJsonShape(text)
  try {
    return JSON.parse(text)
  } catch {
    // Malformed input is the only reason why parsing a string fails.
    throw invalidArgument('the body is not valid JSON')
  }
}

function decodeMsgpack(body: Uint8Array): unknown {
  checkMsgpackShape(body)
  try {
    return decode(body)
  } catch {
    // The shape was sound, so what is left is malformed UTF-8, a forbidden map key or an unknown extension.
    throw invalidArgument('the body is not valid MessagePack')
  }
}

/** A map from a request, whose fields are known by name. Throws INVALID_ARGUMENT for names nobody knows: a misspelt condition must not vanish. */
export class Fields {
  readonly #value: Readonly<Record<string, unknown>>
  readonly #where: string

  /** `where` begins the sentence of a refusal, for example `ops[3]`. */
  constructor(value: unknown, where: string, known: readonly string[]) {
    if (
      typeof value !== 'object' ||
      value === null ||
      Array.isArray(value) ||
      ArrayBuffer.isView(value) ||
      value instanceof Date
    ) {
      throw invalidArgument(`${where} is not an object`)
    }
    this.#value = value as Readonly<Record<string, unknown>>
    this.#where = where
    this.allowOnly(known, where)
  }

  /** Throws INVALID_ARGUMENT when there are other fields than `known`. */
  allowOnly(known: readonly string[], what: string): void {
    for (const name of Object.keys(this.#value)) {
      if (known.includes(name)) continue
      throw invalidArgument(
        `${this.#where} has a field that ${what} does not know`,
        `Known fields: ${known.join(', ')}.`,
      )
    }
  }

  get(name: string): unknown {
    return Object.hasOwn(this.#value, name) ? this.#value[name] : undefined
  }

  refuse(name: string, expected: string): Error {
    return invalidArgument(`${this.#where}: ${name} is ${expected}`)
  }

  text(name: string): string {
    const value = this.get(name)
    if (typeof value !== 'string') throw this.refuse(name, 'a string')
    return value
  }

  boolean(name: string): boolean {
    const value = this.get(name)
    if (value === undefined) return false
    if (typeof value !== 'boolean') throw this.refuse(name, 'true or false')
    return value
  }
}
