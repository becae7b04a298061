/**
 * Values made comparable: byte strings as hexadecimal text, objects with their usual prototype, nothing else changed.
 */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}

export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value)
  if (value instanceof Map) return [...value]
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]))
}
