/**
 * Keys as chaos writes them down: text of one unit per byte. Here they become what HTTP paths, JSON documents and the native client want, and
 * are matched with the shards they lie in.
 */
import type { ShardView } from '../cluster/process-cluster.ts'

export function keyOfBound(percentEncoded: string): string {
  return percentEncoded.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** For paths and queries. */
export function encodeKey(key: string): string {
  return key.replace(/[^A-Za-z0-9_~-]/g, (unit) => `%${unit.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}

export function keyBytes(key: string): Uint8Array {
  return Buffer.from(key, 'latin1')
}

/** A key or value of a JSON document. */
export function textOfJson(text: string, encoding: string | undefined): string {
  return Buffer.from(text, encoding === 'base64' ? 'base64' : 'utf8').toString('latin1')
}

/** Where the shards begin, in order; a shard goes by its position. */
export class ShardBounds {
  readonly starts: readonly string[]
  readonly ids: readonly number[]

  constructor(shards: readonly ShardView[]) {
    const ordered = shards
      .map(({ id, start = '' }) => ({ id, start: keyOfBound(start) }))
      .sort((left, right) => (left.start < right.start ? -1 : 1))
    this.starts = ordered.map(({ start }) => start)
    this.ids = ordered.map(({ id }) => id)
  }

  /** The id of the shard that holds a key. */
  shardOf(key: string): number {
    let position = 0
    while (position + 1 < this.starts.length && (this.starts[position + 1] ?? '') <= key) position++
    return this.ids[position] ?? 0
  }
}
