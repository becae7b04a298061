/**
 * Takes plain lists apart, field by field, without believing anything. The first field that is not what was asked for sets `failed`;
 * from then on every answer is empty, so a reader checks once, at its end. For what is seldom sent; hot messages use ByteReader.
 */
import { isUnreadable, type Unreadable } from '../../shard-map/index.ts'

export class FieldReader {
  readonly #fields: readonly unknown[]
  #next = 0
  #failed = false
  #foreign = false

  /** `plain` should be a list; fields beyond those that are read are from a newer version, and ignored. */
  constructor(plain: unknown) {
    this.#fields = Array.isArray(plain) ? plain : []
    if (!Array.isArray(plain)) this.#failed = true
  }

  get failed(): boolean {
    return this.#failed
  }

  /** Whether it failed because of a choice that only a newer release knows. */
  get foreign(): boolean {
    return this.#foreign
  }

  fail(): void {
    this.#failed = true
  }

  /** The next field as it is; undefined beyond the last. */
  any(): unknown {
    return this.#fields[this.#next++]
  }

  /** A whole number, not negative. */
  count(): number {
    const value = this.any()
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
    this.#failed = true
    return 0
  }

  /** A finite number, not negative. */
  measure(): number {
    const value = this.any()
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
    this.#failed = true
    return 0
  }

  flag(): boolean {
    const value = this.any()
    if (typeof value === 'boolean') return value
    this.#failed = true
    return false
  }

  text(): string {
    const value = this.any()
    if (typeof value === 'string') return value
    this.#failed = true
    return ''
  }

  /** A field that may be null; null and undefined are both "not there". */
  optional<T>(read: () => T): T | undefined {
    const value = this.#fields[this.#next]
    if (value !== null && value !== undefined) return read()
    this.#next++
    return undefined
  }

  /** One of a closed list, sent as its place. */
  choice<const T extends readonly [unknown, ...unknown[]]>(choices: T): T[number] {
    const place = this.count()
    if (place >= choices.length) {
      this.#foreign ||= !this.#failed
      this.#failed = true
    }
    return choices[place] ?? choices[0]
  }

  /** A list, each item read by `read`, whose failures count as this reader's. */
  list<T>(read: (item: FieldReader) => T): T[] {
    const value = this.any()
    const items: T[] = []
    if (!Array.isArray(value)) {
      this.#failed = true
      return items
    }
    for (const plain of value) items.push(this.#within(new FieldReader(plain), read))
    return items
  }

  /** A nested list, read by `read`. */
  nested<T>(read: (fields: FieldReader) => T): T {
    return this.#within(new FieldReader(this.any()), read)
  }

  /** A flat list of scalars, one call of `read` for each `width` of them. */
  flat<T>(width: number, read: (fields: FieldReader) => T): T[] {
    const value = this.any()
    const items: T[] = []
    if (!Array.isArray(value) || value.length % width !== 0) {
      this.#failed = true
      return items
    }
    const fields = new FieldReader(value)
    for (let i = 0; i < value.length; i += width) items.push(read(fields))
    this.#take(fields)
    return items
  }

  /** A value that the shard map reads; undefined after a failure. */
  model<T extends object>(read: (plain: unknown) => T | Unreadable): T | undefined {
    const value = read(this.any())
    if (!isUnreadable(value)) return value
    this.#failed = true
    return undefined
  }

  #within<T>(fields: FieldReader, read: (fields: FieldReader) => T): T {
    const value = read(fields)
    this.#take(fields)
    return value
  }

  #take(fields: FieldReader): void {
    if (!fields.failed) return
    this.#foreign ||= fields.foreign && !this.#failed
    this.#failed = true
  }
}
