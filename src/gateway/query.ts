/**
 * Query parameters: percent-encoded bytes, '+' a plus, each name at most once. Typed readers refuse what they do not understand. Names that a
 * route does not know are refused before (`query-names.ts`).
 */

import type { Key } from '../../shard-map/index.ts'
import { LIMITS, latin1ToBytes, utf8Decode } from '../base/index.ts'
import type { Consistency } from '../protocol/index.ts'
import { invalidArgument, refusal } from './failures.ts'
import { percentDecode } from './percent.ts'

/** A bound may be the successor of the longest key: the key and one zero byte. */
const BOUND_BYTES_MAX = LIMITS.keyBytesMax + 1

const NO_PARAMETERS: ReadonlyMap<string, Key> = new Map()

export class Query {
  readonly #parameters: ReadonlyMap<string, Key>

  /** Throws INVALID_ARGUMENT when an escape is malformed or a name appears twice. */
  constructor(text: string) {
    this.#parameters = text === '' ? NO_PARAMETERS : parse(text)
  }

  has(name: string): boolean {
    return this.#parameters.has(name)
  }

  get names(): Iterable<string> {
    return this.#parameters.keys()
  }

  /** The raw bytes of a parameter. */
  bytes(name: string): Key | undefined {
    return this.#parameters.get(name)
  }

  /** A key or key bound; throws KEY_TOO_LARGE beyond what a bound can be. */
  bound(name: string): Key | undefined {
    const value = this.#parameters.get(name)
    if (value !== undefined && value.length > BOUND_BYTES_MAX) {
      throw refusal('KEY_TOO_LARGE', `${name} has ${value.length} bytes; keys have at most ${LIMITS.keyBytesMax}`)
    }
    return value
  }

  text(name: string): string | undefined {
    const value = this.#parameters.get(name)
    if (value === undefined) return undefined
    const text = utf8Decode(latin1ToBytes(value))
    if (text === undefined) throw invalidArgument(`${name} is not valid UTF-8`)
    return text
  }

  boolean(name: string): boolean {
    const value = this.#parameters.get(name)
    if (value === undefined || value === 'false') return false
    if (value === 'true') return true
    throw invalidArgument(`${name} is true or false`)
  }

  /** A whole number in [1, max]. */
  count(name: string, max: number): number | undefined {
    const value = this.#parameters.get(name)
    if (value === undefined) return undefined
    const count = /^[0-9]{1,9}$/.test(value) ? Number(value) : 0
    if (count < 1 || count > max) throw invalidArgument(`${name} is a whole number from 1 to ${max}`)
    return count
  }

  /** Milliseconds of a duration such as `30s`, `500ms` or `2m`. */
  durationMs(name: string, msMax: number): number | undefined {
    const value = this.#parameters.get(name)
    if (value === undefined) return undefined
    const match = /^([0-9]{1,9})(ms|s|m|h)$/.exec(value)
    const milliseconds = match === null ? Number.NaN : Number(match[1]) * millisecondsPer(match[2] ?? '')
    if (!(milliseconds >= 0 && milliseconds <= msMax)) {
      throw invalidArgument(`${name} is a duration such as 30s, at most ${msMax / 1000}s`)
    }
    return milliseconds
  }

  /** A moment in the past as milliseconds since 1970: ISO 8601 with a time zone, or how long ago. */
  moment(name: string, nowMs: number, agoMsMax: number): number | undefined {
    const value = this.#parameters.get(name)
    if (value === undefined) return undefined
    if (/^[0-9]+(?:ms|s|m|h)$/.test(value)) return nowMs - (this.durationMs(name, agoMsMax) ?? 0)
    const isComplete = /^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]{5,16}(?:Z|[+-][0-9]{2}:[0-9]{2}))?$/.test(value)
    const moment = isComplete ? Date.parse(value) : Number.NaN
    if (Number.isNaN(moment)) {
      throw invalidArgument(`${name} is ISO 8601 such as 2026-01-31T12:00:00Z, or a duration such as 5m`)
    }
    return moment
  }

  consistency(): Consistency {
    const value = this.#parameters.get('consistency')
    if (value === undefined || value === 'linearizable') return 'linearizable'
    if (value === 'stale') return 'stale'
    throw invalidArgument('consistency is linearizable or stale')
  }
}

export const EMPTY_QUERY = new Query('')

function millisecondsPer(unit: string): number {
  return unit === 'ms' ? 1 : unit === 's' ? 1000 : unit === 'm' ? 60_000 : 3_600_000
}

function parse(text: string): Map<string, Key> {
  const parameters = new Map<string, Key>()
  for (const part of text.split('&')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = percentDecode(equals < 0 ? part : part.slice(0, equals))
    const value = percentDecode(equals < 0 ? '' : part.slice(equals + 1))
    if (name === undefined || value === undefined) throw invalidArgument('the query has a malformed percent escape')
    if (parameters.has(name)) throw invalidArgument('a query parameter is given more than once')
    parameters.set(name, value)
  }
  return parameters
}
